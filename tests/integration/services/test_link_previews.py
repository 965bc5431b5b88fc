"""A pasted link shows its build to everybody who reads it, so only where all of them may see the app."""

from __future__ import annotations

import io
import json
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.app import running
from bot.domain.outcomes import LinkOutcome
from bot.slack.scopes import EVENTS, REQUIRED
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.support.handing import Clock, mints, ready, rested, seen
from tests.support.seeing import TICKET, controls
from tests.support.sqlalchemy_core import core

DASHBOARD = "https://dashboard.applivery.io"
PUBLIC = "https://bot.acme.test"
DOMAINS = ("dashboard.applivery.io", "acme.applivery.io", "acme.applivery.com", "bot.acme.test")


def build_link(build: FakeBuild, *, workspace: str = "acme", app: str = "courier") -> str:
    return f"{DASHBOARD}/{workspace}/apps/{app}/builds?id={build.id}"


@pytest.fixture
async def pasting(world: Environment) -> Environment:
    """The bot knows the addresses of Applivery's own hosts, and Slack reports them."""
    world.slack.subscribed = set(EVENTS)
    world.slack.workspace.unfurl_domains = DOMAINS
    await world.start(applivery_dashboard_url=None, public_url=PUBLIC)
    return world


async def paste(world: Environment, text: str, **about: Any) -> FakeMessage:
    """Bruno writes a message in #releases; it is as it is once the bot has dealt with it."""
    user, channel = about.pop("user", world.bruno), about.pop("channel", world.releases)
    message, turn = await world.slack.paste(text, user, channel, **about)
    assert turn.acked or turn.error is None
    await rested(world)
    return message


def count(world: Environment, outcome: LinkOutcome) -> float:
    found = world.bot.metrics.registry.get_sample_value("applivery_bot_pasted_links_total", {"outcome": outcome.value})
    return found or 0.0


def words(message: FakeMessage) -> str:
    """All that is read in the cards below a message."""
    return seen(FakeMessage(ts="0", channel="", user=None, blocks=message.shown))


# ------------------------------------------------------------------ what is explained


@pytest.mark.parametrize(
    "link",
    [
        f"{DASHBOARD}/acme/apps/courier/builds?id={{id}}",
        f"{DASHBOARD}/acme/apps/courier/builds?s=build&id={{id}}",
        f"{DASHBOARD}/ACME/apps/Courier/builds/{{id}}/",
        f"{DASHBOARD}/acme/apps/courier",
        f"{DASHBOARD}/acme/apps/courier/builds",
        f"{DASHBOARD}:443/acme/apps/{{app}}?os=ios",
        "https://acme.applivery.io/courier?os=ios&build={id}",
        "https://acme.applivery.com/courier?build={id}",
        "https://acme.applivery.io/beta-testers?build={id}",
        "https://acme.applivery.io/courier",
    ],
)
async def test_link_shows_the_compact_card_with_get(pasting: Environment, link: str) -> None:
    build = ready(pasting, os="ios")
    url = link.format(id=build.id, app=pasting.courier.id)
    message = await paste(pasting, f"Look: {url}")
    [card] = message.cards
    assert card["app_unfurl_url"] == url
    assert "Courier 2.4.0 (173)" in words(message)
    [button] = controls(message)
    assert (button.label, button.action) == ("Get build", "get.v1")
    assert [block["type"] for block in card["blocks"]] == ["section"]
    assert mints(pasting) == 0
    assert count(pasting, LinkOutcome.EXPLAINED) == 1


async def test_get_in_a_card_answers_who_clicks_alone(pasting: Environment) -> None:
    message = await paste(pasting, build_link(ready(pasting)))
    turn = await pasting.slack.click(message, "get.v1", user=pasting.ana)
    answer = await turn.answer()
    assert "message" not in turn.payload
    assert turn.payload["container"]["type"] == "message_attachment"
    assert (answer.ephemeral_to, message.edited) == (pasting.ana.id, False)
    assert TICKET.search(json.dumps(answer.blocks))


