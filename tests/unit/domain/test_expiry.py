"""When a link is over: said in one way, whatever Applivery's date and our clock are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from bot.domain import expiry, time_zones
from bot.i18n import _
from tests.support import facts
from tests.support.facts import NOON


def said(at: datetime | None) -> str:
    return _(expiry.expires(at, NOON, lambda moment: f"<{moment:%d %H:%M}>"))


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(seconds=1), "expires <21 12:00> (under 1 min)"),
        (timedelta(minutes=1, seconds=10), "expires <21 12:01> (1 min)"),
        (timedelta(minutes=9, seconds=59), "expires <21 12:09> (10 min)"),
        (timedelta(minutes=119), "expires <21 13:59> (119 min)"),
        (timedelta(hours=24), "expires <22 12:00> (24 h)"),
        (timedelta(days=3, minutes=1), "expires <24 12:01> (3 days)"),
        (timedelta(days=365 * 73), "expires <03 12:00>"),
        (timedelta(0), "expired <21 12:00> by this bot's clock"),
        (timedelta(days=-1), "expired <20 12:00> by this bot's clock"),
    ],
)
def test_an_expiry_is_said_with_what_is_left(left: timedelta, words: str) -> None:
    assert said(NOON + left) == words


def test_an_unknown_expiry_is_said_as_unknown() -> None:
    assert said(None) == "expires soon"


@given(facts.moments)
def test_an_expiry_is_past_or_to_come_and_never_both(at: datetime) -> None:
    assert said(at).startswith("expires" if at > NOON else "expired <")


def test_today_is_the_reader_s() -> None:
    now, at = datetime(2026, 11, 21, 22, tzinfo=UTC), datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    assert time_zones.is_today(at, now, ZoneInfo("UTC"))
    assert not time_zones.is_today(at, now, ZoneInfo("Europe/Madrid"))
    assert time_zones.is_today(at, now, ZoneInfo("Asia/Tokyo"))


def test_no_time_of_day_is_shown_without_its_day() -> None:
    """Slack shows a time alone where its style asks for it; one function alone decides that the day is not needed."""
    bot = Path(__file__).parents[3] / "bot"
    alone = [
        path.name
        for path in sorted(bot.rglob("*.py"))
        if re.search(r'date_tag\([^()]*"\{time\}"', path.read_text("utf-8"))
    ]
    assert set(alone) == {"build_card.py", "mrkdwn.py"}
    said = [path.name for path in bot.rglob("*.py") if re.search(r'Text\("expire[sd]', path.read_text("utf-8"))]
    assert said == ["expiry.py"]
