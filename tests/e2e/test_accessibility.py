"""What a screen reader reads: each thing to press has a name of its own, and no state is a picture or a colour alone.

That a picture has its words is what Slack itself asks for, and the pretended one with it.

https://docs.slack.dev/reference/block-kit/block-elements/button-element (`accessibility_label`)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Environment
from tests.support.everything import everything
from tests.support.seeing import every_message

PRESSED = ("button", "workflow_button", "overflow", "static_select", "external_select", "users_select")
PICTURES = re.compile(r":[a-z0-9_+-]+:|[^\w\s]")


@pytest.fixture
async def surfaces(world: Environment) -> list[dict[str, Any]]:
    """Every message and every form there was, as Slack got it."""
    await world.start(links_per_minute=10_000, links_per_hour=10_000)
    await everything(world)
    return [message.saved() for message in every_message(world.slack)] + [
        dict(view.payload) for view in world.slack.modals.views.values()
    ]


def parts(of: Any) -> Iterator[dict[str, Any]]:
    """Every object of a payload that has a type, however deep."""
    if isinstance(of, dict):
        if isinstance(of.get("type"), str):
            yield of
        for value in of.values():
            yield from parts(value)
    elif isinstance(of, list):
        for value in of:
            yield from parts(value)


def pressed(surface: dict[str, Any]) -> list[str]:
    """What a screen reader says for each thing to press."""
    inputs = [part for part in parts(surface.get("blocks") or []) if part["type"] == "input"]
    labelled = {id(input_["element"]): input_["label"]["text"] for input_ in inputs}
    return [
        labelled.get(id(part))
        or part.get("accessibility_label")
        or (part.get("text") or part.get("placeholder") or {}).get("text", "")
        for part in parts(surface.get("blocks") or [])
        if part["type"] in PRESSED
    ]


async def test_message_elements_have_distinct_accessible_names(surfaces: list[dict[str, Any]]) -> None:
    shared = [
        (name, surface.get("text"))
        for surface in surfaces
        for name, count in Counter(pressed(surface)).items()
        if count > 1 or not name.strip()
    ]
    assert shared == []
    assert len(surfaces) > 100


async def test_nothing_is_told_by_an_emoji_or_a_colour_alone(surfaces: list[dict[str, Any]]) -> None:
    texts = [
        part["text"]
        for surface in surfaces
        for part in parts(surface.get("blocks") or [])
        if part["type"] in {"mrkdwn", "plain_text"}
    ]
    texts += [surface["text"] for surface in surfaces if "text" in surface]
    assert [text for text in texts if text.strip() and not PICTURES.sub("", text).strip()] == []
    assert [
        surface for surface in surfaces if any("color" in attachment for attachment in surface.get("attachments") or [])
    ] == []


async def test_every_message_with_blocks_says_the_same_in_a_sentence(surfaces: list[dict[str, Any]]) -> None:
    messages = [
        surface for surface in surfaces if surface.get("blocks") and surface.get("type") not in {"modal", "home"}
    ]
    assert [message for message in messages if len(str(message.get("text") or "").split()) < 2] == []
