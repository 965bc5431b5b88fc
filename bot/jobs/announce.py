"""Due → card → post → mark; in order for each channel, once for each build, whatever dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.domain.model import Announcement, Build
from bot.errors import ChannelRefused, MessageRefused, SlackBusy, SlackCredentialRefused, SlackProblem, SlackUnsure
from bot.jobs.loop import Outage
from bot.slack.blocks import Message
from bot.slack.cards import builds as cards
from bot.slack.cards import subscriptions
from bot.slack.poster import HTTP_SECONDS, Poster
from bot.store.claims import Claim, Outcome
from bot.store.handing import Expiry
from bot.store.store import Store
from bot.telemetry import Metrics, logger

log = logger(__name__)

IN_FLIGHT = 8
# A lease outlasts the HTTP timeout, so when it has lapsed its post has ended one way or the other.
LEASE_SECONDS = HTTP_SECONDS * 2
CREDENTIAL_SECONDS = 60.0
PEOPLE = ("U", "W")  # an announcement may be for one person, in their direct messages
GIVE_UP = timedelta(hours=6)


class Announce:
    """Says what is due: claims a channel's oldest announcement, posts it, and hands the outcome in."""

    def __init__(
        self,
        *,
        store: Store,
        poster: Poster,
        metrics: Metrics,
        dashboard: Callable[[Build], str],
        personal: Callable[[Announcement], Awaitable[Message]],
        lease_seconds: float = LEASE_SECONDS,
        pace_seconds: float = 1.0,
    ) -> None:
        self._store = store
        self._poster = poster
        self._metrics = metrics
        self._dashboard = dashboard
        self._personal = personal
        self._lease = lease_seconds
        self._pace = pace_seconds
        self._done: list[Outcome] = []
        self._posting: dict[asyncio.Task[None], Claim] = {}
        self._outage = Outage("slack")

    async def step(self) -> float | None:
        """Hand in what has ended, claim and start what is due; returns the seconds until more is. Raises StoreDown.

        This is the only place that asks the database for the sender, so outcomes are committed in groups.
        """
        done, self._done = self._done, []
        room = IN_FLIGHT - len(self._posting)
        try:
            exchange = await self._store.exchange(done, room, lease_seconds=self._lease, pace_seconds=self._pace)
        except BaseException:
            self._done = done + self._done  # handing in the same outcome again changes nothing
            raise
        for outcome in exchange.lost:
            await self._take_back(outcome)
        for claim in exchange.claims:
            task = asyncio.create_task(self._say(claim))
            self._posting[task] = claim
            task.add_done_callback(self._ended)
        if len(exchange.claims) == room:
            return None  # as much as there is room for; the first one to end wakes us
        return await self._store.tell_due_in()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._posting.pop(task, None)
        self._store.wakeups.ring("tell")

    async def drain(self) -> None:
        """Step until nothing is due now and nothing is under way; for tests, which need no clock then."""
        while True:
            due = await self.step()
            if self._done:
                continue  # it ended while we asked; its channel may go on
            if self._posting:
                await asyncio.wait(self._posting, return_when=asyncio.FIRST_COMPLETED)
            elif due is None or due > 0:
                return

    async def finish(self, seconds: float) -> None:
        """Let the posts under way end, at most so long, and write down how they did."""
        if self._posting:
            await asyncio.wait(self._posting, timeout=seconds)
        if self._done:
            await self._store.exchange(self._done, 0, lease_seconds=self._lease, pace_seconds=self._pace)
            self._done = []

    # -------------------------------------------------------------- one announcement

    async def _say(self, claim: Claim) -> None:
        try:
            outcome = await self._outcome(claim)
        except Exception as error:  # whatever it was, the channel must not stay blocked for ever
            log.exception("announce.unexpected", error=type(error).__name__, key=claim.announcement.key)
            outcome = Outcome.of(claim, "unsure")
        self._metrics.announcements.labels(outcome.kind).inc()
        self._done.append(outcome)

    async def _outcome(self, claim: Claim) -> Outcome:
        try:
            outcome = await self._post(claim)
        except SlackUnsure as error:
            self._outage.failed(error)
            return Outcome.of(claim, "unsure")
        except SlackBusy as error:
            return Outcome.of(claim, "again", retry_in=error.retry_after)
        except SlackCredentialRefused as error:
            self._outage.failed(error)
            return Outcome.of(claim, "again", retry_in=CREDENTIAL_SECONDS)
        except ChannelRefused as error:
            await self._pause(claim.announcement.channel_id, error)
            return Outcome.of(claim, "failed", reason=error.code)
        except SlackProblem as error:
            return await self._refused(claim, error)
        self._outage.worked()
        return outcome

    async def _post(self, claim: Claim) -> Outcome:
        announcement = claim.announcement
        if claim.unsure and (ts := await self._there_already(claim)):
            return Outcome.of(claim, "posted", ts=ts)
        card = await self._card(announcement)
        try:
            posted = await self._poster.post(
                announcement.channel_id, card, key=announcement.key, before=claim.deadline_monotonic
            )
        except MessageRefused as error:
            # A workspace that will not take the card still hears the sentence.
            log.error("announce.card_refused", code=error.code, key=announcement.key)
            posted = await self._poster.post(
                announcement.channel_id, Message(card.text), key=announcement.key, before=claim.deadline_monotonic
            )
        if over := card.expires:
            expiry = Expiry(posted.channel, posted.ts, over.app_id, over.build_id, over.title, over.again)
            await self._store.expire_at(over.at, expiry)
        return Outcome.of(claim, "posted", ts=posted.ts)

    async def _there_already(self, claim: Claim) -> str | None:
        """The ts of an earlier attempt whose outcome nobody knows; None when it is not in the channel."""
        announcement = claim.announcement
        try:
            return await self._poster.find(announcement.channel_id, announcement.key, claim.first_attempt_at)
        except SlackProblem as error:
            if error.code in ("missing_scope", "unknown_method"):
                # Said at the start: without the history scope a crash can, rarely, repeat a message.
                log.warning("announce.cannot_look_up", code=error.code)
                return None
            raise

    async def _card(self, announcement: Announcement) -> Message:
        if announcement.channel_id.startswith(PEOPLE):
            return await self._personal(announcement)
        return cards.announcement(announcement.event, announcement.build, self._dashboard(announcement.build))

    async def _refused(self, claim: Claim, error: SlackProblem) -> Outcome:
        """A refusal of a kind we do not know: tried again for some hours, then ended, so that it blocks nothing."""
        log.warning("announce.refused", code=error.code, key=claim.announcement.key)
        if isinstance(error, MessageRefused) or await self._store.now() - claim.first_attempt_at > GIVE_UP:
            return Outcome.of(claim, "failed", reason=error.code)
        return Outcome.of(claim, "again", retry_in=CREDENTIAL_SECONDS)

    async def _pause(self, channel_id: str, error: ChannelRefused) -> None:
        """Nobody hears what the channel cannot take: pause it and tell whoever wanted it, once."""
        log.warning("announce.channel_refused", channel=channel_id, code=error.code)
        for paused in await self._store.pause_subscriptions(channel_id, error.code):
            try:
                await self._poster.post(paused.created_by, subscriptions.paused(paused, await self._poster.my_name()))
            except SlackProblem as problem:
                log.info("announce.maker_not_told", code=problem.code)

    async def _take_back(self, outcome: Outcome) -> None:
        """Somebody else had posted it first while we were frozen: our copy is one too many."""
        if outcome.ts is None:
            return
        try:
            await self._poster.delete(outcome.channel_id, outcome.ts)
        except SlackProblem as error:
            log.warning("announce.copy_stays", code=error.code)
