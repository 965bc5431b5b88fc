from __future__ import annotations

import json

import pytest

from bot.db import audit, subscriptions
from bot.domain.audit import AuditAction
from bot.domain.model import BuildEvent, DeliveryOptions
from sandbox.faults import Fault
from sandbox.slack import FakeView
from tests.conftest import Environment
from tests.support.handing import directs, rested, seen
from tests.support.seeing import labels, old_card, press


async def heard(world: Environment) -> list[str]:
    """What #releases has heard after a tick of everything."""
    await world.look()
    return [message.text for message in world.slack.messages(world.releases)]


async def test_subscribe_saved_request_is_confirmed_to_asker(world: Environment) -> None:
    await world.start()
    answer = await world.ask("subscribe courier on:processed branch:release/* -tag:nightly")
    assert answer.ephemeral_to == world.ana.id
    for words in (
        f"*Subscribed <#{world.releases.id}> to Courier* (ready builds).",
        "The next matching build will be posted here.",
        "`branch:release/* -tag:nightly`",
    ):
        assert words in answer.text
    assert labels(answer) == ["Test", "Edit", "Undo"]


async def test_subscribe_announces_only_requested_from_next_build(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="1.0.0", branch="release/1")
    await world.ask("subscribe courier on:processed branch:release/*")
    assert await heard(world) == []
    world.applivery.build(world.courier, version="2.0.0", branch="main")
    world.applivery.build(world.courier, version="3.0.0", branch="release/3")
    world.applivery.build(world.courier, version="4.0.0", branch="release/4", status="error")
    assert [text[:32] for text in await heard(world)] == ["✅ Courier 3.0.0 (1) for iOS is r"]


async def test_a_wish_outlives_a_restart(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.restart()
    world.applivery.build(world.courier, version="2.0.0")
    assert len(await heard(world)) == 1


async def test_asking_again_changes_the_wish_instead_of_adding_one(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier on:uploaded,processed,failed")
    answer = await world.ask("subscribe courier on:failed")
    changed = "was uploaded, ready and failed builds, now failed builds."
    assert f"*Updated Courier in <#{world.releases.id}>*: {changed}" in answer.text
    world.applivery.build(world.courier)
    assert await heard(world) == []
    [saved] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    assert (saved.created_by, [str(event) for event in saved.events]) == (world.ana.id, ["failed"])


async def test_subscribe_every_app_includes_apps_created_later(world: Environment) -> None:
    await world.start(jobs=True)
    assert "to every app* (failed builds)" in (await world.ask("subscribe * on:failed")).text
    await world.applivery.until(lambda: any(request.path.endswith("/builds") for request in world.applivery.requests))
    world.applivery.build(world.applivery.app("Driver"), version="0.1.0", status="error")
    await world.slack.until(lambda: world.slack.messages(world.releases))
    [card] = world.slack.messages(world.releases)
    assert "Driver 0.1.0" in card.text


async def test_subscribe_without_app_offers_apps_and_keeps_request(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    answer = await world.ask("subscribe on:failed")
    turn = await press(world.slack, answer, "Driver", user=world.ana)
    assert "to Driver* (failed builds)" in (await turn.answer()).text


@pytest.mark.parametrize("private", [False, True])
async def test_subscribe_where_bot_is_not_in_gives_invitation_only(world: Environment, private: bool) -> None:
    """The answer has the exact invitation, and no subscription is saved."""
    await world.start()
    place = world.slack.channel("secret", private=True, bot_is_member=False, members=(world.ana,))
    place = place if private else world.general
    answer = await world.ask("subscribe courier", channel=place)
    assert "not in this channel" in answer.text
    assert "`/invite @applivery`" in answer.text
    assert await world.bot.store.run(subscriptions.list_subscriptions, place.id) == []


async def test_the_invitation_names_the_bot_as_it_is_called_here(world: Environment) -> None:
    world.slack.users[world.slack.bot_user_id].handle = "build-robot"
    await world.start()
    assert "`/invite @build-robot`" in (await world.ask("subscribe courier", channel=world.general)).text


async def test_an_archived_channel_is_not_subscribed(world: Environment) -> None:
    await world.start()
    world.releases.archived = True
    assert "archived" in (await world.ask("subscribe courier")).text
    assert await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id) == []


async def test_a_missing_scope_is_said_and_nothing_saved(world: Environment) -> None:
    await world.start()
    world.slack.scopes -= {"channels:read"}
    said = (await world.ask("subscribe courier")).text
    assert said.startswith("I can't check this channel right now. This bot lacks the Slack scope `channels:read`.")
    assert await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id) == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(error="internal_error"), "I can't check this channel right now."),
        (Fault(error="fatal_error"), "I can't check this channel right now."),
    ],
)
async def test_subscribe_uncheckable_channel_is_refused(world: Environment, fault: Fault, words: str) -> None:
    await world.start()
    world.slack.faults.add("conversations.info", fault, times=None)
    assert words in (await world.ask("subscribe courier")).text
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []


