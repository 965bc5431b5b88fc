"""What Slack delivers again is acknowledged again, and done once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from bot.app import running
from bot.db.database import Database
from bot.db.link_quota import LinkLimits
from bot.db.runner import StartOptions
from bot.domain.outcomes import Arrival, RequestOutcome
from bot.observability.metrics import Metrics
from bot.slack.deduplication import RequestDeduplicator
from bot.slack.incoming import IncomingRequest
from sandbox.slack import Interaction
from tests.conftest import Environment
from tests.support.handing import direct, directs, mints, ready, rested
from tests.support.seeing import press

WAYS = {"socket": {}, "http": {"slack_app_token": None}}


async def typed(world: Environment) -> Interaction:
    """A slash command."""
    return await world.slack.command("/applivery", "get courier", user=world.ana, channel=world.releases)


async def clicked(world: Environment) -> Interaction:
    """A button, of a card that everybody sees."""
    await world.ask("subscribe courier")
    world.applivery.build(world.courier, version="9.0.0")
    await world.look()
    [card] = world.slack.messages(world.releases)
    return await press(world.slack, card, "Get build", user=world.ana)


async def submitted(world: Environment) -> Interaction:
    """A form."""
    world.applivery.app("Driver")
    form = await (await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)).view()
    [app] = await world.slack.options(form, "get.app", "cour", user=world.ana)
    return await world.slack.submit(form, {"get.app": {"get.app": app["value"]}}, user=world.ana)


async def used(world: Environment) -> Interaction:
    """A message shortcut, on a card."""
    await world.ask("subscribe courier")
    world.applivery.build(world.courier, version="9.0.0")
    await world.look()
    [card] = world.slack.messages(world.releases)
    return await world.slack.shortcut("get_build", user=world.ana, message=card)


async def called(world: Environment) -> Interaction:
    """A mention."""
    return await world.slack.mention("get courier", world.ana, world.releases)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("deed", [typed, clicked, submitted, used, called])
async def test_a_second_delivery_is_acknowledged_and_does_nothing(
    world: Environment, deed: Callable[[Environment], Awaitable[Interaction]], way: str, same: bool
) -> None:
    await world.start(**WAYS[way])
    ready(world)
    turn = await deed(world)
    world.slack.workspace.clock = lambda: time.time() + 2  # over HTTP, it is signed anew
    for _ in range(2):
        assert (await world.slack.repeat(turn, same_envelope=same)).ok
    await rested(world)
    assert mints(world) == 1
    assert replayed(world) == 2


def replayed(world: Environment) -> float:
    """How many requests were taken for repeats."""
    return sum(
        sample.value
        for metric in world.bot.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "applivery_bot_requests_total" and sample.labels["outcome"] == RequestOutcome.REPLAYED
    )


async def test_repeats_at_the_same_time_are_done_once(world: Environment) -> None:
    await world.start()
    ready(world)
    turn = await typed(world)
    await asyncio.gather(*(world.slack.repeat(turn, same_envelope=nth % 2 == 0) for nth in range(6)))
    await rested(world)
    assert mints(world) == 1


async def test_a_repeat_after_a_restart_is_done_once(world: Environment) -> None:
    await world.start()
    ready(world)
    turn = await typed(world)
    await turn.answer()
    await world.restart()
    assert (await world.slack.repeat(turn)).ok
    await rested(world)
    assert mints(world) == 1


@pytest.mark.postgres
async def test_a_repeat_at_another_replica_is_done_once(world: Environment, postgres_url: str) -> None:
    world.database = postgres_url
    await world.start()
    ready(world)
    async with running(world.settings(), world.tuning, jobs=False) as other:
        await world.slack.until(lambda: len(world.slack.sockets) == 2)
        turn = await typed(world)
        for _ in range(3):
            assert (await world.slack.repeat(turn)).ok
        await rested(world)
        await other.dispatcher.drain(5)
    assert mints(world) == 1


async def test_the_same_typed_again_is_another_request(world: Environment) -> None:
    await world.start()
    ready(world)
    for _ in range(2):
        await (await typed(world)).answer()
    assert mints(world) == 2


async def test_a_form_that_is_opened_twice_opens_once(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    turn = await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)
    assert (await world.slack.repeat(turn)).ok
    await rested(world)
    assert len(turn.views) == len(world.slack.calls_of("views.open")) == 1


# ------------------------------------------------------------------ edits


async def test_an_edited_mention_is_not_answered_again(world: Environment) -> None:
    await world.start()
    ready(world)
    await world.slack.mention("get courier", world.ana, world.releases)
    await direct(world, world.ana)
    [message] = world.slack.messages(world.releases)
    turn = await world.slack.reword(message, f"{message.text} please", world.ana)
    await rested(world)
    assert turn.acked
    assert (mints(world), len(directs(world, world.ana))) == (1, 1)


@pytest.mark.parametrize(
    "about",
    [
        {"edited": {"user": "U0S000001", "ts": "1700000001.000100"}},
        {"subtype": "message_changed"},
        {"subtype": "message_deleted", "hidden": True},
        {"hidden": True},
    ],
)
async def test_mention_event_about_edited_message_is_ignored(world: Environment, about: dict[str, Any]) -> None:
    await world.start()
    ready(world)
    assert (await world.slack.event({**said_once(world), **about})).acked
    await rested(world)
    assert mints(world) == 0
    await world.slack.event(said_once(world))
    await rested(world)
    assert mints(world) == 1, "its first event, which comes late, is answered"


def said_once(world: Environment) -> dict[str, Any]:
    """An app_mention of one message."""
    where = {"user": world.bruno.id, "channel": world.releases.id, "ts": "1700000000.000100"}
    return {"type": "app_mention", "text": f"<@{world.slack.bot_user_id}> get courier", **where}


class _Disk:
    """A database that notes whether it was to wait for the disk."""

    def __init__(self) -> None:
        self.waited: list[bool] = []

    def start(self, how: StartOptions, *_: object) -> asyncio.Future[Arrival]:
        self.waited.append(how.synced)
        answer: asyncio.Future[Arrival] = asyncio.get_running_loop().create_future()
        answer.set_result(Arrival())
        return answer


@pytest.mark.parametrize(("link", "waits"), [(None, True), (LinkLimits("U1", 10, 60), False)])
async def test_deduplication_click_for_link_is_synced_later(link: LinkLimits | None, waits: bool) -> None:
    disk = _Disk()
    deduplicator = RequestDeduplicator(cast("Database", disk), Metrics())
    look = deduplicator.start_check(IncomingRequest({}), {"trigger_id": "1"}, ["click"], link)
    assert look is not None
    assert await look == Arrival()
    assert disk.waited == [waits]
