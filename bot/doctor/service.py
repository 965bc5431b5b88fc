"""Checks of a running bot: whether it is ready, its public address, and the webhook."""

from __future__ import annotations

import aiohttp

from bot.applivery.notifications import EVENTS, LONGEST_URL, WebhookSubscription
from bot.doctor.context import CheckContext, here
from bot.doctor.results import CheckOutcome, CheckResult, broken, skipped, warning, well
from bot.exceptions import AppliveryError, Forbidden
from bot.observability.causes import cause

RUNNING, PUBLIC, WEBHOOK = "running bot", "public address", "webhook"
# What makes a part of a running bot not ready, by the check that finds it.
ROOTS = {
    "slack": {"Slack token", "Socket Mode"},
    "database": {"database"},
    "polling": {"database", "Applivery host", "Applivery token", "Applivery permission"},
}
DOORBELL = "/webhooks/applivery/"


async def bot(case: CheckContext) -> list[CheckResult]:
    """Check the report of the bot on this machine."""
    if case.running is None:
        text = f"no bot runs at {here(case.settings)}."
        return [
            skipped(
                RUNNING, text, "Start it, or run doctor where it runs: docker compose exec bot applivery-bot doctor."
            )
        ]
    bad = {
        name: check for name, check in case.running["checks"].items() if isinstance(check, dict) and not check.get("ok")
    }
    if not bad:
        return [well(RUNNING, "ready.")]
    why = "; ".join(f"{name}: {value.get('problem') or _facts(value)}" for name, value in bad.items())
    broke = {finding.check for finding in case.found if finding.outcome is CheckOutcome.BROKEN}
    if all(broke & ROOTS.get(name, set()) for name in bad):
        return [skipped(RUNNING, f"not ready, because of what is broken above ({why}).")]
    return [broken(RUNNING, f"not ready ({why}).", "Fix the other lines here, then read its log.")]


def _facts(check: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in check.items() if name != "ok")


async def public(case: CheckContext) -> list[CheckResult]:
    """Whether PUBLIC_URL leads to a bot."""
    address = case.settings.public_url
    if address is None:
        return [
            skipped(
                PUBLIC, "PUBLIC_URL isn't set, so there is no claim page. iPhones can't install straight from a link."
            )
        ]
    fix = "Forward it to HOST and PORT in your proxy. Ignore this if only this machine can't reach it."
    try:
        async with case.session.get(f"{address}/healthz") as answer:
            if answer.status == 200 and (await answer.text()).strip() == "alive":
                return [well(PUBLIC, f"{address} reaches the bot.")]
            return [warning(PUBLIC, f"{address}/healthz isn't answered by the bot (HTTP {answer.status}).", fix)]
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return [warning(PUBLIC, f"can't reach {address} from here ({cause(error)}).", fix)]


async def webhook(case: CheckContext) -> list[CheckResult]:
    """Check that Applivery calls the webhook; offer to set it up where it does not."""
    secret, public_url = case.settings.applivery_webhook_secret, case.settings.public_url
    if secret is None or public_url is None:
        fix = "Optional: set PUBLIC_URL and APPLIVERY_WEBHOOK_SECRET to announce builds within a second."
        return [
            skipped(WEBHOOK, f"not set up. Polling finds builds within {case.settings.poll_idle_seconds:g} s.", fix)
        ]
    url, shown = f"{public_url}{DOORBELL}{secret.get_secret_value()}", f"{public_url}{DOORBELL}…"
    if len(url) > LONGEST_URL:
        return [
            broken(WEBHOOK, f"its address is {len(url)} characters long. Applivery's limit is {LONGEST_URL}.", SHORTER)
        ]
    try:
        known = await _ours(case, url)
        if not known and case.consent(f"Register the webhook {shown} in Applivery for all apps?"):
            await case.applivery.subscribe_webhook(url)
            known = await _ours(case, url)
    except Forbidden:
        return [warning(WEBHOOK, "the Service Account can't list or register webhooks.", _by_hand(shown))]
    except AppliveryError as problem:
        return [warning(WEBHOOK, f"{problem.sentence} ({cause(problem)})", _by_hand(shown))]
    return [_state(known, shown)]


SHORTER = "Set a shorter APPLIVERY_WEBHOOK_SECRET, for example of 48 characters."


async def _ours(case: CheckContext, url: str) -> list[WebhookSubscription]:
    return [notification for notification in await case.applivery.notifications() if notification.url == url]


def _state(known: list[WebhookSubscription], shown: str) -> CheckResult:
    if not known:
        return warning(WEBHOOK, f"{shown} isn't registered.", "Run `applivery-bot doctor --register-webhook`.")
    if len(known) > 1:
        return warning(WEBHOOK, f"{shown} is registered {len(known)} times.", "Remove all but one in Applivery.")
    missing = [event for event in EVENTS if event not in known[0].events]
    if missing:
        return warning(WEBHOOK, f"{shown} is registered without {', '.join(missing)}.", "Turn them on in Applivery.")
    return well(WEBHOOK, f"{shown} is registered.")


def _by_hand(shown: str) -> str:
    return f"Add it in Applivery → Workspace Settings → Integrations → Webhook: {shown} with your secret."
