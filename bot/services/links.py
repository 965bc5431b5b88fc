"""Issue links: enforce the quota, create the token now or on the claim page, and write the audit entry."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.applivery.client import AppliveryClient
from bot.db import audit as stored_audit
from bot.db import key_value, link_quota
from bot.db import recalls as stored_recalls
from bot.db.audit import ReceivedLink
from bot.db.database import Database
from bot.db.link_quota import LinkLimits
from bot.domain import builds
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.build_labels import BuildLabel
from bot.domain.install import over_the_air, usual_kind
from bot.domain.model import Actor, Build, FileKind, Link
from bot.domain.outcomes import CountedLink
from bot.exceptions import BotError, BuildRecalled, DatabaseUnavailable, RateLimited, kind_of
from bot.observability.metrics import Metrics
from bot.services.app_directory import AppDirectory
from bot.services.audit import AuditLog
from bot.slack.button_values import BuildValue


class TicketIssuer(Protocol):
    """The claim page's interface for issuing links."""

    async def issue(
        self, *, asker: Actor, build: Build, kind: FileKind, file_id: str | None = None
    ) -> tuple[str, datetime]:
        """Issue a ticket; return the page's URL and its expiry (aware UTC)."""
        ...


@dataclass(slots=True)
class LinkReservation:
    """A link that was counted when the click arrived, before it was authorised."""

    link: CountedLink
    is_open: bool = True  # neither used nor returned


class LinkIssuer:
    """Issues every link, for commands, clicks, forms and announcements.

    Without a claim page (`tickets` None) a token is created at once; with one, a ticket is issued and the token is
    created when the user presses the page's button, so that programs that fetch links cannot spend it.
    """

    def __init__(
        self,
        *,
        applivery: AppliveryClient,
        app_directory: AppDirectory,
        store: Database,
        metrics: Metrics,
        audit: AuditLog,
        tickets: TicketIssuer | None = None,
        per_minute: int = 10,
        per_hour: int = 60,
    ) -> None:
        self._applivery = applivery
        self._app_directory = app_directory
        self._store = store
        self._metrics = metrics
        self._audit = audit
        self._tickets = tickets
        self.per_minute = per_minute
        self.per_hour = per_hour

    @property
    def can_install(self) -> bool:
        """Whether an iPhone can install directly, which only an https page can start."""
        return self._tickets is not None

    @property
    def mints_at_once(self) -> bool:
        """Whether a token is created when the link is requested, not when the claim page's button is pressed."""
        return self._tickets is None

    def default_kind(self, build: Build) -> FileKind:
        """Return the default file of a build."""
        return FileKind.AUTO if self.can_install and over_the_air(build) else usual_kind(build)

    async def issue(
        self,
        asker: Actor,
        build: Build,
        kind: FileKind,
        *,
        entrypoint: Entrypoint,
        file_id: str | None = None,
        remember_app: bool = False,
        reserved: LinkReservation | None = None,
    ) -> Link:
        """Return a new link for this user only.

        With `remember_app` the app is offered first at the user's next request in this channel. A `reserved` link is
        not counted again.

        Raises BuildRecalled, RateLimited beyond the quota, BuildNotProcessed, NotFound and the other errors of
        Applivery. Each attempt is one audit row; the token is never stored.
        """
        try:
            await self.ensure_not_recalled(build)
            if (wait := await self._count_link(asker.user_id, reserved)) > 0:
                raise RateLimited(wait)
            if self._tickets is None:
                link = await self._applivery.mint(build, kind, file_id=file_id)
            else:
                address, closes_at = await self._tickets.issue(asker=asker, build=build, kind=kind, file_id=file_id)
                link = Link(address, address.rpartition("/")[2], kind, closes_at, by_page=True)
        except BotError as problem:
            await self._record_audit(asker, build, kind_of(problem), entrypoint, None)
            raise
        outcome = AuditOutcome.TICKET if link.by_page else AuditOutcome.MINTED
        await self._record_audit(asker, build, outcome, entrypoint, link, remember_app=remember_app)
        return link

    def limits(self, user_id: str) -> LinkLimits:
        """Return how many links a user may have."""
        return LinkLimits(user_id, self.per_minute, self.per_hour)

    async def _count_link(self, user_id: str, reserved: LinkReservation | None) -> float:
        if reserved is not None and reserved.is_open and reserved.link.user_id == user_id:
            reserved.is_open = False
            return reserved.link.wait
        return await self._store.run(link_quota.consume_link_quota, self.limits(user_id))

    async def return_unused(self, reserved: LinkReservation) -> None:
        """Uncount a reserved link that was not issued; if the database is unavailable it stays counted for an hour."""
        if reserved.is_open and reserved.link.wait <= 0:
            reserved.is_open = False
            with suppress(DatabaseUnavailable):
                await self._store.run(link_quota.return_link, reserved.link.user_id)

    async def ensure_not_recalled(self, build: Build) -> None:
        """Raise BuildRecalled, with a replacement, when this build was recalled."""
        recalls = await self._store.cached(stored_recalls.list_recalls)
        if build.id not in recalls:
            return
        newest = await self.find_replacement(build)
        instead = (BuildLabel(newest), str(BuildValue.of(newest))) if newest else None
        raise BuildRecalled(BuildLabel(build, with_app=True), recalls[build.id].reason, instead)

    async def find_replacement(self, build: Build) -> Build | None:
        """Return the newest replacement of an unavailable build; None without one, or if Applivery is unavailable."""
        try:
            return await self._find_replacement(build, await self._store.cached(stored_recalls.list_recalls))
        except BotError:
            return None  # the error matters more than the replacement

    async def _find_replacement(self, build: Build, recalls: Collection[str]) -> Build | None:
        """Return the replacement; read the whole list if the newest builds are of other release lines."""
        usable: list[Build] = []
        async for node in self._app_directory.walk(build.app):
            if builds.can_replace(node, build, recalls):
                usable.append(node)
            if usable and builds.line_of(usable[-1]) == builds.line_of(build):
                break
        return builds.in_place_of(build, usable, recalls)

    async def _record_audit(
        self,
        asker: Actor,
        build: Build,
        outcome: AuditOutcome | str,
        entrypoint: Entrypoint,
        link: Link | None,
        *,
        remember_app: bool = False,
    ) -> None:
        self._metrics.mints.labels(outcome).inc()
        await self._audit.record(
            asker,
            entrypoint,
            AuditAction.GET,
            outcome,
            app_id=build.app.id,
            build_id=build.id,
            token_hash=link.fingerprint() if link else None,
            choice=(_choice(asker), build.app.id) if remember_app else None,
        )

    # -------------------------------------------------------------- a user's earlier links

    async def last_app_id(self, actor: Actor) -> str | None:
        """Return the app of the user's last link in this channel. Raises DatabaseUnavailable."""
        return await self._store.run(key_value.get_value, _choice(actor))

    async def received(self, user_id: str, limit: int) -> list[ReceivedLink]:
        """Return the latest links a user received, newest first. Raises DatabaseUnavailable."""
        return await self._store.run(stored_audit.list_links_received, user_id, limit)

    async def received_of_app(self, user_id: str, app_id: str) -> dict[str, datetime]:
        """Return when a user received links to an app's builds, by build id. Raises DatabaseUnavailable."""
        return await self._store.run(stored_audit.list_builds_received, user_id, app_id)


def _choice(actor: Actor) -> str:
    return f"choice:{actor.user_id}:{actor.channel_id}"
