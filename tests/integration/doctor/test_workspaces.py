"""What `doctor` says of an app that is installed for an organisation."""

from __future__ import annotations

from bot.doctor.database import CHANNELS
from bot.doctor.slack import TOKEN
from bot.doctor.workspaces import COLLEAGUES, WORKSPACES
from sandbox.faults import Fault
from sandbox.slack.workspace import SISTER_TEAM
from tests.conftest import Environment
from tests.integration.doctor.test_runner import BROKEN, SKIPPED, WARNING, WELL, examined, of, subscribed, the


async def test_installation_is_named_with_its_workspaces(world: Environment) -> None:
    world.slack.install_for_organisation()
    found = the(await examined(world), TOKEN)
    assert (found.outcome, found.said) == (
        WELL,
        "@applivery is installed for the organisation Sandbox Group (2 workspaces).",
    )


async def test_workspace_of_an_organisation_is_named_alone(world: Environment) -> None:
    world.slack.workspace.join_organisation()
    report = await examined(world)
    assert the(report, TOKEN).said == "@applivery in Sandbox."
    assert of(report, WORKSPACES) == []


async def test_organisation_without_workspaces_is_broken(world: Environment) -> None:
    world.slack.install_for_organisation().added_to = []
    report = await examined(world)
    assert "(0 workspaces)" in the(report, TOKEN).said
    assert the(report, WORKSPACES).outcome is BROKEN


async def test_removed_workspace_is_a_warning(world: Environment) -> None:
    organisation = world.slack.install_for_organisation()
    bot = await world.start()
    await bot.dispatcher.services.installation.check()
    await world.stop()
    organisation.added_to = [SISTER_TEAM]
    await subscribed(world, world.releases)
    report = await examined(world)
    found = the(report, WORKSPACES)
    assert found.outcome is WARNING
    assert "removed from Sandbox." in found.said
    assert (the(report, CHANNELS).outcome, "removed from" in the(report, CHANNELS).said) == (WARNING, True)


async def test_unlisted_workspaces_are_not_counted(world: Environment) -> None:
    world.slack.install_for_organisation()
    world.slack.faults.add("auth.teams.list", Fault(error="access_denied"), times=None)
    report = await examined(world)
    assert the(report, TOKEN).said == "@applivery is installed for the organisation Sandbox Group."
    assert the(report, WORKSPACES).outcome is SKIPPED


async def test_doctor_says_who_is_a_colleague(world: Environment) -> None:
    assert of(await examined(world), COLLEAGUES) == []
    alone = the(await examined(world, access_org="organization"), COLLEAGUES)
    assert (alone.outcome, "has no effect" in alone.said) == (WARNING, True)
    world.slack.workspace.join_organisation()
    narrow = the(await examined(world), COLLEAGUES)
    assert (narrow.outcome, narrow.said) == (
        WELL,
        "members of Sandbox (T0SANDBOX), not of the whole organisation E0SANDBOX (ACCESS_ORG=workspace).",
    )
    wide = the(await examined(world, access_org="organization"), COLLEAGUES)
    assert wide.said == "everybody in the organisation E0SANDBOX (ACCESS_ORG=organization)."
    world.slack.install_for_organisation()
    assert "it's installed for the organisation" in the(await examined(world), COLLEAGUES).said
