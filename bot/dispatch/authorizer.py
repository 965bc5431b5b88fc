"""Identify and authorise the user before a handler runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.dispatch import request_state
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerRegistry, RegisteredHandler
from bot.dispatch.requests import RequestSource
from bot.domain import access
from bot.services.access import AccessResolver
from bot.services.bundle import Services


class Authorizer:
    """Create the context of a handler for a user who has its role for any app."""

    def __init__(
        self, services: Services, registry: HandlerRegistry, people: AccessResolver, clock: Callable[[], datetime]
    ) -> None:
        self._services = services
        self._registry = registry
        self._people = people
        self._clock = clock

    async def authorize(self, source: RequestSource, entry: RegisteredHandler) -> CommandContext:
        """Return the context of a handler. Raises PermissionDenied for a user without its role for any app."""
        asker = await self._people.resolve_requester(source.user_id, source.channel_id)
        request_state.asker.set(asker)
        access.require_somewhere(asker, entry.required_role, entry.act)
        return CommandContext(
            asker,
            self._services,
            self._registry,
            self._clock(),
            source.entrypoint,
            handler_name=entry.name,
            required_role=entry.required_role,
            act=entry.act,
            conversation=source.conversation,
            reserved_link=request_state.reserved_link.get(),
            thread_ts=source.thread_ts,
        )
