"""Render announcements: channel cards and threads, messages to users, and messages without a build."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import lru_cache

import msgspec

from bot.db.bisections import HEAD, place_of
from bot.db.serialization import goal_of_fact
from bot.domain import install
from bot.domain.model import (
    App,
    Build,
    BuildEvent,
    CardEntry,
    CardUpdate,
    ChannelNotice,
    Delivery,
    DeliveryOptions,
    is_person,
)
from bot.exceptions import MessageRejected
from bot.i18n import current_locale, english
from bot.services.app_directory import AppDirectory
from bot.services.bisections import BisectionService
from bot.slack.blocks import Message
from bot.slack.views import bisections, channel_card, goals, thread_details
from bot.slack.views.welcome import welcome

CARDS = 64  # rendered once and cached for all channels with the same card


class MessageRenderer:
    """Renders deliveries into messages; text is generated only when they are posted."""

    def __init__(
        self,
        *,
        app_directory: AppDirectory,
        dashboard: Callable[[Build], str],
        apps: Callable[[App], str],
        personal: Callable[[Delivery], Awaitable[Message]],
        bisections: BisectionService,
        clock: Callable[[], datetime],
    ) -> None:
        self._app_directory = app_directory
        self._dashboard = dashboard
        self._apps = apps
        self._personal = personal
        self._bisections = bisections
        self._clock = clock
        self._cards = lru_cache(maxsize=CARDS)(self._render_card)
        # Every other event is shown on the channel's card.
        self._of_event: dict[BuildEvent | CardUpdate | ChannelNotice, Callable[[Delivery], Awaitable[Message]]] = {
            ChannelNotice.WELCOME: self._welcome,
            ChannelNotice.GOAL: self._goal,
            ChannelNotice.GOAL_ENDED: self._goal_ended,
            ChannelNotice.BISECTION: self._bisection,
            BuildEvent.FEEDBACK: self._feedback,
            BuildEvent.CERT: self._certificate,
            CardUpdate.DETAILS: self._details,
        }

    async def message(self, announcement: Delivery) -> Message:
        """Return the message for an announcement. Raises MessageRejected when it is obsolete."""
        if is_person(announcement.channel_id):
            return await self._personal(announcement)
        return await self._of_event.get(announcement.event, self._card)(announcement)

    async def _card(self, announcement: Delivery) -> Message:
        minute = self._clock().replace(second=0, microsecond=0)
        shown = channel_card.entries_of(announcement)
        return self._cards(shown, announcement.manner, minute, current_locale())

    def _render_card(
        self, shown: tuple[CardEntry, ...], manner: DeliveryOptions, now: datetime, _language: str
    ) -> Message:
        return channel_card.of_entries(shown, manner, self._dashboard, now)

    async def _welcome(self, announcement: Delivery) -> Message:
        return welcome()

    async def _goal(self, announcement: Delivery) -> Message:
        return goals.card(goal_of_fact(announcement.fact))

    async def _goal_ended(self, announcement: Delivery) -> Message:
        return goals.ended(goal_of_fact(announcement.fact))

    async def _certificate(self, announcement: Delivery) -> Message:
        build = announcement.build
        return thread_details.certificate(build, self._dashboard(build), install.expiry(build, self._clock()))

    async def _details(self, announcement: Delivery) -> Message:
        build = announcement.build
        details = thread_details.details(
            announcement, install.warnings(build, self._clock()), install.requirements(build)
        )
        if not details.blocks:  # the changelog was shortened meanwhile
            raise MessageRejected(english("There are no details any more."), code="no_details")
        return details

    async def _bisection(self, announcement: Delivery) -> Message:
        """Return the current state of a bisect's message, not the one when it was enqueued."""
        number, place = place_of(announcement.card)
        bisection = await self._bisections.find(number)
        if bisection is None:
            raise MessageRejected(english("This bisect is kept no longer."), code="no_bisection")
        found = await self._bisections.range_of(bisection)
        return bisections.head(bisection, found) if place == HEAD else bisections.step(bisection, place, found)

    async def _feedback(self, announcement: Delivery) -> Message:
        """Return the message about new feedback. The webhook's content is not trusted: the app comes from the API."""
        for app in await self._app_directory.apps():
            if app.id == announcement.build.app.id:
                kind = msgspec.json.decode(announcement.fact).get("kind", "")
                return thread_details.feedback(kind, app.name, self._apps(app))
        raise MessageRejected(english("Applivery has no such app."), code="no_such_app")
