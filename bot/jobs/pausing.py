"""Channels that cannot be spoken in: paused, their makers told once, and resumed as soon as they can be again."""

from __future__ import annotations

import time

from bot.causes import cause
from bot.domain.model import Subscription
from bot.errors import ChannelRefused, SlackProblem
from bot.language import speaking
from bot.slack.cards import subscriptions as cards
from bot.slack.people import People
from bot.slack.poster import Poster
from bot.store.store import Store
from bot.store.wakeups import Topic
from bot.telemetry import logger

log = logger(__name__)

FIRST_LOOK_SECONDS = 5.0
LONGEST_LOOK_SECONDS = 300.0
# What a look at the channel can tell; any other refusal ends when a message goes through again.
_SEEN = frozenset({"not_in_channel", "channel_not_found", "is_archived", "is_inactive"})


class Pausing:
    """Knows the paused channels, and looks at them now and then."""

    def __init__(
        self, *, store: Store, poster: Poster, people: People, first_look_seconds: float = FIRST_LOOK_SECONDS
    ) -> None:
        self._store = store
        self._poster = poster
        self._people = people
        self._first = first_look_seconds
        self._paused: dict[str, str] = {}
        self._looks: dict[str, tuple[float, float]] = {}  # channel → (when to look next, the pause before that)

    async def refused(self, channel_id: str, error: ChannelRefused) -> None:
        """Slack will not take messages for a channel: pause its subscriptions and tell whoever made them, once."""
        log.warning("pausing.channel_refused", channel=channel_id, code=error.code)
        self._paused[channel_id] = error.code
        self._store.wakeups.ring(Topic.PAUSED)
        told: set[str] = set()
        for paused in await self._store.pause_subscriptions(channel_id, error.code):
            if paused.created_by in told:
                continue
            told.add(paused.created_by)
            try:
                await self._tell(paused)
            except SlackProblem as problem:
                log.info("pausing.maker_not_told", code=problem.code, cause=cause(problem))

    async def _tell(self, paused: Subscription) -> None:
        """Its maker, in their language. Raises SlackProblem."""
        name, spoken = await self._poster.my_name(), await self._people.language(paused.created_by)
        with speaking(spoken):
            message = cards.paused(paused, name)
        await self._poster.post(paused.created_by, message)

    async def spoke(self, channel_id: str) -> None:
        """A message went through: if the channel was paused, it is not any more."""
        if channel_id in self._paused:
            await self._resume(channel_id)

    def knows(self, channel_id: str) -> bool:
        """Whether a channel is paused, as far as this process has seen."""
        return channel_id in self._paused

    def look_now(self, channel_id: str) -> None:
        """Something happened to this channel in Slack (we were invited, it came back from the archive)."""
        self._looks.pop(channel_id, None)
        self._store.wakeups.ring(Topic.PAUSED)

    async def step(self) -> float | None:
        """Look at the paused channels whose time has come; returns the seconds until the next. Raises StoreDown."""
        self._paused = await self._store.paused_channels()
        self._looks = {channel: look for channel, look in self._looks.items() if channel in self._paused}
        for channel_id, code in list(self._paused.items()):
            due, pause = self._looks.get(channel_id, (0.0, self._first / 2))
            if code not in _SEEN or time.monotonic() < due:
                continue
            if await self._can_be_spoken_in(channel_id):
                await self._resume(channel_id)
            else:
                pause = min(pause * 2, LONGEST_LOOK_SECONDS)
                self._looks[channel_id] = (time.monotonic() + pause, pause)
        waits = [due - time.monotonic() for channel, (due, _) in self._looks.items() if channel in self._paused]
        return max(0.0, min(waits)) if waits else None

    async def _can_be_spoken_in(self, channel_id: str) -> bool:
        try:
            channel = await self._poster.channel(channel_id)
        except SlackProblem:
            return False
        return channel.member is not False and not channel.archived

    async def _resume(self, channel_id: str) -> None:
        self._paused.pop(channel_id, None)
        resumed = await self._store.resume_subscriptions(channel_id)
        late = await self._store.release_channel(channel_id)
        if resumed:
            log.info("pausing.resumed", channel=channel_id, subscriptions=len(resumed), late=late)
