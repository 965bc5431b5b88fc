"""Due → progress of the build → post, edit or end the progress messages of its watchers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.db import build_watches, database_info
from bot.db.build_watches import BuildWatch as Row
from bot.db.database import Database
from bot.domain import estimates
from bot.domain.builds import can_be_awaited
from bot.domain.model import Build, Stage
from bot.domain.states import WatchState
from bot.exceptions import (
    DatabaseUnavailable,
    DeliveryUnknown,
    PermissionDenied,
    PermissionUnverified,
    SlackError,
    SlackInvalidCredentials,
    SlackRateLimited,
)
from bot.i18n import use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.access import AccessResolver
from bot.slack.blocks import Message
from bot.slack.client import MessageRef, SlackClient
from bot.slack.views import progress as cards
from bot.timeouts import no_later_than
from bot.workers.access_recheck import AccessRechecker
from bot.workers.leases import InterruptedLeases

log = logger(__name__)

AT_ONCE = 16
EVERY_SECONDS = 5.0  # minimum between edits of a message; Slack allows fifty edits a minute in total
LEASE_SECONDS = 90.0  # outlasts an edit: 15 s, two retries and Slack's Retry-After
TROUBLE_SECONDS = 30.0
WITHHELD_SECONDS = 15.0  # until a user's permission for the build is checked again
DEADLINE = timedelta(days=1)  # a build that has not ended by then is unlikely to end


class ProgressUpdater:
    """Keeps progress messages up to date, from the stages that the poller recorded, without requests to Applivery.

    Edits are idempotent and silent, so they bypass the outbox; messages that must notify (stuck, deleted, ready,
    failed) use it.
    """

    def __init__(
        self,
        *,
        store: Database,
        slack_client: SlackClient,
        people: AccessResolver,
        access_rechecker: AccessRechecker,
        dashboard: Callable[[Build], str],
        every_seconds: float = EVERY_SECONDS,
        deadline: timedelta = DEADLINE,
    ) -> None:
        self._store = store
        self._slack_client = slack_client
        self._people = people
        self._access_rechecker = access_rechecker
        self._dashboard = dashboard
        self._every = every_seconds
        self._deadline = deadline
        self.leases = InterruptedLeases(self._release)

    async def step(self) -> float | None:
        """Update the messages that are due; return the seconds until the next one.

        Raises DatabaseUnavailable.
        """
        taken = await self.leases.claim(self._store.run(build_watches.lease_due_watches, AT_ONCE, LEASE_SECONDS))
        with self.leases.working(taken), no_later_than(time.monotonic() + LEASE_SECONDS):
            now = await self._store.run(database_info.current_time)
            await asyncio.gather(*(self._update(row, now) for row in taken))
        return await self._store.run(build_watches.watch_due_in)

    async def _release(self, row: Row) -> None:
        await self._store.run(build_watches.release_watch, row)

    async def _update(self, row: Row, now: datetime) -> None:
        ended = row.standing is not WatchState.OPEN or row.build.stage.final
        if not ended and (row.build.stage is Stage.UNKNOWN or abs(now - row.started_at) > self._deadline):
            # the watch times out, unless Applivery is unavailable
            await self._store.run(build_watches.enqueue_given_up, row.build.app.id, row.build.id, row.user_id)
            row, ended = replace(row, standing=WatchState.GIVEN_UP), True
        if not ended and not row.alarmed and self._is_stuck(row):
            await self._store.run(build_watches.enqueue_stuck, row)
        with use_locale(await self._people.language(row.user_id)):
            card, paused = self._render(row, now), cards.withheld(row.build)
        try:
            at = None if ended and row.ts is None else await self._post_or_edit(row, card)
        except (PermissionUnverified, DatabaseUnavailable):
            await self._store.run(build_watches.postpone_watch, row, TROUBLE_SECONDS)
        except PermissionDenied:
            await self._show_withheld(row, paused, now, ended=ended)
        except (SlackRateLimited, SlackInvalidCredentials, DeliveryUnknown) as error:
            if row.ts is None and isinstance(error, DeliveryUnknown):
                # it may have been posted: a message without updates is better than two
                await self._store.run(build_watches.end_watch, row)
                return
            wait = error.retry_after if isinstance(error, SlackRateLimited) else TROUBLE_SECONDS
            await self._store.run(build_watches.postpone_watch, row, max(wait, self._every))
        except SlackError as error:
            log.info(
                "progress.update_skipped", code=error.code, cause=cause(error)
            )  # probably deleted; the user is still notified of the end
            await self._store.run(build_watches.end_watch, row)
        else:
            if ended or at is None:
                await self._store.run(build_watches.end_watch, row)
            else:
                await self._store.run(
                    build_watches.record_shown, row, at.channel, at.ts, card.text, again_in=self._every
                )

    async def _post_or_edit(self, row: Row, card: Message) -> MessageRef | None:
        """Return the ts of the progress message; None when its post has an unknown outcome."""
        if row.channel is None or row.ts is None:
            await self._access_rechecker.require_watch(row.user_id, row.build)
            return (
                await self._slack_client.post(row.user_id, card)
                if await self._store.run(build_watches.mark_post_attempted, row)
                else None
            )
        if card.text != row.shown:
            await self._access_rechecker.require_watch(row.user_id, row.build)
            await self._slack_client.edit(row.channel, row.ts, card)
        return MessageRef(row.channel, row.ts)

    async def _show_withheld(self, row: Row, paused: Message, now: datetime, *, ended: bool) -> None:
        """Show that the user may not see the build now, until they may or the watch has timed out."""
        if ended and now - row.started_at > self._deadline:
            await self._store.run(build_watches.end_watch, row)
        elif row.channel is None or row.ts is None:
            await self._store.run(build_watches.postpone_watch, row, WITHHELD_SECONDS)
        else:
            with suppress(SlackError):
                if paused.text != row.shown:
                    await self._slack_client.edit(row.channel, row.ts, paused)
            await self._store.run(
                build_watches.record_shown, row, row.channel, row.ts, paused.text, again_in=WITHHELD_SECONDS
            )

    def _render(self, row: Row, now: datetime) -> Message:
        if row.standing is WatchState.STOPPED:
            return cards.stopped(row.build, again=can_be_awaited(row.build, now, self._deadline))
        if row.standing is WatchState.DELETED:
            return cards.deleted(row.build)
        if row.standing is WatchState.GIVEN_UP:
            return cards.given_up(row.build, self._dashboard(row.build))
        if row.build.stage.final:
            return cards.ended(row.build, self._dashboard(row.build))
        return self._render_progress(row, now)

    def _render_progress(self, row: Row, now: datetime) -> Message:
        build, dashboard = row.build, self._dashboard(row.build)
        if self._is_stuck(row):
            return cards.stuck(build, dashboard)
        if row.usual and estimates.is_late(_since(row), row.usual, row.seen_at or row.started_at):
            return cards.late(build, row.usual, dashboard)
        return cards.on_its_way(build, row.usual, estimates.left(_since(row), row.usual, now), dashboard)

    def _is_stuck(self, row: Row) -> bool:
        """Return whether it looked stuck at the last poll: while Applivery is unavailable its state is unknown."""
        return row.seen_at is not None and estimates.is_stuck(_since(row), row.usual, row.seen_at)


def _since(row: Row) -> datetime:
    return row.build.created_at or row.started_at
