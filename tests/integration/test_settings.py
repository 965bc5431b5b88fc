"""Settings: every fault is one line with its name, what is wrong and an example; never a traceback, never a secret."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url
from typer.main import get_command
from typer.testing import CliRunner

from bot import settings as bot_settings
from bot.applivery.hosts import AppliveryHosts
from bot.cli.program import app
from bot.db.connect import DatabaseUrl
from bot.setting_values import PRIVATE, InvalidSettings, database_address, networks
from bot.settings import EXAMPLES, Settings, SlackAppSettings, UploadSettings

ROOT = Path(__file__).parents[2]
NEEDED = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "APPLIVERY_TOKEN": "service-account-token",
    "APPLIVERY_ORGANIZATION": "acme",
}
DEFAULTS: dict[str, Any] = {
    "SLACK_SIGNING_SECRET": None,
    "SLACK_API_URL": "https://slack.com/api",
    "SLACK_COMMAND": "/applivery",
    "SLACK_SOCKET_CONNECTIONS": 2,
    "APPLIVERY_TENANT": "",
    "APPLIVERY_API_URL": None,
    "APPLIVERY_UPLOAD_URL": None,
    "APPLIVERY_DOWNLOAD_URL": None,
    "APPLIVERY_DASHBOARD_URL": None,
    "APPLIVERY_REQUESTS_PER_HOUR": 8000,
    "APPLIVERY_WEBHOOK_SECRET": None,
    "PGBOUNCER": "session",
    "DATABASE_URL": "sqlite:///bot.db",
    "HOST": "127.0.0.1",
    "PORT": 3000,
    "METRICS_PORT": None,
    "REPLICAS": 1,
    "DRAIN_SECONDS": None,
    "PUBLIC_URL": None,
    "HISTORY_DAYS": 365,
    "POLL_BUSY_SECONDS": 5,
    "POLL_IDLE_SECONDS": 60,
    "BUILD_DEADLINE_HOURS": 24,
    "ACCESS_ADMINS": (),
    "ACCESS_DEFAULT_ROLE": "member",
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "console",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting in the environment, and no `.env` in the folder."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def read(**environment: str) -> Settings:
    """Settings of this environment, all that is needed being there."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**NEEDED, **environment}.items():
            patch.setenv(name, value)
        return bot_settings.read()


def faults(**environment: str) -> list[str]:
    """The lines of what is wrong with this environment."""
    with pytest.raises(InvalidSettings) as wrong:
        read(**environment)
    assert str(wrong.value) == "\n".join(wrong.value.lines)
    return wrong.value.lines


# ------------------------------------------------------------------ what there is


def test_every_setting_of_the_readme_exists_with_its_default() -> None:
    settings = read()
    assert {name: getattr(settings, name.lower()) for name in DEFAULTS} == DEFAULTS
    needed = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    assert needed == NEEDED.keys() - {"SLACK_APP_TOKEN"}, "nobody should have to fill in more than this"


def test_every_setting_has_an_example() -> None:
    assert EXAMPLES.keys() == Settings.model_fields.keys() | UploadSettings.model_fields.keys()
    assert all(example and "\n" not in example for example in EXAMPLES.values())


def test_settings_environment_names_are_case_insensitive() -> None:
    assert read(PORT="8080", poll_idle_seconds="90").port == 8080
    assert read(poll_idle_seconds="90").poll_idle_seconds == 90


@pytest.mark.parametrize("tenant", ["acme", "acme-apps.com", "a.b-c--d.example", "1"])
def test_a_tenant_that_is_accepted_has_hosts(tenant: str) -> None:
    assert AppliveryHosts.of_tenant(read(APPLIVERY_TENANT=tenant).applivery_tenant).api.startswith("https://api.")


