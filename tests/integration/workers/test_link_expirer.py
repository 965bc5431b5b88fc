"""When a link's time is over its message says so, where that is possible: never later, never twice, never too early."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.handing import Clock, direct, directs, ready, rested, start_with_page
from tests.support.seeing import labels, link, press
from tests.support.stopping import stopped_after, stopped_once

OVER = "This link expired. Courier 2.4.0 (173) iOS"


@pytest.fixture
def database(tmp_path: Path) -> str:
    """SQLite alone: PostgreSQL has a clock of its own, which no test can put forward."""
    return f"sqlite:///{tmp_path / 'bot.db'}"


@pytest.fixture
def clock(world: Environment) -> Clock:
    return Clock(world)


def over(message: FakeMessage) -> bool:
    """Whether a message says that its link has expired, and carries it no more."""
    said = message.text.startswith("This link expired.")
    assert ("/v1/download/" in message.text) != said
    return said


async def fresh(world: Environment) -> FakeMessage:
    """A link that a click put into an ephemeral message."""
    answer = await world.ask("get courier", user=world.bruno)
    got: FakeMessage = await (await press(world.slack, answer, "Fresh link", user=world.bruno)).answer()
    await rested(world)
    return got


async def test_expirer_click_answer_expires_and_button_gives_new_link(world: Environment, clock: Clock) -> None:
    """The ephemeral message says that its link expired."""
    await world.start()
    ready(world)
    message = await fresh(world)
    clock.forward(minutes=4)
    await world.bot.expire.step()
    assert not over(message)
    clock.forward(minutes=1, seconds=1)
    await world.bot.expire.step()
    assert over(message)
    assert message.ephemeral_to == world.bruno.id
    assert message.text.startswith("This link expired.")
    assert labels(message) == ["Get new link", "It didn't install"]
    again = await (await press(world.slack, message, "Get new link", user=world.bruno)).answer()
    assert again is message
    assert link(message)


async def test_a_copy_in_the_direct_messages_is_edited(world: Environment, clock: Clock) -> None:
    await world.start()
    ready(world)
    await press(world.slack, await world.ask("get courier"), "Send to my DM", user=world.ana)
    copy = await direct(world, world.ana)
    await rested(world)
    clock.forward(minutes=6)
    await world.bot.expire.step()
    assert over(copy)
    assert copy.edited
    assert link(await (await press(world.slack, copy, "Get new link", user=world.ana)).answer())


async def test_expirer_edits_awaited_link_message(world: Environment, clock: Clock) -> None:
    """A link that was promised and told by direct message expires in its message too."""
    await world.start()
    build = ready(world, status="in_progress")
    answer = await world.ask("get courier 2.4.0")
    await press(world.slack, answer, "Notify me", user=world.ana)
    await rested(world)
    world.applivery.move(build, "processed")
    await world.look()
    message = await direct(world, world.ana)
    clock.forward(minutes=6)
    await world.bot.expire.step()
    assert over(message)


async def test_the_direct_message_of_a_mention_is_edited_too(world: Environment, clock: Clock) -> None:
    await world.start()
    ready(world)
    await world.slack.mention("get courier", world.ana, world.releases)
    message = await direct(world, world.ana)
    await rested(world)
    clock.forward(minutes=6)
    await world.bot.expire.step()
    assert over(message)


async def test_expirer_first_command_answer_stays_unchanged(world: Environment, clock: Clock) -> None:
    """Its response_url would add a message and not replace one; the time that stands in it has to do."""
    await world.start()
    ready(world)
    answer = await world.ask("get courier")
    await rested(world)
    clock.forward(minutes=6)
    await world.bot.expire.step()
    assert not over(answer)
    assert len(world.slack.ephemerals(world.ana)) == 1
    assert await world.bot.expire.step() is None


async def test_expirer_click_leaves_shared_card_unchanged(world: Environment, clock: Clock) -> None:
    await world.start()
    await world.ask("subscribe courier")
    ready(world)
    await world.look()
    card = world.slack.messages(world.releases)[-1]
    before = card.text
    await (await press(world.slack, card, "Get build", user=world.bruno)).answer()
    await rested(world)
    clock.forward(minutes=6)
    await world.bot.expire.step()
    assert (card.text, card.edited) == (before, False)


async def test_expirer_newer_link_in_same_message_keeps_own_lifetime(world: Environment, clock: Clock) -> None:
    await world.start()
    ready(world)
    message = await fresh(world)
    clock.forward(minutes=4)
    await press(world.slack, message, "Fresh link", user=world.bruno)
    await rested(world)
    clock.forward(minutes=2)
    await world.bot.expire.step()
    assert not over(message), "the first link's time is over, and it is not there any more"
    clock.forward(minutes=4)
    await world.bot.expire.step()
    assert over(message)


async def test_expirer_newer_link_in_dm_keeps_own_lifetime(world: Environment, clock: Clock) -> None:
    await world.start()
    ready(world)
    await press(world.slack, await world.ask("get courier"), "Send to my DM", user=world.ana)
    copy = await direct(world, world.ana)
    await rested(world)
    clock.forward(minutes=4)
    await press(world.slack, copy, "Fresh link", user=world.ana)
    await rested(world)
    clock.forward(minutes=2)
    await world.bot.expire.step()
    assert not over(copy)
    clock.forward(minutes=4)
    await world.bot.expire.step()
    assert over(copy)


async def test_a_message_that_says_something_else_by_now_is_left_alone(world: Environment, clock: Clock) -> None:
    await world.start()
    build = ready(world)
    message = await fresh(world)
    clock.forward(minutes=1)
    world.applivery.move(build, "in_progress")
    await press(world.slack, message, "Fresh link", user=world.bruno)
    await rested(world)
    assert "isn't ready yet" in message.text
    clock.forward(minutes=10)
    await world.bot.expire.step()
    assert "isn't ready yet" in message.text


async def test_a_restart_in_between_changes_nothing(world: Environment, clock: Clock) -> None:
    await world.start()
    ready(world)
    message = await fresh(world)
    await press(world.slack, message, "Send to my DM", user=world.bruno)
    copy = await direct(world, world.bruno)
    await rested(world)
    await world.stop()
    clock.forward(minutes=6)
    await world.start()
    await world.bot.expire.step()
    assert over(message)
    assert over(copy)


async def test_expirer_late_restart_leaves_message_without_error(world: Environment, clock: Clock) -> None:
    await world.start()
    ready(world)
    message = await fresh(world)
    await world.stop()
    clock.forward(minutes=45)
    await world.start()
    assert await world.bot.expire.step() is None
    assert not over(message)
    assert [status for *_, status in world.slack.responses.uses if status != 200] == [404]


async def test_expirer_link_outliving_response_url_not_promised_change(world: Environment, clock: Clock) -> None:
    world.applivery.token_life = 3600
    await world.start()
    ready(world)
    message = await fresh(world)
    clock.forward(minutes=70)
    assert await world.bot.expire.step() is None
    assert not over(message)
    assert all(status == 200 for *_, status in world.slack.responses.uses)


async def test_a_response_url_is_used_five_times_at_most(world: Environment, clock: Clock) -> None:
    await world.start()
    ready(world)
    message = await fresh(world)
    for _ in range(8):
        clock.forward(seconds=30)
        await press(world.slack, message, "Fresh link", user=world.bruno)
        await rested(world)
    clock.forward(minutes=6)
    await world.bot.expire.step()
    assert over(message)
    used: dict[str, int] = {}
    for word, _, status in world.slack.responses.uses:
        assert status == 200
        used[word] = used.get(word, 0) + 1
    assert max(used.values()) <= 2, "the answer and the end"


async def test_expirer_runs_as_worker_when_link_expires(world: Environment) -> None:
    world.applivery.token_life = 1.0
    await world.start(jobs=True)
    ready(world)
    message = await fresh(world)
    await world.slack.until(lambda: over(message))
    assert message.text == OVER


async def test_one_message_that_cannot_be_changed_holds_up_no_other(world: Environment, clock: Clock) -> None:
    await world.start()
    ready(world)
    await press(world.slack, await world.ask("get courier"), "Send to my DM", user=world.ana)
    first = await direct(world, world.ana)
    await press(world.slack, await world.ask("get courier", user=world.bruno), "Send to my DM", user=world.bruno)
    second = await direct(world, world.bruno)
    await rested(world)
    world.slack.faults.add("chat.update", Fault(error="message_not_found"))
    clock.forward(minutes=6)
    await world.bot.expire.step()
    assert sorted([over(first), over(second)]) == [False, True]
    await world.bot.expire.step()
    assert len(world.slack.calls_of("chat.update")) == 2, "each is tried once"


async def test_a_page_s_link_expires_with_the_page(world: Environment, clock: Clock) -> None:
    await start_with_page(world, ticket_minutes=2)
    ready(world)
    await press(world.slack, await world.ask("get courier"), "Send to my DM", user=world.ana)
    copy = await direct(world, world.ana)
    await rested(world)
    assert "/b/" in str(copy.blocks)
    clock.forward(minutes=3)
    await world.bot.expire.step()
    assert copy.text.startswith("This link expired.")
    assert "/b/" not in str(copy.blocks)
    assert len(directs(world, world.ana)) == 1


async def test_expirer_stopped_at_any_step_loses_no_message(world: Environment, clock: Clock) -> None:
    """But the one that was being edited: all others are edited after the next start."""
    await world.start()
    ready(world)
    messages = [await fresh(world) for _ in range(3)]
    clock.forward(minutes=6)
    real, begun = world.bot.slack_client.respond, list[str]()

    async def respond(address: str, *_: Any, **__: Any) -> None:
        begun.append(address)
        await asyncio.Event().wait()

    world.bot.slack_client.respond = respond
    for turns in range(0, 8, 2):
        assert await stopped_after(turns, world.bot.expire.step())
        await world.bot.expire.leases.release()
    before = len(begun)
    await stopped_once(lambda: len(begun) > before, world.bot.expire.step())
    await world.bot.expire.leases.release()
    world.bot.slack_client.respond = real
    await world.bot.expire.step()
    assert [over(message) for message in messages].count(True) == 3 - len(begun)
