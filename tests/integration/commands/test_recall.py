"""A recalled build: its cards say why, nobody gets it by any way, and the way back."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.db import audit, build_waiters, recalls
from bot.domain.audit import AuditAction, Entrypoint
from bot.domain.model import Role
from sandbox.applivery.models import FakeBuild
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.handing import direct, directs, mints, ready, rested, seen, start_with_page
from tests.support.seeing import labels, link, old_card, press

WHY = "crash on login"
REFUSED = f"⛔ Courier 2.4.0 (173) iOS · release/2.4 was recalled: “{WHY}”."


@pytest.fixture
def world(database: str, world: Environment) -> Environment:
    """On each kind of database."""
    world.database = database
    return world


async def announced(world: Environment, **about: Any) -> tuple[FakeMessage, FakeBuild]:
    """A build that #releases has a card of."""
    await world.ask("subscribe courier")
    await world.look()
    build = ready(world, **about)
    await world.look()
    return world.slack.messages(world.releases)[-1], build


async def recalled(world: Environment, build: str = "2.4.0") -> FakeMessage:
    """Ana takes it back; the answer, once all cards are shown anew."""
    answer = await world.ask(f'recall courier {build} "{WHY}"')
    await world.settle()
    return answer


# ------------------------------------------------------------------ what it does


async def test_recall_marks_every_card_and_counts_them(world: Environment) -> None:
    await world.start()
    beta = world.slack.channel("beta", members=(world.ana,))
    await world.ask("subscribe courier", channel=beta)
    card, build = await announced(world)
    answer = await recalled(world)
    other = world.slack.messages(beta)[-1]
    for shown in (card, other):
        assert shown.text.startswith("⛔ Courier 2.4.0 (173) for iOS was recalled")
        assert WHY in seen(shown)
        assert "Get build" not in labels(shown)
    why = await (await press(world.slack, card, "Details", user=world.bruno)).answer()
    assert f"<@{world.ana.id}>" in seen(why)
    assert "2 cards updated · new downloads blocked" in answer.text
    assert "Links already issued work until they expire. Installed copies stay." in answer.text
    assert answer.ephemeral_to == world.ana.id
    entry = (await world.bot.store.run(audit.list_entries))[0]
    assert (entry.action, entry.outcome, entry.build_id) == (AuditAction.RECALL, WHY, build.id)
    assert len(world.slack.messages(world.releases)) == 1, "edited, nothing is said anew"


@pytest.mark.parametrize(("cards", "words"), [(0, "no cards to update"), (1, "1 card updated")])
async def test_the_count_is_said_as_people_say_it(world: Environment, cards: int, words: str) -> None:
    await world.start()
    await announced(world) if cards else ready(world)
    assert words in (await recalled(world)).text


async def test_recall_second_time_says_who_and_why_and_changes_nothing(world: Environment) -> None:
    world.bruno.admin = True
    await world.start()
    await announced(world)
    await recalled(world)
    again = await world.ask('recall courier 2.4.0 "something else"', user=world.bruno)
    assert f"Courier 2.4.0 (173) for iOS was already recalled by <@{world.ana.id}>" in again.text
    assert WHY in again.text
    assert "something else" not in again.text
    assert [entry.action for entry in await world.bot.store.run(audit.list_entries)].count("recall") == 1
    form_twin = await world.ask("recall courier 2.4.0", user=world.bruno)
    assert WHY in form_twin.text, "no form is opened for what has been done"


@pytest.mark.parametrize("typed", ['recall courier 2.4.0 "crash on login"', "recall courier 2.4.0 crash on login"])
async def test_a_reason_needs_no_quotes(world: Environment, typed: str) -> None:
    await world.start()
    ready(world)
    assert f"⛔ Recalled Courier 2.4.0 (173) for iOS: {WHY}." in (await world.ask(typed)).text


