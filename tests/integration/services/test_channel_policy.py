"""What only some channels allow is refused while Slack does not say which kind a channel is."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bot.db import access, scheduled_reports, subscriptions
from sandbox.faults import Fault
from sandbox.slack import FakeMessage, Interaction
from tests.conftest import Environment
from tests.integration.commands.test_downloads import people
from tests.integration.commands.test_subscribe import fill, opened, rested
from tests.integration.commands.test_summaries import everything_in
from tests.integration.workers.test_scheduled_reports import begun, due, tell
from tests.support.handing import ready
from tests.support.seeing import labels, press

SILENT = "I can't check this channel right now."


def record(**facts: Any) -> Fault:
    """An answer of conversations.info, as Slack's own record but for these facts."""
    body = {"ok": True, **facts}
    return Fault(packed=json.dumps(body).encode(), coding="identity")


def told(world: Environment, without: str = "", **other: Any) -> Fault:
    """The record of #releases, without one of its facts or with others."""
    wire = world.releases.wire(bot_user=world.slack.bot_user_id, home_team=world.slack.team_id)
    wire.pop(without, None)
    return record(channel={**wire, **other})


ANSWERS: dict[str, Callable[[Environment], Fault]] = {
    "internal_error": lambda _: Fault(error="internal_error"),
    "fatal_error": lambda _: Fault(error="fatal_error"),
    "an error of tomorrow": lambda _: Fault(error="not_documented_yet"),
    "429": lambda _: Fault(status=429, retry_after=1),
    "503": lambda _: Fault(status=503),
    "a page": lambda _: Fault(body="<html>"),
    "nothing": lambda _: Fault(drop=True),
    "silence": lambda _: Fault(latency=3),
    "no channel": lambda _: record(),
    "an empty channel": lambda _: record(channel={}),
    "a channel that is none": lambda _: record(channel=["C1"]),
    "another channel": lambda world: told(world, id="C0OTHER"),
    "no id": lambda world: told(world, "id"),
    "not whether it is shared": lambda world: told(world, "is_ext_shared"),
    "null": lambda world: told(world, is_ext_shared=None),
    "a word": lambda world: told(world, is_ext_shared="false"),
}
every_silence = pytest.mark.parametrize("answer", ANSWERS)
some_silences = pytest.mark.parametrize("answer", ["internal_error", "429", "no channel", "not whether it is shared"])


@dataclass
class Asked:
    """How something is asked for that only some channels allow, and the private answer."""

    world: Environment
    again: Callable[[], Awaitable[FakeMessage]]

    async def refused(self, answer: str) -> FakeMessage:
        """Ask while conversations.info answers so; nothing public comes of it."""
        world = self.world
        before = everything_in(world, world.releases)
        world.slack.faults.add("conversations.info", ANSWERS[answer](world), times=None)
        said = await self.again()
        world.slack.faults.clear()
        assert SILENT in said.text
        assert said.ephemeral_to == world.ana.id
        assert everything_in(world, world.releases) == before
        return said


async def answered(world: Environment, turn: Interaction) -> FakeMessage:
    said: FakeMessage = await turn.answer()
    await world.bot.dispatcher.drain(10)
    return said


async def try_again(world: Environment, said: FakeMessage) -> None:
    assert "Try again" in labels(said), said.text
    await press(world.slack, said, "Try again", user=world.ana)
    await world.bot.dispatcher.drain(10)


@every_silence
async def test_a_card_is_shared_only_where_that_is_known(world: Environment, answer: str) -> None:
    await world.start()
    ready(world)
    link = await world.ask("get courier")

    async def share() -> FakeMessage:
        return await answered(world, await press(world.slack, link, "Share here", user=world.ana))

    said = await Asked(world, share).refused(answer)
    turn = await press(world.slack, said, "Try again", user=world.ana)
    await world.slack.submit(await turn.view(), user=world.ana)
    await world.bot.dispatcher.drain(10)
    [card] = everything_in(world, world.releases)
    assert "Courier" in card.text


@some_silences
async def test_people_are_named_only_where_that_is_known(world: Environment, answer: str) -> None:
    await world.start()
    people(world)
    await world.bot.store.run(access.allow_names_in, world.releases.id, world.ana.id)
    said = await Asked(world, lambda: world.ask("downloads courier")).refused(answer)
    await try_again(world, said)
    assert "Eva Ruiz" in json.dumps([message.saved() for message in everything_in(world, world.releases)])


@every_silence
async def test_a_manager_channel_is_made_only_of_a_known_one(world: Environment, answer: str) -> None:
    await world.start()
    grant = f"grant <#{world.releases.id}|releases> manager"
    said = await Asked(world, lambda: world.ask(grant)).refused(answer)
    assert await world.bot.store.cached(access.list_manager_channels) == frozenset()
    await try_again(world, said)
    assert await world.bot.store.cached(access.list_manager_channels) == {world.releases.id}


@pytest.mark.parametrize(
    "answer", [answer for answer in ANSWERS if answer not in ("not whether it is shared", "null", "a word")]
)
async def test_a_channel_is_subscribed_only_when_it_is_known(world: Environment, answer: str) -> None:
    await world.start()
    said = await Asked(world, lambda: world.ask("subscribe courier branch:main")).refused(answer)
    assert await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id) == []
    await try_again(world, said)
    [saved] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    assert "main" in saved.query


@some_silences
async def test_a_report_is_planned_only_where_that_is_known(world: Environment, answer: str) -> None:
    await world.start()
    said = await Asked(world, lambda: world.ask("downloads courier every:monday@09:00")).refused(answer)
    assert await world.bot.store.run(scheduled_reports.list_reports, [world.releases.id]) == []
    await try_again(world, said)
    assert len(await world.bot.store.run(scheduled_reports.list_reports, [world.releases.id])) == 1


async def test_a_form_that_cannot_be_checked_can_be_sent_again(world: Environment) -> None:
    await world.start()
    form = await opened(world)
    world.slack.faults.add("conversations.info", Fault(error="internal_error"), times=None)
    await world.slack.submit(form, fill(app=world.courier.id, filters="os:ios"), user=world.ana)
    await rested(world)
    assert await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id) == []
    assert SILENT in f"{form.blocks} {[message.text for message in world.slack.ephemerals(world.ana)]}"
    world.slack.faults.clear()
    await world.slack.submit(form, {}, user=world.ana)
    await rested(world)
    [saved] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    assert saved.query == "os:ios"


async def test_access_uncheckable_user_can_try_again(world: Environment) -> None:
    await world.start()
    world.slack.faults.add("users.info", Fault(error="internal_error"), times=None)
    said = await world.ask("whoami")
    assert "can't check who you are" in said.text
    world.slack.faults.clear()
    again = await (await press(world.slack, said, "Try again", user=world.ana)).answer()
    assert "You're *admin*" in again.text


async def test_a_report_waits_while_the_kind_of_its_channel_is_unknown(world: Environment) -> None:
    await begun(world, names=True)
    world.slack.faults.add("conversations.info", told(world, "is_ext_shared"), times=None)
    due(world)
    await tell(world)
    assert everything_in(world, world.releases) == []
