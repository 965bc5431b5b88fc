"""Notifications about a watched build: its link, why there is none, or that it seems stuck."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from bot.db.outages import outage_of
from bot.db.serialization import request_of
from bot.domain.audit import Entrypoint
from bot.domain.devices import judge
from bot.domain.model import Build, BuildEvent, ChannelNotice, Delivery
from bot.exceptions import BotError, BuildRecalled, PermissionDenied, kind_of
from bot.i18n import _, use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.access import AccessResolver
from bot.services.device_history import DeviceHistory
from bot.services.links import LinkIssuer
from bot.services.permissions import PermissionChecker
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.views import builds, errors, goals, health, links, progress

log = logger(__name__)


class PersonalNotifier:
    """Renders the direct message; its link is created only when it is sent."""

    def __init__(
        self,
        *,
        people: AccessResolver,
        permission: PermissionChecker,
        link_issuer: LinkIssuer,
        devices: DeviceHistory,
        dashboard: Callable[[Build], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._people = people
        self._permission = permission
        self._link_issuer = link_issuer
        self._devices = devices
        self._dashboard = dashboard
        self._clock = clock

    async def message(self, announcement: Delivery) -> Message:
        """Return the message for the user in `channel_id`, in their language."""
        with use_locale(await self._people.language(announcement.channel_id)):
            if announcement.event in (ChannelNotice.OUTAGE, ChannelNotice.RECOVERY):
                return _outage_message(announcement)
            if announcement.event is ChannelNotice.GOAL_REQUEST:
                return goals.request(request_of(announcement.fact))
            return await self._build_message(announcement)

    async def _build_message(self, announcement: Delivery) -> Message:
        """Return the build's state; for a ready build with a link, or a button when none can be created now."""
        build, dashboard = announcement.build, self._dashboard(announcement.build)
        if announcement.event is BuildEvent.DELETED:
            return progress.deleted(build)
        if announcement.event in (BuildEvent.STUCK, BuildEvent.GIVEN_UP):
            return (progress.stuck if announcement.event is BuildEvent.STUCK else progress.given_up)(build, dashboard)
        card = builds.status(build, dashboard)
        if announcement.event is not BuildEvent.PROCESSED:
            return card
        try:
            asker = await self._permission.require_waiter(announcement.channel_id, build)
            kind = self._link_issuer.default_kind(build)
            self._devices.begin(asker.user_id, build)
            link = await self._link_issuer.issue(asker, build, kind, entrypoint=Entrypoint.WATCH)
        except BuildRecalled as problem:
            message = errors.problem(problem)
            head = _("{build} is ready but was recalled.", build=builds.title(build))
            return Message(f"{head} {message.text}", (blocks.section(head), *message.blocks))
        except PermissionDenied:
            raise  # access was lost a moment ago: send nothing
        except BotError as problem:
            log.info("personal.without_link", problem=kind_of(problem), cause=cause(problem))
            return card
        known, now = await self._devices.devices(asker.user_id, build), self._clock()
        verdict = judge(build, kind, known, now, tz=asker.tz)
        return links.ready(build, link, asker, now, dashboard=dashboard, verdict=verdict)


def _outage_message(announcement: Delivery) -> Message:
    """Return the message to an admin about an outage or its end."""
    record = outage_of(announcement.fact)
    began = datetime.fromtimestamp(record.began, UTC)
    if record.ended is None:
        return health.outage(record.kind, record.cause, began)
    return health.recovery(began, datetime.fromtimestamp(record.ended, UTC))
