"""Build the documented query parameters."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.applivery import parse
from bot.domain.model import Stage
from bot.exceptions import UserInputError
from bot.i18n import Number, Text

# The list's status values; `success` is never sent.
# https://docs.applivery.com/en/app-distribution/api/builds/list-builds
_STATUS = {
    Stage.PENDING: "pending",
    Stage.RUNNING: "in_progress",
    Stage.READY: "processed",
    Stage.FAILED: "error",
}
PLATFORMS = ("ios", "android")  # the builds list can filter by these


def status_word(status: Stage | str | None) -> str | None:
    """Return the builds list's filter value for a stage or Applivery's status; None without one."""
    if status is None:
        return None
    return _STATUS.get(status if isinstance(status, Stage) else parse.stage(status))


def platform_word(platform: str | None) -> str | None:
    """Return the platform when the builds list can filter by it, else None."""
    return platform.lower() if platform and platform.lower() in PLATFORMS else None


def period(email: str | None, since: datetime | None, until: datetime | None, *, longest_email: int) -> dict[str, str]:
    """Return the parameters for a person's email and a period.

    Raises UserInputError for an email that is too long, ValueError for a time without a zone.
    """
    if email and len(email) > longest_email:
        raise UserInputError(
            Text("That email address is too long."),
            Text("The limit is {number} characters.", number=Number(longest_email)),
        )
    wanted = {"email": email, "iniDate": _timestamp(since), "endDate": _timestamp(until)}
    return {key: value for key, value in wanted.items() if value}


def _timestamp(at: datetime | None) -> str | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("a time for Applivery needs its zone")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
