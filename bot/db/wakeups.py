"""How a loop is woken when there is something to do: events in the process, NOTIFY between processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum

from bot.db.connect import fresh_token


class Topic(StrEnum):
    """What a loop can be woken for."""

    WATCH = "watch"
    TELL = "tell"
    EXPIRE = "expire"
    HELD = "held"
    PAUSED = "paused"
    ACCESS = "access"
    PROGRESS = "progress"
    DIGEST = "digest"


# https://www.postgresql.org/docs/current/sql-notify.html
CHANNEL = "applivery_bot"
CHANGED = "changed:"  # and whose record at Slack it is


class Notifier:
    """One event per topic; a notification without a waiter is kept for the next one.

    `changed` is called with each person or group that another process was told has changed.
    """

    def __init__(self) -> None:
        self.me = fresh_token()
        self.changed: Callable[[str], None] | None = None
        self._bells: dict[str, asyncio.Event] = {topic: asyncio.Event() for topic in Topic}

    def ring(self, topic: Topic | str) -> None:
        """Wake who waits for this topic in this process; a topic we do not know is ignored."""
        if bell := self._bells.get(topic):
            bell.set()

    def ring_all(self) -> None:
        """Wake the waiters of all topics: a notification may have been missed."""
        for bell in self._bells.values():
            bell.set()

    async def wait(self, topic: Topic, seconds: float | None) -> bool:
        """Wait for a ring, at most so many seconds (None: for ever); True if it rang."""
        bell = self._bells[topic]
        try:
            async with asyncio.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            return False
        bell.clear()
        return True

    def hear(self, payload: str) -> None:
        """A NOTIFY arrived: `topic sender`, or who has changed; our own we have heard already."""
        topic, _, sender = payload.partition(" ")
        if sender == self.me:
            return
        if topic.startswith(CHANGED) and self.changed:
            self.changed(topic.removeprefix(CHANGED))
        self.ring(topic)