async def test_a_build_can_be_named_by_number_and_by_id(world: Environment) -> None:
    await world.start()
    first, second = ready(world), ready(world, version="2.5.0", number="180")
    assert "2.4.0 (173)" in (await world.ask("recall courier #173 bad")).text
    assert "2.5.0 (180)" in (await world.ask(f"recall {second.id} bad")).text
    assert (await world.bot.store.cached(recalls.list_recalls)).keys() == {first.id, second.id}


async def test_recall_of_two_platforms_takes_choice_and_typed_reason(world: Environment) -> None:
    await world.start()
    ready(world)
    android = ready(world, os="android", number="174")
    answer = await world.ask(f'recall courier 2.4.0 "{WHY}"')
    [label] = [candidate for candidate in labels(answer) if "Android" in candidate]
    done = await (await press(world.slack, answer, label, user=world.ana)).answer()
    assert f"Android: {WHY}" in done.text
    assert (await world.bot.store.cached(recalls.list_recalls)).keys() == {android.id}


async def test_a_reason_is_wanted_and_has_room_on_every_card(world: Environment) -> None:
    await world.start()
    ready(world)
    answer = await world.ask(f"recall courier 2.4.0 {'x' * 301}")
    assert "301 characters" in answer.text
    assert "The limit is 300." in answer.text
    assert "x" * 301 in seen(answer), "to be copied from there"
    assert await world.bot.store.cached(recalls.list_recalls) == {}
    fits = await world.ask(f"recall courier 2.4.0 {'x' * 300}")
    assert "x" * 300 in fits.text


async def test_recall_reason_is_inert_everywhere(world: Environment) -> None:
    await world.start()
    card, _ = await announced(world)
    await world.ask('recall courier 2.4.0 "<!channel> & *boom* <https://evil.test|x>"')
    await world.settle()
    refused = await world.ask("get courier 2.4.0")
    for shown in (card, refused, await world.ask("builds courier"), await world.ask("status courier 2.4.0")):
        for text in (shown.text, seen(shown)):
            assert "<!channel>" not in text
            assert "<https://evil" not in text
            assert "&lt;!channel&gt; &amp;" in text


# ------------------------------------------------------------------ who


async def test_only_a_releaser_of_the_app_may(world: Environment) -> None:
    await world.start()
    build = ready(world)
    world.applivery.build(world.applivery.app("Driver"), version="1.0.0")
    for typed in ("recall courier 2.4.0 bad", "recall", "unrecall courier"):
        assert "nly releasers can" in (await world.ask(typed, user=world.bruno)).text
    for action in ("recall.v1", "unrecall.v1"):
        card = old_card(world.slack, world.releases, action, f"{world.courier.id}/{build.id}")
        turn = await world.slack.click(card, action, user=world.bruno)
        assert "nly releasers can" in (await turn.answer()).text
    await world.ask(f"grant <@{world.bruno.id}|bruno> releaser app:driver")
    assert (
        "For Courier, only releasers can recall builds"
        in (await world.ask("recall courier 2.4.0 x", user=world.bruno)).text
    )
    assert "⛔" in (await world.ask("recall driver 1.0.0 x", user=world.bruno)).text
    assert list(await world.bot.store.cached(recalls.list_recalls)) != [build.id]


async def test_recall_buttons_shown_only_to_permitted_users(world: Environment) -> None:
    await world.start()
    ready(world)
    assert "Recall…" in labels(await world.ask("status courier"))
    assert "Recall…" not in labels(await world.ask("status courier", user=world.bruno))
    await recalled(world)
    assert "Undo recall" in labels(await world.ask("status courier"))
    assert not {"Undo recall", "Recall…"} & set(labels(await world.ask("status courier", user=world.bruno)))


# ------------------------------------------------------------------ the form


