"""A look at a list that is as it was: nothing is read or recorded, and nothing is missed for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.db import app_polls, builds
from bot.db.schema import app_polls as table
from bot.db.transaction import Transaction
from bot.domain.builds import HURRY, LOOK_CLOSELY, same_for, unfinished_since
from bot.domain.model import BuildTransition, Stage
from tests.conftest import Environment
from tests.integration.workers.test_build_poller import ready, subscribed
from tests.support.builders import NOON, build, stages
from tests.support.sqlalchemy_core import core

RECORDED, UNCHANGED = "record_poll", "record_unchanged"


@pytest.fixture
async def watched(world: Environment) -> Environment:
    """#releases is subscribed to Courier, which has a build; the baseline is done, and one look more."""
    world.applivery.build(world.courier, version="1.0.0")
    await world.start()
    await subscribed(world)
    await world.look()
    await turn(world)
    return world


async def turn(world: Environment) -> str:
    """Look because the time has come, not because somebody wants it; return how the look was recorded."""
    store, kinds = world.bot.store, list[str]()
    await store.run(_all_due)
    run = store.run

    async def spy(work: Any, *args: Any, **named: Any) -> Any:
        kinds.append(work.__name__)
        return await run(work, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "run", spy)
        await world.bot.watch.step()
    await world.bot.announce.drain()
    (kind,) = {RECORDED, UNCHANGED} & set(kinds)
    return kind


def _all_due(tx: Transaction) -> None:
    core(tx, sa.update(table).values(next_poll_at=sa.literal(0, sa.BigInteger)))


def _later(tx: Transaction) -> None:
    core(tx, sa.update(table).values(page_until=sa.literal(1, sa.BigInteger)))


async def test_poller_unchanged_list_ends_the_look(watched: Environment) -> None:
    assert [await turn(watched) for _ in range(3)] == [UNCHANGED] * 3
    watched.applivery.build(watched.courier, version="1.1.0")
    assert [await turn(watched) for _ in range(3)] == [RECORDED, UNCHANGED, UNCHANGED]
    assert watched.said() == [ready("1.1.0")]


async def test_poller_edited_build_changes_the_list(watched: Environment) -> None:
    made = watched.applivery.build(watched.courier, version="1.1.0")
    await turn(watched)
    watched.applivery.edit(made, {"changelog": "New words"})
    assert [await turn(watched), await turn(watched)] == [RECORDED, UNCHANGED]
    (card,) = watched.slack.messages(watched.releases)
    assert "New words" in str(card.blocks)


async def test_poller_follows_stages_of_an_unchanged_list(watched: Environment) -> None:
    made = watched.applivery.build(watched.courier, version="1.1.0", status="in_progress")
    assert [await turn(watched), await turn(watched)] == [RECORDED, UNCHANGED]
    watched.applivery.move(made, "processed")
    assert await turn(watched) == RECORDED
    assert watched.said() == [ready("1.1.0")]


async def test_poller_knows_an_unchanged_list_after_restart(watched: Environment) -> None:
    await watched.restart()
    assert await turn(watched) == UNCHANGED


async def test_poller_sees_what_another_replica_recorded(watched: Environment) -> None:
    """The list changed for another replica, and is again as it was."""
    made = watched.applivery.build(watched.courier, version="1.1.0", status="in_progress")
    await turn(watched)
    await watched.bot.store.run(_all_due)
    (claim,) = await watched.bot.store.run(app_polls.claim_due_apps, 1, 60)
    ended = BuildTransition(build(made.id, Stage.READY, app=watched.courier.id), Stage.RUNNING, quiet=True)
    await watched.bot.store.run(builds.record_poll, claim.app_id, claim.token, [ended], (), next_at_seconds=0)
    assert await turn(watched) == RECORDED
    assert await stages(watched.bot.store, watched.courier.id) == {made.id: Stage.RUNNING}


async def test_poller_webhook_looks_at_an_unchanged_list(watched: Environment) -> None:
    await watched.bot.store.run(app_polls.request_poll, [watched.courier.id])
    assert [await turn(watched), await turn(watched)] == [RECORDED, UNCHANGED]


async def test_poller_request_during_poll_looks_again(watched: Environment) -> None:
    await watched.bot.store.run(_all_due)
    (claim,) = await watched.bot.store.run(app_polls.claim_due_apps, 1, 60)
    await watched.bot.store.run(app_polls.request_poll, [claim.app_id])
    await watched.bot.store.run(app_polls.record_unchanged, claim.app_id, claim.token, 60)
    assert await watched.bot.store.run(app_polls.poll_due_in) == 0
    assert await turn(watched) == RECORDED


async def test_poller_looks_closely_at_an_unchanged_list_hourly(watched: Environment) -> None:
    assert await turn(watched) == UNCHANGED
    await watched.bot.store.run(_later)
    assert [await turn(watched), await turn(watched)] == [RECORDED, UNCHANGED]


async def test_poller_looks_again_at_what_was_marked_deleted(watched: Environment) -> None:
    made = watched.applivery.build(watched.courier, version="1.1.0")
    await turn(watched)
    await watched.bot.store.run(builds.mark_deleted, watched.courier.id, made.id)
    assert await stages(watched.bot.store, watched.courier.id, [made.id]) == {}
    assert await turn(watched) == RECORDED
    assert await stages(watched.bot.store, watched.courier.id, [made.id]) == {made.id: Stage.READY}


async def test_poller_new_subscription_looks_at_an_unchanged_list(watched: Environment) -> None:
    beta = watched.slack.channel("beta", members=(watched.ana,))
    await subscribed(watched, "courier", beta)
    assert await turn(watched) == RECORDED


async def test_poller_failed_look_is_no_unchanged_one(watched: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a list tells was recorded in part: the same list has the rest."""
    made = watched.applivery.build(watched.courier, version="1.1.0")
    await turn(watched)
    watched.applivery.edit(made, {"changelog": "New words"})

    def broken(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(builds, "record_edits", broken)
        patch.setattr(builds.record_edits, "__name__", "record_edits")
        await turn(watched)
    assert await turn(watched) == RECORDED
    (card,) = watched.slack.messages(watched.releases)
    assert "New words" in str(card.blocks)


def test_a_list_stands_until_something_of_it_is_due() -> None:
    deadline = timedelta(days=1)
    ended, begun = build("1", Stage.READY), build("2", Stage.RUNNING, minute=0)
    for age, longest in (
        (timedelta(), HURRY),
        (timedelta(minutes=29), timedelta(minutes=1)),
        (timedelta(minutes=31), LOOK_CLOSELY),
        (timedelta(hours=23, minutes=50), timedelta(minutes=10)),
        (timedelta(days=2), LOOK_CLOSELY),
    ):
        since = {b.id: unfinished_since(b, None, NOON + age) for b in (ended, begun)}
        assert same_for([ended, begun], since, NOON + age, deadline) == longest
    assert same_for([ended], {}, NOON, deadline) == LOOK_CLOSELY
