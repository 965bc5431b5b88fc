"""When a monthly limit of downloads is reached at the pace so far; a month is one in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.domain.plan_limits import PlanLimit, month_of, next_month, reached_at

MONTH = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("limit", "used", "days", "expected"),
    [
        (3_000, 1_000, 10, None),  # at the end of a month of 30 days, which is not in it
        (2_000, 1_000, 10, MONTH + 20 * DAY),
        (5_000, 3_900, 18, MONTH + 18 * DAY * (5_000 / 3_900)),
        (1_000, 1_000, 10, MONTH + 10 * DAY),
        (1_000, 1_200, 10, MONTH + 10 * DAY),
        (1_000, 0, 10, None),
        (0, 10, 10, None),
        (2_000, 1_000, 1, MONTH + 2 * DAY),
        (2_000, 1_000, 0.99, None),
        (10**18, 1, 10, None),
        (100_000, 1_000, 10, None),
    ],
)
def test_the_pace_of_a_month_says_when(limit: int, used: int, days: float, expected: datetime | None) -> None:
    assert reached_at(limit, used, MONTH + days * DAY) == expected


@pytest.mark.parametrize(
    ("item", "of_downloads", "month"),
    [
        ("downloads", True, MONTH),
        ("downloadsByMonth.202006", True, datetime(2020, 6, 1, tzinfo=UTC)),
        ("downloadsByMonth.202013", True, MONTH),
        ("downloadsByMonth.000006", True, MONTH),
        ("builds", False, MONTH),
        ("downloadsByDay.202006", False, MONTH),
    ],
)
def test_the_month_is_named_or_that_of_the_report(item: str, of_downloads: bool, month: datetime) -> None:
    limit = PlanLimit(item, 10, 10, MONTH + 12 * DAY)
    assert (limit.of_downloads, limit.month) == (of_downloads, month)


def test_a_month_begins_in_utc() -> None:
    there = timezone(timedelta(hours=5))
    assert month_of(datetime(2026, 12, 1, 2, tzinfo=there)) == MONTH
    assert next_month(datetime(2026, 12, 1, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
