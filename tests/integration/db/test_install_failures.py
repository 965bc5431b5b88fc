"""Why builds did not install, as rows: one for a user and a build, of which no id can be read back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import dialect as sqlite_dialect

from bot.db import audit_reports, install_failures
from bot.db.database import Database
from bot.db.download_schema import install_failures as table
from bot.db.transaction import Transaction
from bot.domain.model.failures import FailureCause
from tests.support.sqlalchemy_core import core

STORAGE, TRUST = FailureCause.STORAGE, FailureCause.NOT_TRUSTED


async def answer(store: Database, user: str, build: str, cause: FailureCause, app: str = "app") -> None:
    await store.run(install_failures.record_failure, user, app, build, cause)


async def rows(store: Database) -> list[str]:
    def work(tx: Transaction) -> list[str]:
        return [repr(tuple(row)) for row in core(tx, sa.select(table))]

    return await store.run(work)


async def test_failures_count_a_user_once_for_a_build(store: Database) -> None:
    await answer(store, "U1", "b1", STORAGE)
    await answer(store, "U1", "b1", TRUST)
    await answer(store, "U1", "b2", TRUST)
    await answer(store, "U2", "b1", STORAGE)
    assert await store.run(install_failures.count_failures, "app") == {TRUST: 2, STORAGE: 1}


async def test_failures_are_counted_by_build_and_period(store: Database) -> None:
    await answer(store, "U1", "b1", STORAGE)
    await answer(store, "U1", "b2", TRUST)
    await answer(store, "U1", "b3", TRUST, app="other")
    now, hour = datetime.now(UTC), timedelta(hours=1)
    assert await store.run(install_failures.count_failures, "app", ["b2", "b3"]) == {TRUST: 1}
    for since, until, found in ((now - hour, now + hour, 2), (now + hour, None, 0), (None, now - hour, 0)):
        counts = await store.run(install_failures.count_failures, "app", since=since, until=until)
        assert sum(counts.values()) == found


async def test_failures_name_no_user(store: Database) -> None:
    await answer(store, "U0ANA", "b1", STORAGE)
    assert all("U0ANA" not in row for row in await rows(store))


async def test_failures_of_an_erased_user_are_deleted(store: Database) -> None:
    for user in ("U1", "U2"):
        for number in range(3):
            await answer(store, user, f"b{number}", STORAGE)
    assert await store.run(audit_reports.erase_person, "U1") == 0
    assert await store.run(install_failures.count_failures, "app") == {STORAGE: 3}
    await answer(store, "U2", "b1", TRUST)
    assert await store.run(install_failures.count_failures, "app") == {STORAGE: 2, TRUST: 1}


def test_failures_of_an_app_are_read_by_an_index(empty_database: Path) -> None:
    query = sa.select(table.c.cause, sa.func.count()).where(table.c.app_id == "a", table.c.at >= datetime.now(UTC))
    text = query.group_by(table.c.cause).compile(dialect=sqlite_dialect(), compile_kwargs={"literal_binds": True})
    with closing(sqlite3.connect(f"file:{empty_database}?mode=ro", uri=True)) as file:
        steps = [step for *_, step in file.execute(f"EXPLAIN QUERY PLAN {text}")]
    assert any(step.startswith("SEARCH install_failures USING INDEX ix_install_failures_app_id") for step in steps), (
        steps
    )
