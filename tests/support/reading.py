"""Reading a Message as Slack would: is it taken, what in it is live, and what does a person see."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from bot.applivery.hosts import AppliveryHosts
from bot.domain.model import App, Build
from bot.i18n.verbatim import CLOSE, OPEN
from bot.slack.blocks import MESSAGE_TEXT, Message
from sandbox.slack.validation import check_message
from tests.support.seeing import PARAGRAPHS, Control, controls_of, paragraph

# What mrkdwn does something with. https://docs.slack.dev/messaging/formatting-message-text#advanced
LIVE = re.compile(r"<([^<>]*)>")
DATE = re.compile(r"!date\^-?\d+\^[^^|<>]*\|\d{1,4}-\d\d-\d\d \d\d:\d\d UTC")
ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")

HOSTS = AppliveryHosts.of_tenant("acme")
DASHBOARD = "https://dashboard.acme.applivery.io/acme/apps/courier/builds?id=1"


def dashboard(of: Build) -> str:
    # the parser lets no half characters through
    slug = of.app.slug.encode("utf-8", "replace").decode()
    return HOSTS.dashboard_build_url("acme", App(of.app.id, slug, of.app.name), of)


def messages(message: Message) -> Iterator[Message]:
    """The message, those below it, and what is said in its place or to others."""
    yield message
    others = (message.fallback, message.pointer, *(copy for _, copy in message.copies))
    for other in (*message.thread, *(candidate for candidate in others if candidate)):
        yield from messages(other)


def strings(part: Any) -> Iterator[str]:
    """Every text of a payload that somebody may see; what a button carries is for us alone."""
    if isinstance(part, str):
        yield part
    if isinstance(part, dict) and part.get("type") in PARAGRAPHS:
        yield paragraph(part)
    elif isinstance(part, dict):
        part = [inside for key, inside in part.items() if key != "value"]
    for inside in part if isinstance(part, list) else ():
        yield from strings(inside)


def marked(part: Any) -> Iterator[str]:
    """Every text of a payload in which mrkdwn is read, and what else is live: all of it as mrkdwn has it."""
    if isinstance(part, dict):
        if part.get("type") == "mrkdwn" or "unfurl_links" in part:
            yield part["text"]
        if part.get("type") in PARAGRAPHS:
            yield paragraph(part)
        part = list(part.values())
    for inside in part if isinstance(part, list) else ():
        yield from marked(inside)


def buttons(message: Message) -> dict[str, dict[str, Any]]:
    """The buttons of a message by what they say."""
    rows = [[*block.get("elements", []), block.get("accessory")] for block in message.payload().get("blocks", [])]
    return {item["text"]["text"]: item for row in rows for item in row if item and item.get("type") == "button"}


def controls(message: Message) -> list[Control]:
    """Every button and every item of a menu of a message, in order."""
    rows = [[*block.get("elements", []), block.get("accessory")] for block in message.payload().get("blocks", [])]
    return controls_of(("", item) for row in rows for item in row if item and "action_id" in item)


def seen(message: Message) -> str:
    """All that a person reads in the blocks of a message."""
    return "\n".join(strings(message.payload().get("blocks", [])))


def check(message: Message, *, live: frozenset[str] = frozenset()) -> None:
    """Assert that Slack takes a message, that nobody is pinged by it and that its text stands by itself.

    `live` are the links and mentions that are meant; dates always are.
    """
    for each_message in messages(message):
        payload = each_message.payload()
        check_message(payload)
        assert not {OPEN, CLOSE} & set(json.dumps(payload, ensure_ascii=False))
        json.dumps(payload).encode("utf-8")
        assert payload["unfurl_links"] is False
        assert payload["unfurl_media"] is False
        assert len(payload["text"]) <= MESSAGE_TEXT
        assert re.search(r"\w", payload["text"]), "a text says something"
        for text in marked(payload):
            _check_inert(text, live)
        for text in strings(payload):
            assert not [here for here in text if here != "\n" and unicodedata.category(here) in ("Cc", "Cs")]
            assert not re.search("[\u202a-\u202e\u2066-\u2069]", text), "it could turn our own words around"


def _check_inert(text: str, live: frozenset[str]) -> None:
    for found in LIVE.findall(text):
        assert DATE.fullmatch(found) or found in live, f"{found!r} is live"
    rest = re.sub(r"^>", "", LIVE.sub("", text), flags=re.MULTILINE)  # a quotation is meant
    assert not set("<>") & set(rest), "half a mark is left"
    assert not ENTITY.search(rest), "half an entity is left"
