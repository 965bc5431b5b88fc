"""chat.unfurl and entity.presentDetails: what an app shows below a link, and when it is opened.

https://docs.slack.dev/reference/methods/chat.unfurl, https://docs.slack.dev/reference/methods/entity.presentDetails
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.slack import previews
from sandbox.slack.message import FakeMessage
from sandbox.slack.message_store import with_ids
from sandbox.slack.server_state import Answer, ApiState, CallArguments, method
from sandbox.slack.validation import SlackApiError, check_blocks, entities, walk

DRAFTS = "composer"


def _message(desk: ApiState, args: CallArguments) -> FakeMessage | None:
    """The message that is meant, by its place or by the id of the unfurl; None for a draft."""
    channel, ts = args.text("channel"), args.text("ts")
    unfurl_id, source = args.text("unfurl_id"), args.text("source")
    if unfurl_id or source:
        if not unfurl_id or not source:
            raise SlackApiError("missing_unfurl_id" if source else "missing_source")
        if source not in (DRAFTS, "conversations_history"):
            raise SlackApiError("invalid_source")
        place = desk.workspace.unfurl_ids.get(unfurl_id)
        if place is None:
            raise SlackApiError("invalid_unfurl_id")
        channel, ts = place
    if not channel or not ts:
        raise SlackApiError("missing_ts" if channel else "missing_channel")
    if (channel, ts) in desk.workspace.drafts:
        return None
    if channel not in desk.workspace.channels:
        raise SlackApiError("cannot_find_channel")
    message = desk.mailbox.find(channel, ts)
    if message is None:
        raise SlackApiError("cannot_find_message")
    return message


def _cards(desk: ApiState, args: CallArguments, links: set[str]) -> dict[str, list[dict[str, Any]]]:
    """The blocks for each link; no rich text: https://docs.slack.dev/messaging/unfurling-links-in-messages#tips"""
    given = args.data("unfurls", "invalid_unfurls_format") or {}
    if not isinstance(given, dict):
        raise SlackApiError("invalid_unfurls_format")
    for url, card in given.items():
        if url not in links:
            raise SlackApiError("cannot_unfurl_message")
        if not isinstance(card, dict) or not card.get("blocks") or set(card) - {"blocks", "preview", "color"}:
            raise SlackApiError("cannot_parse_attachment")
        check_blocks(card["blocks"])
        if any(block["type"] in ("rich_text", "data_table", "data_visualization") for block in walk(card["blocks"])):
            raise SlackApiError("invalid_blocks", ["unsupported type: rich_text [json-pointer:/unfurls]"])
    return {url: card["blocks"] for url, card in given.items()}


def _entities(desk: ApiState, args: CallArguments, links: set[str]) -> dict[str, dict[str, Any]]:
    """The Work Objects for the links, by address."""
    metadata = args.data("metadata", "invalid_metadata_format")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict) or "entities" not in metadata:
        raise SlackApiError("invalid_metadata_format")
    if desk.workspace.work_objects == "refused" or (wrong := entities.faults(metadata, entities.METADATA, "/metadata")):
        raise SlackApiError("error_processing_metadata", [] if desk.workspace.work_objects == "refused" else wrong)
    found = {entity["app_unfurl_url"]: entity for entity in metadata["entities"]}
    if not found.keys() <= links:
        raise SlackApiError("cannot_unfurl_message")
    return found


@method("chat.unfurl", "links:write")
def unfurl(desk: ApiState, args: CallArguments) -> Answer:
    """Put cards below links of a message, or change those there; the bot need not be in the channel.

    Where Work Objects are off, what is said of them is left out.
    """
    if args.given.get("unfurls") is None and args.given.get("metadata") is None:
        raise SlackApiError("missing_unfurls")
    message = _message(desk, args)
    registered = desk.workspace.unfurl_domains
    text = message.text if message else desk.workspace.drafts[str(args.text("channel")), str(args.text("ts"))]
    links = {link["url"] for link in previews.shared_in(text, registered)}
    cards, shown = _cards(desk, args, links), _entities(desk, args, links)
    if message is None:
        return {}
    as_entities = shown if desk.workspace.work_objects == "on" else {}
    for url in dict.fromkeys((*cards, *as_entities)):
        previews.attach(desk.workspace, message, url, cards.get(url), as_entities.get(url))
    desk.workspace.changed("unfurled", {"channel": message.channel, "ts": message.ts})
    return {}


@method("entity.presentDetails")
def present_details(desk: ApiState, args: CallArguments) -> Answer:
    """Fill the flexpane of who opened a Work Object."""
    if desk.workspace.work_objects != "on":
        raise SlackApiError("feature_not_enabled")
    pane = next((each for each in desk.workspace.panes.values() if each.trigger_id == args.text("trigger_id")), None)
    if pane is None:
        raise SlackApiError("invalid_trigger_id")
    metadata, error = args.data("metadata", "invalid_metadata"), args.data("error", "invalid_arguments")
    if args.flag("user_auth_required") and not args.text("user_auth_url"):
        raise SlackApiError("user_auth_url_missing")
    if (metadata is None) == (error is None):
        raise SlackApiError("invalid_metadata")
    if error is not None and (wrong := entities.faults(error, entities.ERROR, "/error")):
        raise SlackApiError("invalid_arguments", wrong)
    if metadata is not None:
        if wrong := entities.faults(metadata, entities.PRESENTED, "/metadata"):
            raise SlackApiError("invalid_metadata", wrong)
        if metadata["external_ref"].get("id") != pane.reference.get("id"):
            raise SlackApiError("entity_metadata_does_not_match_trigger")
    pane.entity, pane.error = json.loads(json.dumps(metadata)), json.loads(json.dumps(error))
    pane.blocks = with_ids(_shown(metadata, error), desk.workspace.new_word)
    desk.workspace.changed("details", {"user": pane.user})
    return {}


def _shown(metadata: Any, error: Any) -> list[dict[str, Any]]:
    if metadata is not None:
        return previews.entity_blocks(metadata)
    words = [error.get("custom_title"), error.get("custom_message") or error["status"]]
    blocks: list[dict[str, Any]] = [previews.paragraph(each) for each in words if each]
    return [*blocks, *previews.buttons(error.get("actions") or [])]
