"""Notifications that wake worker loops: events in the process, NOTIFY between processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum

from bot.db.connect import fresh_token


class Topic(StrEnum):
    """A topic of notifications."""

    APP_POLLS = "app_polls"
    OUTBOX = "outbox"
    LINK_EXPIRIES = "link_expiries"
    HELD = "held"
    PAUSED_CHANNELS = "paused_channels"
    ACCESS = "access"
    BUILD_WATCHES = "build_watches"
    SCHEDULED_REPORTS = "scheduled_reports"
    GOALS = "goals"


# https://www.postgresql.org/docs/current/sql-notify.html
CHANNEL = "applivery_bot"
CHANGED = "changed:"  # prefix, followed by the id of the user or group that has changed in Slack


class Notifier:
    """One event per topic; a notification without a waiter is kept for the next one.

    `on_slack_change` is called with each user or group that another replica reports as changed. `access_changes` counts
    the known changes of roles, allow-lists and recalls.
    """

    def __init__(self) -> None:
        self.sender = fresh_token()
        self.access_changes = 0
        self.on_slack_change: Callable[[str], None] | None = None
        self._events: dict[str, asyncio.Event] = {topic: asyncio.Event() for topic in Topic}

    def notify(self, topic: Topic | str) -> None:
        """Wake the waiters for this topic in this process; an unknown topic is ignored."""
        if topic == Topic.ACCESS:
            self.access_changes += 1
        if event := self._events.get(topic):
            event.set()

    def notify_all(self) -> None:
        """Wake the waiters of all topics: a notification may have been missed."""
        self.access_changes += 1
        for event in self._events.values():
            event.set()

    async def wait(self, topic: Topic, seconds: float | None) -> bool:
        """Wait for a notification, at most `seconds` (None: forever); return whether one came."""
        event = self._events[topic]
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        event.clear()
        return True

    def receive(self, payload: str) -> None:
        """Handle a NOTIFY, `topic sender` or `changed:id sender`, unless this process sent it."""
        topic, _, sender = payload.partition(" ")
        if sender == self.sender:
            return
        if topic.startswith(CHANGED):
            self.tell_change(topic.removeprefix(CHANGED))
        self.notify(topic)

    def tell_change(self, who: str) -> None:
        """Report that another replica saw a change of this user or group."""
        if self.on_slack_change:
            self.on_slack_change(who)