async def test_get_works_after_months_and_a_restart(pasting: Environment) -> None:
    message = await paste(pasting, build_link(ready(pasting)))
    await pasting.restart(applivery_dashboard_url=None, public_url=PUBLIC)
    assert (await (await pasting.slack.click(message, "get.v1", user=pasting.ana)).answer()).ephemeral_to


async def test_message_shortcut_gets_the_build_of_a_card(pasting: Environment) -> None:
    ready(pasting, version="2.5.0")
    message = await paste(pasting, build_link(ready(pasting)))
    turn = await pasting.slack.shortcut("get_build", user=pasting.ana, message=message)
    assert "2.4.0 (173)" in (await turn.answer()).text


async def test_card_in_a_direct_message_is_not_replaced(pasting: Environment) -> None:
    build = ready(pasting, status="error", error="No space left")
    message = await paste(pasting, build_link(build), channel=pasting.slack.dm(pasting.bruno))
    turn = await pasting.slack.click(message, "status.v1", user=pasting.bruno)
    assert (await turn.answer()).ephemeral_to == pasting.bruno.id
    assert turn.error is None


async def test_app_page_shows_the_newest_ready_build(pasting: Environment) -> None:
    ready(pasting, version="2.3.0", number="1")
    newest = ready(pasting, version="2.4.0", number="2")
    pasting.applivery.build(pasting.courier, version="2.5.0", number="3", status="in_progress")
    recalled = ready(pasting, version="2.4.1", number="4")
    await pasting.ask("recall courier #4 crashes")
    message = await paste(pasting, f"{DASHBOARD}/acme/apps/courier")
    assert "2.4.0 (2)" in words(message)
    assert recalled.id not in json.dumps(message.cards)
    assert newest.id in json.dumps(message.cards)


async def test_recalled_build_says_so_without_get(pasting: Environment) -> None:
    build = ready(pasting)
    await pasting.ask("recall courier 2.4.0 crashes on start")
    message = await paste(pasting, build_link(build))
    assert "crashes on start" in words(message)
    assert [each.action for each in controls(message)] == ["status.v1"]


async def test_formatted_names_are_shown_as_they_are(pasting: Environment) -> None:
    app = pasting.applivery.app("*Bold* `app` :bug: <!channel>", slug="bold")
    build = pasting.applivery.build(app, version="1_0_", branch="*x*")
    message = await paste(pasting, build_link(build, app="bold"))
    assert "*Bold* `app` :bug: <!channel> 1_0_" in words(message)
    assert "rich_text" not in json.dumps(message.cards)


async def test_card_is_in_the_language_of_channels(pasting: Environment) -> None:
    build = ready(pasting)
    await pasting.restart(applivery_dashboard_url=None, language="es")
    message = await paste(pasting, build_link(build))
    assert controls(message)[0].label == "Obtener"


# ------------------------------------------------------------------ claim pages


async def claim_link(world: Environment) -> str:
    answer = await world.ask("get courier", user=world.bruno)
    return f"{PUBLIC}/b/{TICKET.search(json.dumps(answer.blocks))[1]}"  # type: ignore[index]


async def test_claim_page_says_to_get_your_own_and_spends_nothing(pasting: Environment, log: io.StringIO) -> None:
    ready(pasting)
    link = await claim_link(pasting)
    message = await paste(pasting, link)
    assert "This link was made for one person. Get your own." in words(message)
    assert "bruno" not in words(message).lower()
    assert [each.action for each in controls(message)] == ["get.v1"]
    assert link.rpartition("/")[2] not in json.dumps(message.cards[0]["blocks"])
    assert link.rpartition("/")[2] not in log.getvalue()
    assert mints(pasting) == 0
    tables = await pasting.bot.store.run(lambda tx: str([list(core(tx, _all(name))) for name in _TABLES]))
    assert link.rpartition("/")[2] not in tables


_TABLES = ("idempotency_keys", "seen_events", "key_value", "audit")


