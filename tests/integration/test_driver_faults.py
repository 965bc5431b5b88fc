"""Whatever class of error a database driver raises, at whichever statement: words for the person, nothing half done."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
import sqlalchemy as sa

from bot.db import database_info, idempotency
from bot.db.connect import DatabaseUrl
from bot.db.database import Database
from bot.db.dialect_sql import Statement
from bot.db.transaction import Transaction
from bot.exceptions import DatabaseUnavailable
from bot.observability.causes import cause
from sandbox.slack import Interaction
from tests.conftest import Environment
from tests.integration.slack.test_deduplication import WAYS, typed
from tests.support.handing import directs, mints, ready, rested
from tests.support.postgres import PostgresServer
from tests.support.seeing import press

CLASSES: dict[str, sqlite3.Error] = {
    "read-only": sqlite3.OperationalError("attempt to write a readonly database"),
    "full": sqlite3.OperationalError("database or disk is full"),
    "locked": sqlite3.OperationalError("database is locked"),
    "unique": sqlite3.IntegrityError("UNIQUE constraint failed: audit.id"),
    "corrupt": sqlite3.DatabaseError("database disk image is malformed"),
    "misuse": sqlite3.InterfaceError("bad parameter or other API misuse"),
}
SERVERS: dict[str, psycopg.Error] = {
    "standby": psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction"),
    "no right": psycopg.errors.InsufficientPrivilege("permission denied for table audit"),
    "disk full": psycopg.errors.DiskFull("could not extend file: No space left on device"),
    "serialization": psycopg.errors.SerializationFailure("could not serialize access"),
    "cancelled": psycopg.errors.QueryCanceled("canceling statement due to user request"),
    "connection lost": psycopg.errors.AdminShutdown("terminating connection"),
}


@contextmanager
def faulty(error: Exception, *, first: int = 1, calls: int | None = None) -> Iterator[list[int]]:
    """Raise the driver's error from the statement `first` on, for so many (None: all)."""
    numbers, failed, rows = count(1), [], Transaction.rows

    def failing(tx: Transaction, statement: Statement, /, **parameters: object) -> list[Any]:
        number = next(numbers)
        if number >= first and (calls is None or len(failed) < calls):
            failed.append(number)
            raise error
        return rows(tx, statement, **parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "rows", failing)
        yield failed


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite:///{tmp_path / 'bot.db'}")
    yield opened
    await opened.close()


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind != "unique"])
async def test_a_driver_error_is_store_down_with_its_cause(store: Database, kind: str) -> None:
    with faulty(CLASSES[kind]), pytest.raises(DatabaseUnavailable) as down:
        await store.run(database_info.ping)
    assert str(CLASSES[kind]).partition("\n")[0] in cause(down.value)
    await store.run(database_info.ping)


@pytest.mark.postgres
@pytest.mark.parametrize("kind", SERVERS)
async def test_a_servers_error_is_store_down_with_its_cause(postgres_url: str, kind: str) -> None:
    store = await Database.open(postgres_url)
    wrapped = sa.exc.DBAPIError.instance("SELECT 1", None, SERVERS[kind], psycopg.Error, hide_parameters=True)
    assert isinstance(wrapped, Exception)
    with faulty(wrapped), pytest.raises(DatabaseUnavailable) as down:
        await store.run(database_info.ping)
    assert str(SERVERS[kind]).partition("\n")[0] in cause(down.value)
    await store.run(database_info.ping)
    await store.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", CLASSES)
async def test_each_driver_error_is_answered_in_words(world: Environment, kind: str, way: str) -> None:
    await world.start(**WAYS[way])
    ready(world)
    with faulty(CLASSES[kind]):
        for text in ("get courier", "builds courier", "subscribe courier", "downloads courier", "mute 4h", "whoami"):
            turn = await world.slack.command("/applivery", text, user=world.ana, channel=world.releases)
            assert turn.acked
            assert "database" in (await turn.answer()).text or kind == "unique", text
        assert mints(world) == 0
    assert "Courier" in (await world.ask("get courier")).text


