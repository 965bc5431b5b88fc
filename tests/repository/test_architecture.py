"""Who may import whom, and what a module may not be called."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from bot.dispatch.requests import RequestSource
from tests.repository.shell import ROOT, CompletedCommand, run

LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
PACKAGES = [
    *("cli", "doctor", "web", "commands", "workers", "dispatch", "services", "slack", "applivery", "db", "domain"),
    *("observability", "i18n", "slack/blocks", "slack/views", "slack/socket_mode"),
]
MODULES = [
    *("__main__", "app", "health", "container", "factories", "supervisor", "testing_overrides", "http_client"),
    "http_proxy",
    *(
        "settings",
        "setting_values",
        "exceptions",
        "timeouts",
        "system_clock",
        "dispatch/dispatcher",
        "slack/client",
        "slack/web_api",
    ),
]


def lint_imports(folder: Path) -> CompletedCommand:
    return run(sys.executable, "-c", LINT, "--no-logo", "--no-cache", cwd=folder)


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """A checkout with every package of the real one, all of them empty, under the real contracts."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for package in ["bot", *(f"bot/{name}" for name in PACKAGES), "sandbox", "sandbox/slack"]:
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    for module in MODULES:
        (tmp_path / f"bot/{module}.py").touch()
    return tmp_path


def test_imports_keep_the_contracts() -> None:
    done = lint_imports(ROOT)
    assert done.code == 0, done.said


def test_empty_packages_keep_every_contract(skeleton: Path) -> None:
    done = lint_imports(skeleton)
    assert done.code == 0, done.said


def test_allowed_imports_pass(skeleton: Path) -> None:
    (skeleton / "bot/__main__.py").write_text("from bot import cli")
    (skeleton / "bot/cli/program.py").write_text("from bot import settings, doctor, exceptions, app")
    (skeleton / "bot/doctor/runner.py").write_text("from bot import app, applivery, slack, db")
    (skeleton / "bot/app.py").write_text("from bot import web, commands, workers, slack, db, health, container")
    (skeleton / "bot/web/server.py").write_text("from bot import slack, services, applivery, db")
    (skeleton / "bot/commands/get.py").write_text(
        "from slack_sdk.models.blocks import Option\nfrom bot import slack, services, domain, exceptions"
    )
    (skeleton / "bot/slack/client.py").write_text("import slack_sdk, asyncio, aiohttp")
    (skeleton / "bot/slack/views/link.py").write_text("from bot.slack import blocks\nfrom bot import domain, i18n")
    done = lint_imports(skeleton)
    assert done.code == 0, done.said


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("bot/dispatch/dispatcher", "import bot.commands", "Imports go one way"),
        ("bot/db/database", "import bot.slack", "Imports go one way"),
        ("bot/applivery/client", "import bot.db", "Imports go one way"),
        ("bot/commands/get", "import bot.workers", "Imports go one way"),
        ("bot/app", "import bot.doctor", "Imports go one way"),
        ("bot/web/health", "import bot.workers.build_poller", "Imports go one way"),
        ("bot/services/links", "import bot.dispatch", "Imports go one way"),
        ("bot/domain/builds", "import bot.db", "Imports go one way"),
        ("bot/settings", "import bot.exceptions", "Imports go one way"),
        ("bot/cellar", "", "Imports go one way"),
        ("bot/domain/builds", "import asyncio", "The domain is free of I/O"),
        ("bot/domain/builds", "from sqlalchemy import select", "The domain is free of I/O"),
        ("bot/domain/builds", "from bot import observability", "The domain is free of I/O"),
        ("bot/slack/views/link", "from bot.slack import client", "Views and blocks know no client"),
        ("bot/slack/blocks/charts", "import sqlalchemy", "Views and blocks know no client"),
        ("sandbox/slack/server", "import bot.exceptions", "The sandbox imports nothing"),
        ("bot/app", "import sandbox", "The bot imports nothing of the sandbox"),
        ("bot/commands/get", "from bot.slack import client", "A subcommand returns"),
        ("bot/commands/get", "import aiohttp", "A subcommand returns"),
        ("bot/commands/get", "import bot.db", "Subcommands and dispatch call services"),
        ("bot/dispatch/context", "import bot.db", "Subcommands and dispatch call services"),
        ("bot/commands/get", "import bot.applivery", "Subcommands and dispatch call services"),
    ],
)
def test_forbidden_import_fails_the_check(skeleton: Path, module: str, line: str, contract: str) -> None:
    (skeleton / "bot/workers/build_poller.py").touch()
    (skeleton / f"{module}.py").write_text(line)
    done = lint_imports(skeleton)
    assert done.code == 1, done.said
    [broken] = [said for said in done.said.splitlines() if said.endswith(" BROKEN")]
    assert broken.startswith(contract)


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "base", "manager", "core", "misc"}
    named = {
        path.relative_to(ROOT): empty & {path.stem, *path.relative_to(ROOT).parts[:-1]}
        for folder in ("bot", "sandbox", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {path: names for path, names in named.items() if names} == {}


def test_the_contracts_are_in_pyproject_and_nowhere_else() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert {"ruff", "mypy", "pytest", "coverage", "importlinter"} <= settings.keys()
    elsewhere = ["setup.cfg", ".importlinter", "ruff.toml", ".ruff.toml", "mypy.ini", ".mypy.ini", "pytest.ini"]
    assert [name for name in [*elsewhere, "tox.ini", ".coveragerc", "setup.py"] if (ROOT / name).exists()] == []


TEAM = re.compile(
    r"""["'](user_team|source_team|team_id|team|enterprise_id|app_installed_team_id|context_team_id)["']"""
)
# which workspace a call has to name; a made-up file; a user's record; a word of a sentence; who the token is of; a link
# to Slack
READERS = {
    "bot/dispatch/requests.py": 1,
    "bot/doctor/samples.py": 1,
    "bot/domain/colleagues.py": 2,
    "bot/domain/goal_sentence.py": 1,
    "bot/slack/client.py": 3,
    "bot/web/claim/page.py": 1,
}


def test_a_requests_team_reaches_no_check_of_access() -> None:
    """In Enterprise Grid the team ids of a request are any workspace's: only `workspace_of` reads them."""
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sorted((ROOT / "bot").rglob("*.py"))
        if "db" not in path.parts and (lines := sum(bool(TEAM.search(line)) for line in path.read_text().splitlines()))
    }
    assert found == READERS
    assert not [name for name in RequestSource.__struct_fields__ if "team" in name]


SLEEPS_AS_ASKED = ("doctor/blocks.py", "slack/client.py", "slack/web_api.py")  # each within a time of its own


def test_waits_a_server_asks_for_are_capped() -> None:
    """The SDK's handler sleeps for any Retry-After, inside of the call: longer than a lease, a person or a shutdown."""
    sources = {path.relative_to(ROOT / "bot").as_posix(): path.read_text() for path in (ROOT / "bot").rglob("*.py")}
    assert not [name for name, source in sources.items() if "RateLimitErrorRetryHandler" in source]
    assert [name for name, source in sources.items() if "http_retry" in source] == ["slack/web_api.py"]
    asked = [name for name, source in sources.items() if re.search(r"sleep\((?:\w+\.)?(?:retry_after|wait)\)", source)]
    assert sorted(asked) == sorted(SLEEPS_AS_ASKED)