def _all(table: str) -> Any:
    import sqlalchemy as sa

    return sa.text(f"SELECT * FROM {table}")


async def test_claim_page_is_never_a_work_object(pasting: Environment) -> None:
    pasting.slack.workspace.work_objects = "on"
    ready(pasting)
    message = await paste(pasting, await claim_link(pasting))
    assert all("entity" not in card for card in message.cards)
    assert message.cards


# ------------------------------------------------------------------ what is not


@pytest.mark.parametrize(
    "link",
    [
        f"{DASHBOARD}/acme/apps/courier/builds?id={{id}}&token=abc",
        f"{DASHBOARD}/acme/apps/courier#access_token=abc",
        "https://acme.applivery.io/courier?build={id}&downloadToken=abc",
        "https://download-api.applivery.io/v1/download/{id}",
        f"{DASHBOARD}/v1/download/{{id}}",
        "https://ana:secret@dashboard.applivery.io/acme/apps/courier",
        f"{PUBLIC}/b/{{id}}",
        f"{PUBLIC}/webhooks/applivery/{{id}}",
        f"{DASHBOARD}/acme/apps/courier/settings",
        f"{DASHBOARD}/acme/apps/courier/builds?tags=a,b",
        f"{DASHBOARD}/other/apps/courier/builds?id={{id}}",
        "https://other.applivery.io/courier?build={id}",
    ],
)
async def test_other_links_get_no_card_and_no_question(pasting: Environment, link: str, log: io.StringIO) -> None:
    pasting.slack.workspace.unfurl_domains = (*DOMAINS, "applivery.io")
    build = ready(pasting)
    message = await paste(pasting, link.format(id=build.id))
    assert message.cards == []
    assert pasting.slack.calls_of("chat.unfurl") == []
    assert "abc" not in log.getvalue()
    assert "download/" not in log.getvalue()
    assert count(pasting, LinkOutcome.UNRECOGNIZED) == 1


async def test_build_of_another_app_gets_no_card(pasting: Environment) -> None:
    other = pasting.applivery.app("Storefront", slug="storefront")
    message = await paste(pasting, build_link(pasting.applivery.build(other, version="1.0")))
    assert message.cards == []
    assert count(pasting, LinkOutcome.GONE) == 1


@pytest.mark.parametrize(
    "link", [f"{DASHBOARD}/acme/apps/courier/builds?id={'0' * 24}", f"{DASHBOARD}/acme/apps/unknown"]
)
async def test_unknown_build_or_app_gets_no_card(pasting: Environment, link: str) -> None:
    assert (await paste(pasting, link)).cards == []
    assert count(pasting, LinkOutcome.GONE) == 1


async def test_three_links_get_no_card_and_two_do(pasting: Environment) -> None:
    builds = [ready(pasting, number=str(number)) for number in range(3)]
    links = [build_link(build) for build in builds]
    assert (await paste(pasting, " ".join(links))).cards == []
    assert count(pasting, LinkOutcome.MANY) == 1
    assert len((await paste(pasting, " ".join(links[:2]))).cards) == 2


async def test_draft_gets_no_card(pasting: Environment) -> None:
    await pasting.slack.compose(build_link(ready(pasting)), pasting.bruno)
    await rested(pasting)
    assert pasting.slack.calls_of("chat.unfurl") == []
    assert count(pasting, LinkOutcome.DRAFT) == 1


# ------------------------------------------------------------------ once


async def test_same_build_gets_a_second_card_after_half_an_hour(world: Environment) -> None:
    clock = Clock(world)
    world.slack.workspace.unfurl_domains = DOMAINS
    await world.start(applivery_dashboard_url=None)
    link = build_link(ready(world))
    assert (await paste(world, link)).cards
    clock.forward(minutes=29)
    assert (await paste(world, link, user=world.ana)).cards == []
    assert count(world, LinkOutcome.RECENT) == 1
    clock.forward(minutes=2)
    assert (await paste(world, f"{DASHBOARD}/acme/apps/courier")).cards