@pytest.mark.parametrize("deed", ["command", "button", "form", "shortcut", "mention"])
async def test_a_fault_at_any_statement_is_answered(
    world: Environment, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th statement of a request fails, for every n there is: words, and at most one link."""
    monkeypatch.setattr(idempotency, "DOUBLE_CLICK_SECONDS", 0.2)
    await world.start()
    ready(world)
    failures = 0
    for first in range(1, 40):
        act = await prepared(world, deed)
        made, words = mints(world), len(private(world))
        with faulty(CLASSES["full"], first=first) as failed:
            turn = await act()
            await rested(world)
        assert turn.answers or turn.errors or len(private(world)) > words, f"nothing was said: statement {first} failed"
        assert mints(world) - made <= 1
        if not failed:
            break
        failures += 1
    assert failures, "no statement failed"


def private(world: Environment) -> list[Any]:
    """What Ana alone was told beside the answers to what she did."""
    return [*directs(world, world.ana), *world.slack.ephemerals(world.ana, world.releases)]


async def prepared(world: Environment, deed: str) -> Callable[[], Awaitable[Interaction]]:
    """What a person is about to do, with all that it needs in place."""
    slack, ana = world.slack, world.ana
    if deed == "command":
        return partial(slack.command, "/applivery", "get courier", user=ana, channel=world.releases)
    if deed == "mention":
        return partial(slack.mention, "get courier", ana, world.releases)
    if deed == "form":
        if len(world.applivery.apps) == 1:
            world.applivery.app("Driver")
        form = await (await slack.command("/applivery", "get", user=ana, channel=world.releases)).view()
        [app] = await slack.options(form, "get.app", "cour", user=ana)
        return partial(slack.submit, form, {"get.app": {"get.app": app["value"]}}, user=ana)
    if not slack.messages(world.releases):
        await world.ask("subscribe courier")
        world.applivery.build(world.courier, version="9.0.0")
        await world.look()
    else:  # the same click again would be a double click
        await asyncio.sleep(idempotency.DOUBLE_CLICK_SECONDS)
    [card] = slack.messages(world.releases)
    if deed == "shortcut":
        return partial(slack.shortcut, "get_build", user=ana, message=card)
    return partial(press, slack, card, "Get build", user=ana)


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind != "unique"])  # the row that is written is one
async def test_readiness_says_that_the_database_takes_no_writes(world: Environment, kind: str) -> None:
    await world.start(jobs=True)
    async with aiohttp.ClientSession() as session:
        with faulty(CLASSES[kind]):
            async with session.get(f"http://127.0.0.1:{world.bot.web.port}/readyz") as answer:
                assert answer.status == 503
                found = (await answer.json())["checks"]["database"]
        assert found["ok"] is False
        assert str(CLASSES[kind]).partition(":")[0] in found["problem"]


async def test_a_frozen_database_does_nothing_twice(world: Environment) -> None:
    """No answer about "seen before" is no leave to do it: a signed request may be one that was sent again."""
    await world.start(slack_app_token=None)
    ready(world)
    turn = await typed(world)
    await rested(world)
    assert mints(world) == 1
    with faulty(CLASSES["read-only"]):
        assert (await world.slack.repeat(turn, same_envelope=True)).ok
        await rested(world)
    assert mints(world) == 1


@pytest.mark.postgres
async def test_a_standby_s_connections_are_left_for_the_primary(postgres_server: PostgresServer) -> None:
    """After a failover the old primary may come back read-only: the next connection is a new one."""
    address = postgres_server.fresh()
    store = await Database.open(address)
    name = address.rpartition("/")[2]
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as session:
        session.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        with pytest.raises(DatabaseUnavailable) as down:
            await store.run(database_info.ping)
        assert "read-only" in cause(down.value)
        session.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    await store.run(database_info.ping)  # the read-only connections were dropped with the first refusal
    await store.close()
    postgres_server.drop(address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://u:p@h1:1,h2:2/db", {"host": "h1,h2", "port": "1,2", "target_session_attrs": "read-write"}),
        ("postgresql://u:p%2C@h1,h2/db", {"host": "h1,h2", "target_session_attrs": "read-write"}),
        ("postgresql://h1,h2/db?target_session_attrs=any", {"host": "h1,h2", "target_session_attrs": "any"}),
        ("postgresql://u@/db?host=h1:1&host=h2:2", {"host": "h1,h2", "target_session_attrs": "read-write"}),
        ("postgresql://u:p,w@h1:1/db", {"host": "h1", "port": 1, "password": "p,w", "target_session_attrs": None}),
    ],
)
def test_of_several_servers_the_one_that_writes(address: str, expected: dict[str, Any]) -> None:
    found = DatabaseUrl.parse(address).libpq()
    assert {key: found.get(key) for key in expected} == expected
    assert found["dbname"] == "db"