def test_settings_words_ignore_case_and_blanks_where_harmless() -> None:
    found = read(
        LOG_LEVEL="debug",
        LOG_FORMAT="JSON",
        ACCESS_DEFAULT_ROLE="Manager",
        ACCESS_ADMINS=" U012AB3CD , W045EF6GH,, ",
        APPLIVERY_API_URL="http://127.0.0.1:9000/",
        SLACK_API_URL="https://slack.com/api/",
    )
    assert (found.log_level, found.log_format, found.access_default_role) == ("DEBUG", "json", "manager")
    assert found.access_admins == ("U012AB3CD", "W045EF6GH")
    assert (found.applivery_api_url, found.slack_api_url) == ("http://127.0.0.1:9000", "https://slack.com/api")


def test_either_way_in_from_slack_is_enough() -> None:
    assert read(SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET="8f742231").slack_app_token is None
    assert read().slack_signing_secret is None


def test_the_workspace_is_named_by_slug_or_id() -> None:
    for name in ("acme", "acme-2", "65f0c1d2e3a4b5c6d7e8f901"):
        assert read(APPLIVERY_ORGANIZATION=name).applivery_organization == name


def test_databases_of_both_kinds_are_taken() -> None:
    for address in ("sqlite:///bot.db", "postgresql://bot:secret@db:5432/bot", "postgres://db/bot"):
        assert read(DATABASE_URL=address).database_url == address


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("sqlite://bot.db", "sqlite:///bot.db"),
        ("sqlite:bot.db", "sqlite:///bot.db"),
        ("sqlite:/data/bot.db", "sqlite:////data/bot.db"),
        ("sqlite://data/bot.db", "sqlite:///data/bot.db"),
        ("sqlite://localhost/bot.db", "sqlite:///bot.db"),
        ("sqlite://", "sqlite:///bot.db"),
        ("sqlite:///", "sqlite:///bot.db"),
        ("sqlite:////", "sqlite:///bot.db"),
        ("sqlite://///data/bot.db", "sqlite:////data/bot.db"),
        ("sqlite:///:memory:", "sqlite:///bot.db"),
        ("sqlite:///%3Amemory%3A", "sqlite:///bot.db"),
        (":memory:", "sqlite:///bot.db"),
        ("sqlite:///bot.db?mode=memory", "sqlite:///bot.db"),
        ("sqlite:///file::memory:?cache=shared", "sqlite:///bot.db"),
        ("sqlite:///file:bot.db?uri=true", "sqlite:///bot.db"),
        ("sqlite:///%2Fdata/bot.db", "sqlite:////data/bot.db"),
        ("sqlite:///bot.db#1", "sqlite:///bot.db"),
        ("sqlite:///data/", "sqlite:///bot.db"),
        ("sqlite:///C:\\bot.db", "sqlite:///bot.db"),
        ("sqlite+aiosqlite:///bot.db", "sqlite:///bot.db"),
        ("sqlite+pysqlite:////data/bot.db", "sqlite:////data/bot.db"),
        ("sqlite3:///bot.db", "sqlite:///bot.db"),
        ("file:bot.db", "sqlite:///bot.db"),
        ("file:///data/bot.db", "sqlite:////data/bot.db"),
        ("bot.db", "sqlite:///bot.db"),
        ("/data/bot.db", "sqlite:////data/bot.db"),
        ("C:\\bot.db", "sqlite:///bot.db"),
        ("postgresql+asyncpg://db/bot", "postgresql://"),
        ("postgresql+psycopg2://db/bot", "postgresql://"),
        ("postgresql:/db/bot", "postgresql://"),
        ("postgresql:bot", "postgresql://"),
        ("mysql://db/bot", "postgresql://"),
        ("jdbc:postgresql://db/bot", "postgresql://"),
    ],
)
def test_another_database_is_refused_with_the_right_one(typed: str, right: str) -> None:
    [line] = faults(DATABASE_URL=typed)
    said, _, _ = line.partition(" Example: ")
    assert f"{right}" in said
    if right.startswith("sqlite"):
        assert said.endswith(f"write {right}.")
        assert read(DATABASE_URL=right).database_url == right