async def test_another_channel_gets_its_own_card(pasting: Environment) -> None:
    link = build_link(ready(pasting))
    beta = pasting.slack.channel("beta", members=(pasting.bruno,))
    assert (await paste(pasting, link)).cards
    assert (await paste(pasting, link, channel=beta)).cards


async def test_event_that_comes_again_is_worked_on_once(pasting: Environment) -> None:
    message = await paste(pasting, build_link(ready(pasting)), retries=3)
    assert len(message.cards) == 1
    assert len(pasting.slack.calls_of("chat.unfurl")) == 1


async def test_failed_card_is_tried_at_the_next_link(pasting: Environment) -> None:
    link = build_link(ready(pasting))
    pasting.slack.faults.add("chat.unfurl", Fault(error="cannot_unfurl_url"), times=1)
    assert (await paste(pasting, link)).cards == []
    assert count(pasting, LinkOutcome.FAILED) == 1
    assert (await paste(pasting, link)).cards


async def test_refresh_changes_the_card_that_is_there(pasting: Environment) -> None:
    build = ready(pasting)
    message = await paste(pasting, build_link(build))
    await pasting.ask("recall courier 2.4.0 crashes on start")
    await pasting.slack.refresh(message, pasting.ana)
    await rested(pasting)
    assert len(message.cards) == 1
    assert "crashes on start" in words(message)


async def test_two_replicas_show_one_card(world: Environment, postgres_url: str) -> None:
    world.slack.workspace.unfurl_domains = DOMAINS
    world.database = postgres_url
    await world.start(applivery_dashboard_url=None)
    link = build_link(ready(world))
    async with AsyncExitStack() as stack:
        settings = world.settings(applivery_dashboard_url=None)
        other = await stack.enter_async_context(running(settings, world.tuning, jobs=False))
        await world.slack.until(lambda: len(world.slack.sockets) == 2)
        posted = [await world.slack.paste(link, world.bruno, world.releases) for _ in range(6)]
        await rested(world)
        await other.dispatcher.drain(5)
    assert [len(message.cards) for message, _ in posted].count(1) == 1
    assert len(world.slack.calls_of("chat.unfurl")) == 1


# ------------------------------------------------------------------ who reads it


async def silent(world: Environment, link: str, outcome: LinkOutcome, **about: Any) -> None:
    """No card, no other message, no word to anybody."""
    before = len(world.slack.calls)
    assert (await paste(world, link, **about)).cards == []
    assert count(world, outcome) == 1
    assert {call.method for call in world.slack.calls[before:]} <= {"users.info", "conversations.info", "auth.test"}


async def test_shared_channel_gets_no_card(pasting: Environment) -> None:
    place = pasting.slack.channel("partners", shared=True, members=(pasting.bruno,))
    await silent(pasting, build_link(ready(pasting)), LinkOutcome.CHANNEL, channel=place)


async def test_channel_without_the_bot_gets_no_card(pasting: Environment) -> None:
    await silent(pasting, build_link(ready(pasting)), LinkOutcome.CHANNEL, channel=pasting.general)


async def test_direct_message_of_two_users_gets_no_card(pasting: Environment) -> None:
    place = pasting.slack.between(pasting.ana, pasting.bruno)
    await silent(pasting, build_link(ready(pasting)), LinkOutcome.CHANNEL, channel=place)


async def test_channel_off_the_app_s_list_gets_no_card(pasting: Environment) -> None:
    beta = pasting.slack.channel("beta", members=(pasting.ana, pasting.bruno))
    await pasting.ask(f"grant <#{beta.id}|beta> app:courier")
    link = build_link(ready(pasting))
    await silent(pasting, link, LinkOutcome.DENIED)
    assert (await paste(pasting, link, channel=beta)).cards


