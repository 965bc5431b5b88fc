"""The whole examination: every check in its order, none of which can stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from bot.doctor import applivery, database, service, slack
from bot.doctor.context import CheckContext, Consent, opened
from bot.doctor.results import CheckResult, DoctorReport, broken, skipped, well
from bot.factories import learn_secrets
from bot.observability.causes import cause
from bot.observability.redaction import redactor
from bot.settings import InvalidSettings, Settings

Check = Callable[[CheckContext], Awaitable[list[CheckResult]]]

CHECKS: dict[str, Check] = {
    "Slack": slack.slack,
    slack.SOCKETS: slack.connections,
    applivery.HOSTS: applivery.hosts,
    applivery.CREDENTIAL: applivery.credential,
    applivery.PERMISSION: applivery.permissions,
    database.DATABASE: database.database,
    database.CHANNELS: database.channels,
    database.POLLING: database.polling,
    database.OUTBOX: database.announcements,
    service.RUNNING: service.bot,
    service.PUBLIC: service.public,
    service.WEBHOOK: service.webhook,
}
SETTINGS = "settings"
CHECK_SECONDS = 60.0


def utc_now() -> datetime:
    """This machine's time."""
    return datetime.now(UTC)


async def examine(
    read: Callable[[], Settings], consent: Consent, *, clock: Callable[[], datetime] = utc_now
) -> DoctorReport:
    """Look at everything the settings that `read` gives lead to, and change nothing without `consent`."""
    try:
        settings = read()
    except InvalidSettings as fault:
        rest = [skipped(name, "the settings come first.") for name in CHECKS]
        return DoctorReport(
            (*_wrong(fault.lines), *rest), str
        )  # such a line holds no value, and its example is no secret
    learn_secrets(settings)
    async with opened(settings, clock, consent) as case:
        case.found.append(well(SETTINGS, "all are there and well formed."))
        for name, check in CHECKS.items():
            root = next((finding for finding in case.found if name in finding.blocks), None)
            case.found.extend(
                [skipped(name, f"{root.check} comes first.")] if root else await _safely(name, check, case)
            )
    return DoctorReport(tuple(case.found), redactor.text)


def _wrong(lines: list[str]) -> list[CheckResult]:
    parted = [line.partition(" Example: ") for line in lines]
    return [broken(SETTINGS, text, f"For example: {example}") for text, _, example in parted]


async def _safely(name: str, check: Check, case: CheckContext) -> list[CheckResult]:
    """Run a check; one that fails itself is a finding too, and stops no other."""
    fix = "The bot's log may say more; please report this one."
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check(case)
    except TimeoutError:
        return [broken(name, f"there was no answer within {CHECK_SECONDS:.0f} s.", "Check the network, and try again.")]
    except Exception as error:  # noqa: BLE001 - a failed check must not hide the results of the others
        return [broken(name, f"the check itself failed ({cause(error)}).", fix)]
