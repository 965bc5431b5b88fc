"""Pretended hours that were only copied leave as many rows as those that a bot has lived."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from bench.past import COPIED, repeat
from bench.workday import BEGAN, HOUR, Day, workday
from bot.domain.model import BuildEvent

HOURS = 2
# Whatever else has a row more each hour is deleted after a day, or has one for each person.
KEPT_FOR_A_DAY = {"idempotency_keys", "link_quota", "role_requests", "seen_events"}
ONE_A_PERSON = {"key_value"}
HAPPENS = {"uploads": 24, "commands": 120, "clicks": 72}  # a day
STANDING = f"SELECT count(*) FROM outbox WHERE event = '{BuildEvent.PROCESSED}' AND superseded_by IS NULL"
IN_ORDER = "SELECT count(*) FROM outbox a JOIN outbox b ON a.id < b.id AND a.created_at > b.created_at"


def counted(file: Path) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        queries = {name: f"SELECT count(*) FROM {name}" for (name,) in names}
        queries |= {"standing cards": STANDING, "out of order": IN_ORDER}
        return {name: connection.execute(query).fetchone()[0] for name, query in queries.items()}


def copied(file: Path, to: Path) -> Path:
    with closing(sqlite3.connect(file)) as connection, closing(sqlite3.connect(to)) as copy:
        connection.backup(copy)
    return to


async def live(day: Day) -> None:
    """The same hours each time, until no build is on its way."""
    day.dice, day.happens = random.Random(1), HAPPENS
    for _ in range(HOURS):
        await day.minute(HOUR)
    day.happens = {}
    while day.moving:
        await day.minute(HOUR)


async def test_copied_hours_leave_rows_of_lived_hours(tmp_path: Path) -> None:
    async with workday(1) as day:
        await live(day)
        lasted = day.hours.now() - BEGAN
        once = copied(day.file, tmp_path / "once.db")
        await live(day)
        twice = copied(day.file, tmp_path / "twice.db")
    before = counted(once)
    repeat(once, BEGAN, lasted, 1, running=False)
    lived, filled = counted(twice), counted(once)
    assert {name for name in lived if lived[name] != filled[name]} <= KEPT_FOR_A_DAY | ONE_A_PERSON
    assert all(filled[table.name] > before[table.name] for table in COPIED)
    assert filled["standing cards"]
    assert not filled["out of order"]