async def test_app_disallowed_later_gets_no_card(pasting: Environment) -> None:
    link = build_link(ready(pasting))
    assert (await paste(pasting, link)).cards
    beta = pasting.slack.channel("beta", members=(pasting.ana,))
    await pasting.ask(f"grant <#{beta.id}|beta> app:courier")
    await silent(pasting, f"{DASHBOARD}/acme/apps/courier", LinkOutcome.DENIED)


@pytest.mark.parametrize("change", [{"guest": True}, {"team_id": "T0ELSEWHERE"}, {"deleted": True}, {"bot": True}])
async def test_link_of_who_may_not_see_the_app_gets_no_card(pasting: Environment, change: dict[str, Any]) -> None:
    link = build_link(ready(pasting))
    assert (await paste(pasting, link)).cards
    await pasting.slack.change(pasting.bruno, **change)
    await silent(pasting, f"{DASHBOARD}/acme/apps/courier", LinkOutcome.DENIED)


async def test_guest_with_a_grant_gets_a_card_for_that_app_alone(pasting: Environment) -> None:
    pasting.bruno.guest = True
    await pasting.ask(f"grant <@{pasting.bruno.id}> member app:courier")
    other = pasting.applivery.app("Storefront", slug="storefront")
    hidden = pasting.applivery.build(other, version="1.0")
    await silent(pasting, build_link(hidden, app="storefront"), LinkOutcome.DENIED)
    assert (await paste(pasting, build_link(ready(pasting)))).cards


async def test_store_link_reaches_no_app_without_access(pasting: Environment) -> None:
    pasting.bruno.guest = True
    await pasting.ask(f"grant <@{pasting.bruno.id}> member app:courier")
    other = pasting.applivery.app("Storefront", slug="storefront")
    hidden = pasting.applivery.build(other, version="1.0")
    await silent(pasting, f"https://acme.applivery.io/beta?build={hidden.id}", LinkOutcome.GONE)


@pytest.mark.parametrize("answer", ["internal_error", "missing_scope"])
async def test_unknown_channel_gets_no_card(pasting: Environment, answer: str) -> None:
    pasting.slack.faults.add("conversations.info", Fault(error=answer))
    assert (await paste(pasting, build_link(ready(pasting)))).cards == []


async def test_without_the_scopes_there_is_no_card(pasting: Environment) -> None:
    pasting.slack.scopes = set(REQUIRED)
    message, _turn = await pasting.slack.paste(build_link(ready(pasting)), pasting.bruno, pasting.releases)
    await rested(pasting)
    assert message.cards == []
    assert count(pasting, LinkOutcome.OFF) == 0, "without links:read Slack sends no event"
    pasting.slack.scopes = {*REQUIRED, "links:read"}
    await pasting.restart(applivery_dashboard_url=None)
    assert (await paste(pasting, build_link(ready(pasting)))).cards == []
    assert count(pasting, LinkOutcome.OFF) == 1


@pytest.mark.parametrize("way", [{}, {"slack_app_token": None}], ids=["socket", "http"])
async def test_event_works_by_every_way(world: Environment, way: dict[str, Any]) -> None:
    world.slack.workspace.unfurl_domains = DOMAINS
    await world.start(applivery_dashboard_url=None, **way)
    assert (await paste(world, build_link(ready(world)))).cards


async def test_event_of_an_organisation_has_no_unfurl_id(world: Environment) -> None:
    world.slack.workspace.join_organisation()
    world.slack.workspace.unfurl_domains = DOMAINS
    await world.start(applivery_dashboard_url=None)
    message, turn = await world.slack.paste(build_link(ready(world)), world.bruno, world.releases)
    await rested(world)
    assert "unfurl_id" not in turn.payload["event"]
    assert message.cards


async def test_workspace_by_id_is_looked_up(world: Environment) -> None:
    world.slack.workspace.unfurl_domains = DOMAINS
    await world.start(applivery_dashboard_url=None)
    build = ready(world)
    assert (await paste(world, build_link(build, workspace="f" * 24))).cards == []
    assert (await paste(world, build_link(build, workspace=world.applivery.organization["id"]))).cards
    await world.restart(applivery_dashboard_url=None, applivery_organization=world.applivery.organization["id"])
    assert (await paste(world, build_link(ready(world), workspace="other"))).cards == []
    assert (await paste(world, build_link(ready(world)))).cards


