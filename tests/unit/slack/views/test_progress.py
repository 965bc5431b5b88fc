"""What somebody reads who watches a build, whatever Applivery sends: Slack takes it, and it pings nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Build, Stage
from bot.slack.blocks import Message
from bot.slack.views import progress as cards
from tests.support import facts
from tests.support.facts import COURIER, build
from tests.support.reading import buttons, check, seen

DASHBOARD = "https://dashboard.acme.applivery.io/acme/apps/courier/builds?id=1"
spans = st.timedeltas(timedelta(0), timedelta(days=999))


def every(build: Build, usual: timedelta | None, left: timedelta | None) -> list[Message]:
    """Each thing that can be said of a build on its way."""
    usually = usual or timedelta(minutes=8)
    return [
        cards.promised(build, usual, fresh=True),
        cards.promised(build, usual, fresh=False),
        cards.on_its_way(build, usual, left, DASHBOARD),
        cards.late(build, usually, DASHBOARD),
        cards.stuck(build, DASHBOARD),
        cards.ended(build, DASHBOARD),
        cards.deleted(build),
        cards.stopped(build, again=True),
        cards.given_up(build, DASHBOARD),
    ]


@given(facts.builds, facts.maybe(spans), facts.maybe(spans))
def test_any_build_can_be_watched(build: Build, usual: timedelta | None, left: timedelta | None) -> None:
    for card in every(build, usual, left):
        check(card)
        assert not card.is_secret


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(0), "under 1 min left"),
        (timedelta(seconds=59), "under 1 min left"),
        (timedelta(seconds=61), "about 1 min left"),
        (timedelta(seconds=100), "about 2 min left"),
        (timedelta(minutes=89, seconds=50), "about 1 h 30 min left"),
    ],
)
def test_an_estimate_is_as_exact_as_a_guess_is(left: timedelta, words: str) -> None:
    card = cards.on_its_way(build(stage=Stage.RUNNING), timedelta(minutes=50), left, DASHBOARD)
    assert f"being processed · {words} (usually 50 min)" in card.text
    assert words in seen(card)


def test_deleted_build_leads_to_those_of_its_app() -> None:
    app = type(COURIER)("a" * 24, "field_notes", "Field Notes")
    assert buttons(cards.deleted(build(app=app)))["See builds"]["value"] == f"builds {app.id}"


def test_stuck_card_says_what_to_do() -> None:
    card = cards.stuck(build(stage=Stage.RUNNING, created_at=None), DASHBOARD)
    assert card.text.endswith("This build may be stuck. I'll keep watching.")
    assert list(buttons(card)) == ["Stop watching", "Open in Applivery"]
