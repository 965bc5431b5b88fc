"""Events about links as Slack's pages show them, and clicks in the cards below links."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from bot.dispatch.requests import (
    channel_with_changed_membership,
    parse_details_request,
    parse_shared_links,
    parse_source,
)
from bot.domain.audit import Entrypoint
from bot.domain.pasted_links import DetailsRequest, SharedLinks
from bot.slack.schemas import is_valid

LINKS = [
    {"domain": "example.com", "url": "https://example.com/12345"},
    {"domain": "another-example.com", "url": "https://yet.another-example.com/v/abcde"},
]
URLS = tuple(link["url"] for link in LINKS)
# https://docs.slack.dev/reference/events/link_shared
SHARED: dict[str, Any] = {
    "token": "XXYYZZ",
    "team_id": "T123ABC456",
    "api_app_id": "A123ABC456",
    "event": {
        "type": "link_shared",
        "channel": "C123ABC456",
        "is_bot_user_member": True,
        "is_unfurl_refresh": True,
        "user": "U123ABC456",
        "message_ts": "123456789.9875",
        "unfurl_id": "C123456.123456789.987501.1b90fa1278528ce6e2f6c5c2bfa1abc9a41d57d02b29d173f40399c9ffdecf4b",
        "thread_ts": "123456621.1855",
        "source": "conversations_history",
        "links": LINKS,
        "user_locale": "en-US",
    },
    "type": "event_callback",
    "authorizations": [{"team_id": "T123ABC456", "user_id": "U123ABC456", "is_bot": False}],
    "event_id": "Ev123ABC456",
    "event_time": 123456789,
}
# https://docs.slack.dev/reference/events/entity_details_requested
OPENED: dict[str, Any] = {
    **SHARED,
    "event": {
        "type": "entity_details_requested",
        "user": "U0123456",
        "external_ref": {"id": "123", "type": "my-type"},
        "entity_url": "https://example.com/document/123",
        "link": {"url": "https://example.com/document/123", "domain": "example.com"},
        "app_unfurl_url": "https://example.com/document/123?myquery=param",
        "event_ts": "123456789.1234566",
        "trigger_id": "1234567890123.1234567890123.abcdef01234567890abcdef012345689",
        "user_locale": "en-US",
        "channel": "C123ABC456",
        "message_ts": "1755035323.759739",
        "thread_ts": "1755035323.759739",
    },
}


def without(body: dict[str, Any], *names: str, **changes: Any) -> dict[str, Any]:
    changed = deepcopy(body)
    changed["event"] = {name: part for name, part in changed["event"].items() if name not in names} | changes
    return changed


def test_shared_links_are_read_as_documented() -> None:
    assert is_valid(SHARED)
    assert parse_shared_links(SHARED) == SharedLinks(
        "U123ABC456", "C123ABC456", "123456789.9875", URLS, is_refresh=True
    )
    assert parse_details_request(SHARED) is None
    assert channel_with_changed_membership(SHARED) is None


@pytest.mark.parametrize(
    "body",
    [
        without(SHARED, source="composer", channel="COMPOSER"),
        without(SHARED, "source", "unfurl_id", channel="COMPOSER"),
        without(SHARED, "channel", source="composer", channel_id="COMPOSER"),
    ],
)
def test_draft_is_known_in_each_of_its_shapes(body: dict[str, Any]) -> None:
    shared = parse_shared_links(body)
    assert shared
    assert shared.is_draft


def test_links_of_an_organisation_have_no_source() -> None:
    shared = parse_shared_links(without(SHARED, "source", "unfurl_id", "is_unfurl_refresh", "thread_ts"))
    assert shared == SharedLinks("U123ABC456", "C123ABC456", "123456789.9875", URLS)


def test_channel_without_the_bot_is_said() -> None:
    shared = parse_shared_links(without(SHARED, is_bot_user_member=False))
    assert shared
    assert shared.is_outside


def test_opened_details_are_read_as_documented() -> None:
    assert is_valid(OPENED)
    trigger = "1234567890123.1234567890123.abcdef01234567890abcdef012345689"
    asked = DetailsRequest("U0123456", "C123ABC456", trigger, "123", "https://example.com/document/123")
    assert parse_details_request(OPENED) == asked
    outside = parse_details_request(without(OPENED, "channel", "external_ref", "entity_url"))
    assert outside == DetailsRequest("U0123456", None, trigger, "", "https://example.com/document/123")
    assert parse_shared_links(OPENED) is None
    assert channel_with_changed_membership(OPENED) is None


@pytest.mark.parametrize(
    "event",
    [
        {**SHARED["event"], "links": "https://example.com"},
        {**SHARED["event"], "links": [1]},
        {**SHARED["event"], "message_ts": 1.5},
        {**OPENED["event"], "external_ref": "123"},
        {**OPENED["event"], "trigger_id": {}},
    ],
)
def test_other_shapes_are_refused(event: dict[str, Any]) -> None:
    assert not is_valid({**SHARED, "event": event})


@pytest.mark.parametrize("missing", ["links", "user", "message_ts", "external_ref", "trigger_id"])
def test_missing_parts_break_nothing(missing: str) -> None:
    for body in (SHARED, OPENED):
        assert is_valid(without(body, missing))
        assert parse_shared_links(without(body, missing)) or parse_details_request(without(body, missing))


@pytest.mark.parametrize("kind", ["message_attachment", "entity_detail"])
def test_click_in_a_card_replaces_no_message(kind: str) -> None:
    """https://docs.slack.dev/messaging/unfurling-links-in-messages#alternate-interactive-payload-behavior"""
    body = {
        "type": "block_actions",
        "actions": [{"action_id": "get.v1", "type": "button", "value": "1/2"}],
        "app_unfurl": {"id": 1, "blocks": [], "app_unfurl_url": URLS[0], "is_app_unfurl": True},
        "user": {"id": "U061F7AUR", "name": "exemplar"},
        "container": {
            "type": kind,
            "message_ts": "123456789.9875",
            "attachment_id": 1,
            "channel_id": "D123456",
            "is_ephemeral": False,
            "is_app_unfurl": True,
            "app_unfurl_url": URLS[0],
        },
        "trigger_id": "112345.327112347633.59cee77e21deda86fd37639d3b5ddbcc",
        "response_url": "https://hooks.slack.com/actions/T123456/XXXX/XXXX",
    }
    assert is_valid(body)
    source = parse_source(Entrypoint.BUTTON, body, replaces_message=True)
    assert (source.channel_id, source.message_ts) == ("D123456", "123456789.9875")
    assert source.replaces_message is False