# ------------------------------------------------------------------ Work Objects


@pytest.fixture
async def entities(pasting: Environment) -> Environment:
    """The app has Work Object Previews turned on."""
    pasting.slack.workspace.work_objects = "on"
    return pasting


async def test_link_is_a_work_object_with_get(entities: Environment) -> None:
    build = ready(entities, changelog="Faster start")
    message = await paste(entities, build_link(build))
    [card] = message.cards
    assert card["external_ref"] == {"id": f"{entities.courier.id}/{build.id}"}
    assert card["entity_url"] == build_link(build)
    assert "Courier 2.4.0 (173)" in words(message)
    assert "State: Ready" in words(message)
    assert "Changelog: Faster start" in words(message)
    answer = await (await entities.slack.click(message, "get.v1", user=entities.ana)).answer()
    assert answer.ephemeral_to == entities.ana.id


async def opened(world: Environment, message: FakeMessage, user: Any) -> Any:
    """The details as a user sees them who clicks the card."""
    pane = await world.slack.open_details(message, user)
    await rested(world)
    return pane


async def test_opened_card_shows_state_and_news_since_yours(entities: Environment) -> None:
    ready(entities, version="2.2.0", number="170", changelog="Old")
    await entities.ask("get courier 2.2.0", user=entities.ana)
    ready(entities, version="2.3.0", number="171", changelog="Dark mode")
    build = ready(entities, changelog="Faster start")
    message = await paste(entities, build_link(build))
    pane = await opened(entities, message, entities.ana)
    shown = said(pane)
    assert "State: Ready" in shown
    assert "Your build: 2.2.0 (170)" in shown
    assert "New since your build: 2.3.0 (171)" in shown
    assert "Dark mode" in shown
    assert count(entities, LinkOutcome.OPENED) == 1
    turn = await entities.slack.click_pane(pane, "get.v1", user=entities.ana)
    assert (await turn.answer()).ephemeral_to == entities.ana.id


async def test_opened_card_shows_the_present_state(entities: Environment) -> None:
    message = await paste(entities, build_link(ready(entities)))
    await entities.ask("recall courier 2.4.0 crashes on start")
    pane = await opened(entities, message, entities.bruno)
    assert "State: Recalled" in said(pane)
    assert "crashes on start" in said(pane)
    assert "get.v1" not in json.dumps(pane.blocks)


@pytest.mark.parametrize("change", [{"guest": True}, {"team_id": "T0ELSEWHERE"}, {"deleted": True}])
async def test_opened_card_is_closed_to_who_has_no_access(entities: Environment, change: dict[str, Any]) -> None:
    message = await paste(entities, build_link(ready(entities)))
    await entities.slack.change(entities.ana, admin=False, **change)
    pane = await opened(entities, message, entities.ana)
    assert pane.error
    assert pane.error["status"] == "custom_partial_view"
    assert "Courier" not in json.dumps(pane.error)
    assert count(entities, LinkOutcome.DENIED) == 1


async def test_opened_card_of_another_app_is_not_there_for_a_guest(entities: Environment) -> None:
    message = await paste(entities, build_link(ready(entities)))
    entities.applivery.app("Storefront", slug="storefront")
    await entities.restart(applivery_dashboard_url=None)
    await entities.ask(f"grant <@{entities.bruno.id}> member app:storefront")
    await entities.slack.change(entities.bruno, guest=True)
    pane = await opened(entities, message, entities.bruno)
    assert pane.error == {"status": "not_found"}


async def test_one_failing_link_leaves_the_other_its_card(pasting: Environment) -> None:
    first, second = ready(pasting), ready(pasting, number="174")
    pasting.applivery.faults.add(f"GET /v1/organizations/*/builds/{first.id}", Fault(status=503), times=None)
    message = await paste(pasting, f"{build_link(first)} {build_link(second)}")
    assert [card["app_unfurl_url"] for card in message.cards] == [build_link(second)]


