"""The renderer: a card is made once for all channels that get the same, and anew when anything about it differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from msgspec.structs import replace

from bot.domain.model import App, Build, BuildEvent, CardEntry, Delivery, DeliveryOptions, Recall, Stage
from bot.i18n import use_locale
from bot.slack.blocks import Message
from bot.workers.message_renderer import MessageRenderer

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
BUILD = Build("b1", App("a1", "courier", "Courier"), Stage.READY, version="2.4.0", number="173", created_at=NOON)
FIRST = Delivery(1, "C0RELEASES", BuildEvent.PROCESSED, BUILD, "k1", card="b1", shown=(CardEntry(BUILD),))
SECOND = replace(FIRST, id=2, channel_id="C0BETA", key="k2")


class Rendering:
    """A renderer whose clock stands still until it is set, and how many cards it has made."""

    def __init__(self) -> None:
        self.now, self.made = NOON, 0
        anything = cast("Any", None)
        self._renderer = MessageRenderer(
            app_directory=anything,
            dashboard=self._dashboard,
            apps=anything,
            personal=anything,
            bisections=anything,
            clock=lambda: self.now,
        )

    def _dashboard(self, build: Build) -> str:
        self.made += 1
        return f"https://dashboard.example/{build.id}"

    async def message(self, announcement: Delivery) -> Message:
        return await self._renderer.message(announcement)


async def test_card_is_rendered_once_for_all_channels() -> None:
    rendering = Rendering()
    assert await rendering.message(FIRST) == await rendering.message(SECOND)
    assert rendering.made == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(SECOND, manner=DeliveryOptions(label="beta")),
        replace(SECOND, shown=(CardEntry(replace(BUILD, changelog="Fixes")),)),
        replace(SECOND, shown=(CardEntry(BUILD, recall=Recall("b1", "a1", "It crashes", "U0ANA", NOON)),)),
        replace(SECOND, shown=(CardEntry(BUILD, superseded_by=replace(BUILD, id="b2", version="2.5.0")),)),
        replace(SECOND, shown=(CardEntry(replace(BUILD, size=1)),)),
    ],
)
async def test_card_that_differs_is_rendered_anew(other: Delivery) -> None:
    rendering = Rendering()
    assert await rendering.message(FIRST) != await rendering.message(other)
    assert await rendering.message(other) == await Rendering().message(other)


async def test_card_is_rendered_in_each_language() -> None:
    rendering = Rendering()
    with use_locale("es"):
        spanish = await rendering.message(FIRST)
    assert (await rendering.message(FIRST)).text != spanish.text


async def test_card_of_an_old_build_has_the_day_again() -> None:
    rendering = Rendering()
    today = await rendering.message(FIRST)
    rendering.now += timedelta(days=30)
    assert await rendering.message(FIRST) != today
