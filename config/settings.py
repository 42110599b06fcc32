"""Settings: one file, fed by the environment alone. `config.env` refuses what it does not understand.

With no DATABASE_URL this is a *local* installation: the embedded PostgreSQL, a secret key made on first use,
plain HTTP on this machine. With a DATABASE_URL it is a deployment, and everything is strict unless said otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from psycopg.conninfo import conninfo_to_dict

from config import embedded, env, stores

django_stubs_ext.monkeypatch()  # so that `ModelForm[Project]` and the like also run

BASE_DIR = Path(__file__).resolve().parent.parent
DATA = Path(env.text("PRECEPTOR_DATA", str(BASE_DIR / ".data"))).resolve()

# Who is running: `web` answers people and gives up soon; `job` (worker, manage.py) may take its time.
ROLE = env.choice("PRECEPTOR_ROLE", "web", {"web", "job"})
DATABASE_URL = env.secret("DATABASE_URL")
LOCAL = env.flag("PRECEPTOR_LOCAL", not DATABASE_URL)
DEBUG = env.flag("DEBUG", False)
HTTPS = env.flag("PRECEPTOR_HTTPS", not (DEBUG or LOCAL))

MEDIA_ROOT = DATA / "media"
STATIC_ROOT = DATA / "static"
FILE_UPLOAD_TEMP_DIR = DATA / "uploads"
embedded.open_folder(DATA)
for folder in (MEDIA_ROOT, STATIC_ROOT, FILE_UPLOAD_TEMP_DIR):
    folder.mkdir(mode=0o700, exist_ok=True)


def _secret_key() -> str:
    key = env.secret("SECRET_KEY")
    if not key and (LOCAL or DEBUG):
        return env.kept_secret(DATA / "secret-key")
    if len(key) < 50 and not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY (or SECRET_KEY_FILE) must hold at least 50 random characters: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(64))'"
        )
    return key


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS", [])

ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if LOCAL or DEBUG else [])
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts that this site is reached by.")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS", [])

# --- The parts -------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "annotate",
    "rankings",
]

# A kind of work is its class here, its template and its test; nothing else names it.
KINDS = [
    "annotate.kinds.write.Write",
    "annotate.kinds.edit.Edit",
    "rankings.kinds.rank.Rank",
    "rankings.kinds.compare.Compare",
    "rankings.kinds.rate.Rate",
    "rankings.kinds.thumbs.Thumbs",
    "rankings.kinds.criteria.Criteria",
    "rankings.kinds.steps.Steps",
]

# Modules that list presets: queues set up after published recipes.
PRESETS = ["annotate.presets.demonstrations", "rankings.presets"]

# Modules that give export formats.
FORMATS = [
    "annotate.exporting.sft",
    "annotate.exporting.rendered",
    "annotate.exporting.prompts",
    "annotate.exporting.edits",
    "annotate.exporting.raw",
    "rankings.formats",
]

# Modules that give ways to make one answer of several.
CONSENSUS = ["annotate.consensus.plain", "annotate.consensus.reliability", "rankings.consensus"]

# What is computed of labels, by name: `annotate.quality.reports.Maker` classes.
REPORTS = {
    "quality": "annotate.quality.making.Quality",
    "cost": "annotate.quality.costs.Cost",
    "board": "rankings.boards.making.Board",
    "bias": "rankings.bias.making.Bias",
    "learnability": "rankings.learning.making.Learnability",
}

# Orders of a queue that follow its labels: what gives the ids of the tasks to come next (`annotate.ordering`).
ORDERS = {"next-pair": "rankings.boards.asking.order"}

# Pages of other apps that have a place among the tabs of a queue or a project: `annotate.views.frames.Tab`.
TABS = ["rankings.urls.TABS"]

MIDDLEWARE = [
    "config.middleware.BusyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database --------------------------------------------------------------------------------------------------


def _time_outs() -> str:
    """PostgreSQL's own limits, so that no request can hold a row or an old snapshot for long."""
    limits = {
        "web": {"statement": "10s", "lock": "2s", "idle_in_transaction_session": "30s"},
        "job": {"statement": "5min", "lock": "30s", "idle_in_transaction_session": "60s"},
    }[ROLE]
    chosen = {name: env.text(f"DATABASE_{name.upper()}_TIMEOUT", value) for name, value in limits.items()}
    return " ".join(f"-c {name}_timeout={value}" for name, value in chosen.items())


def _database(url: str) -> dict[str, Any]:
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured("DATABASE_URL must be a postgresql:// address.")
    parts: dict[str, Any] = {name: value for name, value in conninfo_to_dict(url).items() if value is not None}
    pgbouncer = env.flag("DATABASE_PGBOUNCER", False)  # in transaction mode it keeps no session state
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    connection: dict[str, Any] = {key: str(parts.pop(name, "")) for key, name in names.items()}
    if pgbouncer:
        parts["prepare_threshold"] = None
    else:
        # Statements are planned once for each connection, not once for each request: a third of a claim's cost.
        parts |= {"server_side_binding": True, "prepare_threshold": 5}
        parts["options"] = f"{parts.get('options', '')} {_time_outs()}".strip()
    if ROLE == "web":  # a job's process does one thing at a time, and worker processes fork: no pool there
        size = env.number("DATABASE_POOL_SIZE", 8)
        parts["pool"] = {"min_size": min(2, size), "max_size": size, "timeout": 5}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **connection,
        "OPTIONS": parts,
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": pgbouncer,
    }


DATABASES = {"default": _database(DATABASE_URL or embedded.url(DATA))}

# --- Background work: see config/broker.py ---------------------------------------------------------------------

CELERY_BROKER_URL = env.secret("CELERY_BROKER_URL")
CELERY_QUEUE = env.text("CELERY_QUEUE", "preceptor")  # another name for each installation that shares a broker

# --- People ----------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "annotate.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- Security --------------------------------------------------------------------------------------------------

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "connect-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes come from inside, by plain HTTP
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
if env.flag("PRECEPTOR_BEHIND_PROXY", False):  # only where a proxy of ours sets this header on every request
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# A browser takes a __Host- cookie only when it is Secure, without a Domain and for the whole site.
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "preceptor_session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "preceptor_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# --- Files -----------------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = ""  # never served as they are: a view checks who asks
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "releases": stores.releases(),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# Uploads stream to disk, whatever their size; only the other form fields are held in memory.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Words and time --------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("ar", "العربية")]  # each as its readers call it
LOCALE_PATHS = [BASE_DIR / "locale"]  # see config/messages.py
LANGUAGE_COOKIE_NAME = "__Host-language" if HTTPS else "preceptor_language"  # of whoever is not signed in
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- API -------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotate.api.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "annotate.api.problems.handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Preceptor",
    "DESCRIPTION": "People teaching language models: instructions in, training files out.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "QueueState": "annotate.models.Queue.State",
        "TaskState": "annotate.models.Task.State",
        "ImportState": "annotate.models.Job.State",
        "CheckLevel": "annotate.importing.checks.LEVELS",
        "PauseOutcome": "annotate.models.Pause.Outcome",
        "MemberRole": "annotate.models.Role",
        "TaskRole": "annotate.models.Task.Role",
        "ReportState": "annotate.api.serializers.reports.STATES",
    },
}

# --- Logs: to the console, without bodies, parameters or keys ----------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO").upper()},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "pgmq": {"level": "WARNING"},
    },
}