async def test_without_a_reason_a_form_asks_for_it(world: Environment) -> None:
    await world.start()
    card, build = await announced(world)
    await press(world.slack, card, "Get build", user=world.bruno)
    await rested(world)
    turn = await world.slack.command("/applivery", "recall courier 2.4.0", user=world.ana, channel=world.releases)
    form = await turn.view()
    assert "Courier 2.4.0 (173) · iOS" in str(form.payload)
    effects = (
        "New downloads will be blocked. 1 channel card will show the reason. "
        "1 person already got a link in Slack; it works until it expires. You can undo a recall."
    )
    assert effects in str(form.payload)
    done = await world.slack.submit(form, {"recall.reason": {"recall.reason": WHY}}, user=world.ana)
    assert f"Recalled Courier 2.4.0 (173) for iOS: {WHY}" in (await turn_answer(world, done)).text
    await world.settle()
    assert "was recalled" in card.text
    assert (await world.bot.store.cached(recalls.list_recalls))[build.id].reason == WHY


async def turn_answer(world: Environment, turn: Any) -> FakeMessage:
    """A form's answer comes where it was opened from."""
    await rested(world)
    found: FakeMessage = world.slack.ephemerals(world.ana, world.releases)[-1]
    return found


async def test_the_button_on_the_status_card_opens_the_same_form(world: Environment) -> None:
    await world.start()
    ready(world)
    turn = await press(world.slack, await world.ask("status courier"), "Recall…", user=world.ana)
    form = await turn.view()
    await world.slack.submit(form, {"recall.reason": {"recall.reason": WHY}}, user=world.ana)
    await rested(world)
    assert len(await world.bot.store.cached(recalls.list_recalls)) == 1


async def test_recall_without_argument_form_offers_recallable_builds(world: Environment) -> None:
    await world.start()
    old, new = ready(world), ready(world, version="2.5.0", number="180")
    ready(world, version="2.6.0", status="pending")
    await recalled(world)
    turn = await world.slack.command("/applivery", "recall", user=world.ana, channel=world.releases)
    form = await turn.view()
    app = {"recall.app": {"recall.app": world.courier.id}}
    await world.slack.options(form, "recall.app", "", user=world.ana)
    offered = await choose(world, form, app)
    assert offered == [new.id], "neither the recalled one nor what nobody can get yet"
    state = {**app, "recall.build": {"recall.build": new.id}, "recall.reason": {"recall.reason": "bad"}}
    await world.slack.submit(form, state, user=world.ana)
    await rested(world)
    assert (await world.bot.store.cached(recalls.list_recalls)).keys() == {old.id, new.id}


async def choose(world: Environment, form: Any, filled: dict[str, Any]) -> list[str]:
    """The builds a form offers once its app is chosen."""
    door = world.bot.dispatcher
    from bot.dispatch.context import CommandContext
    from bot.dispatch.registry import HandlerKind

    asker = await door.services.access.resolve_actor(world.ana.id, world.releases.id)
    entry = door.registry.get(HandlerKind.OPTIONS, "recall.build")
    assert entry
    now = world.bot.tuning.clock()
    call = CommandContext(
        asker, door.services, door.registry, now, Entrypoint.TYPEAHEAD, entry.name, entry.required_role
    )
    found = await entry.run(call, "", {block: next(iter(value.values())) for block, value in filled.items()})
    return [item.value for item in found]


async def test_a_reason_without_a_build_is_confirmed_in_the_form(world: Environment) -> None:
    await world.start()
    ready(world)
    turn = await world.slack.command("/applivery", f'recall courier "{WHY}"', user=world.ana, channel=world.releases)
    form = await turn.view()
    assert "Courier 2.4.0 (173) · iOS" in str(form.payload)
    assert WHY in str(form.payload)
    assert await world.bot.store.cached(recalls.list_recalls) == {}


async def test_recall_forged_empty_form_is_refused(world: Environment) -> None:
    await world.start()
    build = ready(world)
    turn = await world.slack.command("/applivery", "recall courier 2.4.0", user=world.ana, channel=world.releases)
    form = await turn.view()
    sent = await world.slack.submit(form, {"recall.reason": {"recall.reason": "   "}}, user=world.ana)
    assert "A recall needs a reason." in sent.errors["recall.reason"]
    assert build.id not in await world.bot.store.cached(recalls.list_recalls)


