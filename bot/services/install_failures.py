"""Answers to "It didn't install", counted without names, and the uploader to notify of one."""

from __future__ import annotations

from bot.db import audit, install_failures
from bot.db.database import Database
from bot.domain.audit import AuditAction, Entrypoint
from bot.domain.model import Actor, Build
from bot.domain.model.failures import FailureCause
from bot.exceptions import SlackError
from bot.services.audit import AuditLog
from bot.slack.client import SlackClient


class InstallFailureService:
    """Counts why builds do not install. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, slack_client: SlackClient, audit_log: AuditLog) -> None:
        self._store = store
        self._slack_client = slack_client
        self._audit = audit_log

    async def record(self, user_id: str, build: Build, cause: FailureCause) -> None:
        """Count a user's answer about a build, once per user and build, without logging or auditing the user."""
        await self._store.run(install_failures.record_failure, user_id, build.app.id, build.id, cause)

    async def uploader_id(self, build: Build) -> str | None:
        """Return the user who uploaded a build, from Slack or by the email address in Applivery; None if unknown."""
        known = await self._store.run(audit.find_uploader, build.app.id, build.id)
        if known or not build.uploader_email:
            return known
        try:
            return await self._slack_client.user_by_email(build.uploader_email)
        except SlackError:  # also when the scope is missing
            return None

    async def record_report(self, actor: Actor, entrypoint: Entrypoint, uploader: str, build: Build) -> None:
        """Record that a user notified the uploader, without the cause and the device."""
        outcome = f"to {uploader}"
        await self._audit.record(
            actor, entrypoint, AuditAction.REPORT_FAILURE, outcome, app_id=build.app.id, build_id=build.id
        )
