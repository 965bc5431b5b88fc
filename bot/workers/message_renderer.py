"""What is said for an announcement: the channel's card or its thread, a person's message, or a fact of its own."""

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

CARDS = 64  # that are rendered once for all channels which get the same


class MessageRenderer:
    """Render a delivery into a message; facts become text only when they are posted."""

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
        """Return the message for an announcement. Raises MessageRejected when there is nothing to be said any more."""
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
        if not details.blocks:  # the changelog was made shorter meanwhile
            raise MessageRejected(english("There are no details any more."), code="no_details")
        return details

    async def _bisection(self, announcement: Delivery) -> Message:
        """Return the present state of a bisect's message, whatever it was when this was enqueued."""
        number, place = place_of(announcement.card)
        bisection = await self._bisections.find(number)
        if bisection is None:
            raise MessageRejected(english("This bisect is kept no longer."), code="no_bisection")
        found = await self._bisections.range_of(bisection)
        return bisections.head(bisection, found) if place == HEAD else bisections.step(bisection, place, found)

    async def _feedback(self, announcement: Delivery) -> Message:
        """The webhook said only that there is some; that the app exists, and its name, is Applivery's own
        answer.
        """
        for app in await self._app_directory.apps():
            if app.id == announcement.build.app.id:
                kind = msgspec.json.decode(announcement.fact).get("kind", "")
                return thread_details.feedback(kind, app.name, self._apps(app))
        raise MessageRejected(english("Applivery has no such app."), code="no_such_app")
