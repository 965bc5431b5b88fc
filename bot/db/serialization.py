"""What we keep of a build or a report: msgspec JSON that a later version, with more fields, still reads."""

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
    """Return what is recorded of a build, as a row of RECORDED; `n` orders those that are first seen together."""
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
# For a build that is recorded for the first time: `made_at`, `seen_at` and `since`.
PLACES = f"{_MADE_AT}, {{now}} + o.n, {_MADE_AT}"


def build_of(facts: str) -> Build:
    """Return the build of such a text; unknown fields are skipped, missing ones take their defaults.

    Raises ValueError when it cannot be read all the same (a stage only a newer version knows).
    """
    return _builds.decode(facts)


def text_of(manner: DeliveryOptions) -> str:
    """Return a manner as JSON text; the usual one is the empty text."""
    return "" if manner == USUAL else msgspec.json.encode(manner).decode()


def manner_of(text: str) -> DeliveryOptions:
    """Return the manner of such a text."""
    return _manners.decode(text) if text else USUAL


def fact_of_report(report: DownloadReport) -> str:
    """Return a report as JSON text."""
    return msgspec.json.encode(report).decode()


def report_of(fact: str) -> DownloadReport:
    """Return the report of such a text; raises ValueError when it cannot be read."""
    return _reports.decode(fact)


def fact_of_forecast(forecast: Forecast) -> str:
    """Return a forecast as JSON text."""
    return msgspec.json.encode(forecast).decode()


def forecast_of(fact: str) -> Forecast:
    """Return the forecast of such a text; raises ValueError when it cannot be read."""
    return _forecasts.decode(fact)


def fact_of_goal(status: GoalStatus) -> str:
    """Return what a goal's card shows as JSON text."""
    return msgspec.json.encode(status).decode()


def goal_of_fact(fact: str) -> GoalStatus:
    """Return what a goal's card shows; raises ValueError when it cannot be read."""
    return _goals.decode(fact)


def fact_of_request(request: GoalRequest) -> str:
    """Return what a person is asked for as JSON text."""
    return msgspec.json.encode(request).decode()


def request_of(fact: str) -> GoalRequest:
    """Return what a person is asked for; raises ValueError when it cannot be read."""
    return _requests.decode(fact)
