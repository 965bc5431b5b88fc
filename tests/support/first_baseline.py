"""A team's database as v0.1.0's first baseline left it, with both fakes as they stood then."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from sandbox.applivery import snapshot as applivery_snapshot
from sandbox.slack import snapshot as slack_snapshot
from tests.conftest import Environment

FOLDER = Path(__file__).parents[1] / "integration/db/first_baseline"
VERSION = "0007"
INSTANT = re.compile(r"\b1[78]\d{14}\b")  # microseconds since 1970, as every time is stored
SECONDS = re.compile(r"\b1[78]\d{8}\.\d+\b")  # since 1970, as the fakes store times
WRITTEN = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")  # as Applivery writes times
CONTROLS: dict[str, Any] = json.loads((FOLDER / "controls.json").read_text())


def dialect(address: str) -> str:
    """The folder of a database's kind."""
    return "sqlite" if address.startswith("sqlite") else "postgresql"


def moved(file: Path, age: timedelta) -> str:
    """A file of that moment, as if it had been written so long ago: every time in it is later by the same span."""
    database = (file.parent / "sqlite" if file.suffix == ".json" else file.parent) / "database.sql"
    [asked_last] = re.findall(r"INSERT INTO \S*\baudit\"? VALUES ?\(18, ?(\d+)", database.read_text())
    by = datetime.now(UTC) - age - datetime.fromtimestamp(int(asked_last) / 1e6, UTC)
    text = INSTANT.sub(lambda found: str(int(found[0]) + by // timedelta(microseconds=1)), file.read_text())
    if file.suffix == ".json":  # in a database they are the ids of messages
        text = SECONDS.sub(lambda found: f"{float(found[0]) + by.total_seconds():.6f}", text)
    return WRITTEN.sub(lambda found: _moved(found[0], by), text)


def _moved(text: str, by: timedelta) -> str:
    """A time as Applivery writes it, with as many digits."""
    digits = len(text.partition(".")[2]) - 1
    return f"{datetime.fromisoformat(text) + by:%Y-%m-%dT%H:%M:%S.%f}"[: 20 + digits] + "Z"


def create(address: str, age: timedelta = timedelta(0)) -> None:
    """Make that database at an address where there is none."""
    if dialect(address) == "sqlite":
        file = Path(address.removeprefix("sqlite:///"))
        file.unlink(missing_ok=True)
        with closing(sqlite3.connect(file)) as database:
            database.executescript(moved(FOLDER / "sqlite/database.sql", age))
        return
    with psycopg.connect(address, autocommit=True) as database:
        database.execute(moved(FOLDER / "postgresql/database.sql", age).encode())


def move_in(world: Environment, address: str, age: timedelta = timedelta(0)) -> Team:
    """Let the world be that team's, so long after the old version stopped."""
    create(address, age)
    world.database = address
    slack = json.loads((FOLDER / dialect(address) / "slack.json").read_text())
    slack_snapshot.restore(world.slack.desk, slack, slack_snapshot.NO_CONTENTS)
    applivery = json.loads(moved(FOLDER / "applivery.json", age))
    applivery_snapshot.load(world.applivery, applivery, applivery_snapshot.NO_CONTENTS)
    return Team(world, slack["tickets"])


class Team:
    """Who and what is in the database: see README.md beside it."""

    def __init__(self, world: Environment, tickets: dict[str, str]) -> None:
        people = {user.handle: user for user in world.slack.workspace.users.values()}
        channels = {channel.name: channel for channel in world.slack.workspace.channels.values()}
        world.ana, world.bruno = people["ana"], people["bruno"]
        world.releases, world.general = channels["releases"], channels["general"]
        world.courier, self.driver = world.applivery.apps
        self.carla, self.zoe = people["carla"], people["zoe"]
        self.qa_builds, self.lab = channels["qa-builds"], channels["lab"]
        self.builds = {str(build.wire["versionName"]): build for build in world.applivery.builds}
        self.tickets = tickets
        direct = world.slack.messages(world.slack.dm(world.ana))
        [self.progress] = [message for message in direct if message.text.startswith("Courier 2.5.0 (180)")]
