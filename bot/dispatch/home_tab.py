"""The Home tab of a user: rendered each time it is opened, and after each action in it."""

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
    """Publishes what `make` makes; one after the other for each person, so that the newest facts stay."""

    def __init__(self, slack_client: SlackClient, render: Callable[[RequestSource], Awaitable[HomeView]]) -> None:
        self._slack_client = slack_client
        self._render = render
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def show(self, source: RequestSource, note: str = "") -> None:
        """Publish it for the user, below a note. Raises SlackError, and what rendering it raises.

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
                # A concurrent update was first, perhaps with older facts than ours: read the facts again.
                await self._slack_client.publish_home(source.user_id, (await self._render(source)).with_note(note))

    async def refresh_after_action(self, source: RequestSource) -> None:
        """Refresh the tab after an action in it, whose answer went to the direct messages."""
        try:
            await self.show(source, _(ANSWERED))
        except BotError as problem:
            log.info("home.refresh_failed", problem=kind_of(problem), cause=cause(problem))
        except Exception as error:  # the answer itself was given
            log.exception("home.error", error=kind_of(error))


def render_home_error(message: Message) -> HomeView:
    """Return a message in the place of a Home that could not be made, with the way to try again."""
    again = blocks.button(_("Try again"), REFRESH)
    return HomeView((*(message.blocks or (blocks.section(message.text),)), blocks.actions(again)))