async def test_a_channel_of_two_organisations_is_not_subscribed(world: Environment) -> None:
    world.releases.shared = True
    await world.start()
    assert "shared with another organisation" in (await world.ask("subscribe courier")).text
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("courier on:procesed", "`on:processed`"),
        ("courier on:whatever", "`on:uploaded`"),
        ("courier -on:failed", "`-on:` doesn't work here."),
        ("courier bransh:main", "`branch:`"),
        ("curier", "`Courier`"),
        ("courier now please", "“now”"),
    ],
)
async def test_a_wish_that_is_not_understood_is_not_saved(world: Environment, typed: str, words: str) -> None:
    await world.start()
    assert words in (await world.ask(f"subscribe {typed}")).text
    assert await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id) == []


async def test_a_member_may_not_subscribe_a_channel_nor_by_a_button(world: Environment) -> None:
    await world.start()
    assert "Only releasers" in (await world.ask("subscribe courier", user=world.bruno)).text
    assert "Subscribe this channel" not in labels(await world.ask("", user=world.bruno))
    made_up = old_card(world.slack, world.releases, "run.v1#0", "subscribe courier")
    turn = await press(world.slack, made_up, "Old", user=world.bruno)
    assert "nly releasers can" in (await turn.answer()).text
    assert await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id) == []


async def test_nothing_is_saved_while_applivery_is_down(world: Environment) -> None:
    await world.start()
    world.applivery.faults.add("GET /v1/*", Fault(drop=True), times=None)
    assert "isn't answering" in (await world.ask("subscribe courier")).text
    assert await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id) == []


async def test_undo_under_the_answer_unsubscribes(world: Environment) -> None:
    await world.start()
    answer = await world.ask("subscribe courier")
    await world.restart()
    said = await (await press(world.slack, answer, "Undo", user=world.ana)).answer()
    assert said.text == f"*Unsubscribed <#{world.releases.id}> from Courier.*"
    assert await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id) == []


async def test_subscribe_works_over_signed_http(world: Environment) -> None:
    await world.start(slack_app_token=None)
    answer = await world.ask("subscribe courier")
    assert "to Courier* (ready and failed builds)" in json.dumps(answer.blocks)
    world.applivery.build(world.courier)
    assert len(await heard(world)) == 1


# ------------------------------------------------------------------ how it is told


async def saved(world: Environment) -> DeliveryOptions:
    """How the only subscription is told."""
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions)
    return subscription.manner


async def test_everything_that_was_typed_is_saved_and_said_back(world: Environment) -> None:
    await world.start()
    answer = await world.ask(
        'subscribe courier on:cert,feedback format:compact threads:off group:version label:"Staging" '
        "digest:daily@09:00 quiet:22:00-8 tz:America/Lima"
    )
    assert await saved(world) == DeliveryOptions(
        compact=True,
        threads=False,
        grouped=True,
        label="Staging",
        digest="daily@09:00",
        quiet="22:00-08:00",
        tz="America/Lima",
    )
    for words in ("(expiring certificates and feedback)", "format:compact threads:off group:version", "label:Staging"):
        assert words in answer.text
    assert "review" not in answer.text