# ------------------------------------------------------------------ nobody gets it


async def test_recall_get_by_name_explains_and_offers_newest_valid(world: Environment) -> None:
    await world.start()
    ready(world, version="2.3.9", number="170")
    ready(world)
    ready(world, version="2.4.1", number="175", os="android")
    await recalled(world)
    refused = await world.ask("get courier 2.4.0")
    assert refused.text.startswith(f"{REFUSED} Latest available build: 2.3.9 (170) iOS · release/2.4")
    assert labels(refused) == ["Get 2.3.9 (170) iOS · release/2.4"]
    assert mints(world) == 0
    got = await (await press(world.slack, refused, labels(refused)[0], user=world.ana)).answer()
    assert "2.3.9" in got.text
    assert link(got)
    outcomes = [
        entry.outcome for entry in await world.bot.store.run(audit.list_entries) if entry.action == AuditAction.GET
    ]
    assert outcomes == ["minted", "Recalled"]


async def test_the_latest_is_the_newest_that_was_not_recalled(world: Environment) -> None:
    await world.start()
    ready(world, version="2.3.9", number="170")
    ready(world, os="android", number="174")
    ready(world)
    await recalled(world, "#173")
    answer = await world.ask("get courier os:ios")
    assert "Courier 2.3.9 (170)" in answer.text
    await recalled(world, "#170")
    assert "Every matching build of Courier was recalled." in (await world.ask("get courier os:ios")).text
    other = await world.ask("get courier")
    assert "Android" in other.text
    assert not [label for label in labels(other) if "instead" in label], "a recalled one is not offered beside it"


async def test_the_form_of_get_does_not_offer_it(world: Environment) -> None:
    await world.start()
    ready(world)
    new = ready(world, version="2.5.0", number="180")
    await recalled(world)
    turn = await world.slack.command("/applivery", "get courier", user=world.ana, channel=world.releases)
    await turn.answer()
    world.applivery.app("Driver")
    await world.bot.dispatcher.services.apps.apps(fresh=True)
    form = await (await world.slack.command("/applivery", "get", user=world.ana, channel=world.releases)).view()
    offered = await world.slack.options(form, "get.build", "", user=world.ana)
    assert [option["value"] for option in offered] == [new.id]


async def test_recall_without_alternative_refusal_has_next_step(world: Environment) -> None:
    await world.start()
    ready(world)
    await recalled(world)
    refused = await world.ask("get courier 2.4.0")
    assert refused.text == f"{REFUSED} Ask your team which build to use."
    assert labels(refused) == []


PRESSED = ["get.v1", "fresh.v1", "dm.v1", "share.v1", "share.ask.v1", "details.v1", "await.v1", "file.v1"]


@pytest.mark.parametrize("action", PRESSED)
async def test_every_button_of_an_old_message_refuses(world: Environment, action: str) -> None:
    await world.start()
    build = ready(world)
    notes = world.applivery.attach(build, "notes.pdf", b"%PDF")
    await recalled(world)
    said = len(world.slack.messages(world.releases))
    value = f"{world.courier.id}/{build.id}" + (f"/{notes['id']}" if action == "file.v1" else "")
    card = old_card(world.slack, world.releases, action, value)
    turn = await world.slack.click(card, action, user=world.bruno)
    assert (await turn.answer()).text.startswith(REFUSED)
    assert mints(world) == 0
    assert directs(world, world.bruno) == []
    assert len(world.slack.messages(world.releases)) == said + 1, "the old card alone"
    assert await world.bot.store.run(build_waiters.list_waiters, world.courier.id) == {}


async def test_the_shortcut_on_a_red_card_explains(world: Environment) -> None:
    await world.start()
    card, _ = await announced(world)
    await recalled(world)
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=card)
    assert (await turn.answer()).text.startswith(REFUSED)


