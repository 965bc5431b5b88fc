"""What is asked of a bot that runs: whether it is ready, whether the world reaches it, and the webhook."""

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
        text = f"no bot answers at {here(case.settings)}."
        return [skipped(RUNNING, text, "Start it, or run the doctor where it runs (docker compose exec bot …).")]
    bad = {
        name: check for name, check in case.running["checks"].items() if isinstance(check, dict) and not check.get("ok")
    }
    if not bad:
        return [well(RUNNING, "it is ready.")]
    why = "; ".join(f"{name}: {value.get('problem') or _facts(value)}" for name, value in bad.items())
    broke = {finding.check for finding in case.found if finding.outcome is CheckOutcome.BROKEN}
    if all(broke & ROOTS.get(name, set()) for name in bad):
        return [skipped(RUNNING, f"it is not ready, as what is broken above makes it ({why}).")]
    return [broken(RUNNING, f"it is not ready ({why}).", "The other lines here, and its log, say why.")]


def _facts(check: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in check.items() if name != "ok")


async def public(case: CheckContext) -> list[CheckResult]:
    """Whether PUBLIC_URL leads to a bot."""
    address = case.settings.public_url
    if address is None:
        return [skipped(PUBLIC, "PUBLIC_URL is not set: no claim page, no webhook.")]
    fix = "Let the proxy pass it on to HOST and PORT; if it is only this machine that cannot reach it, all is well."
    try:
        async with case.session.get(f"{address}/healthz") as answer:
            if answer.status == 200 and (await answer.text()).strip() == "alive":
                return [well(PUBLIC, f"{address} leads to a bot.")]
            return [warning(PUBLIC, f"{address}/healthz is answered by something else (HTTP {answer.status}).", fix)]
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return [warning(PUBLIC, f"{address} is not reached from here ({cause(error)}).", fix)]


async def webhook(case: CheckContext) -> list[CheckResult]:
    """Check that Applivery calls the webhook; offer to set it up where it does not."""
    secret, public_url = case.settings.applivery_webhook_secret, case.settings.public_url
    if secret is None or public_url is None:
        fix = (
            "With PUBLIC_URL and APPLIVERY_WEBHOOK_SECRET a build is announced within a second of Applivery's webhook."
        )
        return [skipped(WEBHOOK, "it is not set up; polling finds everything, a little later.", fix)]
    url, shown = f"{public_url}{DOORBELL}{secret.get_secret_value()}", f"{public_url}{DOORBELL}…"
    if len(url) > LONGEST_URL:
        return [broken(WEBHOOK, f"its address has {len(url)} characters, Applivery takes {LONGEST_URL}.", SHORTER)]
    try:
        known = await _ours(case, url)
        if not known and case.consent(f"Let Applivery call {shown} about builds of every app of this workspace?"):
            await case.applivery.subscribe_webhook(url)
            known = await _ours(case, url)
    except Forbidden:
        return [
            warning(
                WEBHOOK, "this credential may not list the workspace's webhooks, or not register one.", _by_hand(shown)
            )
        ]
    except AppliveryError as problem:
        return [warning(WEBHOOK, f"{problem.sentence} ({cause(problem)})", _by_hand(shown))]
    return [_state(known, shown)]


SHORTER = "Take a shorter APPLIVERY_WEBHOOK_SECRET; 48 characters are plenty."


async def _ours(case: CheckContext, url: str) -> list[WebhookSubscription]:
    return [notification for notification in await case.applivery.notifications() if notification.url == url]


def _state(known: list[WebhookSubscription], shown: str) -> CheckResult:
    if not known:
        return warning(WEBHOOK, f"{shown} is not registered.", "Run `applivery-bot doctor --register-webhook`.")
    if len(known) > 1:
        return warning(WEBHOOK, f"{shown} is registered {len(known)} times.", "Remove all but one in Applivery.")
    missing = [event for event in EVENTS if event not in known[0].events]
    if missing:
        return warning(WEBHOOK, f"{shown} is registered without {', '.join(missing)}.", "Turn them on in Applivery.")
    return well(WEBHOOK, f"{shown} is registered.")


def _by_hand(shown: str) -> str:
    return f"Set it by hand: Applivery → Workspace Settings → Integrations → Webhook, address {shown} with your secret."
