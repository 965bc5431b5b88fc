"""Settings that another process reads are those that this one would have read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot import settings as bot_settings
from bot.cli import settings_process
from bot.setting_values import InvalidSettings, SettingValues
from bot.settings import Settings

REQUIRED = {"SLACK_BOT_TOKEN": "xoxb-1", "APPLIVERY_TOKEN": "secret-token", "APPLIVERY_ORGANIZATION": "acme"}
FULL = {
    **REQUIRED,
    "SLACK_SIGNING_SECRET": "s1gn",
    "ACCESS_ADMINS": "U1,U2",
    "TICKET_MINUTES": "2.5",
    "PUBLIC_URL": "https://bot.example/ñ",
    "DRAIN_SECONDS": "3",
    "DATABASE_URL": "postgresql://bot:p%40ss@one,two/bot",
    "PGBOUNCER": "transaction",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in, with none of a developer's settings."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path


def plain(settings: Settings) -> dict[str, object]:
    values = {name: getattr(settings, name) for name in (*Settings.model_fields, "drains_for")}
    return {name: getattr(value, "get_secret_value", lambda value=value: value)() for name, value in values.items()}


@pytest.mark.parametrize("given", [FULL, REQUIRED | {"SLACK_APP_TOKEN": "xapp-1"}], ids=["http", "socket"])
def test_settings_are_the_same_from_either_process(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with settings_process.reading() as settings:
        found = settings()
    assert isinstance(found, SettingValues)
    assert plain(found) == plain(bot_settings.read())  # type: ignore[arg-type]


def test_every_fault_of_the_settings_is_raised_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(InvalidSettings) as here:
        bot_settings.read()
    with settings_process.reading() as settings, pytest.raises(InvalidSettings) as there:
        settings()
    assert there.value.lines == here.value.lines != []


def test_secret_does_not_print_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FULL.items():
        monkeypatch.setenv(name, value)
    with settings_process.reading() as settings:
        found = settings()
    assert "secret-token" not in f"{found.applivery_token} {found.applivery_token!r} {found!r}"
    with pytest.raises(AttributeError):
        found.port = 1  # type: ignore[misc]


def test_settings_are_read_where_no_process_may_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError

    for name, value in FULL.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "fork", refuse)
    with settings_process.reading() as settings:
        assert settings().applivery_organization == "acme"


def test_reading_process_ends_with_the_block(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    fork = os.fork

    def counted() -> int:
        begun.append(fork())
        return begun[-1]

    monkeypatch.setattr(os, "fork", counted)
    os.mkfifo(folder / ".env")  # nobody writes it: the settings never come
    with settings_process.reading():
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(begun[0], 0)
