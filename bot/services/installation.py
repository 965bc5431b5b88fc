"""What the bot's installation is: one workspace, or an organisation and the workspaces it added the app to."""

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
    """Keeps what is stored true to the installation."""

    def __init__(self, store: Database, slack_client: SlackClient, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._slack_client = slack_client
        self._clock = clock

    async def check(self) -> None:
        """Take over what a former installation in the same organisation stored, and log workspaces that are gone.

        Outside an organisation there is nothing to do. What cannot be checked now is checked at the next start, or at
        the next change.
        """
        try:
            await self._check()
        except BotError as problem:
            log.info("installation.unchecked", problem=kind_of(problem), cause=cause(problem))

    async def changed(self) -> None:
        """Look again: Slack reports that the app was added to a workspace, or removed from one."""
        self._slack_client.workspaces.forget()
        await self.check()

    async def require_scope(self, scope: str) -> None:
        """Raise FeatureOff when the app was installed without this optional scope."""
        await self._slack_client.require_scope(scope)

    async def check_token(self) -> None:
        """Ask whether our token is still good: Slack reports that tokens were revoked, which may be somebody else's."""
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
