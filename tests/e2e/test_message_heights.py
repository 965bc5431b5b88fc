"""How high messages stand on a phone of 390 × 844, whose message pane is 645 px high."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from bot.domain.model import BuildEvent, CardEntry, Delivery, DeliveryOptions
from bot.slack.blocks import Message
from bot.slack.views import channel_card
from tests.support.chromium import MISSING, PROGRAM, chromium
from tests.support.facts import FULL
from tests.support.pane import MessagePane, message_pane
from tests.support.reading import dashboard

# One event loop for the file: the browser is started once.
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason=MISSING),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pane() -> AsyncIterator[MessagePane]:
    async with chromium() as browser, message_pane(browser) as opened:
        yield opened


def card(entry: CardEntry) -> Message:
    """The card of one build in a release channel."""
    announced = Delivery(1, "C1", BuildEvent.PROCESSED, entry.build, "key", manner=DeliveryOptions(), shown=(entry,))
    return channel_card.card(announced, dashboard)


GOALS: list[tuple[str, Callable[[], Message], bool, int]] = [
    ("live card", lambda: card(CardEntry(FULL)), False, 450),
]


@pytest.mark.parametrize(("name", "message", "is_private", "most"), GOALS, ids=[goal[0] for goal in GOALS])
async def test_message_is_not_higher_than(
    pane: MessagePane, name: str, message: Callable[[], Message], is_private: bool, most: int
) -> None:
    assert await pane.height(message(), is_private=is_private) <= most
