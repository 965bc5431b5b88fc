"""Builds that users send each other; they are withheld when one of the two has lost access."""

from __future__ import annotations

from bot.db import key_value, sent_builds
from bot.db.database import Database
from bot.domain.audit import AuditAction, Entrypoint
from bot.domain.model import Actor, Build, Role
from bot.domain.sent_builds import SentBuild
from bot.domain.states import PauseReason
from bot.exceptions import PermissionDenied, PermissionUnverified
from bot.i18n import Text
from bot.services.audit import AuditLog
from bot.services.permissions import PermissionChecker


class SenderDenied(PermissionDenied):
    """The sender of a build has no access to it any more."""


class SentBuildService:
    """Sends builds from one user to another. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, permission: PermissionChecker, audit: AuditLog) -> None:
        self._store = store
        self._permission = permission
        self._audit = audit

    async def send(self, actor: Actor, entrypoint: Entrypoint, recipient: str, build: Build) -> SentBuild:
        """Record that a build is sent to a user."""
        sent = await self._store.run(sent_builds.add_sent_build, actor.team_id, actor.user_id, recipient, build)
        await self._audit.record(
            actor, entrypoint, AuditAction.SEND, f"to {recipient}", app_id=build.app.id, build_id=build.id
        )
        return sent

    async def received(self, actor: Actor, number: int) -> SentBuild | None:
        """Return the build sent to this user with a number; None if it was sent to another user."""
        sent = await self._store.run(sent_builds.get_sent_build, number)
        if sent is None or sent.team_id != actor.team_id or not actor.is_(sent.recipient):
            return None
        return sent

    async def require_sender(self, sent: SentBuild, build: Build) -> None:
        """Raise SenderDenied when the sender has lost access to the build, or PermissionUnverified."""
        try:
            await self._permission.require(sent.sender, Role.MEMBER, build.app, None)
        except PermissionUnverified:
            raise
        except PermissionDenied as error:
            why = Text("<@{user}>, who sent you this build, no longer has access to it.", user=sent.sender)
            raise SenderDenied(why, Text("Run `get` to get it yourself."), reason=error.reason) from error

    async def mark_taken(self, sent: SentBuild) -> bool:
        """Record that the recipient has taken it; return True the first time."""
        return await self._store.run(sent_builds.mark_sent_build_used, sent.id)

    async def mark_withheld(self, sent: SentBuild, reason: PauseReason) -> bool:
        """Record that it was withheld from the recipient for this reason; return True the first time."""
        return await self._store.run(key_value.set_value_once, f"withheld sent {sent.id}", reason)
