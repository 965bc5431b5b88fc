"""Whether each part is ready: `ok`, and when it is not, why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bot.errors import Problem
from bot.slack.poster import Poster
from bot.slack.socket import Sockets
from bot.store.store import Store

Check = Callable[[], Awaitable[dict[str, Any]]]

SECONDS = 5.0  # that a part may take to answer
FRESH = 30.0  # an answer of Slack's that is older is asked for again
SILENT = f"no answer within {SECONDS:.0f} s"


async def slack(sockets: Sockets | None, poster: Poster, *, fresh: float = FRESH) -> dict[str, Any]:
    """Whether Slack reaches us: an open connection in Socket Mode, an accepted token in HTTP mode."""
    if sockets is not None:
        connected = await sockets.connected()
        return {"ok": connected > 0, "connections": connected}
    try:
        await asyncio.wait_for(poster.identity(younger_than=fresh), SECONDS)
    except (Problem, TimeoutError) as error:
        return {"ok": False, "problem": str(error) or SILENT}
    return {"ok": True}


async def database(store: Store) -> dict[str, Any]:
    """Whether the database answers."""
    try:
        await asyncio.wait_for(store.ping(), SECONDS)
    except (Problem, TimeoutError) as error:
        return {"ok": False, "problem": str(error) or SILENT}
    return {"ok": True, "kind": store.dialect}


async def waiting(store: Store) -> dict[str, Any]:
    """What waits to be said; it says nothing about being ready, as a channel may be away for long."""
    try:
        found = await asyncio.wait_for(store.announcements_waiting(), SECONDS)
    except (Problem, TimeoutError) as error:
        return {"problem": str(error) or SILENT}
    return {"count": found.count, "oldest_seconds": found.oldest_seconds or 0.0}


def late_after(idle_seconds: float) -> float:
    """After how many seconds beyond its time an app that nobody looked at is behind."""
    return max(3 * idle_seconds, 120.0)


async def polling(
    store: Store, idle_seconds: float, away: Callable[[], float], stretch: Callable[[], float]
) -> dict[str, Any]:
    """Whether every watched app was looked at when its time had come, give or take, and Applivery answered.

    While the hour's requests are short, apps are polled less often: `stretched` says how many times.
    """
    late = late_after(idle_seconds)
    try:
        state = await asyncio.wait_for(store.watching_state(behind_after_seconds=late), SECONDS)
    except (Problem, TimeoutError) as error:
        return {"ok": False, "problem": str(error) or SILENT}
    last = state.oldest_poll.isoformat() if state.oldest_poll else None
    found: dict[str, Any] = {"ok": state.behind == 0, "apps": state.apps, "behind": state.behind, "oldest_poll": last}
    if (slower := stretch()) > 1:
        found["stretched"] = round(slower, 1)
    return found if away() <= late else {**found, "ok": False, "problem": "Applivery does not answer"}