@given(
    st.sampled_from(["sqlite", "SQLite", "sqlite3", "sqlite+pysqlite", "file", "postgresql", "postgresql+asyncpg", ""]),
    st.sampled_from(["", ":"]),
    st.integers(0, 6),
    st.sampled_from(["", "bot.db", ":memory:", "%3Amemory%3A", "data/bot.db", "%2Fbot.db", "file:bot.db", "~/bot.db"]),
    st.sampled_from(["", "?mode=memory", "?cache=shared&uri=true", "#x"]),
)
def test_a_sqlite_address_means_the_file_it_shows(scheme: str, colon: str, slashes: int, name: str, rest: str) -> None:
    try:
        address = database_address(f"{scheme}{colon}{'/' * slashes}{name}{rest}")
    except ValueError:
        return
    if address.startswith("sqlite"):
        place = make_url(address)
        assert (place.host, place.query) == (None, {})
        assert place.database == unquote(address.removeprefix("sqlite:///"))
        assert place.database.rpartition("/")[2] == "bot.db"
    else:
        assert address.startswith("postgresql://")


def test_blanks_and_capitals_of_an_address_do_not_matter() -> None:
    assert read(DATABASE_URL=" SQLite:///bot.db\n").database_url == "sqlite:///bot.db"
    assert read(DATABASE_URL="POSTGRESQL://db/bot").database_url == "postgresql://db/bot"


def test_a_refused_address_hides_its_password() -> None:
    for typed in (
        "sqlite://me:hunter2@h/bot.db",
        "mysql://me:hunter2@h/b",
        "postgresql+x://me:hunter2@h/b",
        "me:hunter2@h/b",
    ):
        assert "hunter2" not in "".join(faults(DATABASE_URL=typed))


def test_settings_claim_page_on_localhost_needs_no_https() -> None:
    assert read(PUBLIC_URL="http://127.0.0.1:3000").public_url == "http://127.0.0.1:3000"
    assert read(PUBLIC_URL="https://bot.acme.com/").public_url == "https://bot.acme.com"


def test_settings_cannot_be_changed_once_read() -> None:
    settings = read()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


def test_overrides_win_over_everything() -> None:
    assert bot_settings.read(**{name.lower(): value for name, value in NEEDED.items()}, port=1).port == 1


def test_settings_ignore_other_environment_variables() -> None:
    assert read(SLACK_BOT_TOKENS="x", APPLIVERY="y").port == 3000


# ------------------------------------------------------------------ faults

