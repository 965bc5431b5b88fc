"""Schedules: typed by people, said back in words, and coming round once whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.timeparse import schedule as timeparse_schedule
from bot.domain.timeparse.schedule import Schedule
from bot.exceptions import UserInputError
from bot.i18n import _, use_locale

MADRID = "Europe/Madrid"
ZONES = (MADRID, "UTC", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "Africa/Cairo")

_schedules = st.builds(
    lambda days, at: Schedule(tuple(sorted(days)), at.replace(second=0, microsecond=0)),
    st.sets(st.integers(0, 6), min_size=1),
    st.times(),
)


@pytest.mark.parametrize(
    ("typed", "canonical", "words"),
    [
        ("daily@09:00", "daily@09:00", "every day at 9:00 AM"),
        ("Daily @ 9:00", "daily@09:00", "every day at 9:00 AM"),
        ("weekdays@09:00", "weekdays@09:00", "every weekday at 9:00 AM"),
        ("monday@09:00", "monday@09:00", "every Monday at 9:00 AM"),
        ("Fri@17:30", "friday@17:30", "every Friday at 5:30 PM"),
        ("thu,mon,thursday@09:00", "mon,thu@09:00", "every Monday and Thursday at 9:00 AM"),
        ("mon, wed, fri@23:59", "mon,wed,fri@23:59", "every Monday, Wednesday and Friday at 11:59 PM"),
        ("weekdays,sat,sun@00:00", "daily@00:00", "every day at 12:00 AM"),
    ],
)
def test_a_schedule_is_typed_loosely_and_said_back_exactly(typed: str, canonical: str, words: str) -> None:
    found = timeparse_schedule.parse(typed)
    assert (str(found), str(timeparse_schedule.explain(found))) == (canonical, words)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("daily@09:00", "cada día a las 9:00"),
        ("weekdays@09:00", "de lunes a viernes a las 9:00"),
        ("sunday@18:30", "cada domingo a las 18:30"),
        ("mon,wed,sat@18:30", "cada lunes, miércoles y sábado a las 18:30"),
    ],
)
def test_a_schedule_is_said_in_spanish_and_typed_in_english(typed: str, words: str) -> None:
    with use_locale("es"):
        found = timeparse_schedule.parse(typed)
        assert (str(found), _(timeparse_schedule.explain(found))) == (typed, words)


@pytest.mark.parametrize(
    "typed",
    [
        *("", "@", "daily", "daily@", "@09:00", "09:00", "daily@24:00", "daily@9", "daily@09:60", "daily@٠٩:٠٠"),
        *("t@09:00", "mo@09:00", "someday@09:00", "mon,,tue@09:00"),
        *("daily@09:00@10:00", "monday@-1:00", "monday@09:00:00"),
    ],
)
def test_schedule_invalid_refused_with_examples(typed: str) -> None:
    with pytest.raises(UserInputError) as caught:
        timeparse_schedule.parse(typed)
    assert "daily@09:00" in str(caught.value.next_step)


@given(_schedules)
def test_the_canonical_text_is_the_schedule(schedule: Schedule) -> None:
    assert timeparse_schedule.parse(str(schedule)) == schedule


def test_schedule_recurs_in_user_time_zone() -> None:
    saturday = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
    monday = timeparse_schedule.parse("monday@09:00")
    assert timeparse_schedule.next_after(monday, saturday, MADRID) == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert timeparse_schedule.next_after(monday, saturday, "Asia/Tokyo") == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    assert timeparse_schedule.next_after(monday, saturday, "No/Where") == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_the_time_itself_is_not_after_itself() -> None:
    nine = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    daily = timeparse_schedule.parse("daily@09:00")
    assert timeparse_schedule.next_after(daily, nine, MADRID) == nine + timedelta(days=1)
    assert timeparse_schedule.next_after(daily, nine - timedelta(microseconds=1), MADRID) == nine


def test_nine_o_clock_stays_nine_o_clock_when_the_clocks_change() -> None:
    daily = timeparse_schedule.parse("daily@09:00")
    before = datetime(2026, 10, 24, 9, 0, tzinfo=ZoneInfo(MADRID))  # the clocks go back on the 25th
    assert timeparse_schedule.next_after(daily, before, MADRID) == datetime(2026, 10, 25, 8, 0, tzinfo=UTC)


def _all(typed: str, start: datetime, end: datetime, tz: str = MADRID) -> list[datetime]:
    found, at = [], start
    while (at := timeparse_schedule.next_after(timeparse_schedule.parse(typed), at, tz)) < end:
        found.append(at)
    return found


def test_a_half_past_two_that_does_not_exist_comes_once() -> None:
    """In Madrid 02:00 becomes 03:00 on 29 March 2026, which is 01:00 UTC."""
    assert _all("daily@02:30", datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)) == [
        datetime(2026, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]


def test_a_half_past_two_that_exists_twice_comes_once() -> None:
    """In Madrid 03:00 becomes 02:00 on 25 October 2026, which is 01:00 UTC: 02:30 is 00:30 and 01:30 UTC."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    tomorrow = datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    daily = timeparse_schedule.parse("daily@02:30")
    assert timeparse_schedule.next_after(daily, first - timedelta(minutes=1), MADRID) == first
    for minutes in range(120):  # whenever after it the bot asks, a restart in the second 02:xx hour included
        assert timeparse_schedule.next_after(daily, first + timedelta(minutes=minutes), MADRID) == tomorrow


def test_a_leap_day_is_a_day() -> None:
    assert _all("tuesday@09:00", datetime(2028, 2, 28, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)) == [
        datetime(2028, 2, 29, 8, 0, tzinfo=UTC)
    ]


@given(
    _schedules,
    st.integers(0, 15 * 365 * 24 * 60).map(
        lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(ZONES),
)
def test_each_chosen_day_has_it_once_and_no_other_day_has(schedule: Schedule, start: datetime, tz: str) -> None:
    ticks = [start]
    for _round in range(9):
        ticks.append(timeparse_schedule.next_after(schedule, ticks[-1], tz))
    assert all(moment < other for moment, other in pairwise(ticks))
    days = [tick.astimezone(ZoneInfo(tz)).date() for tick in ticks[1:]]
    assert all(day.weekday() in schedule.days for day in days)
    assert len(set(days)) == len(days)
    # no chosen day between two of them is left out
    assert all((other - day).days <= 7 for day, other in pairwise(days))
    usual = time(schedule.at.hour, schedule.at.minute)
    off = [tick for tick in ticks[1:] if tick.astimezone(ZoneInfo(tz)).time() != usual]
    assert len(off) <= 1  # only on the day the clocks skip it
