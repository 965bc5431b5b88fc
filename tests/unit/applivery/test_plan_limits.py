"""The plan's limits that were reported: the last of each kind, and each until the database has it."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.applivery.errors import ErrorBody, problem
from bot.applivery.plan_limits import PlanLimitLog
from bot.exceptions import QuotaExceeded

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def refusal(item: str | None, limit: int | None, used: int | None = None) -> QuotaExceeded:
    error = problem(ErrorBody(5003, item=item, limit=limit, num=used), 400)
    assert isinstance(error, QuotaExceeded)
    return error


def test_the_last_limit_of_each_kind_is_kept() -> None:
    log = PlanLimitLog()
    for item, limit in (("downloadsByMonth.202610", 10), ("apps", 3), ("downloadsByMonth.202611", 20)):
        log.note(refusal(item, limit, limit), NOW)
    assert [(limit.item, limit.limit, limit.used, limit.at) for limit in log.seen()] == [
        ("downloadsByMonth.202611", 20, 20, NOW),
        ("apps", 3, 3, NOW),
    ]


def test_a_refusal_without_numbers_is_no_limit() -> None:
    log = PlanLimitLog()
    for refused in (refusal(None, 3), refusal("downloads", None)):
        log.note(refused, NOW)
    assert log.seen() == []


def test_a_limit_is_unsaved_until_that_very_one_is_saved() -> None:
    log = PlanLimitLog()
    log.note(refusal("downloads", 10), NOW)
    [first] = log.unsaved()
    log.note(refusal("downloads", 20), NOW)
    log.saved(first)
    [second] = log.unsaved()
    assert second.limit == 20
    log.saved(second)
    assert log.unsaved() == []
    assert log.seen() == [second]