async def test_times_are_in_the_asker_s_zone_unless_another_is_named(world: Environment) -> None:
    world.ana.tz = "Asia/Tokyo"
    await world.start()
    assert "tz:Asia/Tokyo" in (await world.ask("subscribe courier digest:daily@09:00")).text
    assert (await saved(world)).tz == "Asia/Tokyo"


@pytest.mark.parametrize("typed", ["@mobile-qa", "mobile-QA", "{id}", "<!subteam^{id}|@mobile-qa>", "<!subteam^{id}>"])
async def test_subscribe_mention_group_by_handle_mark_or_id(world: Environment, typed: str) -> None:
    group = world.slack.usergroup("mobile-qa", [world.bruno])
    await world.start()
    answer = await world.ask(f"subscribe courier mention:{typed.format(id=group.id)}")
    assert "mention:@mobile-qa" in answer.text
    assert (await saved(world)).mention == group.id


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("@moblie-qa", "no user group called “moblie-qa”. Did you mean `@mobile-qa`?"),
        ("<!subteam^S0OLD|@old>", "Choose `@mobile-qa`."),
        ("<@UBRUNO|bruno>", "I can't mention individual people."),
        ("<!here>", "I can't mention everyone."),
        ("@channel", "I can't mention everyone."),
        ("<!everyone|everyone>", "I can't mention everyone."),
    ],
)
async def test_only_a_user_group_can_be_mentioned(world: Environment, typed: str, words: str) -> None:
    world.slack.usergroup("mobile-qa", [world.bruno])
    await world.start()
    answer = await world.ask(f"subscribe courier mention:{typed}")
    assert words in answer.text
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []


async def test_a_group_slack_does_not_tell_is_not_guessed(world: Environment) -> None:
    group = world.slack.usergroup("mobile-qa", [world.bruno])
    await world.start()
    world.slack.scopes -= {"usergroups:read"}
    answer = await world.ask(f"subscribe courier mention:{group.id}")
    assert "I can't read user groups" in answer.text
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("mentoin:@qa", "`mention:`"),
        ("format:small", "`format:compact`"),
        ("-threads:off", "`threads:off`"),
        ("digest:daily@25:00", "`daily@09:00`"),
        ("quiet:late", "`quiet:22:00-08:00`"),
        ("tz:Mars/Base", "`tz:Europe/Madrid`"),
        ("label:a label:b", "only once"),
    ],
)
async def test_a_manner_that_is_not_understood_is_not_saved(world: Environment, typed: str, words: str) -> None:
    await world.start()
    world.applivery.app("Driver")
    for text in (f"subscribe courier {typed}", f"subscribe {typed}"):
        assert words in (await world.ask(text)).text
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []


# ------------------------------------------------------------------ the dry run


async def test_subscribe_answer_previews_matching_last_builds(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="1.0.0", number="7", branch="release/1")
    world.applivery.build(world.courier, version="2.0.0", branch="main")
    answer = await world.ask("subscribe courier branch:release/*")
    assert "Preview: 1 of the last 2 builds matches: 1.0.0 (7) iOS." in answer.text
    assert "1.0.0 (7) iOS" in seen(answer)
    assert await heard(world) == []


async def test_subscribe_filter_matching_nothing_saved_and_explained(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, branch="main")
    answer = await world.ask("subscribe courier branch:mian")
    assert "Preview: the only build so far doesn't match. Recent branches: `main`." in answer.text
    assert labels(answer) == ["Test", "Edit filters", "Undo"]
    assert len(await world.bot.store.run(subscriptions.list_subscriptions)) == 1


async def test_the_dry_run_of_every_app_leaves_out_what_it_may_not_see(world: Environment) -> None:
    await world.start()
    for number in range(12):
        world.applivery.build(world.applivery.app(f"App {number:02}"), version=f"{number}.0.0")
    apps = await world.bot.dispatcher.services.apps.apps(fresh=True)
    world.applivery.requests.clear()
    world.applivery.faults.add(f"GET /v1/organizations/*/apps/{apps[0].id}/builds", Fault(status=403))
    answer = await world.ask("subscribe *")
    assert sum(request.path.endswith("/builds") for request in world.applivery.requests) == len(apps) == 13
    assert "Preview: 11 of the last 11 builds match." in answer.text


