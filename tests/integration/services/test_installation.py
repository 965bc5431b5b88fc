"""An app installed once for an Enterprise organisation: whose rights are whose, and workspaces that come and go."""

from __future__ import annotations

import io
from typing import Any

import pytest

from bot.db import access, subscriptions
from bot.domain.model import Role
from bot.exceptions import ChannelUnavailable
from bot.slack.blocks import Message
from sandbox.faults import Fault
from sandbox.slack.workspace import SISTER_TEAM
from tests.conftest import Environment


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


async def test_channels_pause_with_their_workspace_and_resume(world: Environment, organisation: Any) -> None:
    bot = await world.start()
    await world.slack.remove_from(world.slack.team_id)
    with pytest.raises(ChannelUnavailable) as refused:
        await bot.slack_client.post(world.releases.id, Message("hi"))
    assert refused.value.code == "team_access_not_granted"
    assert "removed from that channel's workspace" in str(refused.value.sentence)


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