async def test_recall_sent_build_button_refuses_and_sends_nothing(world: Environment) -> None:
    await world.start()
    ready(world)
    to = f"<@{world.bruno.id}|bruno>"
    await world.ask(f"get courier to:{to}")
    message = await direct(world, world.bruno)
    await recalled(world)
    answer = await (await press(world.slack, message, "Get build", user=world.bruno)).answer()
    assert answer.text.startswith(REFUSED)
    assert (await world.ask(f"get courier 2.4.0 to:{to}")).text.startswith(REFUSED)
    assert len(directs(world, world.bruno)) == 1
    assert mints(world) == 0


async def test_recall_waiting_user_is_told(world: Environment) -> None:
    await world.start()
    ready(world, version="2.3.9", number="170")
    build = ready(world, status="in_progress")
    answer = await world.ask("get courier 2.4.0", user=world.bruno)
    await press(world.slack, answer, "Notify me", user=world.bruno)
    await rested(world)
    await recalled(world)
    world.applivery.move(build, "processed")
    await world.look()
    told = await direct(world, world.bruno)
    assert REFUSED in told.text
    assert "is ready but was recalled" in told.text
    assert labels(told) == ["Get 2.3.9 (170) iOS · release/2.4"]
    assert mints(world) == 0


async def test_recall_of_unready_build_refuses_get(world: Environment) -> None:
    await world.start()
    ready(world, status="in_progress")
    await recalled(world)
    assert (await world.ask("get courier 2.4.0")).text.startswith(REFUSED)


async def test_while_applivery_is_away_the_refusal_stands(world: Environment) -> None:
    await world.start()
    build = ready(world)
    await recalled(world)
    await world.bot.dispatcher.services.apps.apps(fresh=True)
    from sandbox.faults import Fault

    world.applivery.faults.add(f"GET /v1/organizations/*/apps/{build.app.id}/builds", Fault(status=500), times=9)
    refused = await world.ask(f"get courier {build.id}")
    assert refused.text == f"{REFUSED} Ask your team which build to use."


async def test_builds_status_and_files_show_the_reason(world: Environment) -> None:
    await world.start()
    build = ready(world)
    world.applivery.attach(build, "notes.pdf", b"%PDF")
    await recalled(world)
    for typed in ("builds courier", "status courier", "files courier 2.4.0"):
        answer = await world.ask(typed)
        assert f"⛔ recalled: {WHY}" in answer.text
        assert f"recalled: {WHY}" in seen(answer)
        assert not {"Get build", "Get"} & set(labels(answer))
    status = await world.ask("status courier")
    assert f"by <@{world.ana.id}>" in seen(status)


# ------------------------------------------------------------------ claim pages


async def test_open_tickets_end_and_the_page_says_why(world: Environment) -> None:
    await start_with_page(world)
    ready(world)
    answer = await world.ask("get courier")
    address = answer.text.partition("http")[2].partition(" ")[0]
    done = await recalled(world)
    assert "Links that were opened work until they expire; the others are closed." in done.text
    async with aiohttp.ClientSession() as session:
        for ask in (session.get, session.post):
            async with ask(f"http{address}", allow_redirects=False) as page:
                text = await page.text()
                assert page.status == 410
                assert "This build was recalled" in text
                assert WHY in text
    assert mints(world) == 0
    assert (await world.ask("get courier 2.4.0")).text.startswith(REFUSED)


# ------------------------------------------------------------------ the way back


