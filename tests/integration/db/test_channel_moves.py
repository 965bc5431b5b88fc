"""A channel with another id: what is recorded of it follows, whatever kind of row it is, as often as it is said."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa

from bot.db import app_polls, builds, channel_moves, drafts, key_value, outbox, subscriptions
from bot.db.column_types import ChannelId, EnumText, UtcMicros, metadata
from bot.db.database import Database
from bot.db.outbox_types import DeliveryResult
from bot.db.schema import channel_leases
from bot.db.schema import outbox as deliveries
from bot.db.transaction import Transaction
from bot.domain.model import BuildEvent, BuildTransition, NewDelivery, Stage
from bot.domain.states import DeliveryState, ResultKind
from tests.support.builders import build, exchange, fill, posted_ts, said, subscribe, take
from tests.support.sqlalchemy_core import core

# The shapes of https://docs.slack.dev/reference/events/channel_id_changed
OLD, NEW, LATER = "G012Y48650T", "C012Y48650T", "C099Z11111A"
NAMED_OTHERWISE = ("target", "target_id", "members_of")  # columns with a channel id in them that are not called so


def _value(column: sa.Column[Any], number: int) -> Any:
    """Something that a column takes, which differs between rows."""
    if isinstance(column.type, ChannelId):
        return OLD
    if isinstance(column.type, EnumText):
        return next(iter(column.type.vocabulary))
    if isinstance(column.type, UtcMicros):
        return datetime(2026, 3, 1, tzinfo=UTC)
    if isinstance(column.type, (sa.BigInteger, sa.Integer)):
        return number
    return {sa.Boolean: False, sa.Double: 1.0}.get(type(column.type), f"{column.name} {number}")


def _add(tx: Transaction, table: sa.Table, number: int, **changes: Any) -> None:
    core(tx, sa.insert(table).values(**{each.name: _value(each, number) for each in table.columns} | changes))


def _ids(tx: Transaction, column: sa.Column[str]) -> list[str]:
    return sorted(core(tx, sa.select(column)).scalars())


COLUMNS = [metadata.tables[table].columns[column] for table, column in channel_moves.COLUMNS]


def _keys(column: sa.Column[Any]) -> tuple[tuple[str, ...], ...]:
    return channel_moves.COLUMNS[column.table.name, column.name]


def test_every_column_of_a_channel_is_moved_with_its_keys() -> None:
    unique = (sa.UniqueConstraint, sa.PrimaryKeyConstraint, sa.Index)
    found = {
        (table.name, column.name): {
            frozenset(other.name for other in key.columns if other is not column)
            for key in (*table.constraints, *(index for index in table.indexes if index.unique))
            if isinstance(key, unique) and column.name in key.columns
        }
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, ChannelId) and table is not channel_leases
    }
    assert found == {place: set(map(frozenset, keys)) for place, keys in channel_moves.COLUMNS.items()}


def test_every_column_of_a_channel_says_that_it_is_one() -> None:
    named = {
        column
        for table in metadata.sorted_tables
        for column in table.columns
        if "channel" in column.name or column.name in NAMED_OTHERWISE
    }
    assert named == {*COLUMNS, channel_leases.c.channel_id}


@pytest.mark.parametrize("column", COLUMNS, ids=str)
async def test_a_moved_channel_leaves_nothing_behind(store: Database, column: sa.Column[str]) -> None:
    await store.run(_add, column.table, 1)
    await store.run(_add, column.table, 2, **{column.name: "C1"})
    assert await store.run(channel_moves.move_channel, OLD, NEW, 1.0) == NEW
    assert sorted(await store.run(_ids, column)) == sorted([NEW, "C1"])


@pytest.mark.parametrize("column", [each for each in COLUMNS if _keys(each)], ids=str)
async def test_rows_under_both_ids_become_one(store: Database, column: sa.Column[str]) -> None:
    columns = column.table.columns
    key = {other: _value(columns[other], 1) for others in _keys(column) for other in others}
    await store.run(_add, column.table, 1)
    await store.run(_add, column.table, 2, **{**key, column.name: NEW})
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    assert await store.run(_ids, column) == [NEW]


# ------------------------------------------------------------------ as often as it is said


async def test_a_move_said_twice_is_one(store: Database) -> None:
    await subscribe(store, OLD)
    for _ in range(2):
        await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    (subscription,) = await store.run(subscriptions.list_subscriptions)
    assert subscription.channel_id == NEW
    assert await store.run(channel_moves.list_moves) == {OLD: NEW}


async def test_an_older_move_said_again_moves_nothing_back(store: Database) -> None:
    await subscribe(store, OLD)
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    await store.run(channel_moves.move_channel, NEW, OLD, 2.0)
    assert await store.run(channel_moves.move_channel, OLD, NEW, 1.0) is None
    assert [each.channel_id for each in await store.run(subscriptions.list_subscriptions)] == [OLD]
    assert await store.run(channel_moves.list_moves) == {NEW: OLD}


async def test_the_first_of_three_ids_leads_to_the_last(store: Database) -> None:
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    await store.run(channel_moves.move_channel, NEW, LATER, 2.0)
    await subscribe(store, OLD)  # by a replica that had not heard of it
    assert await store.run(channel_moves.follow, OLD) == LATER
    assert [each.channel_id for each in await store.run(subscriptions.list_subscriptions)] == [LATER]
    assert await store.run(channel_moves.list_moves) == {OLD: LATER, NEW: LATER}


async def test_a_channel_that_did_not_move_is_not_followed(store: Database) -> None:
    assert await store.run(channel_moves.follow, OLD) is None


# ------------------------------------------------------------------ where there is something already


async def test_of_two_subscriptions_the_later_one_stays(store: Database) -> None:
    before = await subscribe(store, OLD)
    after = await subscribe(store, NEW)
    await fill(store, [OLD], ["b1"])
    await store.run(_of_subscription, before.id)
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    (stays,) = await store.run(subscriptions.list_subscriptions)
    assert stays.channel_id == NEW
    assert stays.id in (before.id, after.id)
    (row,) = await store.run(_rows)
    assert row.subscription_id == stays.id, "what waits for the other is its own now"


def _of_subscription(tx: Transaction, number: int) -> None:
    core(tx, sa.update(deliveries).values(subscription_id=number))


def _rows(tx: Transaction) -> list[Any]:
    return list(core(tx, sa.select(deliveries).order_by(deliveries.c.id)).all())


_ORDER = (
    DeliveryState.FAILED,
    DeliveryState.KNOWN,
    DeliveryState.HELD,
    DeliveryState.DUE,
    DeliveryState.SENDING,
    DeliveryState.POSTED,
)


@pytest.mark.parametrize("further", _ORDER[1:])
@pytest.mark.parametrize("where", [OLD, NEW])
async def test_of_two_deliveries_the_further_one_stays(store: Database, further: StrEnum, where: str) -> None:
    other = _ORDER[_ORDER.index(DeliveryState(further)) - 1]
    await fill(store, [OLD, NEW], ["b1"])
    await store.run(_set_states, {OLD: other, NEW: other} | {where: further})
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    (row,) = await store.run(_rows)
    assert (row.channel_id, row.state) == (NEW, further)


def _set_states(tx: Transaction, states: dict[str, DeliveryState]) -> None:
    for channel_id, state in states.items():
        core(tx, sa.update(deliveries).where(deliveries.c.channel_id == channel_id).values(state=state))


async def test_undo_works_under_the_new_id(store: Database) -> None:
    subscription = await subscribe(store, OLD)
    ended = await store.run(subscriptions.end_subscription, OLD, subscription.id)
    assert ended
    typed = await store.run(drafts.save_draft, f"subscribe courier <#{OLD}|secret> <#{OLD}> {OLD}X")
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    change = await store.run(subscriptions.get_change, ended[1])
    assert change
    restored = await store.run(subscriptions.undo_change, change)
    assert restored
    assert restored.channel_id == NEW
    assert await store.run(drafts.get_draft, typed) == f"subscribe courier <#{NEW}|secret> <#{NEW}> {OLD}X"


async def test_owners_told_of_a_refusal_are_told_of_it_once(store: Database) -> None:
    await store.run(key_value.set_value, f"{channel_moves.REFUSED}{OLD}", "U1 U2")
    await store.run(key_value.set_value, f"{channel_moves.REFUSED}{NEW}", "U2 U3")
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    assert await store.run(key_value.scan_values, channel_moves.REFUSED) == {
        f"{channel_moves.REFUSED}{NEW}": "U1 U2 U3"
    }


# ------------------------------------------------------------------ while something is posted


@pytest.mark.parametrize("kind", [ResultKind.POSTED, ResultKind.AGAIN, ResultKind.FAILED])
async def test_a_post_in_progress_is_recorded_under_the_new_id(store: Database, kind: ResultKind) -> None:
    await fill(store, [OLD], ["b1", "b2"])
    (claim,) = await take(store)
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    assert await take(store) == [], "one message is in flight"
    ts = "1.1" if kind is ResultKind.POSTED else None
    batch = await exchange(store, [DeliveryResult.of(claim, kind, ts=ts, reason="x")])
    following = "b1" if kind is ResultKind.AGAIN else "b2"
    assert said(batch.claims) == [(NEW, following)], "and its lease is free at once"
    assert await store.run(posted_ts, NEW, "b1") == ts
    assert not batch.lost


async def test_of_two_posts_in_progress_one_is_looked_up(store: Database) -> None:
    await fill(store, [OLD], ["b1"])
    await fill(store, [NEW], ["b2"])
    claims = await take(store)
    assert len(claims) == 2
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    by_build = {claim.announcement.build.id: claim for claim in claims}
    done = [DeliveryResult.of(by_build["b2"], ResultKind.POSTED, ts="2.2")]
    batch = await exchange(store, done)
    (again,) = batch.claims
    assert said([again]) == [(NEW, "b1")]
    assert again.unsure, "it may be in the channel"


async def test_a_poll_in_progress_announces_nothing_to_the_old_id(store: Database) -> None:
    await subscribe(store, OLD)
    (claimed,) = await store.run(app_polls.claim_due_apps, 1, 60, only_due=False)
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    news = BuildTransition(build("b1", Stage.READY), None)
    await store.run(
        builds.record_poll,
        "app",
        claimed.token,
        [news],
        [NewDelivery(OLD, "b1", BuildEvent.PROCESSED)],
        next_at_seconds=60,
        baseline_done=True,
    )
    assert await store.run(_rows) == []


@pytest.mark.parametrize("address", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_two_replicas_post_each_once_while_a_channel_moves(store: Database, address: str) -> None:
    builds_ = [f"b{number}" for number in range(40)]
    await fill(store, [OLD, "C1"], builds_)
    other = await Database.open(address)
    posted: list[str] = []

    async def replica(database: Database) -> None:
        done: list[DeliveryResult] = []
        while len(posted) < 2 * len(builds_) or done:
            claims = (await exchange(database, done, room=4)).claims
            done = [DeliveryResult.of(each, ResultKind.POSTED, ts=f"{each.announcement.id}.1") for each in claims]
            posted.extend(each.announcement.key for each in claims)

    async def moves(database: Database) -> None:
        while len(posted) < len(builds_) // 2:
            await asyncio.sleep(0)
        for _ in range(5):
            await database.run(channel_moves.move_channel, OLD, NEW, 1.0)

    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*(work(each) for each in (store, other) for work in (replica, moves)))
    finally:
        await other.close()
    assert len(posted) == len(set(posted)) == 2 * len(builds_)
    rows = await store.run(_rows)
    assert {row.channel_id for row in rows} == {NEW, "C1"}
    assert {row.state for row in rows} == {DeliveryState.POSTED}


async def test_a_moved_channel_keeps_its_pace(store: Database) -> None:
    await fill(store, [OLD], ["b1", "b2"])
    (claim,) = await take(store)
    await exchange(store, [DeliveryResult.of(claim, ResultKind.POSTED, ts="1.1")], room=0, pace=60)
    await store.run(channel_moves.move_channel, OLD, NEW, 1.0)
    due = await store.run(outbox.delivery_due_in)
    assert due is not None
    assert due > 50
    assert await store.run(_ids, channel_leases.c.channel_id) == [NEW]
