"""How high the answers about builds stand on a phone: the list, a recall and its end, what is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.domain.model import Build, RecallReach, Stage
from bot.i18n import use_locale
from bot.slack.blocks import Message
from bot.slack.blocks.paging import PagedItems
from bot.slack.views import builds, changes_since, recalls
from tests.e2e.test_message_heights import LINE, LIVE, LONG, RECALL
from tests.support.facts import COURIER, NOON
from tests.support.pane import ON_A_PHONE, MessagePane
from tests.support.reading import DASHBOARD

pytestmark = ON_A_PHONE


def ten(of: Build) -> list[Build]:
    """Ten builds of two platforms, some of which cannot be had."""
    stages = (Stage.READY, Stage.READY, Stage.FAILED, Stage.RUNNING, Stage.READY)
    return [
        replace(
            of,
            id=f"{number:024x}",
            number=str(247 - number),
            platform=("ios", "android")[number % 2],
            stage=stages[number % 5],
        )
        for number in range(10)
    ]


NOW = NOON + timedelta(days=1)


def listed(found: list[Build]) -> Message:
    """The second page of a list of builds."""
    page = PagedItems(found, 1, 10, more=True)
    return builds.builds(COURIER, page, "os:ios", {found[4].id: RECALL}, again="courier", now=NOW, tz="UTC")


ANSWERS: list[tuple[str, Callable[[], Message], int]] = [
    ("builds (10)", lambda: listed(ten(LIVE)), 520),
    ("builds (10), long names", lambda: listed(ten(LONG)), 820),
    ("recall", lambda: recalls.recalled(LIVE, RECALL, RecallReach(2, 3), pages=True), 260),
    ("unrecall", lambda: recalls.unrecalled(LIVE, RECALL, 2), 220),
    ("news", lambda: changes_since.news(LIVE, None, {}, DASHBOARD), 220),
]


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(("name", "message", "most"), ANSWERS, ids=[goal[0] for goal in ANSWERS])
async def test_answer_about_builds_is_not_higher_than(
    pane: MessagePane, name: str, message: Callable[[], Message], most: int, language: str
) -> None:
    with use_locale(language):
        shown = message()
    # in Spanish two buttons are too wide for one row
    assert await pane.height(shown, is_private=True) <= most + (2 * LINE if language == "es" else 0)
