"""The bot's installation: one workspace, or an organisation with the workspaces it added the app to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.db import installations
from bot.db.database import Database
from bot.exceptions import BotError, kind_of
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.slack.client import SlackClient

log = logger(__name__)


class InstallationService:
    """Updates stored data when the installation changes."""

    def __init__(self, store: Database, slack_client: SlackClient, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._slack_client = slack_client
        self._clock = clock

    async def check(self) -> None:
        """Take over the data of a former installation in the same organisation, and log removed workspaces.

        Does nothing outside an organisation. A failed check is repeated at the next start or change.
        """
        try:
            await self._check()
        except BotError as problem:
            log.info("installation.unchecked", problem=kind_of(problem), cause=cause(problem))

    async def changed(self) -> None:
        """Check again, after Slack reported that the app was added to or removed from a workspace."""
        self._slack_client.workspaces.forget()
        await self.check()

    async def require_scope(self, scope: str) -> None:
        """Raise FeatureOff when the app was installed without this optional scope."""
        await self._slack_client.require_scope(scope)

    async def check_token(self) -> None:
        """Check whether the bot's token is valid, after Slack reported revoked tokens, which may be other users'."""
        try:
            await self._slack_client.identity(younger_than=0)
        except BotError as problem:
            log.info("installation.token_checked", problem=kind_of(problem), cause=cause(problem))

    async def _check(self) -> None:
        found = await self._slack_client.identity()
        if not found.enterprise_id:
            return
        names = {found.enterprise_id: ""}
        if found.is_org_install:
            names = {workspace.id: workspace.name for workspace in await self._slack_client.workspaces.listed()}
        if rows := await self._store.run(installations.adopt_rows, found.team_id, [*names]):
            log.info("installation.adopted", installation=found.team_id, rows=rows)
        if not found.is_org_install:
            return
        for removed in await self._store.run(installations.record_workspaces, names, self._clock()):
            log.warning("installation.workspace_removed", workspace=removed.id, name=removed.name)
        if not names:
            log.warning("installation.no_workspace", organization=found.team)
