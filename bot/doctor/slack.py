"""Checks of Slack: token, scopes, clock, and who else is connected with our app token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from msgspec.structs import replace
from slack_sdk.web.async_client import AsyncWebClient

from bot.db.subscriptions import list_subscriptions_after
from bot.doctor import admins, database, http_events, workspaces
from bot.doctor.context import SECONDS, CheckContext, unreached
from bot.doctor.results import CheckResult, broken, off, skipped, warning, well
from bot.exceptions import DeliveryUnknown, SlackError, SlackRateLimited
from bot.observability.causes import cause
from bot.slack.client import granted_scopes, read_identity
from bot.slack.errors import call_api
from bot.slack.message_lookup import CONSEQUENCE, LIMITED_SECONDS, REMEDY
from bot.slack.scopes import OPTIONAL, REQUIRED, SCOPES
from bot.timeouts import no_later_than

MOST_CONNECTIONS = 10  # https://docs.slack.dev/apis/events-api/using-socket-mode#using-multiple-connections
TOKEN, SCOPE, CLOCK, SOCKETS, BLOCKS = "Slack token", "Slack scopes", "clock", "Socket Mode", "Slack blocks"
HISTORY = "Slack history"

AFTER_TOKEN = (admins.ADMINS, database.CHANNELS, HISTORY, database.OUTBOX, BLOCKS)
SKEW_REFUSED = 300.0  # seconds: https://docs.slack.dev/authentication/verifying-requests-from-slack
SKEW_ODD = 30.0
TURN_ON = "Optional: add it under api.slack.com/apps → your app → OAuth & Permissions, then reinstall the app."
UNINSTALLED = ("account_inactive", "token_revoked")  # https://docs.slack.dev/reference/methods/auth.test#errors
REINSTALL = "Paste manifest.yml at api.slack.com/apps → your app → App Manifest, then reinstall under Install App."


async def slack(case: CheckContext) -> list[CheckResult]:
    """The bot token, what it may do, and whether our clock is Slack's; all from one `auth.test`."""
    try:
        answer = await call_api(case.poster.api.auth_test())
        found = read_identity(answer, granted_scopes(answer.headers))
    except SlackError as problem:
        return [_refused(case, problem), *(skipped(check, f"fix {TOKEN} first.") for check in (SCOPE, CLOCK))]
    headers = {name.lower(): value for name, value in answer.headers.items()}
    installed, wrong = await workspaces.installed_for(case, found)
    return [
        well(TOKEN, f"@{found.name} {installed}."),
        *wrong,
        *workspaces.colleagues(case, found),
        *scopes(found.scopes),
        clock(headers, case.clock()),
    ]


def _refused(case: CheckContext, problem: SlackError) -> CheckResult:
    """A token that is not taken, or a Slack that is not reached, which the app token cannot reach either."""
    if isinstance(problem, DeliveryUnknown):
        text = f"can't reach Slack at {case.settings.slack_api_url} ({cause(problem)})."
        blocks = (*AFTER_TOKEN, SOCKETS, http_events.EVENTS)
        return broken(TOKEN, text, unreached(problem, "SLACK_API_URL"), blocks=blocks)
    fix = "Set SLACK_BOT_TOKEN to the Bot User OAuth Token (api.slack.com/apps → your app → OAuth & Permissions)."
    if problem.code in UNINSTALLED:
        fix = "Reinstall the app (api.slack.com/apps → your app → Install App), then set SLACK_BOT_TOKEN to its token."
    return broken(TOKEN, f"Slack doesn't accept it ({cause(problem)}).", fix, blocks=AFTER_TOKEN)


def scopes(given: frozenset[str] | None) -> list[CheckResult]:
    """Each scope that is missing, with what suffers; without an optional one a feature is off, which is no fault."""
    if given is None:
        return [skipped(SCOPE, "Slack doesn't list this token's scopes.")]
    missing = [
        broken(SCOPE, f"{scope} is missing. Needed to {SCOPES[scope]}.", REINSTALL)
        for scope in REQUIRED
        if scope not in given
    ]
    features = [
        off(SCOPE, f"off: {feature.name} ({scope}): {feature.uses}.")
        for scope, feature in OPTIONAL.items()
        if scope not in given
    ]
    if features:
        features[-1] = replace(features[-1], fix=TURN_ON)
    every = well(
        SCOPE, f"all {len(SCOPES)} granted." if not features else f"all {len(REQUIRED)} required ones granted."
    )
    return [*(missing or [every]), *features]


def clock(headers: Mapping[str, str], now: datetime) -> CheckResult:
    """Compare our clock with Slack's, which accepts up to five minutes; the header has whole seconds."""
    try:
        apart = abs((now - parsedate_to_datetime(headers["date"])).total_seconds())
    except (KeyError, ValueError, TypeError):
        return skipped(CLOCK, "Slack didn't send its time.")
    fix = "Turn on NTP: timedatectl set-ntp true."
    if apart >= SKEW_REFUSED:
        return broken(CLOCK, f"{apart:.0f} s off. Beyond 300 s, requests from Slack are refused as forged.", fix)
    if apart >= SKEW_ODD:
        return warning(CLOCK, f"{apart:.0f} s off. Beyond 300 s, requests from Slack are refused as forged.", fix)
    return well(CLOCK, f"within {max(apart, 1):.0f} s of Slack's.")


