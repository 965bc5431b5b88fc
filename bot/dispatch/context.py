"""The context of a handler: the user, the channel, the time, and the services."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.dispatch.registry import HandlerRegistry
from bot.domain import access, lookup
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.conversations import Conversation
from bot.domain.lookup import AmbiguousInput
from bot.domain.model import Actor, App, Build, Role
from bot.domain.states import PauseReason
from bot.exceptions import DatabaseUnavailable, NotFoundByName, PermissionDenied, UserInputError
from bot.i18n import NO_TEXT, Text
from bot.services.bundle import Services
from bot.services.links import LinkReservation
from bot.slack.blocks import Modal
from bot.slack.source_message import NO_MESSAGE, SourceMessage


class CommandContext(Struct, frozen=True):
    """A request by a user: who, from where, when (aware UTC), and the services.

    Handlers get apps and builds from here, not from the directory, so that permissions are always checked.
    """

    asker: Actor
    services: Services
    registry: HandlerRegistry
    now: datetime
    entrypoint: Entrypoint
    handler_name: str = ""
    required_role: Role = Role.MEMBER
    act: str = ""  # what requires the role, as the message id of a phrase
    conversation: Conversation = Conversation.CHANNEL
    source_message: SourceMessage = NO_MESSAGE
    submitted_form: Modal | None = None  # the submitted form, with its input
    reserved_link: LinkReservation | None = None  # for a click on a button that requests a link
    thread_ts: str | None = None  # the thread of the message to the bot

    @property
    def typed_root(self) -> str:
        """The text with which commands begin here: the slash command, or nothing in the bot's direct message."""
        return "" if self.entrypoint is Entrypoint.DIRECT_MESSAGE else self.services.command

    @property
    def is_in_dm(self) -> bool:
        """Whether the request is from a direct message, be it of a group."""
        return self.conversation in (Conversation.DIRECT, Conversation.GROUP)

    async def require_postable_here(self, what_shows: str) -> None:
        """Raise an error if no message can be posted in the channel of this request.

        `what_shows` ends the sentence why not in a channel that is shared with another organisation (a message id):
        "announcements show your changelog".
        """
        shared = PermissionDenied(
            Text("This channel is shared with another organisation, and {why}.", why=Text(what_shows)),
            Text("Choose a channel that isn't shared."),
            reason=PauseReason.SHARED,
        )
        await self.services.channels.require_postable(self.asker.channel_id, self.conversation, shared)

    async def authorize_app(self, app: App, asker: Actor | None = None) -> None:
        """Raise PermissionDenied if the user (or another `asker`) may not do this with this app in this channel."""
        channels = await self.services.channels.app_lists()
        allowed = channels.get(app.id, frozenset())
        access.require_for(asker or self.asker, self.required_role, app, allowed, self.act)

    def require_role(self, app: App | None) -> None:
        """Raise PermissionDenied unless the user's role covers this app, in any channel; None means every app."""
        if app is None:
            access.require_for_all(self.asker, self.required_role, self.act)
        else:
            access.require(self.asker.role_for(app.id), self.required_role, app, act=self.act)

    async def apps(self) -> list[App]:
        """Return the apps with which the user may do this here."""
        channels = await self.services.channels.app_lists()
        every = await self.services.apps.apps()
        return [
            app for app in every if access.may(self.asker, self.required_role, app, channels.get(app.id, frozenset()))
        ]

    async def app(self, typed: str) -> App:
        """Return the app of this id, slug or name. Raises AmbiguousInput, NotFoundByName or PermissionDenied.

        For users without a role for all apps, other apps than theirs do not exist.
        """
        if self.asker.outsider is None:
            found = await self.services.apps.app(typed)
        elif known := await self.known_apps():
            found = lookup.app(typed, known)
        else:
            raise NotFoundByName(Text("app"), typed)
        await self.authorize_app(found)
        return found

    async def known_apps(self) -> list[App]:
        """Return the apps that the user may know of, in any channel: for a member, all of them."""
        every = await self.services.apps.apps()
        return [app for app in every if self.asker.outsider is None or app.id in self.asker.app_roles]

    async def only_app(self, app: App | None) -> App:
        """Return the named app, or the only one. Raises AmbiguousInput to let the user choose."""
        if app is not None:
            return app
        if not await self.services.apps.apps():
            raise UserInputError(
                Text("Your Applivery workspace has no apps yet."), Text("Create one in the Applivery dashboard.")
            )
        apps = await self.apps()
        if len(apps) == 1:
            return apps[0]
        if not apps:
            raise PermissionDenied(Text("Your role doesn't allow this for any app in this channel."))
        ordered = sorted(apps, key=lambda other_app: other_app.name.casefold())
        raise AmbiguousInput(Text("Which app?"), lookup.to_choose_from(ordered), NO_TEXT)

    async def build(self, app_id: str, build_id: str) -> Build:
        """Return a build with its details, by ids from a button.

        Raises PermissionDenied, NotFound and the other errors of Applivery.
        """
        return await self.services.apps.build_by_id(build_id, (await self.app(app_id),))

    async def build_for_link(self, app_id: str, build_id: str) -> Build:
        """Return a build like `build`, to issue a link to it.

        Its details may be cached for some seconds if Applivery creates the token next, but not for a ticket, which is
        issued without a request to Applivery.
        """
        app = await self.app(app_id)
        if self.services.links.mints_at_once:
            return await self.services.apps.recent_build(build_id, app)
        return await self.services.apps.build_by_id(build_id, (app,))

    async def details(self, build: Build) -> Build:
        """Return the build with the fields that lists lack: attachments, device requirements, why it failed."""
        return await self.services.apps.build_by_id(build.id, (build.app,))

    def can_wait_for(self, build: Build) -> bool:
        """Return whether this build may be watched."""
        return self.services.watches.can_be_awaited(build, self.now)

    async def find_replacement(self, build: Build) -> Build | None:
        """Return the newest available build of the same kind, for one that is not available; None if there is none."""
        return await self.services.links.find_replacement(build)

    async def reopen_value(self) -> str:
        """Return the value of a button that opens the submitted form again; empty without a form or a database."""
        if self.submitted_form is None:
            return ""
        try:
            return await self.services.drafts.store(self.submitted_form.to_json(), 0)
        except DatabaseUnavailable:
            return ""

    async def record_audit(
        self,
        action: AuditAction,
        outcome: AuditOutcome | str,
        *,
        app_id: str | None = None,
        build_id: str | None = None,
    ) -> None:
        """Add an entry to the audit log; it never contains a token."""
        await self.services.audit.record(self.asker, self.entrypoint, action, outcome, app_id=app_id, build_id=build_id)
