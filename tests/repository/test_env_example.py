"""`.env.example`: every setting once, with a comment, and its true default."""

from __future__ import annotations

import re

from bot.settings import Settings, UploadSettings
from tests.repository.shell import ROOT

LINES = (ROOT / ".env.example").read_text().splitlines()
NEEDED = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "APPLIVERY_TOKEN": "token",
    "APPLIVERY_ORGANIZATION": "acme",
}


def entries() -> list[tuple[int, str, str, str]]:
    """Line number, mark (# when off), name, value."""
    found = ((number, re.fullmatch(r"(#?)([A-Z][A-Z_]+)=(.*)", line)) for number, line in enumerate(LINES))
    return [(number, *match.groups()) for number, match in found if match]  # type: ignore[misc]


def for_compose_only() -> set[str]:
    return {"COMPOSE_PROFILES", *re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text())}


def test_every_setting_is_there_once_and_nothing_else() -> None:
    names = [name for _, _, name, _ in entries() if name not in for_compose_only()]
    assert sorted(names) == sorted(name.upper() for name in {*Settings.model_fields, *UploadSettings.model_fields})


def test_env_example_every_setting_has_one_explaining_line() -> None:
    for number, _, name, _ in entries():
        assert LINES[number - 1].startswith("# "), name
        assert not LINES[number - 2].startswith("# ") or LINES[number - 2].startswith("# ---"), name


def test_only_what_must_be_filled_in_is_on() -> None:
    assert {name for _, mark, name, _ in entries() if not mark} == NEEDED.keys()
    assert all(not value for _, mark, _, value in entries() if not mark)


def test_env_example_shows_defaults() -> None:
    shown = {name.lower(): value for _, mark, name, value in entries() if mark and value}
    plain = Settings(_env_file=None, **{name.lower(): value for name, value in NEEDED.items()})
    filled = Settings(_env_file=None, **{name.lower(): value for name, value in NEEDED.items()}, **shown)
    assert filled == plain
    for name, field in Settings.model_fields.items():
        if field.default and not field.is_required():
            assert shown.get(name), f"{name.upper()} has a default that .env.example does not show"


def test_env_example_holds_no_secret() -> None:
    text = "\n".join(LINES)
    assert not re.search(r"=(xoxb|xapp|eyJ)", text)
