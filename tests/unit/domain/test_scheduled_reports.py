"""The turn of a digest: where it begins and ends, and that several missed ones are one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.downloads import GroupBy
from bot.domain.scheduled_reports import LATE, ScheduledReport, turn

MADRID = "Europe/Madrid"
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)  # 09:00 in Madrid
WEEKLY = ScheduledReport(
    1, "T", "C1", "a", "Courier", "", GroupBy.PERSON, "monday@09:00", MADRID, False, "U1", MONDAY, MONDAY, MONDAY
)
WEEK, DAY = timedelta(days=7), timedelta(days=1)


def test_report_covers_last_report_to_scheduled_time_not_now() -> None:
    found = turn(replace(WEEKLY, due_at=MONDAY + WEEK), MONDAY + WEEK + timedelta(minutes=3))
    assert (found.period.start, found.until, found.next_at) == (MONDAY, MONDAY + WEEK, MONDAY + 2 * WEEK)
    assert found.period.end == MONDAY + WEEK - timedelta(milliseconds=1)
    assert str(found.period.words) == "from 23 Nov 2026 9:00 AM to 30 Nov 2026 9:00 AM (Europe/Madrid)"
    assert found.late is None


def test_five_that_were_missed_are_one_that_says_when_it_was_due() -> None:
    found = turn(replace(WEEKLY, due_at=MONDAY + WEEK), MONDAY + 5 * WEEK + DAY)
    assert (found.period.start, found.until, found.next_at) == (MONDAY, MONDAY + 5 * WEEK, MONDAY + 6 * WEEK)
    assert found.late == MONDAY + 5 * WEEK


def test_report_at_nine_stays_at_nine_across_clock_change() -> None:
    saturday = datetime(2026, 10, 24, 7, tzinfo=UTC)  # 09:00 in Madrid, where the clocks go back that night
    daily = replace(WEEKLY, schedule="daily@09:00", reported_until=saturday, due_at=saturday + timedelta(hours=25))
    found = turn(daily, saturday + timedelta(hours=25))
    assert found.period.end - found.period.start == timedelta(hours=25) - timedelta(milliseconds=1)
    assert found.next_at == saturday + timedelta(hours=49)


@given(
    st.integers(0, 400 * 24 * 60), st.sampled_from(["daily@02:30", "mon,thu@17:30", "weekdays@00:00", "sunday@23:59"])
)
def test_turns_follow_each_other_without_gap_and_without_overlap(minutes: int, schedule: str) -> None:
    report = replace(WEEKLY, schedule=schedule, due_at=MONDAY + DAY, reported_until=MONDAY)
    first = turn(report, MONDAY + DAY + timedelta(minutes=minutes))
    now = first.next_at + timedelta(minutes=minutes)
    second = turn(replace(report, reported_until=first.until, due_at=first.next_at), now)
    assert second.period.start == first.until
    assert first.until < first.next_at <= second.until <= now < second.next_at
    assert (second.late is None) is (now - second.until <= LATE)
