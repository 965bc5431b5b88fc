"""Run all checks in order; a failing check does not stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from pathlib import Path

from bot.doctor import admins, applivery, blocks, database, http_events, own_integration, service, slack
from bot.doctor.context import CheckContext, Consent, opened
from bot.doctor.results import CheckOutcome, CheckResult, DoctorReport, broken, skipped, well
from bot.factories import learn_secrets
from bot.observability.causes import cause
from bot.observability.redaction import redactor
from bot.setting_values import InvalidSettings
from bot.settings import Settings
from bot.system_clock import utc_now

Check = Callable[[CheckContext], Awaitable[list[CheckResult]]]

CHECKS: dict[str, Check] = {
    "Slack": slack.slack,
    slack.SOCKETS: slack.connections,
    http_events.EVENTS: http_events.events,
    applivery.HOSTS: applivery.hosts,
    applivery.CREDENTIAL: applivery.credential,
    applivery.PERMISSION: applivery.permissions,
    database.DATABASE: database.database,
    admins.ADMINS: admins.admins,
    database.CHANNELS: database.channels,
    slack.HISTORY: slack.history,
    database.POLLING: database.polling,
    database.OUTBOX: database.announcements,
    service.RUNNING: service.bot,
    service.PUBLIC: service.public,
    service.WEBHOOK: service.webhook,
    own_integration.OWN: own_integration.own_integration,
}
SETTINGS = "settings"
CHECK_SECONDS = 60.0
ASKED_FOR: dict[str, Check] = {slack.BLOCKS: blocks.blocks}  # only with their own option
SECONDS = {slack.BLOCKS: CHECK_SECONDS + blocks.SECONDS}
START = "Start the bot with `make run`, `docker compose up --build` or `applivery-bot run`."


async def examine(
    settings: Settings | InvalidSettings,
    consent: Consent,
    *,
    clock: Callable[[], datetime] = utc_now,
    also: Collection[str] = (),
) -> DoctorReport:
    """Run all checks for these settings, and the optional ones in `also`.

    Nothing is changed without `consent`.
    """
    checks = CHECKS | {name: check for name, check in ASKED_FOR.items() if name in also}
    if isinstance(settings, InvalidSettings):
        wrong = _wrong(settings.lines)
        rest = [skipped(name, "needs valid settings first.") for name in checks]
        # such a line contains no value, and its example is no secret
        return DoctorReport((*wrong, *rest), str, _fill_in(wrong))
    learn_secrets(settings)
    async with opened(settings, clock, consent) as case:
        case.found.append(well(SETTINGS, "valid."))
        for name, check in checks.items():
            root = next((finding for finding in case.found if name in finding.blocks), None)
            case.found.extend([skipped(name, f"fix {root.check} first.")] if root else await _safely(name, check, case))
        return DoctorReport(tuple(case.found), redactor.text, _next_step(case))


def _next_step(case: CheckContext) -> str:
    """Return the next step by priority: fix broken settings, start the bot, fix the rest, use it."""
    by_outcome = {outcome: [item for item in case.found if item.outcome is outcome] for outcome in CheckOutcome}
    if broken_ones := by_outcome[CheckOutcome.BROKEN]:
        return broken_ones[0].fix
    if case.running is None:
        return START
    if warnings := by_outcome[CheckOutcome.WARNING]:
        return warnings[0].fix
    return f"Type {case.settings.slack_command} in Slack."


def _fill_in(wrong: list[CheckResult]) -> str:
    # of the two ways to connect to Slack, the app token is simpler, as it needs no public address
    found = ("SLACK_APP_TOKEN" if "SLACK_APP_TOKEN" in item.said else item.said.partition(" ")[0] for item in wrong)
    names = ", ".join(dict.fromkeys(found))
    if Path(".env").exists():
        return f"Set {names} in .env, then run `doctor` again."
    if Path(".env.example").exists():
        return f"`cp .env.example .env`, set {names} in it, then run `doctor` again."
    return f"Set {names} in the environment or in .env. In a terminal, `applivery-bot doctor` creates .env."


def _wrong(lines: list[str]) -> list[CheckResult]:
    parted = [line.partition(" Example: ") for line in lines]
    return [broken(SETTINGS, text.replace(": ", " ", 1), f"For example: {example}") for text, _, example in parted]


async def _safely(name: str, check: Check, case: CheckContext) -> list[CheckResult]:
    """Run a check; an exception is a result too, and does not stop the other checks."""
    fix = "Report this, with the bot's log."
    seconds = SECONDS.get(name, CHECK_SECONDS)
    try:
        async with asyncio.timeout(seconds):
            return await check(case)
    except TimeoutError:
        return [broken(name, f"no answer within {seconds:.0f} s.", "Check the network and try again.")]
    except Exception as error:  # noqa: BLE001 - a failed check must not hide the results of the others
        return [broken(name, f"the check itself failed ({cause(error)}).", fix)]
