"""chat.unfurl, entity.presentDetails and the events about links: as strict as their pages say."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import FakeMessage, FakeSlack
from sandbox.slack.previews import domain_of, shared_in

URL = "https://example.com/12345"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "Hello"}}
ENTITY: dict[str, Any] = {
    "app_unfurl_url": URL,
    "url": "https://example.com/12345",
    "external_ref": {"id": "123"},
    "entity_type": "slack#/entities/item",
    "entity_payload": {
        "attributes": {"title": {"text": "Document 123"}, "display_type": "Document"},
        "custom_fields": [{"key": "state", "label": "State", "value": "Ready", "type": "string", "tag_color": "green"}],
        "display_order": ["state"],
        "actions": {"primary_actions": [{"text": "Get", "action_id": "get", "value": "1", "style": "primary"}]},
    },
}


@pytest.fixture
def client(slack: FakeSlack) -> AsyncWebClient:
    slack.workspace.unfurl_domains = ("example.com",)
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


def posted(slack: FakeSlack, text: str = f"Look: {URL}") -> FakeMessage:
    ana = slack.user("ana")
    return slack.say(text, ana, slack.channel("releases", members=(ana,)))


async def refused(client: AsyncWebClient, message: FakeMessage, **changes: Any) -> str:
    about = {"channel": message.channel, "ts": message.ts, "unfurls": {URL: {"blocks": [SECTION]}}, **changes}
    with pytest.raises(SlackApiError) as error:
        await client.chat_unfurl(**about)
    return str(error.value.response["error"])


async def test_unfurl_shows_a_card_and_changes_it(slack: FakeSlack, client: AsyncWebClient) -> None:
    message = posted(slack)
    for _ in range(2):
        await client.chat_unfurl(channel=message.channel, ts=message.ts, unfurls={URL: {"blocks": [SECTION]}})
    [card] = message.cards
    assert (card["app_unfurl_url"], card["id"], card["is_app_unfurl"]) == (URL, 1, True)
    assert message.edited is False


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"channel": None}, "missing_channel"),
        ({"ts": None}, "missing_ts"),
        ({"unfurls": None}, "missing_unfurls"),
        ({"channel": "C0NONE"}, "cannot_find_channel"),
        ({"ts": "1.000001"}, "cannot_find_message"),
        ({"unfurls": "x"}, "invalid_unfurls_format"),
        ({"unfurls": {"https://example.com/other": {"blocks": [SECTION]}}}, "cannot_unfurl_message"),
        ({"unfurls": {URL: {}}}, "cannot_parse_attachment"),
        ({"unfurls": {URL: {"blocks": [{"type": "section"}]}}}, "invalid_blocks"),
        ({"unfurl_id": "U1"}, "missing_source"),
        ({"source": "composer"}, "missing_unfurl_id"),
        ({"unfurl_id": "U1", "source": "elsewhere"}, "invalid_source"),
        ({"unfurl_id": "U1", "source": "composer"}, "invalid_unfurl_id"),
        ({"metadata": {"event_type": "x"}}, "invalid_metadata_format"),
    ],
)
async def test_unfurl_refuses_what_slack_refuses(
    slack: FakeSlack, client: AsyncWebClient, changes: dict[str, Any], error: str
) -> None:
    assert await refused(client, posted(slack), **changes) == error


async def test_unfurl_takes_no_rich_text(slack: FakeSlack, client: AsyncWebClient) -> None:
    words = {"type": "rich_text_section", "elements": [{"type": "text", "text": "Hello"}]}
    unfurls = {URL: {"blocks": [{"type": "rich_text", "elements": [words]}]}}
    assert await refused(client, posted(slack), unfurls=unfurls) == "invalid_blocks"


async def test_unfurl_needs_its_scope(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.scopes -= {"links:write"}
    assert await refused(client, posted(slack)) == "missing_scope"


WRONG: dict[str, Any] = {
    "no title": lambda it: it["entity_payload"]["attributes"].pop("title"),
    "no reference": lambda it: it.pop("external_ref"),
    "another type": lambda it: it.update(entity_type="slack#/entities/build"),
    "no posted address": lambda it: it.pop("app_unfurl_url"),
    "a field without a key": lambda it: it["entity_payload"]["custom_fields"][0].pop("key"),
    "a number for a string": lambda it: it["entity_payload"]["custom_fields"][0].update(value=1),
    "another color": lambda it: it["entity_payload"]["custom_fields"][0].update(tag_color="pink"),
    "an unknown field": lambda it: it["entity_payload"].update(display_order=["other"]),
    "three buttons": lambda it: it["entity_payload"]["actions"]["primary_actions"].extend(
        [{"text": "A", "action_id": "a"}] * 2
    ),
    "another property": lambda it: it.update(color="red"),
}


@pytest.mark.parametrize("fault", WRONG)
async def test_unfurl_refuses_wrong_entities(slack: FakeSlack, client: AsyncWebClient, fault: str) -> None:
    wrong = deepcopy(ENTITY)
    WRONG[fault](wrong)
    message = posted(slack)
    assert await refused(client, message, metadata={"entities": [wrong]}) == "error_processing_metadata"
    assert message.cards == []


async def test_entity_takes_the_place_of_the_blocks_where_on(slack: FakeSlack, client: AsyncWebClient) -> None:
    about = {"unfurls": {URL: {"blocks": [SECTION]}}, "metadata": {"entities": [ENTITY]}}
    first, second = posted(slack), posted(slack)
    await client.chat_unfurl(channel=first.channel, ts=first.ts, **about)
    assert "entity" not in first.cards[0]
    slack.workspace.work_objects = "on"
    await client.chat_unfurl(channel=second.channel, ts=second.ts, **about)
    assert second.cards[0]["external_ref"] == {"id": "123"}


async def test_details_are_for_the_entity_that_was_opened(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.workspace.work_objects = "on"
    message = posted(slack)
    await client.chat_unfurl(channel=message.channel, ts=message.ts, metadata={"entities": [ENTITY]})
    pane = await slack.open_details(message, slack.user("ana"))
    shown = {name: part for name, part in ENTITY.items() if name != "app_unfurl_url"}
    for about, error in (
        ({"trigger_id": "x", "metadata": shown}, "invalid_trigger_id"),
        ({"trigger_id": pane.trigger_id}, "invalid_metadata"),
        ({"trigger_id": pane.trigger_id, "metadata": ENTITY}, "invalid_metadata"),
        (
            {"trigger_id": pane.trigger_id, "metadata": {**shown, "external_ref": {"id": "1"}}},
            "entity_metadata_does_not_match_trigger",
        ),
        ({"trigger_id": pane.trigger_id, "error": {"status": "other"}}, "invalid_arguments"),
        ({"trigger_id": pane.trigger_id, "user_auth_required": True}, "user_auth_url_missing"),
    ):
        with pytest.raises(SlackApiError) as refusal:
            await client.entity_presentDetails(**about)
        assert refusal.value.response["error"] == error, about
    await client.entity_presentDetails(trigger_id=pane.trigger_id, metadata=shown)
    assert pane.entity == shown
    await client.entity_presentDetails(trigger_id=pane.trigger_id, error={"status": "restricted"})
    assert (pane.entity, pane.error) == (None, {"status": "restricted"})


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://example.com/a", "example.com"),
        ("http://yet.another.example.com:23/skidoo", "example.com"),
        ("https://notexample.com/a", None),
        ("https://127.0.0.1/a", None),
        ("https://[::1]/a", None),
    ],
)
def test_links_belong_to_domains_as_slack_says(url: str, domain: str | None) -> None:
    assert domain_of(url, ("example.com",)) == domain


def test_bare_names_are_no_links() -> None:
    assert shared_in("example.com/a and <https://example.com/b?x=1&amp;y=2|this>", ("example.com",)) == [
        {"domain": "example.com", "url": "https://example.com/b?x=1&y=2"}
    ]


async def test_answer_to_a_card_cannot_replace_a_user_s_message(slack: FakeSlack, client: AsyncWebClient) -> None:
    message = posted(slack)
    button = {"type": "button", "text": {"type": "plain_text", "text": "Get"}, "action_id": "get"}
    unfurls = {URL: {"blocks": [{"type": "actions", "elements": [button]}]}}
    await client.chat_unfurl(channel=message.channel, ts=message.ts, unfurls=unfurls)
    turn = await slack.click(message, "get", user=slack.user("ana"))
    async with aiohttp.ClientSession() as session:
        answer = await session.post(turn.response_url, json={"text": "x", "replace_original": True})
        assert (answer.status, (await answer.json())["error"]) == (400, "cant_update_message")
    assert message.text == f"Look: {URL}"
