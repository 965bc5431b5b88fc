"""Roles: granted, revoked, and requested by users who lack one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from bot.db import access as stored_access
from bot.db import access_requests, subscriptions
from bot.db.database import Database
from bot.domain import access
from bot.domain.access import RoleGrant
from bot.domain.access_requests import RequestCopy, RequestDecision, RoleRequest
from bot.domain.audit import AuditAction, Entrypoint
from bot.domain.model import Actor, App, GrantChange, Role
from bot.exceptions import AppliveryError, BotError, PermissionDenied, SlackError, UserInputError, kind_of
from bot.i18n import Text
from bot.i18n.verbatim import verbatim
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.access import AccessResolver
from bot.services.app_directory import AppDirectory
from bot.services.audit import AuditLog
from bot.slack.button_values import GrantUndoValue, SubscriptionValue

log = logger(__name__)

LOOK_SECONDS = 2.0  # a refusal waits at most this long for the list of apps
ASKED = 10  # admins


class RoleService:
    """Grants and requests for roles. Each method raises DatabaseUnavailable."""

    def __init__(self, store: Database, access: AccessResolver, apps: AppDirectory, audit: AuditLog) -> None:
        self._store = store
        self._access = access
        self._apps = apps
        self._audit = audit

    # -------------------------------------------------------------- grants

    async def grant(
        self, actor: Actor, entrypoint: Entrypoint, grantee: str, role: Role, app: App | None
    ) -> GrantChange:
        """Grant a role to a user or user group, for one app or all apps (None)."""
        app_id = app.id if app else None
        change = await self._store.run(stored_access.grant_role, actor.team_id, grantee, role, app_id, actor.user_id)
        await self._audit.record(actor, entrypoint, AuditAction.GRANT, f"{role.word} to {grantee}", app_id=app_id)
        return change

    async def undo_grant(self, actor: Actor, entrypoint: Entrypoint, undo: GrantUndoValue) -> bool:
        """Undo this grant or revocation; False when the role was changed since."""
        app_id, change = undo.app_id or None, undo.change
        outcome, action = f"{undo.role.word} from {undo.grantee}", AuditAction.REVOKE
        if change is None:
            outcome, action = f"{undo.role.word} to {undo.grantee}", AuditAction.GRANT
            done = await self._store.run(
                stored_access.restore_role, actor.team_id, undo.grantee, undo.role, app_id, actor.user_id
            )
        else:
            done = await self._store.run(
                stored_access.undo_grant, actor.team_id, undo.grantee, app_id, change, actor.user_id
            )
        if done:
            await self._audit.record(actor, entrypoint, action, outcome, app_id=app_id)
        return done

    async def granted_to(self, actor: Actor) -> list[RoleGrant]:
        """Return the roles granted to a user or to their user groups."""
        found = []
        for grant in await self._store.cached(stored_access.list_grants, actor.team_id):
            with suppress(SlackError):
                is_group = grant.grantee.startswith("S")
                if actor.is_(grant.grantee) or (is_group and await self._access.is_in_group(actor, grant.grantee)):
                    found.append(grant)
        return found

    async def revoke(self, actor: Actor, entrypoint: Entrypoint, grantee: str, app: App | None) -> Role | None:
        """Revoke a role and return it; None if there was none."""
        app_id = app.id if app else None
        role: Role | None = None
        for each in await self._access.every_id(grantee):
            role = await self._store.run(stored_access.revoke_role, actor.team_id, each, app_id) or role
        if role is not None:
            outcome = f"{role.word} from {grantee}"
            await self._audit.record(actor, entrypoint, AuditAction.REVOKE, outcome, app_id=app_id)
        return role

    async def for_single_apps(self, team_id: str, grantee: str) -> list[tuple[str, Role]]:
        """Return the roles of a user or user group for single apps, by app id."""
        given = await self._store.cached(stored_access.list_grants, team_id)
        ids = await self._access.every_id(grantee)
        return [(grant.app_id, grant.role) for grant in given if grant.grantee in ids and grant.app_id]

    # -------------------------------------------------------------- refusals

    async def record_refusal(
        self,
        user_id: str,
        channel_id: str | None,
        error: PermissionDenied,
        command: str,
        named: Iterable[str],
        *,
        takes_an_app: bool,
    ) -> int | None:
        """Return the number for requesting the missing role; None when there is nothing to request.

        `command` is the refused action, `named` are possible names of its app, likeliest first; with `takes_an_app` it
        is about an app even if none is named.
        """
        role = Role.named(error.missing or "")
        if role is None:
            return None
        try:
            if await self._access.outsider_kind(user_id):
                return None  # they cannot get a higher role, or the app must stay unknown to them
            app_id = error.app_id or (await self._app_meant(named, takes_an_app) if error.somewhere else None)
            team_id, stored_id = await self._access.workspace_id(), await self._access.stored_id(user_id)
            return await self._store.run(
                access_requests.record_refusal, team_id, stored_id, role, app_id, command, channel_id
            )
        except BotError as problem:  # the refusal is still shown
            log.info("refused.not_noted", problem=kind_of(problem), cause=cause(problem))
            return None

    async def _app_meant(self, named: Iterable[str], takes_an_app: bool) -> str | None:
        """Return the app of a refusal that came before its look-up: as named, or the only app."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                apps = await self._apps.apps()
        except (AppliveryError, TimeoutError):
            return None
        for name in named:
            if (found := _of(apps, name)) is not None:
                return found
            if found := await self._of_subscription(name):
                return found
        return apps[0].id if len(apps) == 1 and takes_an_app else None

    async def _of_subscription(self, value: str) -> str | None:
        named = SubscriptionValue.parse(value)
        if not named.channel_id or named.number is None:
            return None
        found = await self._store.run(subscriptions.list_subscriptions, named.channel_id)
        return next((subscription.app_id for subscription in found if subscription.id == named.number), None)

    # -------------------------------------------------------------- requests

    async def refused(self, actor: Actor, number: int) -> RoleRequest | None:
        """Return this user's refusal with a number; None for another user's."""
        found = await self._store.run(access_requests.get_request, number)
        if found is None or found.team_id != actor.team_id or not actor.is_(found.user_id):
            return None
        return found

    async def admins_for(self, actor: Actor) -> list[str]:
        """Return the admins this user can ask."""
        return [admin for admin in await self._access.list_admins(actor.team_id) if not actor.is_(admin)][:ASKED]

    async def request(self, actor: Actor, entrypoint: Entrypoint, refused: RoleRequest) -> RoleRequest | datetime:
        """Send the request to the admins; return when (aware) the same was sent if that is under an hour ago."""
        request = await self._store.run(access_requests.submit_request, refused.id)
        if isinstance(request, RoleRequest):
            await self._audit.record(actor, entrypoint, AuditAction.ASK, request.role.word, app_id=request.app_id)
        return request

    async def as_asked(self, number: int) -> RequestDecision:
        """Return the decision that allows exactly this request: earlier versions requested all apps."""
        request = await self._store.run(access_requests.get_request, number)
        return RequestDecision.ALL if request and request.app_id is None else RequestDecision.APP

    async def decide(
        self, actor: Actor, entrypoint: Entrypoint, number: int, decision: RequestDecision
    ) -> tuple[RoleRequest, bool] | None:
        """Decide a request for all admins; None for one that does not exist.

        Returns it and whether this admin decided it: another may have been first. Raises UserInputError if the user
        could not use the role, as they have left or are a guest.
        """
        if decision is not RequestDecision.DENIED:
            await self._require_grantable(number, decision)
        decided = await self._store.run(access_requests.decide_request, number, decision, actor.user_id)
        if decided is not None and decided[1]:
            request = decided[0]
            action = AuditAction.DENIED if decision is RequestDecision.DENIED else AuditAction.ALLOWED
            app_id = request.app_id if decision is not RequestDecision.ALL else None
            outcome = f"{request.role.word} for {request.user_id}"
            await self._audit.record(actor, entrypoint, action, outcome, app_id=app_id)
        return decided

    async def _require_grantable(self, number: int, decision: RequestDecision) -> None:
        request = await self._store.run(access_requests.get_request, number)
        if request is None or request.decision is not None:
            return
        outsider = await self._access.uncached().outsider_kind(request.user_id)
        if outsider and (decision is RequestDecision.ALL or request.role > access.MOST_FOR_OUTSIDERS):
            who = verbatim(await self._access.display_name(request.user_id))
            raise UserInputError(
                Text(access.TOO_WIDE[outsider], who=who), Text("Use `grant @person member app:courier`.")
            )

    async def copies(self, request: RoleRequest) -> list[RequestCopy]:
        """Return the messages that show a request to admins."""
        return await self._store.run(access_requests.list_copies, request.id)

    async def record_copy(self, number: int, copy: RequestCopy) -> None:
        """Record a message that shows a request to an admin."""
        await self._store.run(access_requests.add_copy, number, copy)

    async def allow_again(self, number: int) -> None:
        """Allow a request that reached no admin to be sent again at once."""
        await self._store.run(access_requests.reopen_request, number)


def _of(apps: Iterable[App], named: str) -> str | None:
    wanted = named.strip().casefold()
    found = [app.id for app in apps if wanted in (app.id.casefold(), app.slug.casefold(), app.name.casefold())]
    return found[0] if len(found) == 1 else None