WRONG = [
    ("SLACK_BOT_TOKEN", "xoxp-1", "must start with xoxb-"),
    ("SLACK_BOT_TOKEN", "xoxb-1 2", "has a space"),
    ("SLACK_BOT_TOKEN", "xoxb-ñ", "has a space or a character"),
    ("SLACK_APP_TOKEN", "xoxb-1", "must start with xapp-"),
    ("SLACK_SIGNING_SECRET", " ", "has a space"),
    ("SLACK_API_URL", "slack.com/api", "isn't a web address"),
    ("SLACK_COMMAND", "applivery", "has characters"),
    ("SLACK_COMMAND", "/two words", "has characters"),
    ("SLACK_SOCKET_CONNECTIONS", "0", "greater than or equal to 1"),
    ("SLACK_SOCKET_CONNECTIONS", "11", "less than or equal to 10"),
    ("SLACK_SOCKET_CONNECTIONS", "two", "valid integer"),
    ("APPLIVERY_TOKEN", "line\nbreak", "has a space"),
    ("APPLIVERY_TOKEN", "  ", "has a space"),
    ("APPLIVERY_ORGANIZATION", "ac me", "has characters"),
    ("APPLIVERY_ORGANIZATION", "../x", "has characters"),
    ("APPLIVERY_TENANT", "acme/x", "has characters"),
    ("APPLIVERY_TENANT", "acme..com", "has characters"),
    ("APPLIVERY_TENANT", "-acme", "has characters"),
    ("APPLIVERY_TENANT", "acme.", "has characters"),
    ("APPLIVERY_API_URL", "api.applivery.io", "isn't a web address"),
    ("APPLIVERY_API_URL", "ftp://api.applivery.io", "isn't a web address"),
    ("APPLIVERY_UPLOAD_URL", "https://user@upload.applivery.io", "must have only scheme"),
    ("APPLIVERY_DOWNLOAD_URL", "https://x.test/?a=b", "must have only scheme"),
    ("APPLIVERY_DASHBOARD_URL", "http://[::1", "isn't a valid address"),
    ("APPLIVERY_DASHBOARD_URL", "http://x.test:port", "isn't a valid address"),
    ("APPLIVERY_DASHBOARD_URL", "http://x.test:99999", "isn't a valid address"),
    ("APPLIVERY_REQUESTS_PER_HOUR", "0", "greater than or equal to 1"),
    ("APPLIVERY_REQUESTS_PER_HOUR", "8k", "valid integer"),
    ("APPLIVERY_WEBHOOK_SECRET", "a/b", "letters, digits"),
    ("METRICS_PORT", "3000", "must differ from PORT"),
    ("REPLICAS", "0", "greater than or equal to 1"),
    ("DATABASE_URL", "mysql://db/bot", "must start with sqlite:/// or postgresql://"),
    ("DATABASE_URL", "bot.db", "isn't a database address"),
    ("DATABASE_URL", "postgresql://bot:hunter2@[db/bot", "isn't a valid address"),
    ("DATABASE_URL", "postgresql://bot:hunter℀2@db/bot", "isn't a valid address"),
    ("PGBOUNCER", "statement", "'session' or 'transaction'"),
    ("PORT", "65536", "less than or equal to 65535"),
    ("PORT", "-1", "greater than or equal to 0"),
    ("PORT", " ", "valid integer"),
    ("DRAIN_SECONDS", "-1", "greater than or equal to 0"),
    ("DRAIN_SECONDS", "301", "less than or equal to 300"),
    ("PUBLIC_URL", "http://bot.acme.com", "must be https"),
    ("PUBLIC_URL", "bot.acme.com", "isn't a web address"),
    ("HISTORY_DAYS", "29", "greater than or equal to 30"),
    ("POLL_BUSY_SECONDS", "0", "greater than 0"),
    ("POLL_BUSY_SECONDS", "nan", "input should be"),
    ("POLL_IDLE_SECONDS", "inf", "less than or equal to"),
    ("BUILD_DEADLINE_HOURS", "0", "greater than 0"),
    ("POLL_IDLE_SECONDS", "a minute", "valid number"),
    ("ACCESS_ADMINS", "ana", "isn't a list of Slack member IDs: entry 1 isn't one"),
    ("ACCESS_ADMINS", "U1,U2\nrm -rf", "entry 2 isn't one"),
    ("HOST", "not a host", "isn't a host name or address"),
    ("HOST", "a..b", "isn't a host name or address"),
    ("APPLIVERY_API_URL", "https://:hunter2@api.applivery.io", "must have only scheme"),
    ("APPLIVERY_API_URL", "https://a..b", "its host isn't valid"),
    ("APPLIVERY_API_URL", f"https://{'a' * 64}.test", "its host isn't valid"),
    ("DATABASE_URL", "postgresql://u:p@ss#w%rd@db/bot", "write @ as %40"),
    ("ACCESS_DEFAULT_ROLE", "king", "'member', 'releaser', 'manager' or 'admin'"),
    ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ("LOG_FORMAT", "xml", "'console' or 'json'"),
]


def test_service_called_metrics_in_kubernetes_sets_no_port() -> None:
    assert read(METRICS_PORT="tcp://10.3.240.9:9090").metrics_port is None
    assert read(METRICS_PORT="9090").metrics_port == 9090