async def history(case: CheckContext) -> list[CheckResult]:
    """Whether Slack lets this app read a channel twice in a minute, as it does a company's own internal apps.

    https://docs.slack.dev/apis/web-api/rate-limits#rate-limits-for-non-marketplace-apps
    """
    store = await database.readable(case)
    subscribed = [] if store is None else await store.run(list_subscriptions_after, 0, 1)
    if not subscribed:
        return [skipped(HISTORY, "needs a subscribed channel.")]
    try:
        with no_later_than(time.monotonic() + SECONDS):
            for _ in range(2):
                await case.poster.api.conversations_history(channel=subscribed[0].channel_id, limit=1)
    except SlackRateLimited as busy:
        if busy.retry_after < LIMITED_SECONDS:
            return [skipped(HISTORY, "Slack is busy now.")]
        text = f"Slack lets this app read a channel only once in {busy.retry_after:.0f} s, like all distributed apps."
        return [warning(HISTORY, f"{text} {CONSEQUENCE}", REMEDY)]
    except SlackError as problem:
        return [skipped(HISTORY, f"Slack doesn't let the bot read a channel ({cause(problem)}).")]
    return [well(HISTORY, "Slack's limits for distributed apps don't apply.")]


async def connections(case: CheckContext) -> list[CheckResult]:
    """Check the app token, and how many are connected with it beside the bot on this machine.

    Slack says so in `hello` only, so this connects for a moment, and closes at once: Slack sends each request to any
    one connection. https://docs.slack.dev/apis/events-api/using-socket-mode
    """
    if case.settings.slack_app_token is None:
        return [skipped(SOCKETS, "off, because SLACK_APP_TOKEN isn't set. The bot uses HTTP mode.")]
    try:
        count = await _connected(case, case.settings.slack_app_token.get_secret_value())
    except DeliveryUnknown as problem:
        text = f"can't reach Slack at {case.settings.slack_api_url} ({cause(problem)})."
        return [broken(SOCKETS, text, unreached(problem, "SLACK_API_URL"))]
    except SlackError as problem:
        fix = "Create an app-level token with connections:write (Basic Information) and set it as SLACK_APP_TOKEN."
        return [broken(SOCKETS, f"Slack refused the connection ({cause(problem)}).", fix)]
    except (aiohttp.ClientError, TimeoutError, ValueError, TypeError) as error:
        fix = "Allow WebSockets (wss) to Slack in the proxy or firewall."
        return [broken(SOCKETS, f"the connection opened, but Slack never answered on it ({cause(error)}).", fix)]
    return [_others(case, count)]


async def _connected(case: CheckContext, token: str) -> int | None:
    """Return how many others are connected; None when Slack accepts no more connections."""
    client = AsyncWebClient(base_url=f"{case.settings.slack_api_url}/", session=case.session)
    answer = await call_api(client.apps_connections_open(app_token=token))
    async with case.session.ws_connect(str(answer["url"])) as ws:
        hello: dict[str, Any] = await ws.receive_json(timeout=SECONDS)
        return int(hello.get("num_connections") or 1) - 1 if hello.get("type") == "hello" else None


def _others(case: CheckContext, count: int | None) -> CheckResult:
    replicas, each = case.settings.replicas, case.settings.slack_socket_connections
    if replicas * each > MOST_CONNECTIONS:
        text = f"{replicas} replicas with {_connections(each)} each are more than the ten that Slack allows."
        return warning(SOCKETS, text, "Lower SLACK_SOCKET_CONNECTIONS, or run fewer replicas.")
    if count is None:
        fix = "Stop other processes with this app token, or lower SLACK_SOCKET_CONNECTIONS (it counts per process)."
        return warning(SOCKETS, "all ten connections that Slack allows are in use.", fix)
    checks = case.running["checks"] if case.running else {}
    ours = int((checks.get("slack") or {}).get("connections") or 0)
    if count <= ours:
        return well(SOCKETS, f"{_connections(ours)}, all from this bot." if ours else "the app token works.")
    if replicas > 1 and count <= replicas * each:
        return well(SOCKETS, f"{_connections(count)}, as {replicas} replicas have.")
    whose = f"{ours} of them from this bot" if case.running else "and no bot runs here"
    return warning(
        SOCKETS,
        f"{_connections(count)} with this app token, {whose}. Slack splits commands among all of them.",
        "Stop the other process, or give it its own Slack app. Ignore this if they are your replicas.",
    )


def _connections(count: int) -> str:
    return f"{count} connection{'' if count == 1 else 's'}"
