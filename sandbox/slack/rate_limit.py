"""Slack's patience: about one message a second in a channel, and so many calls of a method a minute."""

from __future__ import annotations

from math import ceil, inf

from sandbox.slack.workspace import SlackWorkspace


class PostRateExceeded(Exception):
    """Ask again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"ratelimited for {seconds} s")


class PostRateLimit:
    """Counts posts by channel; refuses more than `burst` at once, refilled at one a second, when `enforced`.

    https://docs.slack.dev/apis/web-api/rate-limits
    """

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace
        self.enforced = False
        self.burst = 3
        self.posts: dict[str, list[float]] = {}
        self._levels: dict[str, tuple[float, float]] = {}

    def post(self, channel_id: str) -> None:
        """Count a post; raises PostRateExceeded."""
        now = self.workspace.clock()
        level, since = self._levels.get(channel_id, (float(self.burst), now))
        level = min(float(self.burst), level + (now - since))
        if self.enforced and level < 1:
            self._levels[channel_id] = (level, now)
            raise PostRateExceeded(max(1, round(1 - level)))
        self._levels[channel_id] = (level - 1, now)
        self.posts.setdefault(channel_id, []).append(now)


class HistoryLimit:
    """What an app may read of channels and threads: as much as it likes, or `objects` once in `seconds` a method.

    A commercially distributed app outside of Slack's Marketplace has one request a minute and 15 objects, whatever
    `limit` it asks for; an internal, customer-built one keeps Tier 3.
    https://docs.slack.dev/apis/web-api/rate-limits#rate-limits-for-non-marketplace-apps
    """

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace
        self.seconds: float | None = None
        self.objects = 15
        self._answered: dict[str, float] = {}

    def read(self, method: str) -> int | None:
        """Count a request; returns the most objects it may get. Raises PostRateExceeded."""
        if self.seconds is None:
            return None
        now = self.workspace.clock()
        left = self._answered.get(method, -inf) + self.seconds - now
        if left > 0:
            raise PostRateExceeded(ceil(left))
        self._answered[method] = now
        return self.objects
