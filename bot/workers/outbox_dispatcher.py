"""Claim → render → post or edit → record; in order per channel, once per build, across crashes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from msgspec.structs import replace

from bot.db import bisections, database_info, link_expiries, outbox, scheduled_reports
from bot.db.database import Database, recent_reads
from bot.db.link_expiries import LinkExpiry
from bot.db.outbox_types import DeliveryClaim, DeliveryResult, OutboxBatch
from bot.db.wakeups import Topic
from bot.domain.model import CardUpdate, ChannelNotice, Delivery, is_person
from bot.domain.states import ResultKind
from bot.exceptions import (
    AppliveryError,
    BotError,
    ChannelUnavailable,
    DatabaseUnavailable,
    DeliveryUnknown,
    DuplicateMessage,
    MessageRejected,
    PermissionDenied,
    PermissionUnverified,
    SlackError,
    SlackInvalidCredentials,
    SlackRateLimited,
    kind_of,
)
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.services.channel_moves import ChannelMoves
from bot.slack.blocks import Message
from bot.slack.client import HTTP_SECONDS, SlackClient
from bot.slack.message_lookup import SearchPeriod
from bot.timeouts import no_later_than
from bot.workers import leases, report_thread
from bot.workers.access_recheck import AccessRechecker
from bot.workers.attempt_clocks import AttemptClocks
from bot.workers.channel_monitor import ChannelMonitor
from bot.workers.loop import OutageTracker

log = logger(__name__)

IN_FLIGHT = 8
TOGETHER_SECONDS = 0.003  # posts that end within this time share a commit
LOOK_AGAIN_SECONDS = 1.0  # for other channels, while posts are in progress; the end of a post wakes the worker anyway
BUSY_SECONDS = 0.01  # until a due channel that was locked is tried again
# A lease outlasts the HTTP timeout, so when it has lapsed its post has ended.
LEASE_SECONDS = HTTP_SECONDS * 2
CREDENTIAL_SECONDS = 60.0
QUIET_SECONDS = 15.0  # between two checks whether Slack accepts the token again
DUPLICATE_SECONDS = 2.0  # until Slack's history shows a message that it has accepted
UNCHECKED_SECONDS = 5.0  # until an unverified permission is checked again
APPLIVERY_SECONDS = 15.0  # for the few messages that need a request to Applivery
LATE_LOOKS = 3  # searches for a duplicate that arrived after its lease
GIVE_UP = timedelta(minutes=10)  # for a message that Slack rejects with an undocumented error
# https://docs.slack.dev/reference/methods/chat.update#errors
UNKNOWN_CHANNEL = "channel_not_found"  # also for the former id of a channel
CARD_IS_GONE = ("message_not_found", "cant_update_message", "edit_window_closed")


class OutboxDispatcher:
    """Claim each channel's oldest announcement that is due, post it, and record the outcome."""

    def __init__(
        self,
        *,
        store: Database,
        slack_client: SlackClient,
        metrics: Metrics,
        message: Callable[[Delivery], Awaitable[Message]],
        channel_monitor: ChannelMonitor,
        access_rechecker: AccessRechecker,
        moves: ChannelMoves,
        lease_seconds: float = LEASE_SECONDS,
        pace_seconds: float = 1.0,
    ) -> None:
        self._store = store
        self._slack_client = slack_client
        self._metrics = metrics
        self._render = message
        self._channel_monitor = channel_monitor
        self._access_rechecker = access_rechecker
        self._moves = moves
        self._lease = lease_seconds
        self._pace = pace_seconds
        self._clocks = AttemptClocks(store, slack_client)
        metrics.history_limited.set_function(lambda: float(slack_client.lookup.limited))
        self._results: list[DeliveryResult] = []
        self._lost: list[DeliveryResult] = []
        self._posts: dict[asyncio.Task[None], DeliveryClaim] = {}
        self._late: set[asyncio.Task[None]] = set()
        self.outage = OutageTracker("slack")
        self._dead_letter_codes: dict[str, str] = {}  # channel → error of its last dead letter

    async def step(self) -> float | None:
        """Record results, claim and start due deliveries; return the seconds until the next. Raises
        DatabaseUnavailable.

        Only this method accesses the outbox for the sender, so results are committed in groups.
        """
        if self._results and self._posts:
            await asyncio.wait(self._posts, timeout=TOGETHER_SECONDS)
        quiet = not await self._slack_client.is_token_accepted()
        room = 0 if quiet else IN_FLIGHT - len(self._posts)
        exchange = await leases.claim(self._exchange(room), self._return_claims)
        for claim in exchange.claims:
            task = asyncio.create_task(self._deliver(claim))
            self._posts[task] = claim
            task.add_done_callback(self._on_post_done)
        await self._retract_duplicates()
        if quiet:
            return QUIET_SECONDS
        if exchange.claims or not room:
            return LOOK_AGAIN_SECONDS
        return None if exchange.due_in is None else max(exchange.due_in, BUSY_SECONDS)

    async def _exchange(self, room: int) -> OutboxBatch:
        """Record results, and claim up to `room` more deliveries."""
        done = self._results[:]
        exchange = await self._store.run(
            outbox.commit_results_and_claim, done, room, lease_seconds=self._lease, pace_seconds=self._pace
        )
        self._results = [outcome for outcome in self._results if outcome not in done]
        self._lost += exchange.lost
        return exchange

    def _return_claims(self, exchange: OutboxBatch) -> None:
        """Release claims that a stop interrupted before their post was started."""
        self._results += [DeliveryResult.of(claim, ResultKind.AGAIN) for claim in exchange.claims]

    def _on_post_done(self, task: asyncio.Task[None]) -> None:
        self._posts.pop(task, None)
        self._store.wake(Topic.OUTBOX)

    async def drain(self) -> None:
        """Step until nothing is due and no post is in progress; for tests, which then need no clock."""
        while True:
            due = await self.step()
            if self._results:
                continue  # a post ended during the step; its channel may have more
            if self._posts:
                await asyncio.wait(self._posts, return_when=asyncio.FIRST_COMPLETED)
            elif due is None or due > BUSY_SECONDS:
                return

    async def drain_posts(self, timeout_seconds: float) -> None:
        """Wait at most `timeout_seconds` for the posts in progress, and record their results."""
        until = time.monotonic() + timeout_seconds
        for late in self._late:
            late.cancel()
        if self._posts:
            await asyncio.wait(self._posts, timeout=timeout_seconds)
        if self._results:
            await self._exchange(0)
            await self._store.run(outbox.wake_replicas)
        with no_later_than(until):
            await self._retract_duplicates()

    # -------------------------------------------------------------- one announcement

    async def _deliver(self, claim: DeliveryClaim) -> None:
        try:
            with no_later_than(claim.deadline_monotonic), recent_reads():
                outcome = await self._attempt(claim)
        except Exception as error:  # no error may block the channel forever
            log.exception("announce.error", error=kind_of(error), key=claim.announcement.key)
            outcome = DeliveryResult.of(claim, ResultKind.UNSURE)
        if outcome.kind is ResultKind.UNSURE and time.monotonic() > claim.deadline_monotonic and _may_be_twice(claim):
            task = asyncio.create_task(self._retract_late_copy(claim))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        self._metrics.announcements.labels(outcome.kind).inc()
        if outcome.kind is ResultKind.POSTED:
            self._metrics.announcement_lag.observe(time.monotonic() - claim.due_monotonic)
        self._results.append(outcome)

    async def _attempt(self, claim: DeliveryClaim) -> DeliveryResult:
        """Check the permission, then send the announcement."""
        try:
            admitted = await self._access_rechecker.authorize(
                claim.announcement, new=claim.card_ts is None, about=claim.subscriptions
            )
            claim = replace(claim, announcement=admitted)
            try:
                outcome = await self._send(claim)
            except (SlackError, AppliveryError) as error:
                return await self._classify_failure(claim, error)
            return await self._record_success(claim, outcome)
        except (PermissionUnverified, DatabaseUnavailable) as error:
            return self._retry_unchecked(claim, error)
        except PermissionDenied as error:
            log.info("announce.withheld", why=error.reason, key=claim.announcement.key)
            return DeliveryResult.of(claim, ResultKind.HELD, reason=error.reason)
        except MessageRejected as error:  # it is obsolete
            return await self._on_refusal(claim, error)

    def _retry_unchecked(self, claim: DeliveryClaim, error: BotError) -> DeliveryResult:
        """Retry an unverified permission later; Slack's state is recorded as for a post."""
        behind = error.__cause__
        log.info("announce.unchecked", cause=cause(error), key=claim.announcement.key)
        if isinstance(behind, SlackRateLimited):
            return DeliveryResult.of(claim, ResultKind.AGAIN, retry_in=behind.retry_after)
        if isinstance(behind, (DeliveryUnknown, SlackInvalidCredentials)):
            self.outage.record_failure(behind)
        refused = isinstance(behind, SlackError) and not isinstance(behind, DeliveryUnknown)
        return DeliveryResult.of(claim, ResultKind.AGAIN, retry_in=CREDENTIAL_SECONDS if refused else UNCHECKED_SECONDS)

    async def _classify_failure(self, claim: DeliveryClaim, error: SlackError | AppliveryError) -> DeliveryResult:
        """Return the result of a delivery whose attempt failed."""
        if isinstance(error, DuplicateMessage):
            return await self._retry_with_lookup(claim, error)
        if isinstance(error, DeliveryUnknown):
            self.outage.record_failure(error)
            return DeliveryResult.of(claim, ResultKind.UNSURE)
        if isinstance(error, SlackRateLimited):
            return DeliveryResult.of(claim, ResultKind.AGAIN, retry_in=error.retry_after)
        if isinstance(error, SlackInvalidCredentials):
            self.outage.record_failure(error)
            return DeliveryResult.of(claim, ResultKind.AGAIN, retry_in=CREDENTIAL_SECONDS)
        return await self._on_refusal(claim, error)

    async def _record_success(self, claim: DeliveryClaim, outcome: DeliveryResult) -> DeliveryResult:
        """Record that Slack is available and, for a new message, that the bot can post in the channel."""
        self.outage.record_success()
        # `chat.update` succeeds in channels the bot has left, so it is no membership check
        if outcome.kind is ResultKind.POSTED and not outcome.edited:
            self._dead_letter_codes.pop(claim.announcement.channel_id, None)
            await self._channel_monitor.on_success(claim.announcement.channel_id)
        return outcome

    async def _send(self, claim: DeliveryClaim) -> DeliveryResult:
        """Post, edit or reply, as the announcement requires."""
        event = claim.announcement.event
        await self._clocks.record(claim)
        if isinstance(event, ChannelNotice):
            return await self._send_notice(claim)
        if claim.card_ts is None and event in CardUpdate:
            kind = (
                ResultKind.HELD if self._channel_monitor.is_paused(claim.announcement.channel_id) else ResultKind.FAILED
            )
            return DeliveryResult.of(claim, kind, reason="there is no card")
        if event is CardUpdate.DETAILS:
            return await self._send_or_find(claim, thread_ts=claim.card_ts)
        if claim.card_ts is None or claim.announcement.fact or _is_person(claim):
            return await self._send_or_find(claim)
        try:
            await self._update(claim)
        except MessageRejected as error:
            if event is CardUpdate.CHANGED or error.code not in CARD_IS_GONE:
                raise
            return await self._send_or_find(claim)  # the card was deleted: post a new one
        return DeliveryResult.of(claim, ResultKind.POSTED, ts=claim.card_ts, covers=claim.covers, edited=True)

    async def _send_notice(self, claim: DeliveryClaim) -> DeliveryResult:
        """Post an announcement that is not part of a build's card."""
        if claim.announcement.event is ChannelNotice.BISECTION:
            return await self._send_bisection(claim)
        if claim.announcement.event is not ChannelNotice.SUMMARY:
            return await self._send_or_find(claim)
        found = await self._find_existing(claim, None) if claim.unsure else None
        return DeliveryResult.of(
            claim, ResultKind.POSTED, ts=await report_thread.post_thread(self._slack_client, claim, found)
        )

    async def _send_bisection(self, claim: DeliveryClaim) -> DeliveryResult:
        """Post a message of a bisect in its thread, or edit it."""
        if claim.card_ts is None:
            thread_ts = await self._store.run(bisections.find_thread, *bisections.place_of(claim.announcement.card))
            try:
                return await self._send_or_find(claim, thread_ts)
            except MessageRejected as error:
                if error.code != "thread_not_found":
                    raise
            return await self._send_or_find(claim)  # post in the channel if the thread was deleted
        await self._update(claim)
        return DeliveryResult.of(claim, ResultKind.POSTED, ts=claim.card_ts, covers=claim.covers, edited=True)

    async def _send_or_find(self, claim: DeliveryClaim, thread_ts: str | None = None) -> DeliveryResult:
        """Post, unless a previous attempt with unknown outcome is found in the channel."""
        if claim.unsure and (ts := await self._find_existing(claim, thread_ts)):
            return DeliveryResult.of(claim, ResultKind.POSTED, ts=ts)
        announcement, message = claim.announcement, await self._render(claim.announcement)
        for form in _forms(message):
            try:
                posted = await self._slack_client.post(
                    announcement.channel_id,
                    form,
                    thread_ts=thread_ts,
                    key=announcement.key,
                    before=self._latest_start(claim),
                )
                break
            except MessageRejected as error:
                self._require_simpler(claim, message, form, error)
        if over := message.expires:
            expiry = LinkExpiry(
                posted.channel, posted.ts, over.app_id, over.build_id, over.title, over.again, over.language
            )
            await self._store.run(link_expiries.schedule_expiry, over.at, expiry)
        alone = thread_ts is not None or _is_person(claim)
        return DeliveryResult.of(claim, ResultKind.POSTED, ts=posted.ts, covers=0 if alone else claim.covers)

    async def _update(self, claim: DeliveryClaim) -> None:
        """Edit the posted card to show the current state."""
        assert claim.card_ts is not None
        message = await self._render(claim.announcement)
        for form in _forms(message):
            try:
                channel_id, before = claim.announcement.channel_id, self._latest_start(claim)
                await self._slack_client.edit(channel_id, claim.card_ts, form, before=before)
                break
            except MessageRejected as error:
                self._require_simpler(claim, message, form, error)

    def _require_simpler(self, claim: DeliveryClaim, message: Message, form: Message, error: MessageRejected) -> None:
        """Raise the error again, unless the text-only form may be accepted instead of the full message."""
        if error.code in CARD_IS_GONE or form is not message:
            raise error
        log.error("announce.card_refused", code=error.code, key=claim.announcement.key)

    def _latest_start(self, claim: DeliveryClaim) -> float:
        """Return the latest start of the request: half of a lease is for preparation, the rest for the request."""
        return claim.deadline_monotonic - self._lease / 2

    async def _find_existing(self, claim: DeliveryClaim, thread_ts: str | None) -> str | None:
        """Return the ts of an earlier attempt with unknown outcome; None when it is not in the channel."""
        channel_id, key = claim.announcement.channel_id, claim.announcement.key
        try:
            periods = await self._clocks.periods(claim, self._lease)
            found = await self._slack_client.find_messages(channel_id, (key,), periods, thread_ts=thread_ts)
            if not found:
                await self._store.run(outbox.record_not_posted, claim)
            return found.get(key)
        except SlackRateLimited:
            raise  # the outcome stays unknown, and the channel need not wait for the lease to lapse
        except SlackError as error:
            if error.code in ("missing_scope", "unknown_method"):
                # Logged at the start: without the history scope a crash can, rarely, duplicate a message.
                log.warning("announce.cannot_look_up", code=error.code)
                return None
            if isinstance(error, ChannelUnavailable):
                if _is_person(claim):
                    raise
                moved = error.code == UNKNOWN_CHANNEL and await self._moves.follow(channel_id)
                if not moved and not self._channel_monitor.is_paused(channel_id):
                    await self._channel_monitor.on_refusal(channel_id, error)
            elif await self._should_give_up(claim, error):
                raise
            raise DeliveryUnknown(code=error.code) from error  # the outcome stays unknown after the failed look-up

    async def _hold(self, claim: DeliveryClaim, error: ChannelUnavailable) -> DeliveryResult:
        """Handle an unavailable channel: its deliveries are held until it is available again, a user's are dropped.

        If the channel has a new id, they are posted there at once.
        """
        if error.code == UNKNOWN_CHANNEL and await self._moves.follow(claim.announcement.channel_id):
            return DeliveryResult.of(claim, ResultKind.AGAIN)
        if claim.announcement.event is ChannelNotice.SUMMARY:
            await self._store.run(scheduled_reports.pause_reports, error.code, place=claim.announcement.channel_id)
        if _is_person(claim) or isinstance(claim.announcement.event, ChannelNotice):
            return DeliveryResult.of(claim, ResultKind.FAILED, reason=error.code)
        await self._channel_monitor.on_refusal(claim.announcement.channel_id, error)
        return DeliveryResult.of(claim, ResultKind.HELD, reason=error.code)

    async def _on_refusal(self, claim: DeliveryClaim, error: SlackError | AppliveryError) -> DeliveryResult:
        """Retry a message rejected with an unknown error for some minutes, then drop it, so that it blocks nothing."""
        if isinstance(error, ChannelUnavailable):
            return await self._hold(claim, error)
        if isinstance(error, AppliveryError):
            return DeliveryResult.of(claim, ResultKind.AGAIN, retry_in=APPLIVERY_SECONDS)
        log.warning("announce.refused", code=error.code, key=claim.announcement.key)
        if isinstance(error, MessageRejected):
            return DeliveryResult.of(claim, ResultKind.FAILED, reason=error.code)
        if await self._should_give_up(claim, error):
            return await self._dead_letter(claim, error)
        return DeliveryResult.of(claim, ResultKind.AGAIN, retry_in=CREDENTIAL_SECONDS)

    async def _retry_with_lookup(self, claim: DeliveryClaim, error: DuplicateMessage) -> DeliveryResult:
        """Release the claim for a look-up: without a request in progress, waiting for the lease is not needed."""
        log.warning("announce.duplicate", code=error.code, key=claim.announcement.key)
        if claim.unsure and await self._is_old(claim):
            return await self._dead_letter(claim, error)
        return DeliveryResult.of(claim, ResultKind.LOOK_UP, retry_in=DUPLICATE_SECONDS)

    async def _dead_letter(self, claim: DeliveryClaim, error: SlackError) -> DeliveryResult:
        """Give up on a message, so that others can be sent. If the next one fails too, the channel is held."""
        channel_id = claim.announcement.channel_id
        log.error("announce.set_aside", code=error.code, key=claim.announcement.key, channel=channel_id)
        self._metrics.set_aside.inc()
        if self._dead_letter_codes.get(channel_id) == error.code:
            return await self._hold(claim, ChannelUnavailable(code=error.code))
        self._dead_letter_codes[channel_id] = error.code
        return DeliveryResult.of(claim, ResultKind.FAILED, reason=error.code)

    async def _should_give_up(self, claim: DeliveryClaim, error: SlackError) -> bool:
        """Return whether Slack has rejected this for minutes with an error that is not known to be temporary."""
        if isinstance(error, (SlackRateLimited, DeliveryUnknown, SlackInvalidCredentials)):
            return False
        return await self._is_old(claim)

    async def _is_old(self, claim: DeliveryClaim) -> bool:
        return await self._store.run(database_info.current_time) - claim.first_attempt_at > GIVE_UP

    async def _retract_duplicates(self) -> None:
        """Delete duplicates: another replica posted these messages after the lease expired."""
        while self._lost:
            outcome = self._lost[-1]
            try:
                if outcome.ts is not None:
                    await self._slack_client.delete(outcome.channel_id, outcome.ts)
            except SlackError as error:
                log.warning("announce.duplicate_not_deleted", code=error.code)
            self._lost.pop()

    async def _retract_late_copy(self, claim: DeliveryClaim) -> None:
        """Delete a post that reached Slack after its lease, when another replica had searched for it and posted again.

        That happens to a process that is frozen during a request. The recorded message of the delivery stays.
        """
        try:
            for _ in range(LATE_LOOKS):
                await asyncio.sleep(self._lease)  # longer than Slack and the other replica's post usually take
                recorded = await self._store.run(outbox.get_posted_ts, claim.announcement.id)
                if recorded is None:
                    continue  # the next claim looks it up
                periods = await self._clocks.periods(claim, self._lease)
                since = SearchPeriod(min(period.oldest for period in periods))
                channel_id, key = claim.announcement.channel_id, claim.announcement.key
                copies = await self._slack_client.find_copies(channel_id, key, (since,))
                if len(copies) > 1 and recorded in copies:
                    for ts in copies - {recorded}:
                        await self._slack_client.delete(channel_id, ts)
                    return
        except BotError as error:
            log.warning("announce.late_copy_not_looked_for", problem=kind_of(error), key=claim.announcement.key)


def _may_be_twice(claim: DeliveryClaim) -> bool:
    """Return whether it is one new message: edits are idempotent, and a report is several messages of one key."""
    return claim.card_ts is None and claim.announcement.event is not ChannelNotice.SUMMARY


def _forms(message: Message) -> tuple[Message, Message]:
    """Return the message, and its text-only form for a workspace that rejects the blocks."""
    return message, Message(message.text, text_only=True)


def _is_person(claim: DeliveryClaim) -> bool:
    """Return whether the target is a user, who always gets a new message, since an edit does not notify."""
    return is_person(claim.announcement.channel_id)