@pytest.mark.parametrize(("name", "value", "wrong"), WRONG)
def test_settings_error_is_one_line_with_name_fault_and_example(name: str, value: str, wrong: str) -> None:
    (line,) = faults(**{name: value})
    assert line.startswith(f"{name}: ")
    assert wrong in line
    assert line.endswith(f". Example: {name}={EXAMPLES[name.lower()]}")
    assert len(line.splitlines()) == 1


def test_every_setting_that_can_be_wrong_is_tried_here() -> None:
    assert {name for name, _, _ in WRONG} == {*NEEDED, *DEFAULTS}


@pytest.mark.parametrize("name", sorted({*NEEDED} - {"SLACK_APP_TOKEN"}))
def test_an_empty_setting_is_a_missing_one(name: str) -> None:
    (line,) = faults(**{name: ""})
    assert line.startswith(f"{name}: is missing. Example: ")


def test_an_empty_setting_that_is_not_needed_has_its_default() -> None:
    settings = read(**dict.fromkeys(DEFAULTS, ""))
    assert {name: getattr(settings, name.lower()) for name in DEFAULTS} == DEFAULTS


def test_without_any_way_in_from_slack_both_are_named() -> None:
    (line,) = faults(SLACK_APP_TOKEN="")
    assert line.startswith("SLACK_SIGNING_SECRET: is missing, and so is SLACK_APP_TOKEN")


def test_all_faults_are_told_at_once_and_in_order() -> None:
    lines = faults(SLACK_BOT_TOKEN="", APPLIVERY_TOKEN="", PORT="x", LOG_FORMAT="xml", ACCESS_ADMINS="ana,bea")
    names = [line.partition(":")[0] for line in lines]
    assert names == ["ACCESS_ADMINS", "APPLIVERY_TOKEN", "LOG_FORMAT", "PORT", "SLACK_BOT_TOKEN"]


# ------------------------------------------------------------------ secrets

SECRET = "s3cr3t-of-mine"
SECRETS = {
    "SLACK_BOT_TOKEN": f"xoxb-{SECRET}",
    "SLACK_APP_TOKEN": f"xapp-{SECRET}",
    "SLACK_SIGNING_SECRET": SECRET,
    "APPLIVERY_TOKEN": SECRET,
    "APPLIVERY_WEBHOOK_SECRET": SECRET,
    "DATABASE_URL": f"postgresql://bot:{SECRET}@db/bot",
}


def test_settings_never_print_their_secrets() -> None:
    settings = read(**SECRETS)
    for shown in (repr(settings), str(settings), f"{settings.model_dump(exclude={'database_url'})}"):
        assert SECRET not in shown


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "spoil", ["wrong {}", "{} \n", "℀{}", "http://{}:x@h:1/", "postgresql://u:{}℀@h/", "{}://[", "ñ{}"]
)
def test_a_fault_never_shows_the_value_of_a_secret(name: str, spoil: str) -> None:
    with pytest.raises(InvalidSettings) as wrong:
        read(**{name: spoil.format(SECRET), "PORT": "x"})
    shown = "".join(traceback.format_exception(wrong.value))
    assert SECRET not in shown
    assert len(wrong.value.lines) >= 1