async def test_opened_card_is_closed_where_the_app_is_not(entities: Environment) -> None:
    message = await paste(entities, build_link(ready(entities)))
    await entities.ask(f"grant <#{entities.slack.channel('beta', members=(entities.ana,)).id}|beta> app:courier")
    pane = await opened(entities, message, entities.bruno)
    assert "can't be used here" in said(pane)


async def test_opened_card_of_a_deleted_build_is_not_found(entities: Environment) -> None:
    build = ready(entities)
    message = await paste(entities, build_link(build))
    entities.applivery.delete(build)
    pane = await opened(entities, message, entities.ana)
    assert pane.error == {"status": "not_found"}


async def test_opened_card_says_when_applivery_is_down(entities: Environment) -> None:
    message = await paste(entities, build_link(ready(entities)))
    entities.applivery.faults.add("GET /v1/organizations/*/builds/*", Fault(status=503), times=None)
    pane = await opened(entities, message, entities.ana)
    assert pane.error
    assert pane.error["status"] == "custom"


async def test_opened_card_is_in_the_reader_s_language(entities: Environment) -> None:
    message = await paste(entities, build_link(ready(entities)))
    entities.ana.locale = "es-ES"
    await entities.slack.change(entities.ana)
    pane = await opened(entities, message, entities.ana)
    assert "Estado: Lista" in said(pane)


@pytest.mark.parametrize("place", ["channel", "nowhere"])
async def test_opened_outside_of_a_message_names_only_the_address(entities: Environment, place: str) -> None:
    """As Enterprise Search does: https://docs.slack.dev/reference/events/entity_details_requested"""
    build = ready(entities)
    message = await paste(entities, build_link(build))
    pane = await opened(entities, message, entities.ana)
    pane.entity, pane.trigger_id = None, "from.search"
    event = {"type": "entity_details_requested", "user": entities.ana.id, "trigger_id": "from.search"}
    where = {"channel": entities.releases.id} if place == "channel" else {}
    await entities.slack.event({**event, "entity_url": build_link(build), **where})
    await entities.slack.until(lambda: pane.entity)


async def test_refused_work_objects_are_left_out_for_a_day(pasting: Environment) -> None:
    pasting.slack.workspace.work_objects = "refused"
    assert (await paste(pasting, build_link(ready(pasting)))).cards
    asked = pasting.slack.calls_of("chat.unfurl")
    assert [("metadata" in call.args, bool((call.answer or {}).get("ok"))) for call in asked] == [
        (True, False),
        (False, True),
    ]
    await pasting.restart(applivery_dashboard_url=None)
    pasting.slack.workspace.work_objects = "on"
    assert (await paste(pasting, build_link(ready(pasting, number="174")))).cards
    assert "metadata" not in pasting.slack.calls_of("chat.unfurl")[-1].args


async def test_work_objects_that_are_off_leave_the_card(pasting: Environment) -> None:
    message = await paste(pasting, build_link(ready(pasting)))
    assert "entity" not in message.cards[0]
    assert [each.label for each in controls(message)] == ["Get build"]


async def test_work_object_is_told_odd_words_as_they_are(entities: Environment) -> None:
    app = entities.applivery.app("*Bold* <!channel> :bug:", slug="bold")
    build = entities.applivery.build(app, version="1_0_", branch="*x*", changelog="<@U1> _a_\n\n> b\x00")
    message = await paste(entities, build_link(build, app="bold"))
    assert "*Bold* <!channel> :bug: 1_0_" in words(message)
    assert "Changelog: <@U1> _a_" in words(message)
    entity = message.cards[0]["entity"]
    assert all("format" not in field for field in entity["entity_payload"]["custom_fields"])


def said(pane: Any) -> str:
    """All that is read in a flexpane."""
    return seen(FakeMessage(ts="0", channel="", user=None, blocks=pane.blocks))
