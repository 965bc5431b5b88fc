"""Check whether a user may use an app in a channel now, for work that runs after its request."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from msgspec.structs import replace

from bot.db import access as stored_access
from bot.db import build_waiters
from bot.db.database import Database
from bot.domain import access
from bot.domain.model import Actor, App, Build, Role
from bot.domain.states import PauseReason
from bot.domain.tickets import Ticket
from bot.exceptions import ChannelUnverified, PermissionDenied, SlackError
from bot.i18n import Text
from bot.services.access import ANEW_SECONDS, AccessResolver, TtlCache
from bot.slack.client import SlackClient
from bot.slack.errors import OUT_OF_SIGHT


class PermissionChecker:
    """Checks permissions for subscriptions, reports, watches, uploads, sent builds and claim tickets.

    Each check raises PermissionDenied with the reason (domain.states.Withdrawal) when it is not permitted,
    PermissionUnverified when Slack does not respond, and DatabaseUnavailable: a failed check does not permit.
    """

    def __init__(
        self,
        people: AccessResolver,
        store: Database,
        slack_client: SlackClient,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people = people.uncached()
        self._store = store
        self._channels = TtlCache(slack_client.channel, clock, ANEW_SECONDS)

    async def require(self, user_id: str, need: Role, app: App | None, channel_id: str | None) -> Actor:
        """Return the user if they have this role for an app (None: every app) in a channel (None: direct messages)."""
        if app is not None:
            access.require_place(app, channel_id, await self._allowlist(app))  # the cheaper check first
        asker = await self._people.resolve_actor(user_id, channel_id)
        access.require(asker.role_for(app.id) if app else asker.role, need, app)
        return asker

    async def require_somewhere(self, user_id: str, need: Role, channel_id: str | None) -> Actor:
        """Return the user if they have this role for at least one app."""
        asker = await self._people.resolve_actor(user_id, channel_id)
        access.require_somewhere(asker, need)
        return asker

    async def filter_apps(self, asker: Actor, need: Role, apps: Collection[App], channel_id: str | None) -> list[App]:
        """Return the apps for which the user has this role in a channel (None: direct messages)."""
        lists = await self._store.cached(stored_access.list_allowed_channels)
        there = replace(asker, channel_id=channel_id)
        return [app for app in apps if access.may(there, need, app, lists.get(app.id, frozenset()))]

    async def require_waiter(self, user_id: str, build: Build) -> Actor:
        """Return a user who waits for a build, if permitted where they asked to be notified."""
        return await self.require(
            user_id, Role.MEMBER, build.app, await self._store.run(build_waiters.get_waiter_channel, build.id, user_id)
        )

    async def require_ticket_holder(self, ticket: Ticket) -> Actor:
        """Return the user of a claim ticket, if permitted where they requested it."""
        app = App(ticket.app_id, ticket.app_id, ticket.app_id)
        return await self.require(ticket.user_id, Role.MEMBER, app, ticket.channel_id or None)

    async def require_place(self, app: App, channel_id: str) -> None:
        """Return whether an app's builds may be shown in a channel."""
        access.require_place(app, channel_id, await self._allowlist(app))
        await self.require_unshared(channel_id)

    async def require_unshared(self, channel_id: str) -> None:
        """Raise PermissionDenied for a channel that is shared with another organisation."""
        if await self.is_shared(channel_id):
            why = Text("This channel is shared with another organisation.")
            raise PermissionDenied(why, Text("Choose a channel that isn't shared."), reason=PauseReason.SHARED)

    def forget_channel(self, channel_id: str) -> None:
        """Discard the cached record of a channel, after a change."""
        self._channels.forget(channel_id)

    async def is_shared(self, channel_id: str) -> bool:
        """Return whether a channel is shared with another organisation."""
        try:
            shared = (await self._channels.get(channel_id)).is_shared
        except SlackError as error:
            if error.code in OUT_OF_SIGHT:
                return False  # it also refuses messages
            raise ChannelUnverified from error
        if shared is None:
            raise ChannelUnverified
        return shared

    async def can_name_people(self, channel_id: str) -> bool:
        """Return whether people may be named in a channel."""
        return channel_id in await self._store.cached(stored_access.list_manager_channels) and not await self.is_shared(
            channel_id
        )

    async def _allowlist(self, app: App) -> Collection[str]:
        return (await self._store.cached(stored_access.list_allowed_channels)).get(app.id, frozenset())
