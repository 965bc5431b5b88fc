"""*Notify me*: a build that is not processed yet comes by direct message when it is, or the reason."""

from __future__ import annotations

from typing import Any

import pytest

from bot.db import app_polls
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeMessage, FakeUser
from tests.conftest import Environment
from tests.support.handing import (
    MINTING,
    direct,
    directs,
    downloaded,
    ends_once_asked,
    mints,
    raw,
    ready,
    rested,
    said,
    seen,
    start_with_page,
)
from tests.support.seeing import labels, link, press

TELL = "Notify me"


@pytest.fixture
def world(database: str, world: Environment) -> Environment:
    """On each kind of database: what is promised is what it remembers."""
    world.database = database
    return world


async def unfinished(world: Environment, **about: Any) -> tuple[FakeMessage, FakeBuild]:
    """What Bruno is told of a build that is on its way."""
    build = ready(world, **{"status": "in_progress", **about})
    return await world.ask("get courier 2.4.0", user=world.bruno), build


async def tick(world: Environment, user: FakeUser | None = None, n: int = 1) -> FakeMessage:
    """Let the clock tick, and give the n-th direct message."""
    await world.look()
    return await direct(world, user or world.bruno, n)


async def test_an_unfinished_build_is_offered_when_it_is_ready(world: Environment) -> None:
    await world.start()
    answer, _ = await unfinished(world)
    assert answer.text == "Courier 2.4.0 (173) for iOS isn't ready yet: being processed."
    assert labels(answer) == [TELL, "Check again", "Open in Applivery"]
    assert mints(world) == 0
    ready(world, status="pending", number="174")
    assert "waiting to be processed" in (await world.ask("get courier #174")).text


async def test_applivery_s_own_not_processed_is_the_same_offer(world: Environment) -> None:
    await world.start()
    ready(world)
    world.applivery.faults.add(MINTING, Fault(status=400, code=5014, error="Build Not Processed"))
    answer = await world.ask("get courier")
    assert labels(answer)[0] == TELL


@pytest.mark.parametrize("os", ["ios", "android"])
async def test_await_link_sent_by_dm_when_build_processed(world: Environment, os: str) -> None:
    await world.start()
    answer, build = await unfinished(world, os=os)
    assert await said(await press(world.slack, answer, TELL, user=world.bruno)) == (
        f"Watching Courier 2.4.0 (173) for {'iOS' if os == 'ios' else 'Android'}. I'll DM you when it's ready or fails."
    )
    await world.look()
    assert directs(world, world.bruno) == []
    assert mints(world) == 0
    world.applivery.move(build, "processed")
    message = await tick(world)
    assert message.text.startswith("✅ Courier 2.4.0 (173)")
    assert "is ready*" in seen(message)
    assert "you asked" not in f"{message.text}{seen(message)}"
    assert await downloaded(message) == 200
    await world.look()
    assert len(directs(world, world.bruno)) == 1
    assert directs(world, world.ana) == []
    assert world.slack.messages(world.releases) == []


