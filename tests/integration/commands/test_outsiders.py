"""Guests and people of other organisations: what an explicit grant for an app lets them do, and nothing more."""

from __future__ import annotations

import pytest

from bot.db import access
from bot.domain.model import Role
from sandbox.faults import Fault
from sandbox.slack import FakeUser
from tests.conftest import Environment
from tests.support.handing import directs, mints, ready, seen, start_with_page
from tests.support.seeing import old_card, press

OUTSIDERS = ("guest", "partner")
outsiders = pytest.mark.parametrize("kind", OUTSIDERS)


def outsider(world: Environment, kind: str) -> FakeUser:
    """A guest of the workspace, or a partner in a channel that is shared with their organisation."""
    if kind == "guest":
        return world.slack.user("gus", guest=True)
    world.releases.shared = True
    return world.slack.user("pat", team_id="T0ELSEWHERE", admin=True)


def at(who: FakeUser) -> str:
    return f"<@{who.id}|{who.handle}>"


async def granted(world: Environment, kind: str) -> FakeUser:
    """One who is member of Courier, beside another app, Driver."""
    who = outsider(world, kind)
    world.applivery.build(world.applivery.app("Driver", slug="driver"), version="9.0.0")
    ready(world)
    await world.start()
    answer = await world.ask(f"grant {at(who)} member app:courier")
    assert answer.text == f"<@{who.id}> is now *member* for Courier."
    return who


@outsiders
async def test_a_grant_for_an_app_opens_that_app(world: Environment, kind: str) -> None:
    who = await granted(world, kind)
    for typed in ("get courier", "builds courier", "status courier", "files courier", "news courier"):
        assert "2.4.0" in (await world.ask(typed, user=who)).text, typed
    assert "2.4.0" in (await world.ask("get", user=who)).text, "the only app there is for them"
    assert mints(world) == 2
    card = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{world.applivery.builds[-1].id}")
    assert "2.4.0" in (await (await press(world.slack, card, "Old", user=who)).answer()).text


@outsiders
async def test_other_apps_are_not_there_for_an_outsider(world: Environment, kind: str) -> None:
    who = await granted(world, kind)
    driver, build = world.applivery.builds[0].app, world.applivery.builds[0]
    typed = (
        "get driver",
        f"get {driver.id}",
        f"get {build.id}",
        "builds Driver",
        "status drive",
        "get courie",
        "builds",
    )
    for text in typed:
        answer = await world.ask(text, user=who)
        assert "9.0.0" not in seen(answer) + answer.text, text
        assert "Driver" not in (seen(answer) + answer.text).replace(f"“{text.partition(' ')[2]}”", ""), text
    card = old_card(world.slack, world.releases, "get.v1", f"{driver.id}/{build.id}")
    assert "9.0.0" not in (await (await press(world.slack, card, "Old", user=who)).answer()).text
    turn = await world.slack.command("/applivery", "subscriptions", user=who, channel=world.releases)
    assert "Driver" not in (await turn.answer()).text
    assert mints(world) == 0


@outsiders
async def test_an_outsider_is_held_to_the_apps_channels(world: Environment, kind: str) -> None:
    who = await granted(world, kind)
    qa = world.slack.channel("qa", shared=kind == "partner", members=(world.ana, who))
    await world.ask(f"grant <#{qa.id}|qa> app:courier")
    assert "can't be used here" in (await world.ask("get courier", user=who)).text
    assert "2.4.0" in (await world.ask("get courier", user=who, channel=qa)).text


@outsiders
async def test_a_revoked_outsider_is_refused_again(world: Environment, kind: str) -> None:
    who = await granted(world, kind)
    await world.ask(f"revoke {at(who)} app:courier")
    assert "can only use apps they've been given access to" in (await world.ask("get courier", user=who)).text
    assert mints(world) == 0


