"""An app installed once for an Enterprise organisation: whose rights are whose, and workspaces that come and go."""

from __future__ import annotations

import io
from typing import Any

import pytest

from bot.db import access, subscriptions
from bot.domain.model import Role
from sandbox.faults import Fault
from sandbox.slack import seed_grid
from sandbox.slack.workspace import SISTER_TEAM
from tests.conftest import Environment
from tests.support.handing import directs, ready
from tests.support.places import Place
from tests.support.seeing import old_card, press


@pytest.fixture
def organisation(world: Environment) -> Any:
    return world.slack.install_for_organisation()


async def granted(world: Environment) -> dict[str, Role]:
    home = (await world.bot.slack_client.identity()).team_id
    return {grant.grantee: grant.role for grant in await world.bot.store.run(access.list_grants, home)}


async def test_roles_outlive_the_change_to_an_organisation(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.bot.store.run(access.grant_role, world.slack.team_id, world.bruno.id, Role.MANAGER, None, world.ana.id)
    organisation = world.slack.install_for_organisation()
    bot = await world.restart()
    await bot.dispatcher.services.installation.check()
    assert await granted(world) == {world.bruno.id: Role.MANAGER}
    (found,) = await bot.store.run(subscriptions.list_subscriptions)
    assert found.team_id == organisation.id
    organisation.added_to = None
    bot = await world.restart()
    await bot.dispatcher.services.installation.check()
    assert await granted(world) == {world.bruno.id: Role.MANAGER}, "and back to a workspace"


async def test_removed_workspace_is_logged_once(world: Environment, organisation: Any, log: io.StringIO) -> None:
    bot = await world.start()
    await bot.dispatcher.services.installation.check()
    assert "workspace_removed" not in log.getvalue()
    turn = await world.slack.remove_from(SISTER_TEAM)
    assert turn.acked
    await bot.dispatcher.drain(5)
    assert log.getvalue().count("installation.workspace_removed") == 1
    assert "Sandbox-Sister" in log.getvalue()
    await bot.dispatcher.services.installation.check()
    assert log.getvalue().count("installation.workspace_removed") == 1


async def test_event_within_another_envelope_counts(world: Environment, organisation: Any, log: io.StringIO) -> None:
    """As in the example of https://docs.slack.dev/reference/events/team_access_revoked."""
    bot = await world.start()
    await bot.dispatcher.services.installation.check()
    organisation.added_to.remove(SISTER_TEAM)
    within = {"type": "team_access_revoked", "team_ids": [SISTER_TEAM]}
    outer = {"team_id": None, "enterprise_id": organisation.id, "api_app_id": "A0SANDBOX", "event": within}
    assert (await world.slack.event(outer)).acked
    await bot.dispatcher.drain(5)
    assert "installation.workspace_removed" in log.getvalue()


async def test_channels_pause_with_their_workspace_and_resume(world: Environment) -> None:
    world.move_to(Place.ORGANISATION)
    bot = await world.start()
    second = world.slack.channel("second", members=(world.ana,))
    second.team_id = SISTER_TEAM
    for channel in (world.releases, second):
        await world.ask("subscribe courier", channel=channel)
    await world.slack.remove_from(SISTER_TEAM)
    ready(world)
    await world.look()
    await world.slack.until(lambda: directs(world, world.ana))
    assert (len(world.said()), world.said(second)) == (1, [])
    paused = {each.channel_id: each.paused for each in await bot.store.run(subscriptions.list_subscriptions)}
    assert paused == {world.releases.id: None, second.id: "team_access_not_granted"}
    [told] = directs(world, world.ana)
    assert "the bot was removed from that workspace" in told.text
    assert "Ask an org admin to add it again." in told.text
    await world.slack.add_to(SISTER_TEAM)
    await bot.dispatcher.drain(5)
    await bot.pausing.step()
    await world.settle()
    assert world.said(second) == world.said(), "what was held is posted"
    assert not (await bot.store.run(subscriptions.list_subscriptions, second.id))[0].paused


async def test_role_of_a_group_in_one_workspace_holds_in_all(world: Environment) -> None:
    world.move_to(Place.ORGANISATION)
    await world.start()
    ready(world)
    carla = world.slack.user("carla")
    carla.grid.teams = [SISTER_TEAM]
    group = world.slack.usergroup("testers", [carla], team_id=SISTER_TEAM)
    world.releases.members.append(carla.id)
    assert "Only managers" in (await world.ask("downloads courier", user=carla)).text
    await world.ask(f"grant <!subteam^{group.id}|@testers> manager")
    world.bot.dispatcher.services.access.invalidate(group.id)
    assert "Only managers" not in (await world.ask("downloads courier", user=carla)).text


async def test_requests_reach_the_organisation_s_admins(world: Environment) -> None:
    world.move_to(Place.ORGANISATION)
    sam = world.slack.user("sam", admin=True)  # an admin of one workspace alone
    olga = seed_grid(world.slack.workspace).other  # an admin of another organisation, in a shared channel
    assert olga.grid.admin
    await world.start()
    answer = await world.ask("downloads courier", user=world.bruno)
    turn = await press(world.slack, answer, "Request access", user=world.bruno)
    assert "Request sent" in (await turn.answer()).text
    await world.slack.until(lambda: directs(world, world.ana))
    assert not directs(world, sam)
    assert not directs(world, olga)
    assert {call.args.get("team_id") for call in world.slack.calls_of("users.list")} == {world.slack.team_id}


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_organisation_members_are_all_answered(world: Environment, way: str) -> None:
    world.move_to(Place.ORGANISATION)
    people = seed_grid(world.slack.workspace)
    await world.start(**({} if way == "socket" else {"slack_app_token": None}))
    build = ready(world)
    card = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{build.id}")
    for person in (people.home, people.both, people.sister, people.wanda, people.ursula):
        assert "Courier 2.4.0" in (await world.ask("get courier", user=person)).text
        assert "Courier 2.4.0" in (await (await press(world.slack, card, "Old", user=person)).answer()).text
        await world.slack.home(person)
        await world.slack.until(lambda who=person: world.slack.home_of(who))
    for person in (people.guest, people.partner, people.other):
        assert "can only use apps" in (await world.ask("get courier", user=person)).text


async def test_member_of_an_added_workspace_is_a_colleague(world: Environment) -> None:
    """Whose record names a workspace alone, without the organisation."""
    world.move_to(Place.ORGANISATION)
    carla, sven = world.slack.user("carla"), world.slack.user("sven", team_id="T0ELSEWHERE")
    carla.grid, carla.team_id = None, world.slack.team_id
    world.releases.members += [carla.id, sven.id]
    await world.start()
    ready(world)
    assert "Courier 2.4.0" in (await world.ask("get courier", user=carla)).text
    assert "People from another organisation" in (await world.ask("get courier", user=sven)).text


async def test_organisation_without_workspaces_is_logged(
    world: Environment, organisation: Any, log: io.StringIO
) -> None:
    organisation.added_to = []
    bot = await world.start()
    await bot.dispatcher.services.installation.check()
    assert "installation.no_workspace" in log.getvalue()


async def test_unlisted_workspaces_leave_everything_as_it_is(
    world: Environment, organisation: Any, log: io.StringIO
) -> None:
    world.slack.faults.add("auth.teams.list", Fault(error="access_denied"), times=None)
    bot = await world.start()
    await bot.dispatcher.services.installation.check()
    assert "installation.unchecked" in log.getvalue()
    assert "workspace_removed" not in log.getvalue()
