"""Periods as people write them: whole days in their own time zone, ends included, right over clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import time_zones
from bot.domain.timeparse import period as timeparse_period
from bot.domain.timeparse.period import Period
from bot.exceptions import UserInputError
from bot.i18n import _, use_locale
from tests.support import facts

MADRID = "Europe/Madrid"
SATURDAY = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)  # 12:30 in Madrid
MILLISECOND = timedelta(milliseconds=1)


def parse(since: str | None, until: str | None = None, *, now: datetime = SATURDAY, tz: str = MADRID) -> Period:
    found = timeparse_period.parse(since, until, now=now, tz=tz)
    assert found is not None
    return found


def utc(found: Period) -> tuple[str, str]:
    return tuple(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] for moment in (found.start, found.end))  # type: ignore[return-value]


def length(found: Period) -> timedelta:
    return found.end.astimezone(UTC) - found.start.astimezone(UTC) + MILLISECOND


# ------------------------------------------------------------------ how it is written


def test_nothing_written_is_no_period() -> None:
    assert timeparse_period.parse(None, None, now=SATURDAY, tz=MADRID) is None


@pytest.mark.parametrize(
    ("since", "start"),
    [
        ("today", "2026-11-20 23:00"),
        ("Yesterday", "2026-11-19 23:00"),
        ("7d", "2026-11-13 23:00"),
        ("7 D", "2026-11-13 23:00"),
        ("0d", "2026-11-20 23:00"),
        ("2w", "2026-11-06 23:00"),
        ("1m", "2026-10-21 22:00"),
        ("24h", "2026-11-20 11:30"),
        ("friday", "2026-11-19 23:00"),
        ("fri", "2026-11-19 23:00"),
        ("saturday", "2026-11-13 23:00"),
        ("sun", "2026-11-14 23:00"),
        ("this week", "2026-11-15 23:00"),
        ("last-week", "2026-11-08 23:00"),
        ("this month", "2026-10-31 23:00"),
        ("last_month", "2026-09-30 22:00"),
        ("2026-11-01", "2026-10-31 23:00"),
        (" 2026-11-01 ", "2026-10-31 23:00"),
        ("20261101", "2026-10-31 23:00"),
    ],
)
def test_period_since_day_starts_at_local_midnight_until_now(since: str, start: str) -> None:
    found = parse(since)
    assert f"{found.start.astimezone(UTC):%Y-%m-%d %H:%M}" == start
    assert found.end == SATURDAY


@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("today", "2026-11-21 22:59:59.999"),
        ("2026-11-07", "2026-11-07 22:59:59.999"),
        ("friday", "2026-11-20 22:59:59.999"),
        ("this week", "2026-11-21 22:59:59.999"),
        ("last week", "2026-11-15 22:59:59.999"),
        ("Last-Week", "2026-11-15 22:59:59.999"),
        ("this month", "2026-11-21 22:59:59.999"),
        ("last month", "2026-10-31 22:59:59.999"),
        ("last_month", "2026-10-31 22:59:59.999"),
    ],
)
def test_an_end_is_the_last_moment_of_what_it_names(until: str, end: str) -> None:
    assert utc(parse("2026-01-01", until))[1] == end


@pytest.mark.parametrize(
    ("since", "until"), [("2026-11-01..2026-11-07", None), ("2026-11-01", "2026-11-07"), ("2026-11-01..", "2026-11-07")]
)
def test_a_span_can_be_written_in_one_or_in_two(since: str, until: str | None) -> None:
    assert utc(parse(since, until)) == ("2026-10-31 23:00:00.000", "2026-11-07 22:59:59.999")


def test_a_span_may_be_open_at_either_end() -> None:
    assert parse("2026-11-01..").end == SATURDAY
    opened = parse("..2026-11-07")
    assert opened == parse(None, "2026-11-07")
    assert opened.start.year == 2000


def test_one_day_is_a_span_too() -> None:
    assert length(parse("2026-11-07..2026-11-07")) == timedelta(days=1)


def test_period_description_includes_time_zone() -> None:
    assert _(parse("7d").words) == "from 14 Nov 2026 to today (Europe/Madrid)"
    assert _(parse("2026-11-01..2026-11-07").words) == "from 1 Nov 2026 to 7 Nov 2026 (Europe/Madrid)"
    assert _(parse("2026-11-07..2026-11-07").words) == "on 7 Nov 2026 (Europe/Madrid)"
    assert _(parse(None, "2026-11-07").words) == "from the beginning to 7 Nov 2026 (Europe/Madrid)"


def test_period_described_in_reader_language() -> None:
    asked = parse("7d"), parse("2026-11-01..2026-11-07"), parse("2026-11-07..2026-11-07"), parse(None, "2026-11-07")
    with use_locale("es"):
        assert [_(period.words) for period in asked] == [
            "del 14 nov 2026 a hoy (Europe/Madrid)",
            "del 1 nov 2026 al 7 nov 2026 (Europe/Madrid)",
            "el 7 nov 2026 (Europe/Madrid)",
            "desde el principio hasta el 7 nov 2026 (Europe/Madrid)",
        ]
        assert [_(timeparse_period.before(period).words) for period in asked[1:3]] == [
            "los 7 días anteriores",
            "el día anterior",
        ]
        assert _(timeparse_period.before(asked[0]).words) == "el periodo anterior"
        assert _(parse("2026-11-20T10:00").words) == "del 20 nov 2026 10:00 a hoy (Europe/Madrid)"
        two = timeparse_period.between(asked[1].start, asked[1].end, MADRID)
        assert _(two.words) == "del 1 nov 2026 0:00 al 7 nov 2026 23:59 (Europe/Madrid)"
    assert _(asked[0].words) == "from 14 Nov 2026 to today (Europe/Madrid)"


def test_period_unknown_time_zone_is_utc() -> None:
    for name in ("", "Mars/Olympus", "../../etc/passwd", "Europe", "a\x00b", "\ud800", "x" * 5000):
        assert str(time_zones.zone(name)) == "UTC"
    assert "(UTC)" in _(parse("7d", tz="Mars/Olympus").words)


def test_a_day_begins_where_the_person_is() -> None:
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # the 22nd in Madrid, the 21st in Lima
    assert utc(parse("today", now=late))[0] == "2026-11-21 23:00:00.000"
    assert utc(parse("today", now=late, tz="America/Lima"))[0] == "2026-11-21 05:00:00.000"


# ------------------------------------------------------------------ clock changes and leap days


def test_the_day_the_clocks_go_back_has_25_hours() -> None:
    found = parse("2026-10-25..2026-10-25")
    assert utc(found) == ("2026-10-24 22:00:00.000", "2026-10-25 22:59:59.999")
    assert length(found) == timedelta(hours=25)


def test_the_day_the_clocks_go_forward_has_23_hours() -> None:
    found = parse("2026-03-29..2026-03-29")
    assert utc(found) == ("2026-03-28 23:00:00.000", "2026-03-29 21:59:59.999")
    assert length(found) == timedelta(hours=23)


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # 02:30, the first time
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),  # 02:30, the second time
        datetime(2026, 10, 25, 11, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 11, tzinfo=UTC),
    ],
)
@pytest.mark.parametrize("hours", [1, 2, 3, 24])
def test_hours_are_hours_also_when_the_clocks_change(now: datetime, hours: int) -> None:
    found = parse(f"{hours}h", now=now)
    assert found.end.astimezone(UTC) - found.start.astimezone(UTC) == timedelta(hours=hours)


def test_ten_to_three_may_come_before_ten_past_two() -> None:
    """In the hour that the clocks show twice, what is later may be less by the clock on the wall."""
    first, second = "2026-10-25T02:50+02:00", "2026-10-25T02:10+01:00"
    assert length(parse(f"{first}..{second}")) - MILLISECOND == timedelta(minutes=20)
    now = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert length(parse(first, now=now)) - MILLISECOND == timedelta(minutes=20)
    assert "ends before it starts" in str(refused(f"{second}..{first}").sentence)
    assert "future" in str(refused("2026-10-25T02:10+01:00", now=datetime(2026, 10, 25, 0, 50, tzinfo=UTC)).sentence)


def test_days_are_days_of_the_calendar_when_the_clocks_change() -> None:
    after = datetime(2026, 10, 26, 9, tzinfo=UTC)
    assert utc(parse("1d", now=after))[0] == "2026-10-24 22:00:00.000"
    assert utc(parse("yesterday..yesterday", now=after)) == ("2026-10-24 22:00:00.000", "2026-10-25 22:59:59.999")


def test_a_leap_day_is_a_day_and_only_in_its_year() -> None:
    assert utc(parse("2024-02-29..2024-02-29")) == ("2024-02-28 23:00:00.000", "2024-02-29 22:59:59.999")
    with pytest.raises(UserInputError):
        parse("2025-02-29")


def test_last_month_knows_how_long_it_was() -> None:
    march = datetime(2024, 3, 31, 10, tzinfo=UTC)
    assert utc(parse("last month..last month", now=march)) == ("2024-01-31 23:00:00.000", "2024-02-29 22:59:59.999")
    january = datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert utc(parse("last month..last month", now=january)) == ("2025-11-30 23:00:00.000", "2025-12-31 22:59:59.999")


# Santiago's clocks go back at midnight, Havana's at one; Beirut's go forward at midnight; Lord Howe's by half an hour.
ZONES = (MADRID, "UTC", "America/Santiago", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kathmandu")


@given(st.dates(date(2000, 1, 2), date(2037, 12, 30)), st.sampled_from(ZONES))
def test_days_meet_without_gap_or_overlap_everywhere(day: date, tz: str) -> None:
    period, then = parse(f"{day}..{day}", tz=tz), parse(f"..{day + timedelta(days=1)}", tz=tz)
    both = parse(f"{day}..{day + timedelta(days=1)}", tz=tz)
    after = parse(f"{day + timedelta(days=1)}..{day + timedelta(days=1)}", tz=tz)
    assert period.end.astimezone(UTC) + MILLISECOND == after.start.astimezone(UTC)
    assert (both.start, both.end) == (period.start, after.end)
    assert then.end == after.end


@pytest.mark.parametrize(("day", "tz"), [(date(2026, 4, 4), "America/Santiago"), (date(2026, 11, 1), "America/Havana")])
def test_period_repeated_hour_at_midnight_belongs_to_its_day(day: date, tz: str) -> None:
    assert length(parse(f"{day}..{day}", tz=tz)) == timedelta(hours=25)


# ------------------------------------------------------------------ nonsense


def refused(since: str | None, until: str | None = None, **more: Any) -> UserInputError:
    with pytest.raises(UserInputError) as error:
        parse(since, until, **more)
    assert "`since:7d`" in str(error.value.next_step)
    assert str(error.value.sentence).endswith(".")
    assert len(str(error.value.sentence)) < 120
    return error.value


@pytest.mark.parametrize(
    "since",
    [
        "soon",
        "7x",
        "d",
        "-7d",
        "7.5d",
        "99999d",
        "s",
        "mo",
        "2026-13-01",
        "2026-11-31",
        "01/11/2026",
        "a..b",
        "1..2..3",
        "2026-11-01..tomorrow",
        "…",
        "🗓️",
        "x" * 40_000,
        "7d\x00",
        "since:7d",
        "t",
        "mondays",
    ],
)
def test_period_invalid_time_refused_with_example(since: str) -> None:
    error = refused(since)
    assert "I can't read the time “" in str(error.sentence)


@pytest.mark.parametrize("since", ["", "..", " .. "])
def test_a_period_without_beginning_and_end_is_refused(since: str) -> None:
    refused(since)


def test_an_end_that_is_no_time_is_refused() -> None:
    refused(None, "7d")
    refused("7d", "soon")
    refused(None, "")


def test_an_end_before_the_beginning_is_refused() -> None:
    assert "ends before it starts" in str(refused("2026-11-07..2026-11-01").sentence)


def test_a_beginning_in_the_future_is_refused() -> None:
    assert "future" in str(refused("2026-11-22").sentence)
    assert "future" in str(refused("9999-12-31").sentence)
    assert parse("2026-11-22..2026-11-23").start > SATURDAY, "with an end it is a plan, and has no downloads yet"


def test_period_out_of_range_time_is_refused() -> None:
    assert "too far in the past or future" in str(refused(None, "9999-12-31").sentence)
    assert "too far in the past or future" in str(refused("0001-01-01", tz="Asia/Tokyo").sentence), (
        "in UTC that is no date"
    )
    assert "too far in the past or future" in str(refused("9999w", now=datetime(190, 1, 1, tzinfo=UTC)).sentence)


def test_a_long_time_is_a_time() -> None:
    assert parse("9999w").start.year == 1835


@given(
    st.none() | facts.texts | st.from_regex(r"[0-9]{1,4}[hdwm]", fullmatch=True),
    st.none() | facts.texts,
    st.sampled_from(ZONES),
    st.integers(0, 2**32).map(lambda second: datetime.fromtimestamp(second, UTC)),
)
def test_period_any_text_is_valid_or_has_example(since: str | None, until: str | None, tz: str, now: datetime) -> None:
    hint = "`since:7d`"
    try:
        found = timeparse_period.parse(since, until, now=now, tz=tz)
    except UserInputError as error:
        found, hint = None, str(error.next_step)
    assert "`since:7d`" in hint
    assert found is None or found.start.astimezone(UTC) <= found.end.astimezone(UTC)


# ------------------------------------------------------------------ the period before, for comparison


def span(period: Period) -> tuple[str, str, str]:
    tz = period.start.tzinfo
    first, last = period.start, period.end.astimezone(tz)
    return f"{first:%Y-%m-%d %H:%M}", f"{last:%Y-%m-%d %H:%M}", _(period.words)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-11-08", "2026-11-14", ("2026-11-01 00:00", "2026-11-07 23:59", "the 7 days before")),
        ("yesterday", "yesterday", ("2026-11-19 00:00", "2026-11-19 23:59", "the day before")),
        ("24h", None, ("2026-11-19 12:29", "2026-11-20 12:29", "the period before")),
        ("friday", None, ("2026-11-18 11:29", "2026-11-19 23:59", "the period before")),
        # October 2026 has a day of 25 hours in Madrid, September none
        ("2026-10-01", "2026-10-31", ("2026-08-31 00:00", "2026-09-30 23:59", "the 31 days before")),
        ("2026-10-25", "2026-10-25", ("2026-10-24 00:00", "2026-10-24 23:59", "the day before")),
        ("2026-10-26", "2026-10-26", ("2026-10-25 00:00", "2026-10-25 23:59", "the day before")),
        # a leap year
        ("2024-03-01", "2024-03-01", ("2024-02-29 00:00", "2024-02-29 23:59", "the day before")),
        ("2024-02-26", "2024-03-03", ("2024-02-19 00:00", "2024-02-25 23:59", "the 7 days before")),
    ],
)
def test_period_before_has_same_length_and_ends_at_start(
    since: str, until: str | None, expected: tuple[str, str, str]
) -> None:
    assert span(timeparse_period.before(parse(since, until))) == expected


@given(st.integers(0, 4000), st.integers(1, 40), st.sampled_from([MADRID, "America/Santiago", "Asia/Kathmandu"]))
def test_nothing_lies_between_a_period_and_the_one_before(start: int, days: int, tz: str) -> None:
    first = date(2020, 1, 1) + timedelta(days=start)
    this = parse(first.isoformat(), (first + timedelta(days=days - 1)).isoformat(), now=SATURDAY, tz=tz)
    earlier = timeparse_period.before(this)
    assert this.start.astimezone(UTC) - earlier.end.astimezone(UTC) == MILLISECOND
    assert earlier.start.date() == first - timedelta(days=days)


def test_period_between_instants_excludes_the_end() -> None:
    """The second instant belongs to the period after it."""
    monday = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
    found = timeparse_period.between(monday, monday + timedelta(days=7), MADRID)
    assert _(found.words) == "from 16 Nov 2026 9:00 AM to 23 Nov 2026 9:00 AM (Europe/Madrid)"
    assert found.end == monday + timedelta(days=7) - MILLISECOND


@pytest.mark.parametrize(
    ("since", "until"),
    [("7d", None), ("24h", None), ("2026-10-25", "2026-10-25"), (None, "friday"), ("last month", None)],
)
@pytest.mark.parametrize("tz", [MADRID, "Asia/Kathmandu", "UTC"])
def test_period_typed_form_means_the_same_later_and_elsewhere(since: str | None, until: str | None, tz: str) -> None:
    """A period can be typed so that it means the same at another time and in another time zone."""
    found = parse(since, until, tz=tz)
    again = dict(timeparse_period.typed(found))
    later = parse(again.get("since"), again["until"], now=SATURDAY + timedelta(days=40), tz="America/Lima")
    assert later.start == found.start or found.open
    assert abs(later.end - found.end) < MILLISECOND


def test_period_instant_without_offset_is_local_with_time_shown() -> None:
    found = parse("2026-11-14T09:00", "2026-11-15T18:30:00")
    assert utc(found) == ("2026-11-14 08:00:00.000", "2026-11-15 17:30:00.000")
    assert _(found.words) == "from 14 Nov 2026 9:00 AM to 15 Nov 2026 6:30 PM (Europe/Madrid)"


@pytest.mark.parametrize("typed", ["2026-11-14T", "2026-11-14T25:00", "0001-01-01T00:00+14:00", "T", "2026T"])
def test_a_moment_that_is_none_is_answered_with_examples(typed: str) -> None:
    with pytest.raises(UserInputError):
        parse(typed)
