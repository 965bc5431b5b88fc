"""Who may import whom, and what a module may not be called."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from tests.frame.shell import ROOT, Done, run

LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
ROOMS = ["doctor", "web", "commands", "jobs", "slack", "applivery", "store", "domain", "language"]


def lint_imports(folder: Path) -> Done:
    return run(sys.executable, "-c", LINT, "--no-logo", "--no-cache", cwd=folder)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house with every room of the real one, all of them empty, under the real contracts."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for room in ["", *ROOMS, "sandbox"]:
        (tmp_path / "bot" / room).mkdir(exist_ok=True)
        (tmp_path / "bot" / room / "__init__.py").touch()
    modules = ["__main__", "cli", "service", "config", "errors", "patience", "telemetry", "causes", "http_client"]
    modules += ["jobs/bell"]
    for module in [*modules, "slack/app", "slack/poster", "slack/socket"]:
        (tmp_path / f"bot/{module}.py").touch()
    return tmp_path


def test_imports_go_the_way_that_the_readme_draws() -> None:
    done = lint_imports(ROOT)
    assert done.code == 0, done.said


def test_an_empty_house_keeps_every_contract(house: Path) -> None:
    done = lint_imports(house)
    assert done.code == 0, done.said


def test_what_the_picture_allows_passes(house: Path) -> None:
    (house / "bot/__main__.py").write_text("from bot import cli")
    (house / "bot/cli.py").write_text("from bot import config, doctor, errors, sandbox, service")
    (house / "bot/doctor/__init__.py").write_text("from bot import service, applivery, slack, store")
    (house / "bot/service.py").write_text("from bot import web, commands, jobs, slack, store")
    (house / "bot/web/__init__.py").write_text("from bot import slack, applivery, store\nfrom bot.jobs import bell")
    (house / "bot/commands/get.py").write_text(
        "from slack_sdk.models.blocks import Option\nfrom bot import slack, store, domain, errors"
    )
    (house / "bot/slack/app.py").write_text("import slack_bolt, slack_sdk, asyncio, aiohttp")
    done = lint_imports(house)
    assert done.code == 0, done.said


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("slack/app", "import bot.commands", "Imports go one way"),
        ("store/store", "import bot.slack", "Imports go one way"),
        ("applivery/client", "import bot.store", "Imports go one way"),
        ("commands/get", "import bot.jobs", "Imports go one way"),
        ("service", "import bot.doctor", "Imports go one way"),
        ("web/health", "import bot.jobs.watch", "Imports go one way"),
        ("domain/builds", "import bot.store", "Imports go one way"),
        ("config", "import bot.errors", "Imports go one way"),
        ("cellar", "", "Imports go one way"),
        ("domain/builds", "import asyncio", "Decisions know no network"),
        ("domain/builds", "from sqlalchemy import select", "Decisions know no network"),
        ("domain/builds", "from bot import telemetry", "Decisions know no network"),
        ("sandbox/slack", "import bot.errors", "The sandbox imports nothing"),
        ("service", "import bot.sandbox", "Only the shell"),
        ("commands/get", "from bot.slack import poster", "A subcommand returns"),
        ("commands/get", "import aiohttp", "A subcommand returns"),
    ],
)
def test_a_wrong_import_fails_the_check(house: Path, module: str, line: str, contract: str) -> None:
    (house / "bot/jobs/watch.py").touch()
    (house / f"bot/{module}.py").write_text(line)
    done = lint_imports(house)
    assert done.code == 1, done.said
    [broken] = [said for said in done.said.splitlines() if said.endswith(" BROKEN")]
    assert broken.startswith(contract)


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "base", "manager", "core", "misc"}
    named = {
        path.relative_to(ROOT): empty & {path.stem, *path.relative_to(ROOT).parts[:-1]}
        for folder in ("bot", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {path: names for path, names in named.items() if names} == {}


def test_the_contracts_are_in_pyproject_and_nowhere_else() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert {"ruff", "mypy", "pytest", "coverage", "importlinter"} <= settings.keys()
    elsewhere = ["setup.cfg", ".importlinter", "ruff.toml", ".ruff.toml", "mypy.ini", ".mypy.ini", "pytest.ini"]
    assert [name for name in [*elsewhere, "tox.ini", ".coveragerc", "setup.py"] if (ROOT / name).exists()] == []
