"""Serialization of builds, reports and options as msgspec JSON, which versions with more fields still read."""

from __future__ import annotations

import msgspec

from bot.db.types import micros
from bot.domain.forecast_facts import Forecast
from bot.domain.goals import GoalRequest, GoalStatus
from bot.domain.model import Build, DeliveryOptions
from bot.domain.reports import DownloadReport

_builds = msgspec.json.Decoder(Build)
_manners = msgspec.json.Decoder(DeliveryOptions)
_reports = msgspec.json.Decoder(DownloadReport)
_forecasts = msgspec.json.Decoder(Forecast)
_goals = msgspec.json.Decoder(GoalStatus)
_requests = msgspec.json.Decoder(GoalRequest)

USUAL = DeliveryOptions()


def facts_of(build: Build) -> str:
    """Return a build as JSON text."""
    return msgspec.json.encode(build).decode()


def row_of(build: Build, n: int = 0, mark: str = "") -> dict[str, object]:
    """Return a build as a row of RECORDED; `n` orders builds that are first seen together."""
    return {
        "id": build.id,
        "stage": build.stage,
        "facts": facts_of(build),
        "mark": mark,
        "created": None if build.created_at is None else micros(build.created_at),
        "n": n,
    }


RECORDED = {"id": "text", "stage": "text", "facts": "text", "mark": "text", "created": "bigint", "n": "bigint"}
_MADE_AT = "CASE WHEN o.created < {now} THEN o.created ELSE {now} + o.n END"
# Of a build that is recorded for the first time: `made_at`, `seen_at` and `since`.
PLACES = f"{_MADE_AT}, {{now}} + o.n, {_MADE_AT}"


def build_of(facts: str) -> Build:
    """Return the build in a JSON text; unknown fields are skipped, missing ones take their defaults.

    Raises ValueError for a text that cannot be read, such as a stage that only a newer version knows.
    """
    return _builds.decode(facts)


def text_of(manner: DeliveryOptions) -> str:
    """Return delivery options as JSON text; empty for the defaults."""
    return "" if manner == USUAL else msgspec.json.encode(manner).decode()


def manner_of(text: str) -> DeliveryOptions:
    """Return the delivery options in a JSON text."""
    return _manners.decode(text) if text else USUAL


def fact_of_report(report: DownloadReport) -> str:
    """Return a report as JSON text."""
    return msgspec.json.encode(report).decode()


def report_of(fact: str) -> DownloadReport:
    """Return the report in a JSON text. Raises ValueError when it cannot be read."""
    return _reports.decode(fact)


def fact_of_forecast(forecast: Forecast) -> str:
    """Return a forecast as JSON text."""
    return msgspec.json.encode(forecast).decode()


def forecast_of(fact: str) -> Forecast:
    """Return the forecast in a JSON text. Raises ValueError when it cannot be read."""
    return _forecasts.decode(fact)


def fact_of_goal(status: GoalStatus) -> str:
    """Return a goal's status as JSON text."""
    return msgspec.json.encode(status).decode()


def goal_of_fact(fact: str) -> GoalStatus:
    """Return the goal's status in a JSON text. Raises ValueError when it cannot be read."""
    return _goals.decode(fact)


def fact_of_request(request: GoalRequest) -> str:
    """Return a request to a user as JSON text."""
    return msgspec.json.encode(request).decode()


def request_of(fact: str) -> GoalRequest:
    """Return the request to a user in a JSON text. Raises ValueError when it cannot be read."""
    return _requests.decode(fact)