# ------------------------------------------------------------------ a channel that could not be spoken in


async def test_subscribe_paused_channel_resumes_and_tells_held_news(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    world.releases.members.remove(world.slack.bot_user_id)
    world.applivery.build(world.courier, version="2.0.0")
    assert await heard(world) == []
    assert "Type `/invite @applivery` there to resume." in directs(world, world.ana)[-1].text
    assert "Invite me first" in (await world.ask("subscribe courier on:failed")).text
    world.releases.members.append(world.slack.bot_user_id)
    answer = await world.ask("subscribe courier on:failed")
    assert "Held announcements will be posted now." in answer.text
    await world.bot.announce.drain()
    assert world.said() == ["✅ Courier 2.0.0 (1) for iOS is ready."]
    assert [subscription.paused for subscription in await world.bot.store.run(subscriptions.list_subscriptions)] == [
        None
    ]


async def test_resume_below_notice_of_pause_posts_what_was_held(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    world.releases.members.remove(world.slack.bot_user_id)
    world.applivery.build(world.courier, version="2.0.0")
    assert await heard(world) == []
    notice = directs(world, world.ana)[-1]
    early = await (await press(world.slack, notice, "Resume", user=world.ana)).answer()
    assert "Invite me first: `/invite @applivery`" in early.text
    world.releases.members.append(world.slack.bot_user_id)
    answer = await (await press(world.slack, notice, "Resume", user=world.ana)).answer()
    assert answer.text.startswith(f"*Resumed Courier in <#{world.releases.id}>* (ready and failed builds).")
    assert labels(answer) == ["Test", "Edit", "Unsubscribe"]
    await world.bot.announce.drain()
    assert len(world.said()) == 1


# ------------------------------------------------------------------ the form


async def opened(world: Environment, typed: str = "subscribe") -> FakeView:
    """The form behind *Use a form*, when there is more than one app."""
    world.applivery.app("Driver")
    await world.bot.dispatcher.services.apps.apps(fresh=True)
    turn = await press(world.slack, await world.ask(typed), "Use a form", user=world.ana)
    return await turn.view()


def fill(**fields: object) -> dict[str, dict[str, object]]:
    """What somebody fills in: `app=`, `on=`, …"""
    return {f"subscribe.{name}": {f"subscribe.{name}": value} for name, value in fields.items()}


async def test_subscribe_several_apps_offers_every_app_and_form(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    answer = await world.ask("subscribe on:failed")
    assert answer.text == "Which app? Courier, Driver, Every app, Use a form.", "one question"
    assert labels(answer) == ["Courier", "Driver", "Every app", "Use a form"]


async def test_the_form_does_what_the_words_do(world: Environment) -> None:
    group = world.slack.usergroup("mobile-qa", [world.bruno])
    await world.start()
    view = await opened(world)
    turn = await world.slack.submit(
        view,
        fill(
            app=world.courier.id,
            on=["failed", "cert"],
            filters="branch:release/* -tag:nightly",
            how=["compact", "version"],
            label="Staging",
            mention="@mobile-qa",
            quiet="22:00-08:00",
        ),
        user=world.ana,
    )
    await rested(world)
    assert turn.acked
    answer = world.slack.ephemerals(world.ana)[-1]
    assert answer.text.startswith(f"*Subscribed <#{world.releases.id}> to Courier* (failed builds and")
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions, world.releases.id)
    assert subscription.events == (BuildEvent.FAILED, BuildEvent.CERT)
    assert subscription.query == "branch:release/* -tag:nightly"
    assert subscription.manner == DeliveryOptions(
        compact=True,
        threads=False,
        grouped=True,
        label="Staging",
        mention=group.id,
        quiet="22:00-08:00",
        tz="Europe/Madrid",
    )


async def test_the_menu_opens_the_form_and_it_takes_every_app(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    turn = await press(world.slack, await world.ask(""), "Subscribe this channel", user=world.ana)
    view = await turn.view()
    offered = await world.slack.options(view, "subscribe.app", "", user=world.ana)
    assert [option["text"]["text"] for option in offered] == ["Every app", "Courier", "Driver"]
    await world.slack.submit(view, fill(app="*"), user=world.ana)
    await rested(world)
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions)
    assert (subscription.app_id, subscription.manner.threads) == (None, True)


async def test_the_form_opens_with_what_was_typed(world: Environment) -> None:
    await world.start()
    view = await opened(world, 'subscribe on:failed branch:main label:"Staging"')
    await world.slack.submit(view, fill(app=world.courier.id), user=world.ana)
    await rested(world)
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions)
    assert (subscription.events, subscription.query, subscription.manner.label) == (
        (BuildEvent.FAILED,),
        "branch:main",
        "Staging",
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"filters": "bransh:main"}, "“bransh:” isn't a filter. Did you mean `branch:`?"),
        ({"filters": "main"}, "“main” isn't a filter."),
        ({"quiet": "late"}, "I can't read the quiet hours “late”."),
        ({"mention": "@nobody"}, "There is no user group called “nobody”."),
    ],
)
async def test_a_mistake_in_the_form_is_said_next_to_its_field(
    world: Environment, fields: dict[str, str], words: str
) -> None:
    await world.start()
    view = await opened(world)
    turn = await world.slack.submit(view, fill(app=world.courier.id, label="Staging", **fields), user=world.ana)
    [name] = fields
    assert turn.errors.keys() == {f"subscribe.{name}"}
    assert turn.errors[f"subscribe.{name}"].startswith(words.replace("`", ""))
    assert not view.closed
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []


