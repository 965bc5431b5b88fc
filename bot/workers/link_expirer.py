"""Edit messages whose link has expired, with a button for a fresh one."""

from __future__ import annotations

from datetime import timedelta

from bot.db import database_info, link_expiries
from bot.db.database import Database
from bot.db.link_expiries import LinkExpiry
from bot.exceptions import SlackError, SlackInvalidCredentials
from bot.i18n import use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.slack.client import SlackClient
from bot.slack.views import links
from bot.workers.leases import InterruptedLeases

log = logger(__name__)

QUIET_SECONDS = 15.0  # between two checks whether Slack accepts the token again


class LinkExpirer:
    """Edits private messages whose link has expired: direct messages by ts, ephemeral ones by response_url."""

    def __init__(self, *, store: Database, slack_client: SlackClient) -> None:
        self._store = store
        self._slack_client = slack_client
        self.leases = InterruptedLeases(self._put_back)

    async def step(self) -> float | None:
        """Edit the messages that are due; return the seconds until the next one. Raises DatabaseUnavailable."""
        if not await self._slack_client.is_token_accepted():
            return QUIET_SECONDS
        taken = await self.leases.claim(self._store.run(link_expiries.take_due_expiries))
        with self.leases.working(taken):
            while taken:
                await self._expire(taken.pop(0))  # removed first, so that an edit that was started is not repeated
        return await self._store.run(link_expiries.expiry_due_in)

    async def _expire(self, expiry: LinkExpiry) -> None:
        with use_locale(expiry.language):
            message = links.expired(expiry.title, expiry.refresh_value)
        try:
            if expiry.ts is None or expiry.target.startswith("http"):
                await self._slack_client.respond(expiry.target, message, replace=True)
            else:
                await self._slack_client.edit(expiry.target, expiry.ts, message)
        except SlackInvalidCredentials:
            await self._put_back(expiry, QUIET_SECONDS)
        except SlackError as error:
            log.info("expire.update_skipped", code=error.code, cause=cause(error))

    async def _put_back(self, expiry: LinkExpiry, seconds: float = 0.0) -> None:
        """Schedule the edit again in `seconds`."""
        now = await self._store.run(database_info.current_time)
        await self._store.run(link_expiries.schedule_expiry, now + timedelta(seconds=seconds), expiry)