PIECES = ("Kq7zAlpha", "Kq7zBravo", "Kq7zCharl", "Kq7zDelta")
AWKWARD = [
    "{0}@{1}#{2}%{3}", "{0}#{1}@{2}", "{0}@{1}@{2}", "{0}/{1}@{2}", "{0}?{1}@{2}", "{0}:{1}@{2}/{3}", "{0} {1}",
    "{0}%zz{1}", "{0}%2{1}", "{0}\\{1}", "{0}[{1}]", "[{0}", "{0}]", "{0}℀{1}", "{0}\n{1}", "{0}\t{1}@{2}",
    "{0}&{1}={2}", "{0};{1}",
    "{0},{1}", "'{0}'{1}", '"{0}"', "{0}\ud800{1}", "é{0}", "{0}..{1}", "{0}" + "x" * 70, "<{0}>", "{{{0}}}",
    "12/{0}@{1}", "12?{0}@{1}", "12#{0}@{1}",
]  # fmt: skip
AROUND = [
    "{}", "xoxb-{}", "xapp-{}", "https://u:{}@h.test/x", "https://{}@h.test", "https://:{}@h.test", "http://{}/x",
    "//{}", "https://h.test:{}", "https://h.test?token={}", "https://h.test/#{}", "postgresql://u:{}@db/bot", "postgres://{}",
    "postgresql://u:{}@h1:1,h2:2/bot", "postgresql://{}@db/bot", "postgresql://db/{}", "postgresql://db:{}/bot",
    "postgresql://db/bot?password={}", "postgresql+asyncpg://u:{}@db/bot", "mysql://u:{}@db/bot", "postgresql:u:{}@db",
    "POSTGRESQL://u:{}@db/bot", " postgresql://u:{}@db/bot", "sqlite://u:{}@h/x", "U012AB3CD,{}", "10.0.0.0/8,{}",
]  # fmt: skip
EVERY_SETTING = sorted({*Settings.model_fields, *UploadSettings.model_fields, *SlackAppSettings.model_fields})
READERS = (
    (bot_settings.read, Settings),
    (bot_settings.read_upload, UploadSettings),
    (bot_settings.read_slack_app, SlackAppSettings),
)


@pytest.mark.parametrize("name", EVERY_SETTING)
def test_no_part_of_a_value_that_is_refused_is_shown(name: str) -> None:
    needed: dict[str, Any] = {key.lower(): said for key, said in NEEDED.items()}
    refused = 0
    for number, value in enumerate(around.format(awkward.format(*PIECES)) for around in AROUND for awkward in AWKWARD):
        if number % 17 != EVERY_SETTING.index(name) % 17:  # 17 divides neither's length
            continue  # each pair is tried with some settings, and each of its two with all of them
        for reader, kind in READERS:
            if name not in kind.model_fields:
                continue
            try:
                reader(_env_file=None, **{**needed, name: value})
            except InvalidSettings as fault:
                refused += 1
                shown = "".join(traceback.format_exception(fault, limit=0))  # lines of code show no value
                assert not [piece for piece in PIECES if piece in shown], (value, shown)
    assert refused > 8


def test_no_part_of_a_password_is_taken_for_a_host() -> None:
    """What is accepted is read alike by all who read it: the password is nothing of what is shown."""
    accepted = 0
    for awkward in AWKWARD:
        for around in ("postgresql://u:{}@db.test/bot", "postgres://u:{}@db.test:5432/bot?sslmode=require"):
            try:
                address = database_address(around.format(awkward.format(*PIECES)))
            except ValueError:
                continue
            accepted += 1
            place = DatabaseUrl.parse(address)
            assert str(place) == "db.test/bot"
            assert PIECES[0] in str(place.libpq()["password"])
    assert accepted >= 10


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:p@db/bot", "postgresql://u:p%40ss%23w%25rd@db:5432/bot?sslmode=require", "postgresql:///bot",
        "postgresql://db/bot", "postgresql://u@db/bot", "postgresql://[::1]:5432/bot", "postgresql://10.0.0.1/bot",
        "postgresql://u:p@%2Fvar%2Frun%2Fpostgresql/bot", "postgresql:///bot?host=/var/run/postgresql", "postgres://db",
        "postgresql://u:a:b!$&'()*+,;=~%@my_db.svc.cluster.local/bot-1",
    ],
)  # fmt: skip
def test_a_good_database_address_is_taken(address: str) -> None:
    assert read(DATABASE_URL=address).database_url == address


