"""Slack's events about people and user groups count at once; an incomplete record admits nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.app import running
from bot.db import access
from bot.dispatch import requests
from bot.slack.scopes import EVENTS
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.waiting import patience

LEFT = "Only members of this workspace"
ROLE = "s can "


@pytest.fixture(params=["socket", "http"])
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Both ways in."""
    return {} if request.param == "socket" else {"slack_app_token": None}


async def known(world: Environment, **changes: Any) -> None:
    """The bot runs, hears what its manifest says, and remembers Bruno as a member."""
    world.slack.subscribed = set(EVENTS)
    await world.start(**changes)
    assert "You're *member*" in (await world.ask("whoami", user=world.bruno)).text


async def test_user_deactivated_is_refused_at_once(world: Environment, way: dict[str, Any]) -> None:
    await known(world, **way)
    await world.slack.change(world.bruno, deleted=True)
    assert LEFT in (await world.ask("whoami", user=world.bruno)).text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"guest": True}, "Guests can only use apps"),
        ({"team_id": "T0ELSEWHERE"}, "another organisation"),
        ({"bot": True}, LEFT),
        ({"admin": True}, "You're *admin*"),
        ({"tz": "America/Lima"}, "America/Lima"),
    ],
)
async def test_a_change_of_a_person_counts_at_once(world: Environment, facts: dict[str, Any], words: str) -> None:
    await known(world)
    await world.slack.change(world.bruno, **facts)
    assert words in (await world.ask("whoami", user=world.bruno)).text


async def test_an_admin_no_more_is_none_at_once(world: Environment) -> None:
    await known(world)
    assert ROLE not in (await world.ask("audit")).text
    await world.slack.change(world.ana, admin=False)
    assert ROLE in (await world.ask("audit")).text


async def test_user_reactivated_is_admitted_at_once(world: Environment) -> None:
    await known(world)
    await world.slack.change(world.bruno, deleted=True)
    assert LEFT in (await world.ask("whoami", user=world.bruno)).text
    world.bruno.deleted = False
    await world.slack.join(world.bruno)
    assert "You're *member*" in (await world.ask("whoami", user=world.bruno)).text


async def test_out_of_the_group_is_out_of_its_role_at_once(world: Environment, way: dict[str, Any]) -> None:
    group = world.slack.usergroup("qa", [world.bruno])
    await known(world, **way)
    await world.ask(f"grant <!subteam^{group.id}|@qa> manager")
    assert ROLE not in (await world.ask("downloads courier", user=world.bruno)).text
    await world.slack.regroup(group, [world.ana])
    assert ROLE in (await world.ask("downloads courier", user=world.bruno)).text
    await world.slack.regroup(group, [world.bruno])
    assert ROLE not in (await world.ask("downloads courier", user=world.bruno)).text


@pytest.mark.parametrize("kind", requests.CHANGES)
async def test_user_deactivation_known_from_either_event_alone(world: Environment, kind: str) -> None:
    group = world.slack.usergroup("qa", [world.bruno])
    await known(world)
    await world.ask(f"grant <!subteam^{group.id}|@qa> admin")
    assert ROLE not in (await world.ask("audit", user=world.bruno)).text
    world.slack.subscribed = {kind}
    if kind in requests.OF_ITSELF:
        group.users = []
        await world.slack.event({"type": kind, "subteam_id": group.id})
        assert ROLE in (await world.ask("audit", user=world.bruno)).text
    elif kind == "subteam_created":  # a disabled group that is made anew
        group.users = []
        await world.slack.event({"type": kind, "subteam": group.wire(team_id=world.slack.team_id)})
        assert ROLE in (await world.ask("audit", user=world.bruno)).text
    elif kind.startswith("subteam"):
        await world.slack.regroup(group, [])
        assert ROLE in (await world.ask("audit", user=world.bruno)).text
    else:
        world.bruno.deleted = True
        await (world.slack.join if kind == "team_join" else world.slack.change)(world.bruno)
        assert LEFT in (await world.ask("audit", user=world.bruno)).text


async def test_an_answer_from_before_the_event_is_not_kept(world: Environment) -> None:
    world.slack.subscribed = set(EVENTS)
    await world.start()
    world.slack.faults.add("users.info", Fault(packed=record(world), coding="identity", latency=0.3), times=1)
    first = asyncio.create_task(world.ask("whoami", user=world.bruno))
    await world.slack.until(lambda: world.slack.faults.fired)
    await world.slack.change(world.bruno, deleted=True)
    await first
    assert LEFT in (await world.ask("whoami", user=world.bruno)).text