@outsiders
@pytest.mark.parametrize(
    "more", ["member", "admin", "releaser app:courier", "manager app:courier", "admin app:courier"]
)
async def test_a_wider_grant_to_an_outsider_is_refused(world: Environment, kind: str, more: str) -> None:
    who = outsider(world, kind)
    await world.start()
    answer = await world.ask(f"grant {at(who)} {more}")
    assert "*member* role, one app at a time" in answer.text
    assert ("guest" if kind == "guest" else "another organisation") in answer.text
    assert await world.bot.store.cached(access.list_grants, world.slack.team_id) == []


@pytest.mark.parametrize(
    ("change", "words"), [({"bot": True}, "is a bot"), ({"deleted": True}, "has left this workspace")]
)
async def test_nothing_is_granted_that_no_request_meets(
    world: Environment, change: dict[str, bool], words: str
) -> None:
    for name, value in change.items():
        setattr(world.bruno, name, value)
    await world.start()
    assert words in (await world.ask(f"grant {at(world.bruno)} releaser")).text
    for unknown in ("<@U0NOBODY>", "<!subteam^S0NOBODY>"):
        assert "Slack doesn't know that person" in (await world.ask(f"grant {unknown} releaser")).text
    assert await world.bot.store.cached(access.list_grants, world.slack.team_id) == []


@pytest.mark.parametrize("fault", [Fault(error="internal_error"), Fault(error="fatal_error")])
async def test_a_person_slack_cannot_name_is_granted_nothing(world: Environment, fault: Fault) -> None:
    await world.start()
    await world.ask("whoami")
    world.slack.faults.add("users.info", fault, times=None)
    answer = await world.ask(f"grant {at(world.bruno)} releaser")
    assert "I can't check who that is" in answer.text
    assert await world.bot.store.cached(access.list_grants, world.slack.team_id) == []


@outsiders
async def test_whoami_help_and_home_say_what_an_outsider_may(world: Environment, kind: str) -> None:
    who = await granted(world, kind)
    is_one = "You're a guest" if kind == "guest" else "You're from another organisation"
    me = (await world.ask("whoami", user=who)).text
    assert me.startswith(
        f"{is_one}: you can only use apps you've been given access to.\n*member* for Courier (granted by "
    )
    assert "subscribe" not in me
    listed = (await world.ask("help", user=who)).text
    assert listed.startswith(is_one)
    assert "subscribe:" not in listed
    await world.slack.home(who)
    await world.slack.until(lambda: world.slack.modals.homes.get(who.id))
    shown = str(world.slack.modals.homes[who.id].payload)
    assert is_one in shown
    assert "2.4.0" in shown
    assert "Driver" not in shown
    assert "9.0.0" not in shown


@outsiders
async def test_a_build_can_be_sent_to_an_outsider_with_access(world: Environment, kind: str) -> None:
    who = await granted(world, kind)
    await world.ask(f"get courier to:{at(who)}")
    [card] = directs(world, who)
    answer = await (await press(world.slack, card, "Get build", user=who)).answer()
    assert "2.4.0" in answer.text
    assert mints(world) == 1
    assert "needs access" in (await world.ask(f"get driver to:{at(who)}")).text.replace("need access", "needs access")
    assert len(directs(world, who)) <= 2


@outsiders
async def test_a_group_opens_an_app_to_the_outsiders_in_it(world: Environment, kind: str) -> None:
    who = outsider(world, kind)
    group = world.slack.usergroup("testers", [who])
    ready(world)
    await start_with_page(world)
    await world.ask(f"grant <!subteam^{group.id}|@testers> manager app:courier")
    await world.ask(f"grant <!subteam^{group.id}|@testers> admin")
    assert "2.4.0" in (await world.ask("get courier", user=who)).text
    for typed in ("downloads courier", "audit", "subscribe courier"):
        assert "Only " in (await world.ask(typed, user=who)).text
    assert Role.ADMIN in {grant.role for grant in await world.bot.store.cached(access.list_grants, world.slack.team_id)}
