"""Post a card in a Slack channel with the bot's token; the running bot handles its buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import stamina
from msgspec import Struct

from bot import http_client
from bot.domain.model import Build
from bot.exceptions import ChannelUnavailable, DeliveryUnknown, SlackError, SlackRateLimited, UserInputError
from bot.i18n import NO_TEXT, english
from bot.settings import UploadSettings
from bot.slack.client import HTTP_SECONDS, SlackClient
from bot.slack.views import channel_card
from bot.timeouts import longest_wait

TRIES = 3


class SlackAnnouncer(Struct, frozen=True):
    """Announce builds in one channel."""

    poster: SlackClient
    channel: str

    async def announce(self, build: Build, dashboard: str) -> None:
        """Post the card once. Raises SlackError with the note that the build was uploaded."""
        card = channel_card.of_build(build, lambda _: dashboard)
        try:
            async for try_ in stamina.retry_context(on=_nothing_posted, attempts=TRIES, timeout=None):
                with try_:
                    await self.poster.post(self.channel, card)
        except SlackError as problem:
            raise await self._but(problem) from None

    async def _but(self, problem: SlackError) -> SlackError:
        if isinstance(problem, DeliveryUnknown):  # not retried, since it may have been posted
            return SlackError(
                english("The build is ready, but Slack didn't confirm the card. Check the channel."),
                NO_TEXT,
                code=problem.code,
            )
        step = problem.step_for(admin=True)
        if isinstance(problem, ChannelUnavailable):
            name = await self.poster.bot_name()
            step = english(f"Invite the bot: `/invite @{name}`. Then post the card with `/applivery get` → Share here.")
        return SlackError(
            english(f"The build is ready, but the card wasn't posted in {self.channel}: {problem.sentence}"),
            step,
            code=problem.code,
        )


def _nothing_posted(error: Exception) -> float | bool:
    """Return the wait before a retry; a longer one is left to the person at the terminal."""
    return error.retry_after if isinstance(error, SlackRateLimited) and error.retry_after <= longest_wait() else False


@asynccontextmanager
async def announcing(settings: UploadSettings, channel: str) -> AsyncIterator[SlackAnnouncer]:
    """Return an announcer for `channel` after checking the token. Raises UserInputError or SlackError."""
    if settings.slack_bot_token is None:
        raise UserInputError(
            english("--announce needs SLACK_BOT_TOKEN."),
            english("Set it, or leave out --announce."),
        )
    if not channel.strip("# "):
        raise UserInputError(
            english("--announce has no channel."), english("Add one, for example --announce '#releases'.")
        )
    if settings.applivery_organization is None:
        raise UserInputError(
            english("--announce needs APPLIVERY_ORGANIZATION for the card's dashboard link."), english("Set it.")
        )
    async with http_client.session(timeout=aiohttp.ClientTimeout(total=HTTP_SECONDS)) as session:
        token, base = settings.slack_bot_token.get_secret_value(), f"{settings.slack_api_url}/"
        slack_client = SlackClient(token=token, base_url=base, session=session)
        await slack_client.identity()
        yield SlackAnnouncer(slack_client, channel if channel.startswith(("#", "C", "G")) else f"#{channel}")
