"""Search a channel for a message whose post had an unknown outcome.

Only the time around the attempt is searched, by Slack's clock. A commercially distributed app may make one request
per minute with 15 objects, an internal app has Tier 3. https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from bot.exceptions import SlackError, SlackRateLimited, SlackResponseTooLarge
from bot.observability.logging import logger
from bot.slack.errors import call_api
from bot.slack.pagination import PAGES, read_list
from bot.slack.slack_clock import TOLERANCE
from bot.slack.web_api import WebAPI
from bot.timeouts import time_left

log = logger(__name__)

METADATA_EVENT = "applivery_announcement"
LIMIT = 200
LIMITED_OBJECTS = 15  # for an app that is not internal, whatever `limit` it sends
LIMITED_SECONDS = 30.0  # its Retry-After is about 60; that of Tier 3 is shorter, or follows many requests
LIMITED_AFTER = 15  # requests per minute: far more than its limit, and within Tier 3
KEPT = 64
CONSEQUENCE = "After a crash, an announcement can wait several minutes: the bot must first see whether it was posted."
REMEDY = "Install the bot as your company's own internal app, made from manifest.yml at api.slack.com/apps."


class SearchPeriod(Struct, frozen=True):
    """A period by Slack's clock, in epoch seconds; `latest` None means now."""

    oldest: float
    latest: float | None = None

    def query(self) -> dict[str, str]:
        """Return the arguments for Slack's method."""
        latest = {} if self.latest is None else {"latest": f"{self.latest:.6f}"}
        return {"oldest": f"{max(0.0, self.oldest):.6f}", **latest}


class Author(Struct, frozen=True):
    """The bot as the author of messages: its user, its bot id, and the id of the installation (empty: none)."""

    user_id: str
    bot_id: str
    installation: str = ""

    def key_of(self, message: object) -> str | None:
        """Return the key of a message that this installation posted; None for any other message.

        Another bot may post the same key: for instance a staging bot in the same channel with its own database or app.
        Messages of earlier versions contain no installation: for these only the author is compared.
        """
        facts = message if isinstance(message, dict) else {}
        metadata = _object(facts.get("metadata"))
        said = _object(metadata.get("event_payload"))
        key, installation = said.get("key"), said.get("installation")
        if metadata.get("event_type") != METADATA_EVENT or not isinstance(key, str):
            return None
        if installation is not None and installation != self.installation:
            return None
        named = [(facts.get("bot_id"), self.bot_id), (facts.get("user"), self.user_id)]
        verdicts = [theirs == ours for theirs, ours in named if theirs and ours]
        ours = any(verdicts) if verdicts else installation is not None
        return key if ours else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class _Progress:
    """The state of an unfinished search."""

    asked: tuple[SearchPeriod, ...]
    periods: deque[SearchPeriod]
    cursor: str = ""
    pages: int = 0
    found: dict[str, str] = field(default_factory=dict)


def _agree(some: Sequence[SearchPeriod], others: Sequence[SearchPeriod]) -> bool:
    """Return whether these are the same periods, apart from small differences between clock readings."""
    pairs = list(zip(some, others, strict=False))
    ends = [(left.oldest, right.oldest) for left, right in pairs]
    ends += [(left.latest or 0.0, right.latest or 0.0) for left, right in pairs]
    return len(some) == len(others) and all(abs(left - right) <= TOLERANCE for left, right in ends)


class MessageLookup:
    """Search channels and threads, and detect the lower rate limit.

    A search that was ended by Slack's limit or a lease is continued by the next call.
    """

    def __init__(self, api: WebAPI) -> None:
        self._api = api
        self._unfinished: dict[tuple[str, ...], _Progress] = {}
        self._answered: deque[float] = deque(maxlen=LIMITED_AFTER)
        self.limited = False

    async def find(
        self,
        channel: str,
        keys: Collection[str],
        periods: Sequence[SearchPeriod],
        author: Author,
        *,
        thread_ts: str | None = None,
    ) -> dict[str, str]:
        """Return the ts of the message with each of these keys; the periods are searched in order until all are found.

        Raises SlackRateLimited before the search is complete.
        """
        question = (channel, thread_ts or "", *sorted(keys))
        # removed, since two concurrent calls must not continue the same search
        left = self._unfinished.pop(question, None)
        if left is None or not _agree(left.asked, periods):  # another replica may have posted again in the meantime
            left = _Progress(tuple(periods), deque(periods))
        try:
            while left.periods and len(left.found) < len(keys):
                for message in await self._page(channel, left, thread_ts):
                    key = author.key_of(message)
                    if key in keys and key is not None:
                        left.found.setdefault(key, str(message["ts"]))
        finally:
            if left.periods and len(left.found) < len(keys):
                self._unfinished[question] = left
            while len(self._unfinished) > KEPT:
                self._unfinished.pop(next(iter(self._unfinished)))
        return left.found

    async def find_all(self, channel: str, key: str, periods: Sequence[SearchPeriod], author: Author) -> frozenset[str]:
        """Return the ts of every message with this key that we posted in these periods.

        Raises SlackRateLimited before the search is complete.
        """
        left = _Progress(tuple(periods), deque(periods))
        found: set[str] = set()
        while left.periods:
            found.update(
                str(message["ts"]) for message in await self._page(channel, left, None) if author.key_of(message) == key
            )
        return frozenset(found)

    async def _page(self, channel: str, left: _Progress, thread_ts: str | None) -> list[Any]:
        if not time_left():
            raise SlackRateLimited(retry_after=0.0)
        answer = await self._ask(channel, left, thread_ts)
        messages = read_list(answer, "messages")
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        self._on_answer(len(messages), more=bool(cursor))
        if not cursor:
            left.periods.popleft()
        elif cursor == left.cursor or left.pages + 1 >= PAGES:
            raise SlackResponseTooLarge(code="endless_list")
        left.cursor, left.pages = cursor, left.pages + 1
        return messages

    async def _ask(self, channel: str, left: _Progress, thread_ts: str | None) -> Any:
        query: dict[str, Any] = {
            "channel": channel,
            **left.periods[0].query(),
            "inclusive": True,
            "include_all_metadata": True,
            "limit": LIMITED_OBJECTS if self.limited else LIMIT,
            **({"cursor": left.cursor} if left.cursor else {}),
        }
        try:
            if thread_ts:
                return await call_api(self._api.conversations_replies(ts=thread_ts, **query))
            return await call_api(self._api.conversations_history(**query))
        except SlackRateLimited as busy:
            self._on_busy(busy)
            raise
        except SlackError:
            left.cursor = ""  # the cursor may be the cause
            raise

    def _on_answer(self, count: int, *, more: bool) -> None:
        self._answered.append(time.monotonic())
        if more and count == LIMITED_OBJECTS and not self.limited:
            self._be_limited()

    def _on_busy(self, busy: SlackRateLimited) -> None:
        lately = [at for at in self._answered if time.monotonic() - at < 60]
        if busy.retry_after >= LIMITED_SECONDS and len(lately) < LIMITED_AFTER and not self.limited:
            self._be_limited()

    def _be_limited(self) -> None:
        self.limited = True
        log.warning("slack.history_limited", consequence=CONSEQUENCE, fix=REMEDY)
