"""Readiness checks: each returns `ok`, or why a part is not ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from math import isfinite
from typing import Any

from bot.db import app_polls, database_info, outbox
from bot.db.app_polls import FAILURES
from bot.db.database import Database
from bot.domain.health import AttemptHistory
from bot.exceptions import BotError, kind_of
from bot.observability.causes import cause
from bot.services.event_arrivals import EventArrivals
from bot.slack.client import SlackClient
from bot.slack.socket_mode.pool import SocketPool

Check = Callable[[], Awaitable[dict[str, Any]]]

SECONDS = 5.0  # timeout of a check
FRESH = 30.0  # Slack is called again if its last response is older
LATE = 1.5  # poll intervals without a successful poll
LATE_SECONDS = 90.0  # at least, since some polls take long


async def slack(
    sockets: SocketPool | None,
    slack_client: SlackClient,
    arrivals: EventArrivals | None = None,
    *,
    fresh: float = FRESH,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """Return whether Slack accepts our token (by a response at most `fresh` seconds old) and Socket Mode is connected.

    Over HTTP `events` is the time of the last event. The bot is ready without events, as commands and buttons still
    work.
    """
    found: dict[str, Any] = {"ok": True}
    if arrivals is not None:
        found["events"] = await arrivals.describe()
        found |= {"signature": "refused"} if arrivals.signature_refused else {}
    if sockets is not None:
        connected = await sockets.count_connected()
        found = {"ok": connected > 0, "connections": connected}
        if not connected:
            found["problem"] = f"no open connection ({sockets.last_error})"
    try:
        await asyncio.wait_for(slack_client.identity(younger_than=fresh), seconds)
    except Exception as error:  # noqa: BLE001 - a check that raises is not passed
        found |= {"ok": False, "problem": _why(error, seconds)}
    age = slack_client.identity_age
    return {**found, "answered_seconds_ago": round(age, 1)} if isfinite(age) else found


async def database(store: Database, *, seconds: float = SECONDS) -> dict[str, Any]:
    """Return whether the database answers."""
    try:
        await asyncio.wait_for(store.run(database_info.ping), seconds)
    except Exception as error:  # noqa: BLE001 - a check that raises is not passed
        return {"ok": False, "problem": _why(error, seconds)}
    return {"ok": True, "kind": store.dialect, "answered_seconds_ago": 0.0}


async def waiting(store: Database, *, seconds: float = SECONDS) -> dict[str, Any]:
    """Return the outbox backlog, which does not affect readiness, as a channel may be unavailable for long."""
    try:
        backlog = await asyncio.wait_for(store.run(outbox.get_backlog), seconds)
    except Exception as error:  # noqa: BLE001 - a check that raises is not passed
        return {"problem": _why(error, seconds)}
    return {"count": backlog.count, "oldest_seconds": backlog.oldest_seconds or 0.0}


def late_after(idle_seconds: float, stretch: float = 1.0) -> float:
    """Return after how many seconds without a successful poll an app is overdue; `stretch` is that of the pace."""
    return max(LATE * idle_seconds, LATE_SECONDS) * stretch


def overdue_after(idle_seconds: float, stretch: float = 1.0) -> float:
    """Return how many seconds after its due time a poll is overdue; plus the interval it is `late_after`."""
    return late_after(idle_seconds, stretch) - 1.1 * idle_seconds * stretch


async def polling(
    store: Database,
    idle_seconds: float,
    attempts: AttemptHistory,
    stretch: float = 1.0,
    *,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """Return whether polls succeed: apps without a recent successful poll are overdue, and most must not be.

    `attempts` is the history of this process's polls. While the hourly budget is short, apps are polled less often:
    `stretched` says how many times.
    """
    late = late_after(idle_seconds, stretch)
    spans = {"behind_after_seconds": late, "overdue_after_seconds": overdue_after(idle_seconds, stretch)}
    try:
        async with asyncio.timeout(seconds):
            state, now = (
                await store.run(app_polls.get_polling_stats, **spans),
                await store.run(database_info.current_time),
            )
    except Exception as error:  # noqa: BLE001 - a check that raises is not passed
        return {"ok": False, "problem": _why(error, seconds)}
    last = state.oldest_poll.isoformat() if state.oldest_poll else None
    found: dict[str, Any] = {"ok": True, "apps": state.apps, "behind": state.behind, "oldest_poll": last}
    for name, poll in (("oldest", state.oldest_poll), ("newest", state.newest_poll)):
        if poll:
            found[f"{name}_poll_seconds_ago"] = round(max(0.0, (now - poll).total_seconds()), 1)
    if stretch > 1:
        found["stretched"] = round(stretch, 1)
    if state.behind * 2 > state.apps or _nothing_works(attempts, state.apps, late):
        return {**found, "ok": False, "problem": _polls(attempts)}
    return found


def _nothing_works(own: AttemptHistory, apps: int, late: float) -> bool:
    """Return whether all polls of this process fail, regardless of other replicas."""
    now = time.monotonic()
    if own.failed_at is None or not own.failures or now - own.failed_at > late:
        return False
    if own.worked_at is None:
        return True
    long, often = now - own.worked_at > late, own.failures >= FAILURES
    return long and often if apps else long or often


def _polls(own: AttemptHistory) -> str:
    error = own.trouble(time.monotonic())
    if error is None:
        return "polls are late"
    if own.error is None:
        return f"polls get no answer ({cause(error)})"
    polls = "the last poll" if own.failures == 1 else f"the last {own.failures} polls"
    return f"{polls} failed ({kind_of(own.error)}: {cause(own.error)})"


def _why(error: BaseException, seconds: float) -> str:
    if isinstance(error, BotError):
        return f"{error.sentence} ({cause(error)})"
    return f"no answer within {seconds:.0f} s" if isinstance(error, TimeoutError) else cause(error)
