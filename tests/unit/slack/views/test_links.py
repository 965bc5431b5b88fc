"""The card of a link: what it says of a build is made once, and what differs between two people never is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from bot.domain.model import Actor, FileKind, Link, Stage
from bot.i18n import use_locale
from bot.slack.blocks import Message
from bot.slack.blocks.builders import URL
from bot.slack.views import links
from tests.support.builders import build

NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)
ANA = Actor(team_id="T1", user_id="U1", channel_id="C1")
COURIER = build("b1", Stage.READY, platform="android", version="2.5.0")


def card(token: str, *, asker: Actor = ANA, in_dm: bool = False) -> Message:
    made = Link(f"https://download.example/{token}", token, FileKind.FILE, NOW + timedelta(minutes=5))
    return links.link(COURIER, made, asker, NOW, dashboard="https://dashboard.example", in_dm=in_dm)


def test_two_links_to_a_build_share_no_address() -> None:
    first, second = card("first-token"), card("second-token")
    assert "second-token" not in json.dumps([first.text, *first.blocks])
    assert "first-token" not in json.dumps([second.text, *second.blocks])
    buttons = [message.blocks[1]["elements"][0] for message in (first, second)]
    assert [button["url"].rpartition("/")[2] for button in buttons] == ["first-token", "second-token"]


def test_card_is_written_in_the_language_of_each_reader() -> None:
    english = json.dumps(card("one").blocks)
    with use_locale("es"):
        spanish = json.dumps(card("one").blocks)
    assert "Fresh link" in english
    assert "Fresh link" not in spanish
    assert json.dumps(card("one").blocks) == english


def test_only_where_there_is_a_channel_the_card_can_be_shared() -> None:
    direct = replace(ANA, channel_id="D1")
    found = [card("one"), card("one", asker=direct), card("one", in_dm=True)]
    assert ["Share here" in json.dumps(message.blocks) for message in found] == [True, False, False]


def test_address_that_a_button_cannot_have_is_in_the_text_alone() -> None:
    long = card("x" * URL)
    assert "url" not in long.blocks[1]["elements"][0]
    assert "x" * URL in long.text
