"""Reading the environment: each helper takes what it understands and fails loudly on the rest."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE | FALSE:
        return value in TRUE
    raise ImproperlyConfigured(f"{name} is {value!r}; write 1 or 0.")


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    if value.isdecimal():
        return int(value)
    raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number.")


def names(name: str, default: list[str]) -> list[str]:
    """A list, separated by commas."""
    return [part.strip() for part in text(name).split(",") if part.strip()] or default


def choice(name: str, default: str, options: set[str]) -> str:
    value = text(name, default)
    if value in options:
        return value
    raise ImproperlyConfigured(f"{name} is {value!r}; choose one of {', '.join(sorted(options))}.")


def secret(name: str) -> str:
    """The value of NAME, or the content of the file that NAME_FILE points to."""
    path = text(f"{name}_FILE")
    if path and text(name):
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    if not path:
        return text(name)
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: {error}") from error


def kept_secret(path: Path) -> str:
    """A random secret, made once and kept in a file that only its owner can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64))
    return path.read_text().strip()
