"""Reply with errors: what happened, what to do next, and a button for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypedDict

from bot.dispatch import refusals, request_state
from bot.dispatch.modal_submission import ModalSubmission
from bot.dispatch.refusals import RUN
from bot.dispatch.registry import HandlerRegistry
from bot.dispatch.requests import RequestSource, read_values
from bot.dispatch.responder import Responder
from bot.domain.states import PauseReason
from bot.exceptions import BotError, ChannelUnavailable, DatabaseUnavailable, PermissionDenied
from bot.services.bundle import Services
from bot.slack.blocks import Message
from bot.slack.views import errors, forms

ADMINS_SECONDS = 2.0  # the maximum delay of an error for the names of admins


class _Reading(TypedDict):
    """The arguments of an error's message besides the error."""

    now: datetime
    again: tuple[str, str] | None
    is_admin: bool
    admins: Sequence[str]


def _may_choose_another(error: BotError, name: str) -> bool:
    """Return whether a command or button `name` that was refused in this channel may be run in another."""
    if isinstance(error, PermissionDenied):
        return error.reason is PauseReason.SHARED and name == RUN
    return isinstance(error, ChannelUnavailable) and error.is_here


class ErrorReplies:
    """Answer requests with errors, visible to their users."""

    def __init__(
        self, services: Services, registry: HandlerRegistry, responder: Responder, clock: Callable[[], datetime]
    ) -> None:
        self._services = services
        self._registry = registry
        self._responder = responder
        self._clock = clock

    async def deny(self, source: RequestSource, error: PermissionDenied, form: ModalSubmission | None) -> None:
        """Record and show a refusal, with a button to request the missing role."""
        request = await self._record(source, error, read_values(form.view) if form else {})
        shown = errors.denied(error, **await self._reading(error), request=request)
        await self._refuse(source, shown, error, form)

    async def explain(
        self, source: RequestSource, error: BotError, form: ModalSubmission | None, reference: str | None
    ) -> None:
        """Show what went wrong; `reference` is the one in the log, if the message shows it."""
        shown = errors.with_commands(errors.problem(error, reference, **await self._reading(error)), error)
        await self._refuse(source, shown, error, form, reference)

    async def _refuse(
        self,
        source: RequestSource,
        shown: Message,
        error: BotError,
        form: ModalSubmission | None,
        reference: str | None = None,
    ) -> None:
        shown = await self._with_channel_picker(shown, error)
        await self._responder.refuse(source, shown, error, form, reference, is_admin=request_state.is_admin())

    async def _with_channel_picker(self, shown: Message, error: BotError) -> Message:
        """Return an error with the button to choose another channel, if that may help."""
        asked = request_state.repeat_action.get()
        if asked is None or not _may_choose_another(error, asked[0]):
            return shown
        try:
            return forms.choose_channel(shown, await self._services.drafts.store(" ".join(asked)))
        except DatabaseUnavailable:
            return shown

    async def _reading(self, error: BotError) -> _Reading:
        """Return the other arguments of an error's message: the time, the reader, and how to try again."""
        admins: list[str] = []
        is_admin = request_state.is_admin()
        if error.admin_step and not is_admin and (actor := request_state.asker.get()):
            with suppress(BotError, TimeoutError):
                async with asyncio.timeout(ADMINS_SECONDS):
                    admins = await self._services.roles.admins_for(actor)
        again = request_state.repeat_action.get()
        return {"now": self._clock(), "again": again, "is_admin": is_admin, "admins": admins}

    async def _record(self, source: RequestSource, error: PermissionDenied, form: dict[str, str]) -> int | None:
        """Record a refusal; return its number, with which the user can request the missing role."""
        asked = request_state.repeat_action.get()
        return await self._services.roles.record_refusal(
            source.user_id,
            source.channel_id,
            error,
            refusals.format_command(asked, form),
            refusals.candidate_names(asked, form),
            takes_an_app=refusals.is_about_app(self._registry, asked),
        )