def test_settings_database_error_hides_address_parts() -> None:
    place = DatabaseUrl.parse(
        f"postgresql://u:{PIECES[0]}@db/bot?password={PIECES[1]}&sslmode={PIECES[2]}&keepalives=abc"
    )
    said = place.hidden(
        f'invalid sslmode value: "{PIECES[2]}" {PIECES[0]} {PIECES[1]} invalid integer value "abc" at db'
    )
    assert not [piece for piece in (*PIECES, "abc") if piece in said]
    assert said.endswith("at db")


@given(st.sampled_from(sorted(Settings.model_fields)), st.text(st.characters(exclude_characters="\x00")))
def test_settings_any_value_is_accepted_or_one_line_error(name: str, value: str) -> None:
    given_settings: dict[str, Any] = {key.lower(): said for key, said in NEEDED.items()}
    try:
        bot_settings.read(_env_file=None, **{**given_settings, name: value})
    except InvalidSettings as fault:
        for line in fault.lines:
            assert re.match(r"[A-Z_]+: .+\. Example: [A-Z_]+=", line)
            assert len(line.splitlines()) == 1


# ------------------------------------------------------------------ .env


def test_a_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    lines = [f"{name}={value}" for name, value in NEEDED.items()]
    (tmp_path / ".env").write_text("\n".join(["# ours", "", *lines, "PORT=4000", "HOST='0.0.0.0'", "NOT_OURS=1", ""]))
    assert (bot_settings.read().port, bot_settings.read().host) == (4000, "0.0.0.0")
    assert read(PORT="5000").port == 5000


def test_an_empty_line_in_dotenv_is_a_missing_setting(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}=\n" for name in NEEDED))
    with pytest.raises(InvalidSettings) as wrong:
        bot_settings.read()
    assert [line.split(" ")[:3] for line in wrong.value.lines if "SIGNING" not in line] == [
        [f"{name}:", "is", "missing."] for name in sorted(NEEDED) if name != "SLACK_APP_TOKEN"
    ]


@pytest.mark.parametrize(
    "content", [b"SLACK_BOT_TOKEN=xoxb-\xff\xfe\n", b"\xff\xfeS\x00L\x00A\x00C\x00K\x00", b"\x80" * 100]
)
def test_a_dotenv_that_is_no_text_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(InvalidSettings) as wrong:
        bot_settings.read()
    (line,) = wrong.value.lines
    assert line.startswith(".env: isn't UTF-8 text. Example: ")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux: a file that not even root can read")
def test_a_dotenv_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to("/proc/self/mem")
    with pytest.raises(InvalidSettings) as wrong:
        bot_settings.read()
    (line,) = wrong.value.lines
    assert line.startswith(".env: can't be read (Input/output error). Example: ")


def test_a_folder_called_dotenv_is_no_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert read().port == 3000


# ------------------------------------------------------------------ files of secrets


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder such as systemd makes, or Docker at /run/secrets: a file for each secret."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def test_settings_from_file_overridden_by_environment_and_dotenv(tmp_path: Path, secrets: Path) -> None:
    for name, value in NEEDED.items():
        (secrets / name.lower()).write_text(f"{value}\n")
    (secrets / "port").write_text("4000")
    (secrets / "host").write_text("0.0.0.0")
    (tmp_path / ".env").write_text("PORT=5000\nSLACK_BOT_TOKEN=\n")
    found = bot_settings.read()
    assert found.slack_bot_token.get_secret_value() == "xoxb-1", "an empty line in .env is no setting"
    assert (found.port, found.host) == (5000, "0.0.0.0")
    assert read(PORT="6000").port == 6000
    assert bot_settings.read_slack_app().socket_mode
    assert bot_settings.read_upload().applivery_organization == "acme"


@pytest.mark.parametrize("name", SECRETS)
def test_settings_fault_in_file_reported_without_secret(secrets: Path, name: str) -> None:
    (secrets / name.lower()).write_text(f"{SECRET} {SECRET}")
    with pytest.raises(InvalidSettings) as wrong:
        bot_settings.read(_env_file=None)
    assert any(line.startswith(f"{name}: ") for line in wrong.value.lines)
    assert SECRET not in "".join(traceback.format_exception(wrong.value))