async def test_unrecall_gives_it_free_and_its_cards_say_so(world: Environment) -> None:
    await world.start()
    card, build = await announced(world)
    answer = await recalled(world)
    done = await (await press(world.slack, answer, "Undo recall", user=world.ana)).answer()
    await world.settle()
    assert done.text.startswith("✅ *Recall undone.* Courier 2.4.0 (173) for iOS is available again. 1 card updated")
    assert WHY in done.text
    assert card.text.startswith("✅ Courier 2.4.0 (173) for iOS is ready")
    got = await (await press(world.slack, card, "Get build", user=world.bruno)).answer()
    assert link(got)
    actions = [(entry.action, entry.build_id) for entry in await world.bot.store.run(audit.list_entries)]
    assert (AuditAction.UNRECALL, build.id) in actions
    again = await world.ask("unrecall courier 2.4.0")
    assert again.text == "Courier 2.4.0 (173) for iOS isn't recalled."


async def test_unrecall_without_a_build_means_the_one_that_is_recalled(world: Environment) -> None:
    await world.start()
    ready(world)
    ready(world, version="2.5.0", number="180")
    assert "No builds of Courier are currently recalled." in (await world.ask("unrecall courier")).text
    assert "No builds are currently recalled." in (await world.ask("unrecall")).text
    await recalled(world)
    assert "2.4.0 (173)" in (await world.ask("unrecall")).text
    await recalled(world)
    await recalled(world, "2.5.0")
    answer = await world.ask("unrecall courier")
    assert labels(answer) == ["Courier 2.5.0 (180) iOS · release/2.4", "Courier 2.4.0 (173) iOS · release/2.4"]
    done = await (await press(world.slack, answer, labels(answer)[1], user=world.ana)).answer()
    assert "2.4.0 (173) for iOS is available again" in done.text
    assert len(await world.bot.store.cached(recalls.list_recalls)) == 1


async def test_recalls_that_come_at_once_are_one(world: Environment) -> None:
    world.bruno.admin = True
    await world.start()
    await announced(world)
    people = (world.ana, world.bruno, world.ana, world.bruno)
    answers = await asyncio.gather(*(world.ask(f"recall courier 2.4.0 {n}", user=who) for n, who in enumerate(people)))
    assert sum("new downloads blocked" in answer.text for answer in answers) == 1
    assert [entry.action for entry in await world.bot.store.run(audit.list_entries)].count("recall") == 1
    assert len(await world.bot.store.cached(recalls.list_recalls)) == 1
    assert Role.RELEASER < Role.ADMIN


# ------------------------------------------------------------------ what it had taken the place of


def states(world: Environment) -> list[str]:
    """How each card in #releases says that its build stands, oldest first."""
    return [
        message.text.partition(" for iOS ")[2].partition(" · ")[0] for message in world.slack.messages(world.releases)
    ]


async def test_recall_removes_build_from_older_card(world: Environment) -> None:
    await world.start()
    await announced(world)
    await announced(world, version="2.4.1", number="174")
    await world.settle()
    assert states(world) == ["was superseded by 2.4.1", "is ready"]
    await recalled(world, "2.4.1")
    assert states(world) == ["is ready", "was recalled"]
    old = world.slack.messages(world.releases)[0]
    assert "Get 2.4.1" not in labels(old)
    await world.ask("unrecall courier")
    await world.settle()
    assert states(world) == ["was superseded by 2.4.1", "is ready"]


async def test_recall_next_build_supersedes_earlier_valid_build(world: Environment) -> None:
    await world.start()
    await announced(world)
    await announced(world, version="2.4.1", number="174")
    await recalled(world, "2.4.1")
    await announced(world, version="2.4.2", number="175")
    await world.settle()
    assert states(world) == ["was superseded by 2.4.2", "was recalled", "is ready"]
    await world.ask("unrecall courier")
    await world.settle()
    assert states(world) == ["was superseded by 2.4.1", "was superseded by 2.4.2", "is ready"]


async def test_a_recall_in_the_middle_joins_its_neighbours(world: Environment) -> None:
    await world.start()
    for number, version in enumerate(("2.4.0", "2.4.1", "2.4.2")):
        await announced(world, version=version, number=str(173 + number))
    await recalled(world, "2.4.1")
    assert states(world) == ["was superseded by 2.4.2", "was recalled", "is ready"]
