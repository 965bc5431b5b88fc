"""docs/operations.md: what it says about backup and restore is what works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.db import subscriptions
from tests.conftest import Environment
from tests.support.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "operations.md").read_text()
RECIPES = re.findall(r"```sh\n(.+?)```", DOCUMENT, re.DOTALL)
[BACKUP, RESTORE, COPY] = RECIPES
PROGRAMS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def do(recipe: str, folder: Path, **environment: str) -> None:
    """Run what stands in the document, in a shell."""
    known = {"PATH": PROGRAMS, **environment}
    done = subprocess.run(
        ["sh", "-euc", recipe], cwd=folder, env=known, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


async def told_of(world: Environment, version: str) -> None:
    """A build that the channel hears of."""
    world.applivery.build(world.courier, version=version, status="processed")
    await world.look()


async def remembered(world: Environment) -> tuple[int, list[str]]:
    """Who subscribed, and what has been said."""
    return len(await world.bot.store.run(subscriptions.list_subscriptions)), world.said()


async def kept_and_lost(world: Environment, folder: Path, **environment: str) -> None:
    """Back up a bot that runs, let it be changed and stopped, restore, and look what it still knows."""
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    await told_of(world, "1")
    before = await remembered(world)
    assert before[0] == len(before[1]) == 1
    for _ in range(2):  # two nights
        do(BACKUP, folder, **environment)
    await world.ask("unsubscribe courier")
    await world.stop()
    do(RESTORE, folder, **environment)
    await world.start()
    await world.look()
    assert await remembered(world) == before  # nothing that was said is said again
    await told_of(world, "2")
    assert len(world.said()) == 2


async def test_sqlite_is_backed_up_while_it_runs_and_restored(world: Environment) -> None:
    await kept_and_lost(world, world.folder)


@pytest.mark.postgres
async def test_postgresql_is_backed_up_while_it_runs_and_restored(
    world: Environment, postgres_url: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    if not (postgres_server.programs / "pg_dump").exists():
        pytest.skip("pg_dump is missing; on Debian: apt-get install postgresql-client")
    world.database = postgres_url
    programs = f"{postgres_server.programs}:{PROGRAMS}"
    await kept_and_lost(world, tmp_path, PATH=programs, DATABASE_URL=postgres_url)


@pytest.mark.postgres
async def test_sqlite_is_copied_to_postgresql(world: Environment, postgres_server: PostgresServer) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    await told_of(world, "1")
    await world.stop()
    empty = postgres_server.empty()
    do(COPY, world.folder, NEW_DATABASE_URL=empty)
    world.database = empty
    await world.start()
    await told_of(world, "2")
    assert len(world.said()) == 2
    await world.stop()
    postgres_server.drop(empty)


def test_every_log_event_that_is_named_is_written() -> None:
    events = (ROOT / "docs/reference/log_events.md").read_text()
    named = re.findall(r"`((?:slack|service|installation|web)\.[a-z_]+)`", DOCUMENT)
    assert named
    assert [event for event in named if f"`{event}`" not in events] == []


def test_the_guide_s_four_settings_are_what_must_be_filled_in() -> None:
    readme = (ROOT / "README.md").read_text()
    [filled] = re.findall(r"Fill in four lines:\n\n(.+?)\n\n", readme, re.DOTALL)
    named = [line.split("=")[0].strip() for line in filled.splitlines()]
    on = [line.split("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if re.match("[A-Z]", line)]
    assert sorted(named) == sorted(on)
