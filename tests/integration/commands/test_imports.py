"""The channels of Applivery's own Slack integration: told by doctor, imported by an admin, and never by a guess."""

from __future__ import annotations

from typing import Any

import pytest

from bot.db import subscriptions
from bot.doctor.own_integration import OWN
from bot.doctor.results import CheckOutcome
from bot.domain.model import BuildEvent
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.integration.doctor.test_runner import examined, of
from tests.support.seeing import press

LIST = "/v1/organizations/*/notifications"


async def subscribed(world: Environment) -> dict[str, tuple[BuildEvent, ...]]:
    found = await world.bot.store.run(subscriptions.list_subscriptions)
    return {each.channel_id: tuple(each.events) for each in found if each.app_id is None}


async def imported(world: Environment) -> Any:
    shown = await world.ask("subscriptions import")
    return await (await press(world.slack, shown, "Import", user=world.ana)).answer()


async def test_channels_are_imported_with_their_events(world: Environment) -> None:
    world.applivery.announce_in_slack("#releases", "buildCreated", "buildProcessed", "applePushRenovation")
    secret = world.slack.channel("secret", private=True, members=(world.ana,))
    world.applivery.announce_in_slack("Secret", "certificateWillExpire")
    await world.start()
    shown = await world.ask("subscriptions import")
    assert "*Import 2 channels from Applivery?*" in shown.text
    assert await subscribed(world) == {}
    answer = await imported(world)
    assert "*Imported 2 channels.*" in answer.text
    assert await subscribed(world) == {
        world.releases.id: (BuildEvent.UPLOADED, BuildEvent.PROCESSED),
        secret.id: (BuildEvent.CERT,),
    }
    again = await world.ask("subscriptions import")
    assert "already subscribed" in again.text


@pytest.mark.parametrize(
    ("channel", "more", "words"),
    [
        (None, {}, "A channel that Applivery doesn't name"),
        ("", {}, "A channel that Applivery doesn't name"),
        ("#", {}, "A channel that Applivery doesn't name"),
        ("@ana", {}, "only channels can be subscribed"),
        ("#general", {}, "I'm not in a channel with that name"),
        ("#releases-2", {}, "I'm not in a channel with that name"),
        ("#releases", {"team": "Acme EU"}, "in another Slack workspace, Acme EU"),
    ],
)
async def test_channel_that_is_not_ours_is_not_guessed(
    world: Environment, channel: str | None, more: dict[str, str], words: str
) -> None:
    world.applivery.announce_in_slack(channel, "buildProcessed", **more)
    await world.start()
    shown = await world.ask("subscriptions import")
    assert "No channels to import" in shown.text
    assert words in shown.text
    assert "Import" not in str([block for block in shown.blocks if block["type"] == "actions"])


async def test_events_about_no_build_are_not_imported(world: Environment) -> None:
    world.applivery.announce_in_slack("#releases", "emmDeviceCreated", "applePushRenovation")
    await world.start()
    assert "doesn't announce builds" in (await world.ask("subscriptions import")).text


async def test_channel_that_cannot_be_posted_in_is_said(world: Environment) -> None:
    shared = world.slack.channel("partners", shared=True, members=(world.ana,))
    world.applivery.announce_in_slack("#partners")
    world.applivery.announce_in_slack("#releases")
    await world.start()
    answer = await imported(world)
    assert "*Imported 1 channel.*" in answer.text
    assert f"<#{shared.id}>: This channel is shared" in answer.text
    assert set(await subscribed(world)) == {world.releases.id}


async def test_import_is_for_admins(world: Environment) -> None:
    world.applivery.announce_in_slack("#releases")
    await world.start()
    refused = await world.ask("subscriptions import", user=world.bruno)
    assert "Only admins can import subscriptions" in refused.text


async def test_without_own_integration_nothing_is_imported(world: Environment) -> None:
    world.applivery.announce_in_slack("#releases", app=world.courier)  # Applivery lists no single app's
    await world.start()
    assert "nothing to import" in (await world.ask("subscriptions import")).text
    assert of(await examined(world), OWN) == []


async def test_doctor_warns_where_both_announce(world: Environment) -> None:
    world.applivery.announce_in_slack("#releases")
    await world.start()
    [alone] = of(await examined(world), OWN)
    assert alone.outcome is CheckOutcome.SKIPPED
    assert alone.said == "announces in #releases, and the bot doesn't."
    assert "`/applivery subscriptions import`" in alone.fix
    await world.ask("subscribe courier")
    [both] = of(await examined(world), OWN)
    assert both.outcome is CheckOutcome.WARNING
    assert both.said == "announces in #releases too: two messages for each build."
    assert "`/applivery subscriptions import`" in both.fix


async def test_doctor_counts_what_applivery_does_not_name(world: Environment) -> None:
    world.applivery.announce_in_slack(None)
    world.applivery.announce_in_slack("#elsewhere")
    report = await examined(world)
    assert [found.said for found in of(report, OWN)] == ["announces in 1 more, which Applivery doesn't name."]


@pytest.mark.parametrize("fault", [Fault(status=403), Fault(status=404), Fault(body="null"), Fault(drop=True)])
async def test_doctor_without_the_list_stays_silent(world: Environment, fault: Fault) -> None:
    world.applivery.faults.add(f"GET {LIST}", fault, times=None)
    assert of(await examined(world), OWN) == []


async def test_import_while_applivery_is_away_says_so(world: Environment) -> None:
    await world.start()
    world.applivery.faults.add(f"GET {LIST}", Fault(status=403, code=4003), times=None)
    answer = await world.ask("subscriptions import")
    assert "nothing to import" not in answer.text
    assert await subscribed(world) == {}
