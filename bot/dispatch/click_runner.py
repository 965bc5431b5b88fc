"""Handle clicks on buttons and choices in menus."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from bot.dispatch import request_state
from bot.dispatch.authorizer import Authorizer
from bot.dispatch.command_runner import CommandRunner
from bot.dispatch.modal_submission import ModalSubmission, attribute_to_field
from bot.dispatch.refusals import RUN
from bot.dispatch.registry import HandlerKind, HandlerRegistry, RegisteredHandler
from bot.dispatch.requests import RequestSource, clicked, opened_with, parse_source, restore_context
from bot.domain.audit import Entrypoint
from bot.exceptions import BotError, Outdated
from bot.services.bundle import Services
from bot.services.links import LinkReservation
from bot.slack.blocks import Reply
from bot.slack.blocks.paging import parse_page_value
from bot.slack.views import errors, forms

REPEATING_COMMAND = (RUN, errors.MORE_CHOICES)  # buttons that contain a command; they have no handler of their own


def _button_name(action: dict[str, Any]) -> str:
    """Return the registered name of a clicked button: without the `#` suffix that makes it unique in its message."""
    return str(action.get("action_id") or "").partition("#")[0]


def click_key(source: RequestSource, action: dict[str, Any]) -> str:
    """Return a key that is the same for both clicks of a double click."""
    where = f"{source.user_id} {source.channel_id} {source.message_ts}"
    return f"{where} {action.get('action_id')} {action.get('value') or ''}"


class ClickRunner:
    """Run the handler of a button, or the command that is its value."""

    def __init__(
        self, services: Services, registry: HandlerRegistry, authorizer: Authorizer, commands: CommandRunner
    ) -> None:
        self._services = services
        self._registry = registry
        self._authorizer = authorizer
        self._commands = commands

    def parse(self, body: dict[str, Any]) -> list[tuple[RequestSource, dict[str, Any]]]:
        """Return each clicked button with its source."""
        return [
            (parse_source(Entrypoint.BUTTON, body, replaces_message=self._replaces_message(action)), action)
            for action in map(clicked, body.get("actions") or [])
        ]

    def is_once(self, action: dict[str, Any]) -> bool:
        """Return whether a double click on a button runs its handler once."""
        entry = self._registry.get(HandlerKind.BUTTON, _button_name(action))
        return entry is not None and entry.is_once

    def is_for_link(self, action: dict[str, Any]) -> bool:
        """Return whether a button requests a link."""
        entry = self._registry.get(HandlerKind.BUTTON, _button_name(action))
        return entry is not None and entry.is_for_link

    async def run(self, source: RequestSource, action: dict[str, Any]) -> tuple[str, Reply | None]:
        """Return the name of the clicked button and its reply: none for the second click of a double click.

        Raises BotError; the next click is then handled again.
        """
        if not self.is_once(action):
            return await self._answer_click(source, action)
        click = click_key(source, action)
        arrival = await request_state.find_arrival()
        if click in arrival.double_clicks:
            return _button_name(action), None  # the first click is being answered
        if arrival.link is None:
            return await self._do_once(click, self._answer_click(source, action))
        reserved = LinkReservation(arrival.link)
        request_state.reserved_link.set(reserved)
        try:
            return await self._do_once(click, self._answer_click(source, action))
        finally:
            await self._services.links.return_unused(reserved)

    async def _answer_click(self, source: RequestSource, action: dict[str, Any]) -> tuple[str, Reply | None]:
        name = _button_name(action)
        # a menu in a form is read when the form is submitted
        asked_in_words = action.get("type") == "button" or source.message_ts
        if name.startswith("open.") or not asked_in_words:
            return name, None
        if name and action.get("type") == "button":
            request_state.repeat_action.set((str(action["action_id"]), str(action.get("value") or "")))
        value = await self._services.drafts.load(str(action.get("value") or ""))
        if name == RUN:
            return await self._commands.run_button_value(source, value)
        if name == forms.PICK_CHANNEL:
            return name, forms.channel_picker(value)
        if name == errors.MORE_CHOICES:
            page, text = parse_page_value(value)
            return await self._commands.run_button_value(source, text, page)
        entry = self._registry.get(HandlerKind.BUTTON, name)
        if entry is None:
            raise Outdated
        return await self._press(source, entry, value)

    async def _press(self, source: RequestSource, entry: RegisteredHandler, value: str) -> tuple[str, Reply | None]:
        return entry.name, await entry.run(await self._authorizer.authorize(source, entry), value)

    async def _do_once(self, click: str, work: Awaitable[tuple[str, Reply | None]]) -> tuple[str, Reply | None]:
        try:
            return await work
        except BotError:  # the error message may ask the user to try again at once
            with suppress(BotError):
                await self._services.slack_events.allow_click_again(click)
            raise

    def _replaces_message(self, action: dict[str, Any]) -> bool:
        entry = self._registry.get(HandlerKind.BUTTON, name := _button_name(action))
        return entry.replaces_message if entry else name in REPEATING_COMMAND

    async def repeat_elsewhere(self, source: RequestSource, form: ModalSubmission) -> tuple[str, Reply | None]:
        """Run a command or button in the channel that the user chose, after it was refused where they used it.

        The user has to be a member of that channel, since otherwise they could not use it there.
        """
        form.view = await restore_context(form.view, self._services.drafts)
        asked = await self._services.drafts.load(opened_with(form.view))
        with attribute_to_field(forms.PICKED_CHANNEL):
            await self._authorizer.authorize(source, self._registry.entries[HandlerKind.COMMAND, "menu"])
            await self._services.channels.require_member(source.user_id, source.channel_id or "")
            name, _separator, value = asked.partition(" ")
            request_state.repeat_action.set((name, value))
            if name == RUN:
                return await self._commands.run_button_value(source, value)
            entry = self._registry.get(HandlerKind.BUTTON, name)
            if entry is None:
                raise Outdated
            click = click_key(source, {"action_id": name, "value": value})
            if entry.is_once and not await self._services.slack_events.is_first_click(click):
                return name, None
            return await self._do_once(click, self._press(source, entry, value))
