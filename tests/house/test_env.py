"""The environment is read strictly."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.mark.parametrize(("written", "means"), [("1", True), ("Yes", True), ("off", False), ("", True)])
def test_flag(monkeypatch: pytest.MonkeyPatch, written: str, means: bool) -> None:
    monkeypatch.setenv("SWITCH", written)
    assert env.flag("SWITCH", default=True) is means


@pytest.mark.parametrize("written", ["maybe", "2", "tru"])
def test_flag_refuses_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("SWITCH", written)
    with pytest.raises(ImproperlyConfigured, match="SWITCH"):
        env.flag("SWITCH", default=True)


def test_number_and_choice_refuse_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIZE", "-3")
    with pytest.raises(ImproperlyConfigured, match="SIZE"):
        env.number("SIZE", 3)
    with pytest.raises(ImproperlyConfigured, match="choose one of 3, 4"):
        env.choice("SIZE", "3", {"3", "4"})


def test_names_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTS", " a.example , b.example,")
    assert env.names("HOSTS", []) == ["a.example", "b.example"]


def test_secret_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hidden\n")
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "key"))
    assert env.secret("KEY") == "hidden"
    monkeypatch.setenv("KEY", "open")
    with pytest.raises(ImproperlyConfigured, match="not both"):
        env.secret("KEY")


def test_a_missing_secret_file_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="KEY_FILE"):
        env.secret("KEY")


def test_kept_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    first = env.kept_secret(path)
    assert len(first) > 50
    assert env.kept_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
