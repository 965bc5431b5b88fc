"""Render the Home tab each time it is opened and after each action in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from bot.dispatch.requests import RequestSource
from bot.exceptions import BotError, SlackError, kind_of
from bot.i18n import _, gettext_noop
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.slack import blocks
from bot.slack.blocks import HomeView, Message
from bot.slack.client import SlackClient

log = logger(__name__)

REFRESH = "home.v1"
ANSWERED = gettext_noop("The answer is in the *Messages* tab.")


class HomeTab:
    """Publish the result of `render`, one at a time per person, so that the newest one remains."""

    def __init__(self, slack_client: SlackClient, render: Callable[[RequestSource], Awaitable[HomeView]]) -> None:
        self._slack_client = slack_client
        self._render = render
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def show(self, source: RequestSource, note: str = "") -> None:
        """Publish the tab for the user, below a note. Raises SlackError, and the errors of rendering.

        https://docs.slack.dev/surfaces/modals#handling_race_conditions
        """
        async with self._turns.setdefault(source.user_id, asyncio.Lock()):
            try:
                await self._slack_client.publish_home(
                    source.user_id, (await self._render(source)).with_note(note), known=source.home_hash
                )
            except SlackError as error:
                if error.code != "hash_conflict":
                    raise
                # A concurrent update came first, perhaps with older data: render again.
                await self._slack_client.publish_home(source.user_id, (await self._render(source)).with_note(note))

    async def refresh_after_action(self, source: RequestSource) -> None:
        """Refresh the tab after an action in it, whose reply went to the direct messages."""
        try:
            await self.show(source, _(ANSWERED))
        except BotError as problem:
            log.info("home.refresh_failed", problem=kind_of(problem), cause=cause(problem))
        except Exception as error:  # the reply itself was delivered
            log.exception("home.error", error=kind_of(error))


def render_home_error(message: Message) -> HomeView:
    """Return a message in place of a Home tab that could not be rendered, with a button to try again."""
    again = blocks.button(_("Try again"), REFRESH)
    return HomeView((*(message.blocks or (blocks.section(message.text),)), blocks.actions(again)))