async def test_the_reason_comes_when_it_fails(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    world.applivery.fail(build, "The signature is broken", "7001")
    message = await tick(world)
    assert message.text == "Courier 2.4.0 (173) for iOS: ❌ failed. The signature is broken (code 7001)"
    assert "The signature is broken (code 7001)" in seen(message)
    assert mints(world) == 0


async def test_await_build_already_ready_is_handed_over_at_once(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    world.applivery.move(build, "processed")
    got = await (await press(world.slack, answer, TELL, user=world.bruno)).answer()
    assert got.ephemeral_to == world.bruno.id
    assert await downloaded(got) == 200
    await world.look()
    assert directs(world, world.bruno) == []
    assert mints(world) == 1


async def test_await_build_ready_while_saving_is_not_missed(world: Environment) -> None:
    """It is ready between the first look (still in progress) and the second (after the promise)."""
    await world.start()
    answer, build = await unfinished(world)
    asked = ends_once_asked(world, build)
    got = await (await press(world.slack, answer, TELL, user=world.bruno)).answer()
    assert len(asked) >= 2
    assert link(got)
    await world.look()
    assert directs(world, world.bruno) == []


async def test_the_wish_outlives_a_restart(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    await world.restart()
    world.applivery.move(build, "processed")
    assert await downloaded(await tick(world)) == 200


async def test_await_changes_during_downtime_told_after_restart(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    await world.stop()
    world.applivery.move(build, "processed")
    await world.start()
    assert link(await tick(world))


async def test_await_each_asker_gets_own_link(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    other = await world.ask("get courier 2.4.0")
    await press(world.slack, answer, TELL, user=world.bruno)
    await press(world.slack, other, TELL, user=world.ana)
    await rested(world)
    world.applivery.move(build, "processed")
    first, second = await tick(world), await tick(world, world.ana)
    assert link(first) != link(second)


async def test_await_twice_is_told_once(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    for _ in range(2):
        await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    world.applivery.move(build, "processed")
    await tick(world)
    await world.look()
    assert len(directs(world, world.bruno)) == 1


async def test_await_other_builds_of_unsubscribed_app_stay_silent(world: Environment) -> None:
    await world.start()
    ready(world, version="1.0.0", number="1")
    answer, build = await unfinished(world)
    ready(world, version="3.0.0", number="300", status="in_progress")
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    await world.look()
    for other in world.applivery.builds:
        world.applivery.move(other, "processed")
    message = await tick(world)
    assert f"{world.courier.id}/{build.id}" in raw(message)
    assert len(directs(world, world.bruno)) == 1
    assert world.slack.messages(world.releases) == []


async def test_await_last_waiter_gone_stops_polling_app(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    assert await world.bot.store.run(app_polls.list_watched_apps) == {world.courier.id}
    world.applivery.move(build, "processed")
    await tick(world)
    assert await world.bot.store.run(app_polls.list_watched_apps) == set()


async def test_a_channel_that_is_subscribed_hears_of_it_as_ever(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    answer, build = await unfinished(world)
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    await world.look()
    world.applivery.move(build, "processed")
    assert link(await tick(world))
    [card] = [message for message in world.slack.messages(world.releases) if "is ready" in message.text]
    assert "/v1/download/" not in card.text


async def test_when_no_link_can_be_made_a_button_comes_instead(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    world.applivery.move(build, "processed")
    world.applivery.faults.add(MINTING, Fault(status=500))
    message = await tick(world)
    assert message.text == "Courier 2.4.0 (173) for iOS: ✅ ready."
    assert link(await (await press(world.slack, message, "Get build", user=world.bruno)).answer())


async def test_await_user_without_permission_gets_no_link(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    world.bruno.guest = True
    await world.restart()
    world.applivery.move(build, "processed")
    await world.look()
    assert mints(world) == 0
    assert all("/v1/download/" not in message.text for message in directs(world, world.bruno))


async def test_the_jobs_do_it_by_themselves(world: Environment) -> None:
    await world.start(jobs=True)
    answer, build = await unfinished(world)
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    world.applivery.move(build, "processed")
    assert link(await direct(world, world.bruno))


async def test_await_with_public_address_sends_page_and_mints_nothing(world: Environment) -> None:
    address = await start_with_page(world)
    answer, build = await unfinished(world)
    await press(world.slack, answer, TELL, user=world.bruno)
    await rested(world)
    world.applivery.move(build, "processed")
    message = await tick(world)
    assert f"{address}/b/" in message.text
    assert mints(world) == 0


async def test_a_build_that_was_deleted_meanwhile_is_said_to_be_gone(world: Environment) -> None:
    await world.start()
    answer, build = await unfinished(world)
    world.applivery.delete(build)
    assert "no longer has this item" in await said(await press(world.slack, answer, TELL, user=world.bruno))
    assert await world.bot.store.run(app_polls.list_watched_apps) == set()
