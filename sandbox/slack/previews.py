"""Links that an app explains: which of a message's it is told of, and what it puts below them.

https://docs.slack.dev/messaging/unfurling-links-in-messages
"""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import urlsplit

from sandbox.slack.links import in_words
from sandbox.slack.message import FakeMessage
from sandbox.slack.message_store import with_ids
from sandbox.slack.workspace import SlackWorkspace


def domain_of(url: str, registered: tuple[str, ...]) -> str | None:
    """The registered domain that an address is at or below, whatever its port.

    An IP address is at none, but for one that the demo has registered, whose servers have no names.
    """
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return None
    return next((each for each in registered if host == each or host.endswith(f".{each}")), None)


def shared_in(text: str, registered: tuple[str, ...]) -> list[dict[str, str]]:
    """The links in a text that the app is told of, each once."""
    found = {url: domain_of(url, registered) for url in in_words(text)}
    return [{"domain": domain, "url": url} for url, domain in found.items() if domain]


def attach(
    workspace: SlackWorkspace, message: FakeMessage, url: str, blocks: Any, entity: dict[str, Any] | None
) -> None:
    """Put a card below a message; a second one for the same link takes the place of the first."""
    before = next((each for each in message.attachments if each.get("app_unfurl_url") == url), None)
    shown = entity_blocks(entity) if entity else copy.deepcopy(blocks)
    card: dict[str, Any] = {
        "id": before["id"] if before else len(message.attachments) + 1,
        "bot_id": workspace.bot_id,
        "app_id": workspace.app_id,
        "bot_team_id": workspace.team_id,
        "app_unfurl_url": url,
        "from_url": url,
        "is_app_unfurl": True,
        "fallback": url,
        "blocks": with_ids(shown, workspace.new_word),
    }
    if entity:
        card |= {"entity_url": entity["url"], "external_ref": entity["external_ref"], "entity": copy.deepcopy(entity)}
    message.attachments = [each for each in message.attachments if each is not before] + [card]


def entity_blocks(entity: dict[str, Any]) -> list[dict[str, Any]]:
    """A Work Object as blocks, for the page and for clicks: its title, its fields and its buttons."""
    payload = entity["entity_payload"]
    attributes = payload["attributes"]
    head = " · ".join(filter(None, (attributes["title"]["text"], attributes.get("display_type"))))
    fields = payload.get("custom_fields") or ()
    small = [_field(field) for field in fields if not field.get("long")]
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(head[:150])}]
    blocks += [{"type": "section", "fields": small[at : at + 10]} for at in range(0, len(small), 10)]
    blocks += [{"type": "section", "text": _field(field)} for field in fields if field.get("long")]
    actions = payload.get("actions") or {}
    return blocks + buttons([*(actions.get("primary_actions") or ()), *(actions.get("overflow_actions") or ())])


def paragraph(words: str) -> dict[str, Any]:
    """A paragraph of words that are shown as they are."""
    return {"type": "section", "text": _plain(words[:3000])}


def buttons(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The buttons of a Work Object as a row; none without any."""
    return [{"type": "actions", "elements": [_button(each) for each in actions]}] if actions else []


def _field(field: dict[str, Any]) -> dict[str, Any]:
    """A field's label and value; only a time is not a text."""
    label, value = field["label"], field.get("value", "")
    if field["type"] == "slack#/types/timestamp":
        return {"type": "mrkdwn", "text": f"{label}: <!date^{value}^{{date_short_pretty}} {{time}}|{value}>"}
    return _plain(f"{label}: {value}"[:2000])


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _button(action: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {
        name: action[name] for name in ("action_id", "value", "style", "url", "accessibility_label") if name in action
    }
    return {"type": "button", "text": _plain(action["text"]), **known}
