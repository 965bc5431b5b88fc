"""Who may: roles given and taken back, apps kept to channels at every door, and asking an admin for a role."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.db import access, audit, subscriptions
from bot.domain.model import Role
from sandbox.faults import Fault
from sandbox.slack import FakeChannel, FakeMessage, FakeUser
from tests.conftest import Environment
from tests.support.handing import Clock, direct, directs, mints, ready, rested, said, seen
from tests.support.seeing import labels, old_card, press

DECIDING = ["decide.app.v1", "decide.all.v1", "decide.deny.v1"]
NEEDS_RELEASER = "Only releasers can subscribe channels. You're a member."


@pytest.fixture
def carla(world: Environment) -> FakeUser:
    """A third person, who may what everybody may."""
    return world.slack.user("carla", name="Carla Gil", email="carla@acme.test")


def at(who: FakeUser) -> str:
    """How Slack writes a mention in a command."""
    return f"<@{who.id}|{who.handle}>"


def hash_(channel: FakeChannel) -> str:
    return f"<#{channel.id}|{channel.name}>"


# ------------------------------------------------------------------ grant and revoke


@pytest.mark.parametrize("who", ["slackbot", "another bot", "a person who left"])
async def test_no_role_goes_to_a_bot_or_who_has_left(world: Environment, carla: FakeUser, who: str) -> None:
    carla.bot, carla.deleted = who == "another bot", who == "a person who left"
    user = world.slack.workspace.slackbot if who == "slackbot" else carla
    await world.start()
    why = "has left this workspace" if carla.deleted else "is a bot"
    answer = await world.ask(f"grant {at(user)} admin")
    assert answer.text == f"{user.handle} {why}. Choose a member of this workspace."
    assert await world.bot.store.cached(access.list_grants, world.slack.team_id) == []


async def test_a_role_is_taken_back_from_who_has_left(world: Environment, carla: FakeUser) -> None:
    await world.start()
    await world.ask(f"grant {at(carla)} releaser")
    carla.deleted = True
    await world.restart()
    assert (await world.ask(f"revoke {at(carla)}")).text == f"<@{carla.id}> is no longer *releaser* for all apps."


async def test_grant_works_at_once_and_revoke_ends_it(world: Environment) -> None:
    await world.start()
    assert NEEDS_RELEASER in (await world.ask("subscribe courier", user=world.bruno)).text
    assert (await world.ask(f"grant {at(world.bruno)} releaser")).text == (
        f"<@{world.bruno.id}> is now *releaser* for all apps."
    )
    assert NEEDS_RELEASER not in (await world.ask("subscribe courier", user=world.bruno)).text
    assert (await world.ask(f"revoke {at(world.bruno)}")).text == (
        f"<@{world.bruno.id}> is no longer *releaser* for all apps."
    )
    assert NEEDS_RELEASER in (await world.ask("subscribe courier", user=world.bruno)).text


async def test_a_role_for_one_app_is_none_for_another(world: Environment) -> None:
    world.applivery.app("Driver")
    await world.start()
    assert (await world.ask(f"grant {at(world.bruno)} Releaser app:courier")).text.endswith("*releaser* for Courier.")
    assert "Only " not in (await world.ask("subscribe courier", user=world.bruno)).text
    refused = await world.ask("subscribe driver", user=world.bruno)
    assert "For Driver, only releasers can subscribe channels. You're a member." in refused.text
    refused = await world.ask("subscribe *", user=world.bruno)
    assert refused.text == "Only releasers for all apps can subscribe channels. You're a member."


async def test_revoke_names_remaining_single_app_roles(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant {at(world.bruno)} releaser app:courier")
    refused = await world.ask(f"revoke {at(world.bruno)}")
    assert refused.text == (f"<@{world.bruno.id}> has no role for all apps, only for these: releaser (Courier)")
    assert labels(refused) == ["Revoke releaser for Courier"]
    await world.ask(f"grant {at(world.bruno)} manager")
    assert (await world.ask(f"revoke {at(world.bruno)}")).text == (
        f"<@{world.bruno.id}> is no longer *manager* for all apps. Other roles stay: releaser for Courier."
    )


async def test_revoke_is_recorded_while_applivery_is_away(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant {at(world.bruno)} releaser app:courier")
    await world.ask(f"grant {at(world.bruno)} manager")
    await world.restart()
    world.applivery.faults.add("GET /v1/organizations/*/apps", Fault(status=500), times=None)
    assert "is no longer *manager*" in (await world.ask(f"revoke {at(world.bruno)}")).text
    assert (await world.bot.store.run(audit.list_entries))[0].outcome == f"manager from {world.bruno.id}"


async def test_undo_takes_back_exactly_the_grant_it_is_under(world: Environment) -> None:
    await world.start()
    first = await world.ask(f"grant {at(world.bruno)} releaser")
    second = await world.ask(f"grant {at(world.bruno)} manager")
    assert second.text == f"<@{world.bruno.id}> is now *manager* for all apps (was releaser)."
    assert "has been changed since" in await said(await press(world.slack, first, "Undo", user=world.ana))
    undone = await said(await press(world.slack, second, "Undo", user=world.ana))
    assert undone == f"Undone: <@{world.bruno.id}> is *releaser* for all apps again."
    assert await given(world) == {(world.bruno.id, Role.RELEASER, None)}


async def test_undo_of_a_first_grant_leaves_none(world: Environment) -> None:
    await world.start()
    answer = await world.ask(f"grant {at(world.bruno)} releaser app:courier")
    undone = await said(await press(world.slack, answer, "Undo", user=world.ana))
    assert undone == f"Undone: <@{world.bruno.id}> is no longer *releaser* for Courier."
    assert await given(world) == set()


async def test_undo_of_a_revocation_gives_the_role_again(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant {at(world.bruno)} releaser app:courier")
    answer = await world.ask(f"revoke {at(world.bruno)} app:courier")
    await press(world.slack, answer, "Undo", user=world.ana)
    await rested(world)
    assert await given(world) == {(world.bruno.id, Role.RELEASER, world.courier.id)}
    answer = await world.ask(f"revoke {at(world.bruno)} app:courier")
    await world.ask(f"grant {at(world.bruno)} manager app:courier")
    assert "has been changed since" in await said(await press(world.slack, answer, "Undo", user=world.ana))
    assert await given(world) == {(world.bruno.id, Role.MANAGER, world.courier.id)}


async def test_undo_of_all_apps_keeps_the_role_for_one(world: Environment) -> None:
    await world.start()
    question = await ask_for_it(world)
    await world.ask(f"grant {at(world.bruno)} releaser app:courier")
    turn = await press(world.slack, question, "Allow for all apps", user=world.ana)
    await press(world.slack, await turn.answer(), "Undo", user=world.ana)
    await rested(world)
    assert await given(world) == {(world.bruno.id, Role.RELEASER, world.courier.id)}


@pytest.mark.parametrize("value", ["x", "U0B", "U0B//king", "U0B//admin/member/9999999999999999999", "U0B//admin/x"])
async def test_a_made_up_undo_changes_nothing_given(world: Environment, value: str) -> None:
    await world.start()
    await world.ask(f"grant {at(world.bruno)} releaser")
    forged = old_card(world.slack, world.releases, "undo.grant.v1", value)
    assert await said(await press(world.slack, forged, "Old", user=world.ana))
    assert "Only admins" in await said(await press(world.slack, forged, "Old", user=world.bruno))
    assert (world.bruno.id, Role.RELEASER, None) in await given(world)


async def test_limiting_an_app_says_who_loses_it(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    qa = world.slack.channel("qa", members=(world.ana,))
    answer = await world.ask(f"grant {hash_(qa)} app:courier")
    assert answer.text.endswith(f"1 subscription elsewhere is paused: <#{world.releases.id}>.")
    back = await said(await press(world.slack, answer, "Undo", user=world.ana))
    assert back.startswith("*Courier can be used everywhere again.*")
    again = await world.ask(f"grant {hash_(qa)} app:courier")
    assert labels(again) == ["Undo"]
    assert labels(await world.ask(f"grant {hash_(qa)} app:courier")) == [], "it was allowed before"


async def test_a_user_group_has_a_role_and_its_people_with_it(world: Environment, carla: FakeUser) -> None:
    group = world.slack.usergroup("qa-team", [world.bruno])
    await world.start()
    granted = await world.ask(f"grant <!subteam^{group.id}|@qa-team> manager app:courier")
    assert granted.text == f"<!subteam^{group.id}> is now *manager* for Courier."
    assert "Only " not in (await world.ask("downloads courier", user=world.bruno)).text
    assert "Only managers can see downloads." in (await world.ask("downloads courier", user=carla)).text
    revoked = await world.ask(f"revoke <!subteam^{group.id}|@qa-team> app:courier")
    assert revoked.text == f"<!subteam^{group.id}> is no longer *manager* for Courier."
    assert "Only managers can see downloads." in (await world.ask("downloads courier", user=world.bruno)).text


async def test_grant_group_slack_cannot_confirm_is_refused(world: Environment) -> None:
    group = world.slack.usergroup("qa-team", [world.bruno])
    await world.start()
    await world.ask(f"grant <!subteam^{group.id}> admin")
    world.slack.faults.add("usergroups.users.list", Fault(error="missing_scope"), times=None)
    assert "Only admins" in (await world.ask("audit", user=world.bruno)).text


async def test_roles_outlive_a_restart(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant {at(world.bruno)} admin")
    await world.restart()
    assert "grant" in (await world.ask("audit", user=world.bruno)).text


async def test_a_grant_takes_nothing_away_from_an_admin(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant {at(world.ana)} member")
    assert "You're *admin* for all apps." in (await world.ask("whoami")).text


async def test_only_admins_give_roles(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant {at(world.bruno)} manager")
    for typed in (f"grant {at(world.bruno)} admin", f"revoke {at(world.ana)}", "audit"):
        refused = await world.ask(typed, user=world.bruno)
        assert "You're a manager." in refused.text
    assert [grant.role for grant in await world.bot.store.cached(access.list_grants, world.slack.team_id)] == [
        Role.MANAGER
    ]


async def test_an_admin_of_one_app_is_none_of_the_bot(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant {at(world.bruno)} admin app:courier")
    world.applivery.app("Driver")
    for typed in (f"grant {at(world.bruno)} admin", f"revoke {at(world.ana)}", "audit", "audit format:csv"):
        refused = await world.ask(typed, user=world.bruno)
        assert "Only admins for all apps can" in refused.text, typed
    refused = await world.ask(f"grant {at(world.bruno)} member app:driver", user=world.bruno)
    assert "For Driver, only admins can grant roles." in refused.text
    found = [
        (grant.role, grant.app_id) for grant in await world.bot.store.cached(access.list_grants, world.slack.team_id)
    ]
    assert found == [(Role.ADMIN, world.courier.id)]


async def test_grant_by_app_admin_for_own_app_and_its_trail(world: Environment, carla: FakeUser) -> None:
    world.applivery.build(world.applivery.app("Driver"))
    await world.start()
    ready(world)
    await world.ask(f"grant {at(world.bruno)} admin app:courier")
    await world.ask("get driver")
    await world.ask("get courier")
    granted = await world.ask(f"grant {at(carla)} releaser app:courier", user=world.bruno)
    assert granted.text == f"<@{carla.id}> is now *releaser* for Courier."
    trail = await world.ask("audit app:courier", user=world.bruno)
    assert "get Courier" in trail.text
    assert "Driver" not in trail.text


async def test_an_admin_of_one_app_decides_no_request(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant {at(world.bruno)} admin app:courier")
    carla = world.slack.user("carla")
    answer = await world.ask("subscribe courier", user=carla)
    await press(world.slack, answer, "Request access", user=carla)
    value = (await direct(world, world.ana)).element("decide.app.v1")["value"]
    for action in DECIDING:
        forged = old_card(world.slack, world.releases, action, value)
        assert "Only admins" in await said(await press(world.slack, forged, "Old", user=world.bruno))


async def test_a_releaser_of_one_app_ends_no_subscription_to_another(world: Environment) -> None:
    world.applivery.app("Driver")
    await world.start()
    await world.ask("subscribe courier")
    await world.ask("subscribe *")
    await world.ask(f"grant {at(world.bruno)} releaser app:driver")
    for subscription in await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id):
        refused = await world.ask(f"unsubscribe {subscription.id}", user=world.bruno)
        assert "nly releasers " in refused.text
    assert len(await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)) == 2


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (
            "grant",
            "`grant` needs a person or group. Type @ and pick from Slack's list. Example: `/applivery grant @bruno",
        ),
        ("grant bruno releaser", "I couldn't find “bruno”. Type @ and pick the person or user group"),
        ("grant <@UBRUNO>", "Which role? Choose `member`, `releaser`, `manager` or `admin`."),
        ("grant <@UBRUNO> relaeser", "There is no role “relaeser”. Did you mean `releaser`?"),
        ("grant <@UBRUNO> king", "There is no role “king”. Choose `member`"),
        ("grant <@UBRUNO> releaser app:nothing", "There is no app called “nothing”."),
        ("grant <#C1|x>", "For which app? Choose `Courier`."),
        ("revoke <@UBRUNO>", "No role was granted for all apps."),
        ("revoke <@UBRUNO> app:courier", "No role was granted for Courier."),
        ("grant <!channel> admin", "I couldn't find"),
    ],
)
async def test_grant_invalid_request_explained_with_correct_form(world: Environment, typed: str, words: str) -> None:
    await world.start()
    answer = await world.ask(typed)
    assert words in answer.text
    assert "<!channel>" not in answer.text
    assert await world.bot.store.cached(access.list_grants, world.slack.team_id) == []


async def test_giving_and_taking_is_written_down(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant {at(world.bruno)} manager app:courier")
    await world.ask(f"revoke {at(world.bruno)} app:courier")
    await world.ask(f"grant {hash_(world.releases)} app:courier")
    await world.ask(f"revoke {hash_(world.releases)} app:courier")
    found = [(entry.action, entry.outcome, entry.app_id) for entry in await world.bot.store.run(audit.list_entries)]
    assert found[::-1] == [
        ("grant", f"manager to {world.bruno.id}", world.courier.id),
        ("revoke", f"manager from {world.bruno.id}", world.courier.id),
        ("grant", f"channel {world.releases.id}", world.courier.id),
        ("revoke", f"channel {world.releases.id}", world.courier.id),
    ]


# ------------------------------------------------------------------ whoami


async def test_whoami_says_what_one_may_and_why(world: Environment) -> None:
    world.bruno.tz = "America/Lima"
    await world.start()
    await world.ask(f"grant {at(world.bruno)} manager app:courier")
    answer = (await world.ask("whoami", user=world.bruno)).text
    assert answer.startswith(f"You're *member* for all apps.\n*manager* for Courier (granted by <@{world.ana.id}>): ")
    assert "see downloads" in answer
    assert "grant roles" not in answer
    assert answer.endswith("\nUp to 10 links a minute, 60 an hour · English · America/Lima")
    assert labels(await world.ask("whoami")) == ["What I can do"]


async def test_whoami_has_a_button_to_ask_for_more(world: Environment) -> None:
    await world.start()
    answer = await world.ask("whoami", user=world.bruno)
    assert labels(answer) == ["Ask to be releaser", "What I can do"]
    await press(world.slack, answer, "Ask to be releaser", user=world.bruno)
    assert "asks to be releaser for all apps (now member)" in (await direct(world, world.ana)).text


# ------------------------------------------------------------------ an app kept to channels


ONLY = "Courier can't be used here. Use it in <#{}>."


@pytest.fixture
async def qa(world: Environment) -> FakeChannel:
    """Where Courier may be used, and nowhere else."""
    await world.start()
    build = ready(world)
    world.applivery.attach(build, "notes.pdf", b"x")
    channel: FakeChannel = world.slack.channel("qa", members=(world.ana, world.bruno))
    answer = await world.ask(f"grant {hash_(channel)} app:courier")
    assert answer.text == f"*Courier is now limited to <#{channel.id}>.* Before, it could be used everywhere."
    return channel


async def test_the_lists_can_be_lengthened_shortened_and_ended(world: Environment, qa: FakeChannel) -> None:
    await world.ask(f"grant {hash_(world.releases)} app:courier")
    assert "2.4.0" in (await world.ask("get courier")).text
    answer = await world.ask(f"revoke {hash_(world.releases)} app:courier")
    assert answer.text == (f"*Courier can't be used in <#{world.releases.id}> any more*, only in <#{qa.id}>.")
    assert (await world.ask("get courier")).text == ONLY.format(qa.id)
    answer = await world.ask(f"revoke {hash_(world.releases)} app:courier")
    assert f"Courier wasn't allowed in <#{world.releases.id}>." in answer.text
    answer = await world.ask(f"revoke {hash_(qa)} app:courier")
    assert answer.text == f"*Courier can be used everywhere again.* It was limited to <#{qa.id}>."
    assert "2.4.0" in (await world.ask("get courier")).text


async def test_channel_app_elsewhere_refused_to_admins_with_place(world: Environment, qa: FakeChannel) -> None:
    build = world.applivery.builds[0]
    for typed in (
        "get courier",
        f"get {world.courier.id}",
        f"get courier {build.id}",
        f"get courier to:{at(world.bruno)}",
        "files courier",
        "builds courier",
        "status courier",
        "downloads courier",
        "subscribe courier",
    ):
        assert (await world.ask(typed)).text == ONLY.format(qa.id), typed
        assert "&lt;" not in seen(await world.ask(typed)), typed
    assert mints(world) == 0
    for typed in ("get courier", f"get {world.courier.id}", "files courier", "builds courier", "status courier"):
        assert "2.4.0" in (await world.ask(typed, channel=qa)).text, typed


async def test_elsewhere_it_is_found_by_no_id_and_named_by_no_list(world: Environment, qa: FakeChannel) -> None:
    driver = world.applivery.app("Driver")
    world.applivery.build(driver, version="9.0.0")
    await world.restart()
    build = world.applivery.builds[0]
    refused = (await world.ask(f"get {build.id}")).text
    assert "2.4.0" not in refused
    assert mints(world) == 0
    assert "9.0.0" in (await world.ask("get")).text, "the only app there is for this channel"
    assert "Courier" not in (await world.ask("builds")).text


@pytest.mark.parametrize(
    "action",
    [
        "get.v1",
        "fresh.v1",
        "dm.v1",
        "share.v1",
        "share.ask.v1",
        "details.v1",
        "await.v1",
        "status.v1",
        "files.v1",
        "file.v1",
        "run.v1#0",
    ],
)
async def test_elsewhere_every_button_is_refused(world: Environment, qa: FakeChannel, action: str) -> None:
    build = world.applivery.builds[0]
    attached = build.wire["files"][-1]["id"]
    value = {"run.v1#0": "get courier", "file.v1": f"{world.courier.id}/{build.id}/{attached}"}.get(
        action, f"{world.courier.id}/{build.id}"
    )
    card = old_card(world.slack, world.releases, action, value)
    assert await said(await press(world.slack, card, "Old", user=world.bruno)) == ONLY.format(qa.id)
    assert mints(world) == 0
    allowed = old_card(world.slack, qa, action, value)
    turn = await press(world.slack, allowed, "Old", user=world.bruno)
    await rested(world)
    assert all("can't be used here" not in message.text for message in turn.answers)


async def test_channel_app_elsewhere_not_offered_or_accepted_by_form(world: Environment, qa: FakeChannel) -> None:
    world.applivery.app("Driver")
    world.applivery.app("Depot")
    await world.restart()
    turn = await world.slack.command("/applivery", "get", user=world.bruno, channel=world.releases)
    form = await turn.view()
    offered = await world.slack.options(form, "get.app", "", user=world.bruno)
    assert [option["text"]["text"] for option in offered] == ["Depot", "Driver"]
    await world.slack.submit(form, {"get.app": {"get.app": world.courier.id}}, user=world.bruno)
    assert (await turn.answer()).text == ONLY.format(qa.id)
    form.closed = False
    form.values["get.app"] = {
        "get.app": {"type": "external_select", "selected_option": {"value": world.courier.id, "text": {}}}
    }
    assert await world.slack.options(form, "get.build", "", user=world.bruno) == []
    inside = await (await world.slack.command("/applivery", "get", user=world.bruno, channel=qa)).view()
    offered = await world.slack.options(inside, "get.app", "", user=world.bruno)
    assert [option["text"]["text"] for option in offered] == ["Courier", "Depot", "Driver"]


async def test_elsewhere_the_shortcut_and_the_mention_are_refused(world: Environment, qa: FakeChannel) -> None:
    build = world.applivery.builds[0]
    card = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{build.id}")
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=card)
    assert await said(turn) == ONLY.format(qa.id)
    await world.slack.mention("get courier", world.bruno, world.releases)
    await world.slack.until(lambda: len(world.slack.ephemerals(world.bruno)) == 2)
    assert world.slack.ephemerals(world.bruno)[-1].text == ONLY.format(qa.id)
    assert mints(world) == 0


async def test_a_channel_off_the_list_hears_no_news_of_it(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    qa = world.slack.channel("qa", members=(world.ana,))
    await world.ask("subscribe courier", channel=qa)
    await world.ask(f"grant {hash_(qa)} app:courier")
    ready(world)
    await world.look()
    assert len(world.said(qa)) > 0
    assert world.said() == []


async def test_when_every_app_is_kept_elsewhere_that_is_said(world: Environment, qa: FakeChannel) -> None:
    assert (
        await world.ask("builds")
    ).text == "Your role doesn't allow this for any app in this channel. Ask an admin for access."


# ------------------------------------------------------------------ asking for a role


async def refused(world: Environment, typed: str = "subscribe courier", user: FakeUser | None = None) -> FakeMessage:
    """What Bruno (or another person) is told who may not."""
    answer: FakeMessage = await world.ask(typed, user=user or world.bruno)
    assert labels(answer) == ["Request access"]
    return answer


async def ask_for_it(world: Environment, typed: str = "subscribe courier") -> FakeMessage:
    """The question as Ana, an admin, has it."""
    before = len(directs(world, world.ana))
    await press(world.slack, await refused(world, typed), "Request access", user=world.bruno)
    return await direct(world, world.ana, before + 1)


async def given(world: Environment) -> set[tuple[str, Role, str | None]]:
    """The roles that were given: to whom, and for which app."""
    return {
        (grant.grantee, grant.role, grant.app_id)
        for grant in await world.bot.store.cached(access.list_grants, world.slack.team_id)
    }


async def test_a_refusal_names_the_role_and_the_admins_get_one_message(world: Environment, carla: FakeUser) -> None:
    carla.admin = True
    await world.start()
    answer = await refused(world)
    assert answer.text == NEEDS_RELEASER
    turn = await press(world.slack, answer, "Request access", user=world.bruno)
    assert await said(turn) == "Request sent. I'll DM you the answer."
    for admin in (world.ana, carla):
        [question] = directs(world, admin)
        assert question.text == (
            f"<@{world.bruno.id}> asks to be releaser for Courier (now member). "
            f"Tried `subscribe courier` in <#{world.releases.id}>."
        )
        assert labels(question) == ["Allow for Courier", "Allow for all apps", "Deny"]
    assert directs(world, world.bruno) == []


async def test_allowed_for_an_app_is_allowed_for_it_alone(world: Environment) -> None:
    world.applivery.app("Driver")
    await world.start()
    question = await ask_for_it(world, "downloads courier")
    turn = await press(world.slack, question, "Allow for Courier", user=world.ana)
    assert await said(turn) == f"✅ <@{world.bruno.id}> is now *manager* for Courier."
    assert await turn.answer() is question, "the buttons are gone"
    assert labels(question) == ["Undo"]
    assert (await direct(world, world.bruno)).text == (
        f"✅ You're now *manager* for Courier. You can use `downloads courier` in <#{world.releases.id}> now."
    )
    assert await given(world) == {(world.bruno.id, Role.MANAGER, world.courier.id)}
    assert "Only managers" not in (await world.ask("downloads courier", user=world.bruno)).text
    assert "only managers can see downloads" in (await world.ask("downloads driver", user=world.bruno)).text


async def test_all_apps_are_allowed_after_a_question_that_says_so(world: Environment) -> None:
    world.applivery.app("Driver")
    await world.start()
    question = await ask_for_it(world)
    confirm = question.element("decide.all.v1")["confirm"]
    assert (confirm["confirm"]["text"], confirm["deny"]["text"]) == ("Allow for all apps", "Cancel")
    assert "becomes releaser for all 2 apps, including new ones." in confirm["text"]["text"]
    assert "confirm" not in question.element("decide.app.v1")
    turn = await press(world.slack, question, "Allow for all apps", user=world.ana)
    assert await said(turn) == f"✅ <@{world.bruno.id}> is now *releaser* for all apps."
    assert (await direct(world, world.bruno)).text == (
        f"✅ You're now *releaser* for all apps. You can use `subscribe courier` in <#{world.releases.id}> now."
    )
    assert await given(world) == {(world.bruno.id, Role.RELEASER, None)}
    assert NEEDS_RELEASER not in (await world.ask("subscribe driver", user=world.bruno)).text


async def test_a_denied_role_is_not_given_and_the_person_hears_of_it(world: Environment) -> None:
    await world.start()
    question = await ask_for_it(world)
    turn = await press(world.slack, question, "Deny", user=world.ana)
    assert await said(turn) == f"❌ You denied <@{world.bruno.id}> the role *releaser*."
    assert (await direct(world, world.bruno)).text == f"❌ Your request for *releaser* was denied by <@{world.ana.id}>."
    assert await given(world) == set()


async def test_the_other_admins_see_what_was_decided(world: Environment, carla: FakeUser) -> None:
    carla.admin = True
    await world.start()
    question = await ask_for_it(world)
    hers = await direct(world, carla)
    kept = {action: hers.element(action)["value"] for action in DECIDING}
    await press(world.slack, question, "Deny", user=world.ana)
    await rested(world)
    decided = f"❌ <@{world.ana.id}> denied <@{world.bruno.id}> the role *releaser*."
    assert (hers.text, labels(hers)) == (decided, [])
    for action, value in kept.items():  # as pressed at the same moment
        late = old_card(world.slack, world.slack.dm(carla), action, value)
        assert await said(await press(world.slack, late, "Old", user=carla)) == decided
    assert await given(world) == set()
    assert len(directs(world, world.bruno)) == 1


@pytest.mark.parametrize("answer", [None, "Deny"])
async def test_the_same_is_asked_once_an_hour(world: Environment, answer: str | None) -> None:
    world.applivery.app("Driver")
    clock = Clock(world)
    await world.start()
    question = await ask_for_it(world)
    if answer:
        await press(world.slack, question, answer, user=world.ana)
    turn = await press(world.slack, await refused(world), "Request access", user=world.bruno)
    assert re.fullmatch(r"You already asked at <.*>\. I'll DM you the answer\.", await said(turn))
    await rested(world)
    assert len(directs(world, world.ana)) == 1
    assert "for Driver" in (await ask_for_it(world, "subscribe driver")).text
    assert "to be manager" in (await ask_for_it(world, "downloads courier")).text
    clock.forward(minutes=61)
    assert "Deny" in labels(await ask_for_it(world))


@pytest.mark.parametrize(
    ("typed", "app"),
    [
        ("subscribe driver", "Driver"),
        ("subscribe app:driver", "Driver"),
        ("downloads Driver", "Driver"),
        ("grant @bruno admin app:driver", "Driver"),
        ("subscribe *", None),
        ("audit", None),
    ],
)
async def test_a_request_says_for_which_app(world: Environment, typed: str, app: str | None) -> None:
    world.applivery.app("Driver")
    await world.start()
    question = await ask_for_it(world, typed)
    wide = ["Allow for all apps", "Deny"]
    assert labels(question) == ([f"Allow for {app}", *wide] if app else wide)
    assert f"Tried `{typed}`" in question.text


async def test_access_request_by_role_holder_of_other_app_is_per_app(world: Environment) -> None:
    world.applivery.app("Driver")
    await world.start()
    await world.ask(f"grant {at(world.bruno)} releaser app:driver")
    question = await ask_for_it(world)
    await press(world.slack, question, "Allow for Courier", user=world.ana)
    await rested(world)
    assert (world.bruno.id, Role.RELEASER, world.courier.id) in await given(world)
    assert (world.bruno.id, Role.RELEASER, None) not in await given(world)


async def test_the_settings_name_whom_to_ask(world: Environment, carla: FakeUser) -> None:
    await world.start(access_admins=(carla.id,))
    await press(world.slack, await refused(world), "Request access", user=world.bruno)
    assert (await direct(world, carla)).text.startswith(f"<@{world.bruno.id}> asks to be")
    assert directs(world, world.ana) == []


async def test_access_request_unreachable_admin_does_not_stop_others(world: Environment, carla: FakeUser) -> None:
    carla.admin = True
    await world.start()
    answer = await refused(world)
    world.slack.faults.add("chat.postMessage", Fault(error="user_disabled"))
    turn = await press(world.slack, answer, "Request access", user=world.bruno)
    assert await said(turn) == "Request sent. I'll DM you the answer."
    assert len(directs(world, world.ana) + directs(world, carla)) == 1


async def test_a_request_that_reached_no_admin_may_be_repeated(world: Environment) -> None:
    await world.start()
    answer = await refused(world)
    world.slack.faults.add("chat.postMessage", Fault(error="user_disabled"))
    assert "couldn't send" in await said(await press(world.slack, answer, "Request access", user=world.bruno))
    assert "Deny" in labels(await ask_for_it(world))


async def test_without_any_admin_it_is_said_who_could_name_one(world: Environment) -> None:
    world.ana.admin = False
    await world.start()
    turn = await press(world.slack, await refused(world), "Request access", user=world.bruno)
    assert await said(turn) == "This bot has no other admin yet. Ask the person who set it up."


@pytest.mark.parametrize("action", [*DECIDING, "decide.v1#allow"])
async def test_access_request_decided_only_by_admin(world: Environment, carla: FakeUser, action: str) -> None:
    await world.start()
    value = (await ask_for_it(world)).element("decide.app.v1")["value"]
    for who in (world.bruno, carla):
        forged = old_card(world.slack, world.releases, action, f"allow/{value}" if "#" in action else value)
        assert "Only admins" in await said(await press(world.slack, forged, "Old", user=who))
    assert await given(world) == set()


@pytest.mark.parametrize("action", [*DECIDING, "decide.v1#allow"])
@pytest.mark.parametrize("value", ["4711", "allow/4711", "allow/", "allow", "x", "1/app", "-1", "٣", "9" * 40])
async def test_access_request_forged_is_not_decided(world: Environment, action: str, value: str) -> None:
    await world.start()
    await ask_for_it(world)
    forged = old_card(world.slack, world.releases, action, value)
    assert await said(await press(world.slack, forged, "Old", user=world.ana)) == ("I can't find that request.")
    assert await given(world) == set()


async def test_access_request_refused_but_not_sent_is_not_decided(world: Environment) -> None:
    """A refusal whose request was never submitted is not decided."""
    await world.start()
    value = (await refused(world)).element("ask.v1")["value"]
    forged = old_card(world.slack, world.releases, "decide.app.v1", value)
    assert "I can't find that request." in await said(await press(world.slack, forged, "Old", user=world.ana))
    assert await given(world) == set()


@pytest.mark.parametrize("value", ["admin/", "releaser/a1", "4711", "x", "9" * 40, "another person's"])
async def test_only_what_they_were_refused_is_asked_for(world: Environment, carla: FakeUser, value: str) -> None:
    await world.start()
    if value == "another person's":
        value = (await refused(world, user=carla)).element("ask.v1")["value"]
    forged = old_card(world.slack, world.releases, "ask.v1", value)
    assert await said(await press(world.slack, forged, "Old", user=world.bruno)) == (
        "This button is out of date. Run the command again."
    )
    await rested(world)
    assert directs(world, world.ana) == []


@pytest.mark.parametrize(("answer", "gets"), [("allow", True), ("deny", False)])
async def test_buttons_of_earlier_versions_allow_no_more_than_the_app(
    world: Environment, answer: str, gets: bool
) -> None:
    await world.start()
    value = (await ask_for_it(world)).element("decide.app.v1")["value"]
    old = old_card(world.slack, world.slack.dm(world.ana), f"decide.v1#{answer}", f"{answer}/{value}")
    await press(world.slack, old, "Old", user=world.ana)
    await rested(world)
    assert await given(world) == ({(world.bruno.id, Role.RELEASER, world.courier.id)} if gets else set())


async def test_access_request_of_user_turned_guest_gives_no_wide_role(world: Environment) -> None:
    await world.start()
    question = await ask_for_it(world)
    world.bruno.guest = True
    turn = await press(world.slack, question, "Allow for all apps", user=world.ana)
    assert "is a guest. You can only give guests the *member* role, one app at a time." in await said(turn)
    assert await given(world) == set()


async def test_while_applivery_is_away_a_refusal_is_said_all_the_same(world: Environment) -> None:
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(drop=True), times=None)
    assert labels(await ask_for_it(world)) == ["Allow for all apps", "Deny"]


async def test_access_request_with_role_by_now_says_try_again(world: Environment) -> None:
    await world.start()
    answer = await refused(world)
    await world.ask(f"grant {at(world.bruno)} releaser")
    turn = await press(world.slack, answer, "Request access", user=world.bruno)
    assert await said(turn) == "You have the *releaser* role now. Run the command again."
    assert directs(world, world.ana) == []


async def test_a_guest_has_nothing_to_ask_for(world: Environment) -> None:
    await world.start()
    before = await refused(world)
    world.bruno.guest = True
    await world.restart()
    assert labels(await world.ask("subscribe courier", user=world.bruno)) == []
    turn = await press(world.slack, before, "Request access", user=world.bruno)
    assert "Guests can only use apps" in await said(turn)
    assert directs(world, world.ana) == []


async def test_access_request_and_decision_are_audited_across_restart(world: Environment) -> None:
    await world.start()
    question = await ask_for_it(world)
    await world.restart()
    await press(world.slack, question, "Allow for Courier", user=world.ana)
    await rested(world)
    found: list[Any] = [
        (entry.user_id, entry.action, entry.app_id, entry.outcome)
        for entry in await world.bot.store.run(audit.list_entries)
    ]
    assert found == [
        (world.ana.id, "allowed", world.courier.id, f"releaser for {world.bruno.id}"),
        (world.bruno.id, "ask", world.courier.id, "releaser"),
    ]