def test_a_file_that_is_no_text_is_one_line(secrets: Path) -> None:
    (secrets / "slack_bot_token").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSettings) as wrong:
        bot_settings.read()
    [line] = wrong.value.lines
    assert line.startswith("SLACK_BOT_TOKEN: can't read its file (UnicodeDecodeError). Example: SLACK_BOT_TOKEN=")


def test_a_folder_in_place_of_a_file_is_no_setting(secrets: Path) -> None:
    (secrets / "port").mkdir()
    with pytest.warns(UserWarning, match="found a directory"):
        assert read().port == 3000


# ------------------------------------------------------------------ the command line


def test_settings_command_line_takes_no_secret() -> None:
    """Every user of the machine can read a command line."""
    words = get_command(app).commands  # type: ignore[attr-defined]
    options = {name for word in words.values() for parameter in word.params for name in parameter.opts}
    assert not [name for name in options if re.search("token|secret|password|database", name)]
    for word in words:
        for name in ("--slack-bot-token", "--applivery-token", "--database-url", "--SLACK_BOT_TOKEN"):
            done = CliRunner().invoke(app, [word, f"{name}={SECRET}"])
            assert done.exit_code == 2
            assert "No such option" in done.output
            assert SECRET not in done.output


@pytest.mark.parametrize("content", [b"", b"PORT=x\nLOG_FORMAT=xml\n", b"PORT=\xff\n"])
def test_settings_shell_prints_only_the_lines_and_exits_2(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "run"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr
    assert all(re.match(r"(\.env|[A-Z_]+): .+ Example: ", line) for line in ended.stderr.splitlines())


# ------------------------------------------------------------------ proxies


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("private", [str(network) for network in PRIVATE]),
        ("none", []),
        ("NONE", []),
        ("10.1.2.3", ["10.1.2.3/32"]),
        (" 10.0.0.0/8 , 2001:db8::/32,", ["10.0.0.0/8", "2001:db8::/32"]),
        ("10.1.2.3/8", ["10.0.0.0/8"]),
        ("private,173.245.48.0/20", [*(str(network) for network in PRIVATE), "173.245.48.0/20"]),
    ],
)
def test_proxies_are_networks_or_words_for_them(typed: str, expected: list[str]) -> None:
    assert [str(network) for network in networks(typed)] == expected


@pytest.mark.parametrize("typed", ["everybody", "10.0.0.0/33", "10.0.0", "example.com", "10.0.0.0/8;::1"])
def test_settings_invalid_network_is_named(typed: str) -> None:
    with pytest.raises(InvalidSettings) as fault:
        bot_settings.read(_env_file=None, trusted_proxies=typed)
    assert any(line.startswith("TRUSTED_PROXIES: ") and "may only have networks" in line for line in fault.value.lines)


@pytest.mark.parametrize(
    ("about", "seconds"),
    [
        ({}, 0),
        ({"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "s"}, 0),
        ({"DRAIN_SECONDS": "7"}, 0),
        ({"DRAIN_SECONDS": "7", "PUBLIC_URL": "https://bot.acme.com"}, 7),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, 0),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "PUBLIC_URL": "https://bot.acme.com"}, 5),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "APPLIVERY_WEBHOOK_SECRET": "a-long-random-word"}, 5),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "PUBLIC_URL": "https://bot.acme.com", "DRAIN_SECONDS": "0"}, 0),
    ],
)
def test_drain_only_where_requests_come_from_outside(
    monkeypatch: pytest.MonkeyPatch, about: dict[str, str], seconds: float
) -> None:
    for name, value in {**NEEDED, **about}.items():
        monkeypatch.setenv(name, value)
    assert bot_settings.read().drains_for == seconds
