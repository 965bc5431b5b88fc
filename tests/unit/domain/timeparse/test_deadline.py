"""Times to come as people write them: never in the past, never too far, and as the clock on their wall shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.time_zones import zone
from bot.domain.timeparse import deadline
from bot.domain.timeparse.deadline import LONGEST
from bot.exceptions import UserInputError

MADRID = "Europe/Madrid"
SATURDAY = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)  # 12:30 in Madrid
ZONES = st.sampled_from(["UTC", MADRID, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"])
INSTANTS = st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def at(text: str, *, now: datetime = SATURDAY, tz: str = MADRID) -> str:
    return f"{deadline.parse(text, now=now, tz=tz):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("4h", "2026-11-21 15:30"),
        ("for 4 hours", "2026-11-21 15:30"),
        ("30m", "2026-11-21 12:00"),
        ("30 min", "2026-11-21 12:00"),
        ("1h30m", "2026-11-21 13:00"),
        ("1 hr 30 minutes", "2026-11-21 13:00"),
        ("2d", "2026-11-23 11:30"),
        ("1w", "2026-11-28 11:30"),
        ("30d", "2026-12-21 11:30"),
        ("until 18:00", "2026-11-21 17:00"),
        ("6pm", "2026-11-21 17:00"),
        ("till 6:30PM", "2026-11-21 17:30"),
        ("until 6:30 PM", "2026-11-21 17:30"),
        ("6 p.m.", "2026-11-21 17:00"),
        ("Saturday, 6:00 PM", "2026-11-21 17:00"),
        ("12am", "2026-11-21 23:00"),
        ("until 12:30", "2026-11-22 11:30"),
        ("until 8:00", "2026-11-22 07:00"),
        ("tomorrow", "2026-11-22 08:00"),
        ("until Tomorrow at 10:00", "2026-11-22 09:00"),
        ("today 18:00", "2026-11-21 17:00"),
        ("until friday", "2026-11-27 08:00"),
        ("fri", "2026-11-27 08:00"),
        ("friday@17:30", "2026-11-27 16:30"),
        ("17:30 friday", "2026-11-27 16:30"),
        ("saturday", "2026-11-28 08:00"),
        ("saturday 18:00", "2026-11-21 17:00"),
        ("saturday 10:00", "2026-11-28 09:00"),
        ("2026-11-25", "2026-11-25 08:00"),
        ("until 2026-11-25 18:00", "2026-11-25 17:00"),
        ("5 december", "2026-12-05 08:00"),
        ("until December 5th, 18:00", "2026-12-05 17:00"),
        ("dec 5", "2026-12-05 08:00"),
        ("5th of December 2026", "2026-12-05 08:00"),
        ("el 5 de diciembre", "2026-12-05 08:00"),
        ("hasta el 5 de diciembre de 2026 a las 18:00", "2026-12-05 17:00"),
        ("5 dic.", "2026-12-05 08:00"),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, utc: str) -> None:
    assert at(text) == utc


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "I can't read the time"),
        ("until", "I can't read the time"),
        ("18", "I can't read the time"),
        ("25:00", "I can't read the time"),
        ("13pm", "I can't read the time"),
        ("soon", "I can't read the time “soon”"),
        ("31 feb", "I can't read the time “31 feb”"),
        ("today", "I can't read the time"),
        ("friday monday", "I can't read the time"),
        ("18:00 19:00", "I can't read the time"),
        ("4h friday", "I can't read the time"),
        ("0m", "“0m” is in the past"),
        ("today 10:00", "“today 10:00” is in the past"),
        ("2026-11-01", "“2026-11-01” is in the past"),
        ("31d", "more than 30 days away"),
        ("2027-01-01", "more than 30 days away"),
        ("9999-12-31", "more than 30 days away"),
        ("999999w", "more than 30 days away"),
    ],
)
def test_deadline_impossible_refused_with_example(text: str, words: str) -> None:
    with pytest.raises(UserInputError) as refused:
        deadline.parse(text, now=SATURDAY, tz=MADRID)
    assert words in str(refused.value)
    assert "`" in str(refused.value.next_step)


def test_deadline_further_away_is_taken_where_asked_for() -> None:
    year = timedelta(days=366)
    assert deadline.parse("12w", now=SATURDAY, tz=MADRID, longest=year) == SATURDAY + timedelta(weeks=12)
    with pytest.raises(UserInputError, match="more than 366 days away"):
        deadline.parse("367d", now=SATURDAY, tz=MADRID, longest=year)


def test_deadline_in_skipped_hour_is_after_clock_change() -> None:
    before = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    assert at("02:30", now=before) == "2026-03-29 01:30"  # 03:30 in Madrid


def test_deadline_in_repeated_hour_is_the_one_ahead() -> None:
    assert at("02:30", now=datetime(2026, 10, 24, 22, 0, tzinfo=UTC)) == "2026-10-25 00:30"
    assert at("02:30", now=datetime(2026, 10, 25, 0, 45, tzinfo=UTC)) == "2026-10-25 01:30"


@given(st.text(max_size=40), INSTANTS, ZONES)
def test_deadline_any_text_is_future_or_refused(text: str, now: datetime, tz: str) -> None:
    try:
        found = deadline.parse(text, now=now, tz=tz)
    except UserInputError:
        return
    assert now < found <= now + LONGEST


WORDS = st.lists(
    st.sampled_from(
        ["until", "for", "tomorrow", "today", "friday", "mon", "18:00", "6pm", "4h", "30", "m", "days", "2026-11-25"]
    ),
    max_size=4,
).map(" ".join)


@given(WORDS, INSTANTS, ZONES)
def test_deadline_words_in_any_order_are_future_or_refused(text: str, now: datetime, tz: str) -> None:
    try:
        found = deadline.parse(text, now=now, tz=tz)
    except UserInputError:
        return
    assert now < found <= now + LONGEST


@given(st.integers(1, 30 * 24 * 60), INSTANTS, ZONES)
def test_deadline_amount_is_exact_across_clock_change(minutes: int, now: datetime, tz: str) -> None:
    assert deadline.parse(f"{minutes}m", now=now, tz=tz) == now + timedelta(minutes=minutes)


@given(st.integers(0, 23), st.integers(0, 59), INSTANTS, st.sampled_from(["UTC", "Asia/Kathmandu", "Asia/Tokyo"]))
def test_a_time_of_day_is_the_next_one_on_the_wall(hour: int, minute: int, now: datetime, tz: str) -> None:
    found = deadline.parse(f"{hour}:{minute:02}", now=now, tz=tz)
    there = found.astimezone(zone(tz))
    assert (there.hour, there.minute, there.second) == (hour, minute, 0)
    assert found - now <= timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "when", "rest"),
    [
        ("4h", "4h", ""),
        ("30m courier", "30m", "courier"),
        ("courier 30m", "30m", "courier"),
        ("until friday Courier", "until friday", "Courier"),
        ("until 18:00", "until 18:00", ""),
        ("4 hours Field Notes", "4 hours", "Field Notes"),
        ("2048 4h", "4h", "2048"),
        ("friday@10:00 courier", "friday 10:00", "courier"),
        ("courier", "", "courier"),
        ("", "", ""),
    ],
)
def test_the_words_that_say_when_are_told_from_the_others(text: str, when: str, rest: str) -> None:
    assert deadline.split(text) == (when, rest)


@given(st.text(max_size=40))
def test_any_text_can_be_told_apart(text: str) -> None:
    when, rest = deadline.split(text)
    assert sorted(f"{when} {rest}".replace("@", " ").split()) == sorted(text.replace("@", " ").split())
