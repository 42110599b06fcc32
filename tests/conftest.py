"""The ground that every test stands on: a real PostgreSQL, and a real browser for those that ask for one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.http import FileResponse, HttpRequest, HttpResponse
    from playwright.sync_api import Browser, Page, Playwright

ROOT = Path(__file__).resolve().parent.parent
_ground = ExitStack()
#: Filled by migrations, and the same for every test.
STAY = {"django_content_type", "auth_permission", "django_migrations"}

# Before Django reads its settings: a data folder and a broker of the tests' own.
os.environ["PRECEPTOR_DATA"] = str(ROOT / ".data" / "test")
os.environ["CELERY_BROKER_URL"] = "memory://"
os.environ["PRECEPTOR_LOCAL"] = "1"
os.environ["DEBUG"] = "0"
os.environ["DATABASE_LOCK_TIMEOUT"] = "20s"
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    from config import messages
    from tests.house import leftovers, template

    messages.compile_stale()
    if not settings.DATABASE_URL:
        from config import embedded

        _ground.enter_context(embedded.running(settings.DATA, durable=False))
    database = settings.DATABASES["default"]
    # Several runs may share the server: each process has a database that carries its number.
    leftovers.drop_databases(database)
    test = database.setdefault("TEST", {})
    test |= {"NAME": leftovers.test_database_name(os.getpid()), "TEMPLATE": template.ensure(database)}
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    _flush_quickly()
    _drop_surely()
    _keep_static_files()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # only quick


def _keep_static_files() -> None:
    """Let browsers keep styles and scripts, as they do in production: a page has some twenty of them."""
    from django.contrib.staticfiles.handlers import StaticFilesHandlerMixin

    serve = StaticFilesHandlerMixin.serve

    def kept(self: StaticFilesHandlerMixin, request: HttpRequest) -> HttpResponse | FileResponse:
        answer = serve(self, request)
        answer["Cache-Control"] = "max-age=3600"
        return answer

    StaticFilesHandlerMixin.serve = kept  # type: ignore[method-assign]


def _drop_surely() -> None:
    """End what sessions are left when a process drops its database, as of a request that a closed page had sent."""
    from django.db.backends.postgresql import creation

    maker: Any = creation.DatabaseCreation  # the stubs leave out what it keeps to itself
    drop = maker._destroy_test_db

    def dropped(self: Any, name: str, verbosity: int) -> None:
        self.connection.close_pool()
        with self._nodb_cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        drop(self, name, verbosity)

    maker._destroy_test_db = dropped


def _flush_quickly() -> None:
    """Empty the tables after a test by DELETE: TRUNCATE makes new files for every table and index, full or not.

    Types of content and permissions stay, so nothing has to be made again. Emptied anew when PostgreSQL finds a
    deadlock with a request that a closed page had sent off.
    """
    from django.core.management.commands import flush as command
    from django.db import OperationalError, connection
    from django.db.backends.postgresql.operations import DatabaseOperations

    def empty(self: DatabaseOperations, sql_list: list[str]) -> None:
        tables = [one for one in connection.introspection.django_table_names(only_existing=True) if one not in STAY]
        deletes = "; ".join(f'DELETE FROM "{one}"' for one in tables)
        with connection.cursor() as cursor:  # as a replica does: neither foreign keys nor our own triggers object
            cursor.execute(f"SET session_replication_role = replica; {deletes}; RESET session_replication_role")

    def again(self: DatabaseOperations, sql_list: list[str]) -> None:
        for _ in range(5):
            try:
                return empty(self, sql_list)
            except OperationalError:
                time.sleep(0.2)
        return empty(self, sql_list)

    DatabaseOperations.execute_sql_flush = again  # type: ignore[assignment, method-assign]
    command.emit_post_migrate_signal = lambda *args, **kwargs: None  # type: ignore[attr-defined]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors: now and then a test waits for a clock, not for a processor."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: at the end it would run alone, while the other processes have nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_unconfigure(config: pytest.Config) -> None:
    _ground.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once for each process that runs browser tests."""
    from playwright.sync_api import sync_playwright

    from tests.house import chromium

    # Playwright's loop makes Django believe that the test is asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        program = chromium.find() or _own_chromium(playwright)
        if program is None:
            message = "no Chromium: set CHROMIUM, put one on the PATH, or run `make browser`"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        browser = playwright.chromium.launch(executable_path=program, args=[*chromium.ARGUMENTS, chromium.BRIEFLY])
        yield browser
        browser.close()


def _own_chromium(playwright: Playwright) -> str | None:
    program = playwright.chromium.executable_path
    return program if Path(program).exists() else None


@pytest.fixture
def page(browser: Browser, live_server: object) -> Iterator[Page]:
    """A fresh page on the live server (`page.goto("/...")`).

    The test fails when a script threw, when the content security policy stopped something, or when the page asked
    anything of another host.
    """
    origin = str(live_server)
    complaints: list[str] = []
    context = browser.new_context(base_url=origin, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None,
    )
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((origin, "data:", "blob:", "about:"))
            else complaints.append(f"request to another host: {request.url}")
        ),
    )
    yield page
    context.close()
    assert complaints == []