async def test_the_other_replica_forgets_too(world: Environment, postgres_url: str) -> None:
    world.database = postgres_url
    await known(world)
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(running(world.settings(), world.tuning, jobs=False))
        assert (await other.dispatcher._people.resolve_actor(world.bruno.id, None)).role
        await world.slack.change(world.bruno, guest=True)
        async with patience():  # by way of the database
            while not await other.dispatcher._people.outsider_kind(world.bruno.id):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "user_change"},
        {"type": "user_change", "user": None},
        {"type": "user_change", "user": {}},
        {"type": "user_change", "user": {"id": None}},
        {"type": "user_change", "user": ["U1"]},
        {"type": "team_join", "user": "U1"},
        {"type": "subteam_members_changed"},
        {"type": "subteam_members_changed", "subteam_id": 5},
        {"type": "subteam_updated", "subteam": {"users": []}},
        {"type": "subteam_updated", "subteam": "S1"},
        {"type": "subteam_created", "subteam": None},
        {"type": "channel_id_changed", "old_channel_id": ["C1"], "new_channel_id": "C2"},
        {"type": "app_mention", "user": {"id": "U1"}, "text": "help", "channel": "C1"},
    ],
)
async def test_an_odd_event_is_acknowledged_and_breaks_nothing(world: Environment, event: dict[str, Any]) -> None:
    await known(world)
    turn = await world.slack.event(event)
    assert turn.acked
    assert "You're *member*" in (await world.ask("whoami", user=world.bruno)).text


# ------------------------------------------------------------------ records that are none


def record(world: Environment, without: str = "", **other: Any) -> bytes:
    """Slack's answer about Bruno, without one of his facts or with others."""
    wire = world.bruno.wire(home_team=world.slack.team_id, locale=True)
    wire.pop(without, None)
    return json.dumps({"ok": True, "user": {**wire, **other}}).encode()


RECORDS: dict[str, Callable[[Environment], bytes]] = {
    "empty": lambda _: b'{"ok": true, "user": {}}',
    "none": lambda _: b'{"ok": true}',
    "null": lambda _: b'{"ok": true, "user": null}',
    "a list": lambda _: b'{"ok": true, "user": ["U1"]}',
    "nobody's": lambda world: record(world, "id"),
    "somebody else's": lambda world: record(world, id=world.ana.id),
    "of no workspace": lambda world: record(world, "team_id"),
    "of an empty workspace": lambda world: record(world, team_id=""),
    "a bot's or not": lambda world: record(world, "is_bot"),
    "here or not": lambda world: record(world, "deleted"),
    "a guest's or not": lambda world: record(world, "is_restricted"),
    "here in a word": lambda world: record(world, deleted="false"),
    "no bot's in a number": lambda world: record(world, is_bot=0),
    "an admin in a word": lambda world: record(world, "deleted", is_admin="true"),
}


@pytest.mark.parametrize("what", RECORDS)
async def test_an_incomplete_record_is_no_member(world: Environment, what: str) -> None:
    await world.start()
    world.slack.faults.add("users.info", Fault(packed=RECORDS[what](world), coding="identity"), times=None)
    for typed in ("whoami", "get courier", "help"):
        said = await world.ask(typed, user=world.bruno)
        assert "can't check who you are" in said.text
        assert said.ephemeral_to == world.bruno.id
    assert not world.applivery.minted
    world.slack.faults.clear()
    assert "You're *member*" in (await world.ask("whoami", user=world.bruno)).text


async def test_grant_refused_for_incomplete_user_record(world: Environment) -> None:
    await world.start()
    await world.ask("whoami")
    world.slack.faults.add("users.info", Fault(packed=b'{"ok": true, "user": {}}', coding="identity"), times=None)
    said = await world.ask(f"grant <@{world.bruno.id}> admin")
    assert "can't check who" in said.text
    assert await world.bot.store.cached(access.list_grants, world.slack.team_id) == []


async def test_user_of_several_workspaces_is_ours_if_one_is_ours(world: Environment) -> None:
    await world.start()
    teams = {"id": "W1", "enterprise_id": "E1", "teams": ["T0OTHER", world.slack.team_id]}
    body = record(world, "team_id", id="W1", enterprise_user={**teams, "id": world.bruno.id})
    world.slack.faults.add("users.info", Fault(packed=body, coding="identity"), times=None)
    assert "You're *member*" in (await world.ask("whoami", user=world.bruno)).text


async def test_own_record_without_workspace_is_fetched_again(world: Environment) -> None:
    world.slack.faults.add("auth.test", Fault(packed=b'{"ok": true}', coding="identity"), times=None)
    await world.start()
    assert "can't check who you are" in (await world.ask("whoami")).text
    world.slack.faults.clear()
    assert "You're *admin*" in (await world.ask("whoami")).text
