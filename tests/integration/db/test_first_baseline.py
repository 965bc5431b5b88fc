"""A database of v0.1.0's first baseline is upgraded and means the same: first_baseline/README.md says what is in it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

import bot.commands
from bot.db import access, migrate
from bot.db.connect import DatabaseUrl, connect
from bot.dispatch.registry import HandlerKind, HandlerRegistry
from bot.dispatch.requests import opened_with, read_values
from bot.domain.model import Role
from bot.system_clock import utc_now
from sandbox.slack import FakeMessage
from tests.conftest import Environment, heads
from tests.integration.db.test_migrate import columns
from tests.support.everything import execute
from tests.support.first_baseline import CONTROLS, VERSION, Team, create, move_in
from tests.support.handing import direct, directs, downloaded, ready, rested, start_with_page
from tests.support.seeing import controls, labels, link, old_card, press
from tests.support.sqlalchemy_core import run_core

DAYS = timedelta(days=2)


def bots(world: Environment, channel: Any) -> list[FakeMessage]:
    """What the bot has in a channel."""
    return [message for message in world.slack.messages(channel) if message.bot_id]


def texts(world: Environment) -> dict[str, list[str]]:
    """What stands everywhere."""
    return {name: [message.text for message in found] for name, found in world.slack.mailbox.by_channel.items()}


# ------------------------------------------------------------------ the rows


async def test_upgrade_from_first_baseline_keeps_every_row(empty_address: str) -> None:
    create(empty_address)
    runner = connect(DatabaseUrl.parse(empty_address), utc_now)
    before = await run_core(runner, columns)
    assert await runner.run_raw(migrate.stands_at) == VERSION
    assert all(before.values()), "every table has rows"
    await runner.run_raw(migrate.upgrade)
    after = await run_core(runner, columns)
    assert await runner.run_raw(migrate.stands_at) == migrate.HEAD
    await runner.close()
    assert {name: after.get(name) for name in before} == before


# ------------------------------------------------------------------ the bot on it


@pytest.fixture
def team(world: Environment, empty_address: str) -> Team:
    """The team, a moment after its old bot stopped."""
    return move_in(world, empty_address)


async def test_first_baseline_upgraded_announces_no_history(world: Environment, team: Team) -> None:
    before = {name: len(found) for name, found in texts(world).items()}
    await world.start()
    for _ in range(2):
        await world.look()
        await world.settle()
        await world.bot.hold.step()
        await world.bot.digest.step()
    assert {name: len(found) for name, found in texts(world).items()} == before
    assert "being processed" in team.progress.text
    assert [heads(message)[-1] for message in bots(world, world.releases)] == [
        "✅ Courier 2.4.0 (173) for iOS is ready.",
        "⏳ Courier 2.5.0 (180) for iOS is being processed.",
    ]


async def test_first_baseline_subscription_announces_next_build(world: Environment, team: Team) -> None:
    """And the card that the old version posted is edited: superseded, with its button for the newer build."""
    await world.start()
    [old, _processing] = bots(world, world.releases)
    lab, held = len(bots(world, team.lab)), len(bots(world, team.qa_builds))
    ready(world, version="2.6.0", number="190")
    await world.look()
    await world.settle()
    [same, _processing, new] = bots(world, world.releases)
    assert "2.6.0" in new.text
    assert same is old
    assert old.text.startswith("Courier 2.4.0 (173) for iOS was superseded by 2.6.0")
    assert len(bots(world, team.lab)) == lab + 1
    assert len(bots(world, team.qa_builds)) == held, "it is muted"


async def test_first_baseline_mute_holds_until_unmuted(world: Environment, team: Team) -> None:
    await world.start()
    await world.ask("unmute", channel=team.qa_builds)
    await world.bot.hold.step()
    await world.settle()
    assert "2.4.0" in bots(world, team.qa_builds)[-1].text


async def test_first_baseline_card_gives_a_link(world: Environment, team: Team) -> None:
    await world.start()
    [card, _processing] = bots(world, world.releases)
    turn = await press(world.slack, card, "Get build", user=world.bruno)
    assert await downloaded(await turn.answer()) == 200


async def test_first_baseline_grants_hold(world: Environment, team: Team) -> None:
    await world.start()
    assert "Courier" in (await world.ask("mute 1h courier", user=world.bruno)).text
    assert link(await world.ask("get courier", user=team.zoe))
    refused = (await world.ask("mute 1h courier", user=team.zoe)).text
    assert "releaser" in refused
    assert "Driver" in (await world.ask("get driver")).text, "allowed in #releases"
    elsewhere = await world.ask("get driver", channel=team.lab)
    assert f"<#{world.releases.id}>" in elsewhere.text
    assert "/v1/download/" not in elsewhere.text


async def test_first_baseline_role_request_is_allowed_from_its_message(world: Environment, team: Team) -> None:
    await world.start()
    [asked] = [message for message in directs(world, world.ana) if "Allow" in labels(message)]
    await press(world.slack, asked, "Allow", user=world.ana)
    await rested(world)
    given = await world.bot.store.run(access.list_grants, world.slack.team_id)
    assert (team.carla.id, Role.MANAGER) in [(grant.grantee, grant.role) for grant in given]


async def test_first_baseline_reports_come_when_due(world: Environment, team: Team) -> None:
    await world.start()
    listed = (await world.ask("subscriptions", channel=team.qa_builds)).text
    assert "every day at 9:00 AM" in listed
    execute(
        world,
        "UPDATE scheduled_reports SET due_at = due_at - 172800000000, reported_until = reported_until - 172800000000",
    )
    before = len(bots(world, team.qa_builds))
    await world.bot.digest.step()
    await world.settle()
    assert len(bots(world, team.qa_builds)) == before + 1


async def test_first_baseline_claim_page_opens_until_it_expires(world: Environment, team: Team) -> None:
    address = await start_with_page(world)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{address}/b/{team.tickets[world.ana.id]}") as page:
            assert page.status == 200
            assert "Courier" in await page.text()


async def test_first_baseline_claim_page_of_days_ago_has_expired(world: Environment, empty_address: str) -> None:
    team, minted = move_in(world, empty_address, DAYS), len(world.applivery.minted)
    address = await start_with_page(world)
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{address}/b/{team.tickets[world.ana.id]}") as page:
            assert page.status in {404, 410}
    assert len(world.applivery.minted) == minted


async def test_first_baseline_watch_and_waiter_hear_of_the_end(world: Environment, team: Team) -> None:
    await world.start()
    watch, waiter = len(directs(world, world.ana)), len(directs(world, world.bruno))
    world.applivery.move(team.builds["2.5.0"], "processed")
    await world.look()
    await world.settle()
    assert "2.5.0" in (await direct(world, world.ana, watch + 1)).text
    assert "2.5.0" in (await direct(world, world.bruno, waiter + 1)).text


async def test_first_baseline_link_expires_where_it_was_given(world: Environment, team: Team) -> None:
    await world.start()
    [given] = [message for message in directs(world, world.bruno) if "/v1/download/" in message.text]
    execute(world, "UPDATE link_expiries SET due_at = due_at - 172800000000")
    await world.bot.expire.step()
    assert "/v1/download/" not in given.text


async def test_first_baseline_recall_and_refusal_to_be_asked_hold(world: Environment, team: Team) -> None:
    await world.start()
    assert "crash on login" in (await world.ask("get courier 2.3.0")).text
    asked = len(directs(world, team.zoe))
    await world.ask("downloads courier missing:<!subteam^S0S000001|@qa>")
    await rested(world)
    head = directs(world, world.ana)[-1]
    for message in world.slack.messages(head.channel, head.ts):
        for control in [control for control in controls(message) if control.action == "nudge.v1"]:
            await world.slack.click(message, control.element["action_id"], user=world.ana)
    await rested(world)
    await world.settle()
    assert len(directs(world, team.zoe)) == asked


# ------------------------------------------------------------------ its buttons, forms and menus

REGISTRY = HandlerRegistry.scan(bot.commands)
NAMES = [
    *(
        (HandlerKind.BUTTON, name)
        for name in {action.partition("#")[0] for action in CONTROLS["buttons"]} - {"run.v1", "open.dashboard"}
    ),
    *((HandlerKind.FORM, name) for name in CONTROLS["forms"]),
    *((HandlerKind.OPTIONS, name) for name in CONTROLS["menus"]),
    *((HandlerKind.SHORTCUT, name) for name in CONTROLS["shortcuts"]),
]
BUTTONS = [(action, value) for action, values in CONTROLS["buttons"].items() for value in values]
ANSWERED_ELSEWHERE = {"home.v1", "open.dashboard", "share.v1", "summary.share.v1"}  # in Home, by a link, by a post
MISUNDERSTOOD = re.compile("went wrong|can't find|no subscription with|don't know|isn't a")


@pytest.mark.parametrize(("kind", "name"), sorted(NAMES, key=str), ids=str)
def test_every_name_of_first_baseline_has_a_handler(kind: HandlerKind, name: str) -> None:
    """Messages and forms stay in Slack for years: what they name never changes."""
    assert REGISTRY.get(kind, name)


async def test_every_button_of_first_baseline_is_answered(world: Environment, team: Team) -> None:
    await world.start()
    build = team.builds["2.4.0"]
    names = {
        "{app}": world.courier.id,
        "{build}": build.id,
        "{channel}": world.releases.id,
        "{file}": next(iter(build.contents)),
    }
    for action, value in BUTTONS:
        filled = re.sub(r"\{\w+\}", lambda found: names[found[0]], value)
        message = old_card(world.slack, world.slack.dm(world.ana), action, filled)
        turn = await world.slack.click(message, action, user=world.ana)
        await rested(world)
        answered = [answer.text for answer in turn.answers]
        assert turn.acked, (action, value)
        assert answered or turn.views or action in ANSWERED_ELSEWHERE, (action, value)
        assert not [text for text in answered if MISUNDERSTOOD.search(text)], (action, value, answered)


@pytest.mark.parametrize("metadata", [text for texts in CONTROLS["forms"].values() for text in texts])
def test_first_baseline_form_metadata_is_read(metadata: str) -> None:
    """A form that was open during the upgrade can still be sent."""
    view = {"private_metadata": metadata, "state": {"values": {}}}
    assert opened_with(view) == json.loads(metadata)["memory"]
    assert read_values(view).get("memory", "") == json.loads(metadata)["memory"]
