"""A private channel is only for who is in it, however it is written: picked, typed by hand, or on a button."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.db import access
from bot.domain.grammar import KeyValue, ParsedText, explain
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.commands.test_missing import crew
from tests.support.seeing import labels, old_card, press

UNSEEN = "I can't see that channel, or you're not in it."
SPELT = ["<#{}>", "<#{}|>", "<#{}|secret>", "&lt;#{}&gt;", "&lt;#{}|secret&gt;", '"<#{}>"']
TYPED = ["#{}", "{}", "@{}", "<{}>", "<#{}", "#secret", "secret", "<#{}|x", "&amp;lt;#{}&amp;gt;"]


@pytest.fixture
async def secret(world: Environment) -> Any:
    """A private channel of Bruno and Carla, in which the bot is and Ana, who is an admin, is not."""
    carla = world.slack.user("carla", email="carla@acme.test")
    await world.start()
    await crew(world)
    return world.slack.channel("secret", private=True, members=(world.bruno, carla))


def untold(world: Environment, secret: Any, said: Any) -> None:
    """Nobody of the private channel was named, asked about or written to."""
    everything = json.dumps([item.saved() for item in (said, *world.slack.messages(world.slack.dm(world.ana)))])
    assert not [name for name in ("carla", secret.members[-1]) if name in everything]
    assert world.slack.messages(world.slack.dm(world.bruno)) == []


@pytest.mark.parametrize("spelt", SPELT)
async def test_references_members_not_listed_to_outsider(world: Environment, secret: Any, spelt: str) -> None:
    said = await world.ask(f"downloads courier missing:{spelt.format(secret.id)}")
    assert UNSEEN in said.text or "Pick a user group or channel" in said.text
    untold(world, secret, said)


@pytest.mark.parametrize("spelt", TYPED)
async def test_references_invalid_one_reveals_nothing(world: Environment, secret: Any, spelt: str) -> None:
    said = await world.ask(f"downloads courier missing:{spelt.format(secret.id)}")
    untold(world, secret, said)
    assert world.slack.calls_of("conversations.members") == []


async def test_references_private_channel_usable_by_its_members(world: Environment, secret: Any) -> None:
    secret.members += [f"U0OTHER{number}" for number in range(1200)]
    assert UNSEEN in (await world.ask(f"downloads courier missing:<#{secret.id}|secret>")).text
    secret.members = [world.slack.bot_user_id, world.bruno.id, world.ana.id]
    assert UNSEEN not in (await world.ask(f"downloads courier missing:<#{secret.id}|secret>")).text


async def test_references_member_on_later_page_is_found(world: Environment, secret: Any) -> None:
    secret.members += [*(f"U0OTHER{number}" for number in range(2100)), world.ana.id]
    assert "is now limited to" in (await world.ask(f"grant <#{secret.id}|secret> app:courier")).text


@pytest.mark.parametrize("spelt", ["<#{}>", "&lt;#{}&gt;"])
async def test_a_button_that_writes_to_its_people_asks_again(world: Environment, secret: Any, spelt: str) -> None:
    build = (
        world.applivery.builds[0] if isinstance(world.applivery.builds, list) else next(iter(world.applivery.builds))
    )
    place = spelt.format(secret.id)
    value = f"{world.courier.id} {build.id} missing:{place}"
    if "&" in place:
        value = explain(ParsedText((world.courier.id, build.id), (KeyValue("missing", f"<#{secret.id}>"),)))
    card = old_card(world.slack, world.releases, "nudge.v1", value)
    turn = await press(world.slack, card, "Old", user=world.ana)
    said = await turn.answer()
    assert UNSEEN in said.text
    untold(world, secret, said)


COMMANDS = ["grant {} app:courier", "grant {} manager", "revoke {} app:courier", "revoke {}"]


@pytest.mark.parametrize("command", COMMANDS)
async def test_roles_of_a_channel_are_for_who_is_in_it(world: Environment, secret: Any, command: str) -> None:
    await world.bot.store.run(access.allow_names_in, secret.id, world.bruno.id)
    await world.bot.store.run(access.allow_channel, world.courier.id, secret.id, world.bruno.id)
    await world.bot.store.run(access.allow_channel, world.courier.id, world.releases.id, world.bruno.id)
    before = (
        await world.bot.store.cached(access.list_manager_channels),
        await world.bot.store.cached(access.list_allowed_channels),
    )
    assert UNSEEN in (await world.ask(command.format(f"<#{secret.id}|>"))).text
    assert (
        await world.bot.store.cached(access.list_manager_channels),
        await world.bot.store.cached(access.list_allowed_channels),
    ) == before
    secret.members.append(world.ana.id)
    assert UNSEEN not in (await world.ask(command.format(f"<#{secret.id}|>"))).text


@pytest.mark.parametrize("gone", ["revoke {} app:courier", "revoke {}"])
async def test_a_channel_that_is_no_more_can_be_taken_off(world: Environment, gone: str) -> None:
    await world.start()
    await world.bot.store.run(access.allow_names_in, "C0GONE", world.ana.id)
    await world.bot.store.run(access.allow_channel, world.courier.id, "C0GONE", world.ana.id)
    said = (await world.ask(gone.format("<#C0GONE|>"))).text
    assert "used everywhere again" in said or "show counts only" in said


SILENCES: dict[str, Callable[[], tuple[str, Fault]]] = {
    "no word of the channel": lambda: ("conversations.info", Fault(error="internal_error")),
    "no word of its members": lambda: ("conversations.members", Fault(error="fetch_members_failed")),
    "429": lambda: ("conversations.members", Fault(status=429, retry_after=1)),
    "silence": lambda: ("conversations.members", Fault(latency=3)),
    "no members": lambda: ("conversations.members", Fault(packed=b'{"ok": true}', coding="identity")),
}


@pytest.mark.parametrize("silence", SILENCES)
@pytest.mark.parametrize("command", ["downloads courier missing:{}", "grant {} app:courier", "revoke {} app:courier"])
async def test_references_without_slack_membership_is_unchecked(
    world: Environment, secret: Any, silence: str, command: str
) -> None:
    secret.members.append(world.ana.id)
    world.slack.faults.add(*SILENCES[silence](), times=None)
    said = await world.ask(command.format(f"<#{secret.id}|secret>"))
    assert "I can't check this channel right now." in said.text
    assert "Try again" in labels(said)
    assert await world.bot.store.cached(access.list_allowed_channels) == {}


@pytest.mark.parametrize("without", ["is_private", "is_mpim"])
async def test_references_channel_not_marked_public_is_private(world: Environment, secret: Any, without: str) -> None:
    wire = secret.wire(bot_user=world.slack.bot_user_id, home_team=world.slack.team_id)
    wire |= {"is_private": False, "is_mpim": True} if without == "is_mpim" else {}
    if without == "is_private":
        wire.pop("is_private")
    body = json.dumps({"ok": True, "channel": wire}).encode()
    world.slack.faults.add("conversations.info", Fault(packed=body, coding="identity"), times=None)
    assert UNSEEN in (await world.ask(f"grant <#{secret.id}> app:courier")).text
