"""Check that Slack's events arrive in HTTP mode, which requires that the request URL was verified by hand."""

from __future__ import annotations

from bot.doctor import database
from bot.doctor.context import CheckContext
from bot.doctor.results import CheckResult, broken, skipped, warning, well
from bot.exceptions import BotError
from bot.observability.causes import cause
from bot.services import event_arrivals
from bot.services.event_arrivals import Arrivals

EVENTS = "Slack events"


async def events(case: CheckContext) -> list[CheckResult]:
    """Check that events arrive in HTTP mode: Slack sends none until the request URL has been verified by hand.

    The first verification fails when the app is created from a manifest, as the bot does not have its secret yet.
    https://docs.slack.dev/apis/events-api/using-http-request-urls
    """
    if case.settings.slack_app_token is not None:
        return []
    if case.running and (case.running["checks"].get("slack") or {}).get("signature") == "refused":
        fix = "If Slack sent it: set SLACK_SIGNING_SECRET to the app's Signing Secret (Basic Information)."
        return [warning(EVENTS, "a request was refused: its signature doesn't match SLACK_SIGNING_SECRET.", fix)]
    store = await database.readable(case)
    if store is None:
        return [skipped(EVENTS, "needs the database.")]
    try:
        return [await _arrived(case, await event_arrivals.read(store))]
    except BotError as problem:
        return [broken(EVENTS, f"{problem.sentence} ({cause(problem)})", str(problem.step_for(admin=True)))]


async def _arrived(case: CheckContext, seen: Arrivals) -> CheckResult:
    if seen.event:
        return well(EVENTS, f"the last one arrived {database.ago(seen.event, case.clock())}.")
    if seen.verified:
        fix = "Open the bot's Home tab in Slack, then run `doctor` again."
        return warning(EVENTS, "the URL is verified, and no event has arrived yet.", fix)
    where = event_arrivals.settings_page(seen.app_id or await case.poster.app_id())
    fix = "With the bot running, press Retry beside the Request URL there. Commands and buttons work without events."
    return warning(EVENTS, f"no event has ever arrived: verify the URL under {where}.", fix)