async def test_all_mistakes_of_a_form_are_said_at_once(world: Environment) -> None:
    await world.start()
    view = await opened(world)
    wrong = fill(app=world.courier.id, filters="main", quiet="late", digest="never@25:00")
    turn = await world.slack.submit(view, wrong, user=world.ana)
    assert turn.errors.keys() == {"subscribe.filters", "subscribe.quiet", "subscribe.digest"}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (f"label:{'x' * 41}", "The label is too long: it has 41 characters. The limit is 40."),
        (f"branch:{'x' * 994}", "The filter is too long: it has 1,001 characters. The limit is 1,000."),
    ],
)
async def test_a_command_has_the_limits_of_the_form(world: Environment, typed: str, words: str) -> None:
    await world.start()
    answer = await world.ask(f"subscribe courier {typed}")
    assert words in answer.text
    assert "x" * 40 in seen(answer), "to be copied from there"
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []
    assert "*Subscribed" in (await world.ask(f"subscribe courier {typed[:-1]}")).text


async def test_subscribe_releaser_of_some_apps_offered_only_those(world: Environment) -> None:
    await world.start()
    world.applivery.app("Driver")
    world.applivery.app("Rider")
    for app in ("courier", "driver"):
        await world.ask(f"grant <@{world.bruno.id}> releaser app:{app}")
    answer = await world.ask("subscribe", user=world.bruno)
    assert labels(answer) == ["Courier", "Driver", "Use a form"]
    view = await (await press(world.slack, answer, "Use a form", user=world.bruno)).view()
    offered = await world.slack.options(view, "subscribe.app", "", user=world.bruno)
    assert [option["text"]["text"] for option in offered] == ["Courier", "Driver"]
    await world.slack.submit(view, fill(app="*"), user=world.bruno)
    await rested(world)
    assert "Only releasers for all apps can" in world.slack.ephemerals(world.bruno)[-1].text
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []


async def test_subscribing_is_written_down(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier on:failed branch:main")
    [entry] = await world.bot.store.run(audit.list_entries)
    assert (entry.action, entry.outcome, entry.app_id) == (
        AuditAction.SUBSCRIBE,
        "on:failed branch:main",
        world.courier.id,
    )
