"""Monitor channels that refuse messages: pause them, notify the owners once, retry less and less often, resume."""

from __future__ import annotations

import time

from bot.db import channel_moves, key_value, mutes, subscriptions
from bot.db.channel_moves import REFUSED
from bot.db.database import Database
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.domain.model import Subscription
from bot.exceptions import ChannelUnavailable, SlackError
from bot.i18n import use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.access import AccessResolver
from bot.services.channel_moves import ChannelMoves
from bot.slack.client import SlackClient
from bot.slack.views import subscriptions as cards

log = logger(__name__)

FIRST_LOOK_SECONDS = 5.0
LONGEST_LOOK_SECONDS = 300.0
# Reasons that are visible in the channel's state.
_SEEN = frozenset({"not_in_channel", "channel_not_found", "is_archived", "is_inactive"})


def _record_refusal(tx: Transaction, channel_id: str, code: str) -> list[Subscription]:
    """Pause a channel and record the owners to notify; return one subscription of each new one.

    In one transaction, so that every reader that sees the channel paused sees the record. A channel whose id has
    changed meanwhile is not paused.
    """
    if channel_moves.follow(tx, channel_id):
        return []
    paused = mutes.pause_channel(tx, channel_id, code)
    told = set((key_value.get_value(tx, f"{REFUSED}{channel_id}") or "").split())
    new = {candidate.created_by: candidate for candidate in reversed(paused) if candidate.created_by not in told}
    key_value.set_value(tx, f"{REFUSED}{channel_id}", " ".join(sorted({*told, *new})))
    return list(new.values())


class ChannelMonitor:
    """Checks the paused channels regularly.

    A channel is paused from the first refusal to the next successful post: what Slack reports about it in between is
    only a reason to retry. The notified owners are stored, over restarts and for all replicas.
    """

    def __init__(
        self,
        *,
        store: Database,
        slack_client: SlackClient,
        people: AccessResolver,
        moves: ChannelMoves,
        first_look_seconds: float = FIRST_LOOK_SECONDS,
    ) -> None:
        self._store = store
        self._slack_client = slack_client
        self._people = people
        self._moves = moves
        self._first = first_look_seconds
        self._paused: dict[str, str] = {}
        self._refused_channels: set[str] = set()
        self._searched: set[str] = set()
        self._next_checks: dict[str, tuple[float, float]] = {}  # channel → (next check, pause before)

    async def on_refusal(self, channel_id: str, error: ChannelUnavailable) -> None:
        """Handle a refusal: pause the channel's subscriptions and notify each owner once until a post succeeds.

        Other due messages of the channel are held too, so that each does not cause another refusal.
        """
        self._paused[channel_id] = error.code
        if channel_id not in self._refused_channels:
            log.warning("pausing.channel_refused", channel=channel_id, code=error.code)
        self._refused_channels.add(channel_id)  # before the first await: a second refusal may arrive meanwhile
        for subscription in await self._store.run(_record_refusal, channel_id, error.code):
            try:
                await self._notify(subscription)
            except SlackError as problem:
                log.info("pausing.maker_not_told", code=problem.code, cause=cause(problem))

    async def _notify(self, paused: Subscription) -> None:
        """Notify the owner in their locale. Raises SlackError."""
        name, spoken = await self._slack_client.bot_name(), await self._people.language(paused.created_by)
        with use_locale(spoken):
            message = cards.paused(paused, name)
        await self._slack_client.post(paused.created_by, message)

    async def on_success(self, channel_id: str) -> None:
        """Handle a successful post: resume the channel if it was paused."""
        if channel_id not in self._paused and channel_id not in self._refused_channels:
            return
        self._next_checks.pop(channel_id, None)
        self._refused_channels.discard(channel_id)
        await self._resume(channel_id)
        late = await self._store.run(mutes.release_channel, channel_id)
        await self._store.run(key_value.delete_value, f"{REFUSED}{channel_id}")
        log.info("pausing.resumed", channel=channel_id, late=late)

    def is_paused(self, channel_id: str) -> bool:
        """Return whether this process knows that a channel is paused."""
        return channel_id in self._paused

    def check_now(self, channel_id: str | None) -> None:
        """Check a channel now (None: all), after an event in Slack such as an invitation or an unarchive."""
        for changed in [channel_id] if channel_id else [*self._paused]:
            self._next_checks[changed] = (0.0, self._first / 2)
        self._store.wake(Topic.PAUSED_CHANNELS)
        self._store.wake(Topic.ACCESS)

    async def step(self) -> float | None:
        """Check the paused channels that are due; return the seconds until the next one.

        Raises DatabaseUnavailable.
        """
        await self._moves.refresh()
        self._paused = await self._store.run(mutes.list_paused_channels)
        self._refused_channels = {
            key.removeprefix(REFUSED) for key in await self._store.run(key_value.scan_values, REFUSED)
        }
        known = self._refused_channels | self._paused.keys()
        self._next_checks = {channel: look for channel, look in self._next_checks.items() if channel in known}
        for channel_id, code in list(self._paused.items()):
            first = channel_id not in self._next_checks
            due, pause = self._next_checks.get(channel_id, (0.0, self._first / 2))
            if time.monotonic() < due:
                continue
            # after every check: only a successful post ends the pause
            pause = min(pause * 2, LONGEST_LOOK_SECONDS)
            self._next_checks[channel_id] = (time.monotonic() + pause, pause)
            if await self._can_post(channel_id, code):
                await self._release_held(channel_id, first=first)
            else:
                await self._search(channel_id, code)
        waits = [due - time.monotonic() for channel, (due, _) in self._next_checks.items() if channel in self._paused]
        return max(0.0, min(waits)) if waits else None

    async def _search(self, channel_id: str, code: str) -> None:
        """Search once for the new id of a channel that Slack does not know, as its event may be lost."""
        if code != "channel_not_found" or channel_id in self._searched:
            return
        self._searched.add(channel_id)
        try:
            await self._moves.search(channel_id)
        except SlackError as problem:
            log.info("pausing.not_searched", channel=channel_id, code=problem.code, cause=cause(problem))

    async def _can_post(self, channel_id: str, code: str) -> bool:
        """Return whether a retry may help: as far as Slack reports, and always where it reports nothing."""
        if code not in _SEEN:
            return True
        try:
            channel = await self._slack_client.channel(channel_id)
        except SlackError:
            return False
        return channel.is_member is not False and not channel.is_archived

    async def _release_held(self, channel_id: str, *, first: bool) -> None:
        """Release the held messages, whose post decides; without any, the next build's does.

        At the `first` check the refused message may not be back in the outbox yet.
        """
        if not await self._store.run(mutes.release_channel, channel_id) and not first:
            await self._resume(channel_id)

    async def _resume(self, channel_id: str) -> None:
        self._paused.pop(channel_id, None)
        await self._store.run(subscriptions.resume_subscriptions, channel_id)
