"""What a screen reader reads: each thing to press has a name of its own, and no state is a picture or a colour alone.

That a picture has its words is what Slack itself asks for, and the fake one with it.

https://docs.slack.dev/reference/block-kit/block-elements/button-element (`accessibility_label`)
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import living
from tests.support.everything import everything
from tests.support.seeing import every_message

PRESSED = ("button", "workflow_button", "static_select", "external_select", "users_select")
PICTURES = re.compile(r":[a-z0-9_+-]+:|[^\w\s]")


@pytest.fixture(scope="module")
def surfaces(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> list[dict[str, Any]]:
    """Every message and every form there was, as Slack got it: done once, since the tests here only read them."""
    return asyncio.run(_surfaces(tmp_path_factory.mktemp("everything"), empty_database))


async def _surfaces(folder: Path, empty_database: Path) -> list[dict[str, Any]]:
    async with living(folder, empty_database) as world:
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


def test_message_elements_have_distinct_accessible_names(surfaces: list[dict[str, Any]]) -> None:
    shared = [
        (name, surface.get("text"))
        for surface in surfaces
        for name, count in Counter(pressed(surface)).items()
        if count > 1 or not name.strip()
    ]
    assert shared == []
    assert len(surfaces) > 100


def test_accessible_names_begin_with_the_visible_label(surfaces: list[dict[str, Any]]) -> None:
    """Who speaks to a computer says what they see. https://www.w3.org/TR/WCAG22/#label-in-name"""
    named = [
        (button["text"]["text"], button["accessibility_label"])
        for surface in surfaces
        for button in parts(surface.get("blocks") or [])
        if button["type"] == "button" and button.get("accessibility_label")
    ]
    assert named
    assert [names for names in named if not names[1].startswith(names[0])] == []


def test_items_of_a_menu_are_distinct(surfaces: list[dict[str, Any]]) -> None:
    """Slack itself names a menu “More actions”; its items are told apart by their words."""
    menus = [
        [option["text"]["text"].strip() for option in menu["options"]]
        for surface in surfaces
        for menu in parts(surface.get("blocks") or [])
        if menu["type"] == "overflow"
    ]
    assert [menu for menu in menus if len(set(menu)) < len(menu) or "" in menu] == []


def test_a_form_begins_with_its_first_field(surfaces: list[dict[str, Any]]) -> None:
    for surface in surfaces:
        fields = [block["element"] for block in surface.get("blocks") or [] if block["type"] == "input"]
        focused = [field for field in fields if field.get("focus_on_load")]
        first = fields[:1] if fields and fields[0]["type"] != "file_input" else []  # which Slack cannot focus
        assert focused == (first if surface.get("type") == "modal" else [])


CLOCK = re.compile(r"(?<![\d:T-])\d{1,2}:\d{2}(?![\d:])(?P<half>\s?[AP]M)?")
# What is to be typed, or was recorded, is verbatim.
VERBATIM = re.compile(
    r"\|[\d-]{10} \d\d:\d\d UTC(?=>|$)|`[^`]*`|https?://\S+|[\w,]+@\d\d:\d\d|\d\d:\d\d-\d\d:\d\d"
    r"|· until \d{4}-\d\d-\d\d \d\d:\d\d UTC"
)


def test_every_time_is_in_the_clock_of_its_reader(surfaces: list[dict[str, Any]]) -> None:
    """Slack shows dates to readers of English with AM and PM, and so do the words around them.

    What stands in a date for a client that cannot show it is in UTC and the same for all.
    """
    texts = [
        text
        for surface in surfaces
        for part in parts({"type": "", **surface})
        for text in [part.get("text")]
        if isinstance(text, str) and part["type"] not in ("raw_text", "raw_number")
    ]
    other = [
        (text[max(0, found.start() - 60) : found.end() + 20])
        for text in (VERBATIM.sub("", text) for text in texts)
        for found in CLOCK.finditer(text)
        if not found["half"]
    ]
    assert other == []


def test_nothing_is_told_by_an_emoji_or_a_colour_alone(surfaces: list[dict[str, Any]]) -> None:
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


def test_every_message_with_blocks_says_the_same_in_a_sentence(surfaces: list[dict[str, Any]]) -> None:
    messages = [
        surface for surface in surfaces if surface.get("blocks") and surface.get("type") not in {"modal", "home"}
    ]
    assert [message for message in messages if len(str(message.get("text") or "").split()) < 2] == []
