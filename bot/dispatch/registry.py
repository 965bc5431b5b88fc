"""The registry of subcommands, buttons, forms and typeaheads, and what a handler is given: its CommandContext."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Annotated, Any, NamedTuple, NewType, Protocol, TypeVar, get_type_hints

from bot.applivery.client import AppliveryClient
from bot.db import access as stored_access
from bot.db import audit, recalls
from bot.db.database import Database
from bot.domain import access, build_labels, lookup
from bot.domain.audit import AuditAction, AuditEntry, AuditOutcome, Entrypoint
from bot.domain.builds import can_be_awaited
from bot.domain.grammar import NO_WORDS, KeyValue, ParsedText
from bot.domain.health import Health
from bot.domain.lookup import BUILD_ID, LATEST, AmbiguousInput, Prefer
from bot.domain.model import Actor, App, Build, Role
from bot.exceptions import DatabaseUnavailable, NotFoundByName, PermissionDenied, UserInputError
from bot.i18n import _, gettext_noop, ngettext
from bot.observability.metrics import Metrics
from bot.services.access import AccessResolver
from bot.services.app_directory import AppDirectory, ResolvedBuild
from bot.services.drafts import DraftKeeper
from bot.services.links import LinkIssuer
from bot.services.permissions import PermissionChecker
from bot.services.reports import ReportBuilder
from bot.services.slack_uploads import UploadRunner
from bot.slack.blocks import Modal
from bot.slack.client import ChannelInfo, UserGroup
from bot.slack.manifest import MessageShortcut
from bot.slack.source_message import NO_MESSAGE, SourceMessage

Filters = Annotated[ParsedText, "os", "branch", "tag", "version", "by"]
Rest = NewType("Rest", str)  # all the plain words that are left, as one text
AppName = NewType("AppName", str)  # an app by its id, or what else was typed for one


class SlackDirectory(Protocol):
    """What a handler may ask about Slack; it never posts by itself."""

    async def channel(self, channel_id: str) -> ChannelInfo:
        """What Slack says of a channel."""

    async def my_name(self) -> str:
        """What people type after the @ to invite the bot."""

    async def groups(self) -> list[UserGroup]:
        """The workspace's user groups."""

    async def members(self, channel_id: str) -> list[str]:
        """The people (and bots) in a channel."""


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms a handler may enter.

    `language` is what channels read, `deadline` how long the end of a build is waited for, `dashboard` gives a build's
    address there, `health` looks how the bot does.
    """

    applivery: AppliveryClient
    catalogue: AppDirectory
    store: Database
    people: AccessResolver
    permission: PermissionChecker
    places: SlackDirectory
    handout: LinkIssuer
    reporting: ReportBuilder
    metrics: Metrics
    registry: HandlerRegistry
    carrier: UploadRunner
    drafts: DraftKeeper
    command: str
    language: str
    deadline: timedelta
    dashboard: Callable[[Build], str]
    health: Callable[[], Awaitable[Health]]


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One request by one person: who, from where, when (aware UTC), and the rooms to answer it from.

    Apps and builds are asked for here and not in the catalogue, so that nobody reaches one they may not use.
    """

    asker: Actor
    house: Services
    now: datetime
    door: Entrypoint
    verb: str = ""
    need: Role = Role.MEMBER
    quoted: SourceMessage = NO_MESSAGE
    sent: Modal | None = None  # the form this is the answer to, as it was filled in

    async def permit(self, app: App, asker: Actor | None = None) -> None:
        """Raise PermissionDenied when the asker (or somebody else) may not do this with this app, or not in this
        channel.
        """
        channels = await self.house.store.cached(stored_access.list_allowed_channels)
        access.require_for(asker or self.asker, self.need, app, channels.get(app.id, frozenset()))

    def require(self, app: App | None) -> None:
        """Raise PermissionDenied unless the asker's role reaches this app, in whatever channel; None stands for every
        app.
        """
        access.require(self.asker.role_for(app.id) if app else self.asker.role, self.need, app)

    async def apps(self) -> list[App]:
        """The apps the asker may do this with here."""
        channels = await self.house.store.cached(stored_access.list_allowed_channels)
        every = await self.house.catalogue.apps()
        return [app for app in every if access.may(self.asker, self.need, app, channels.get(app.id, frozenset()))]

    async def app(self, typed: str) -> App:
        """The app of this id, slug or name. Raises AmbiguousInput, NotFoundByName or PermissionDenied.

        An outsider hears of no app but their own: to them any other is not there.
        """
        if self.asker.outsider is None:
            app = await self.house.catalogue.app(typed)
        elif known := await self.known_apps():
            app = lookup.app(typed, known)
        else:
            raise NotFoundByName(gettext_noop("app"), typed)
        await self.permit(app)
        return app

    async def known_apps(self) -> list[App]:
        """The apps the asker may know of, wherever they may be used: all of them, for a member."""
        every = await self.house.catalogue.apps()
        return [app for app in every if self.asker.outsider is None or app.id in self.asker.app_roles]

    async def the_app(self, app: App | None) -> App:
        """The app that was named, or the only one there is; raises AmbiguousInput to let the person choose."""
        if app is not None:
            return app
        if not await self.house.catalogue.apps():
            raise UserInputError(
                _("Your Applivery workspace has no apps yet."), _("Create one in the Applivery dashboard first.")
            )
        apps = await self.apps()
        if len(apps) == 1:
            return apps[0]
        if not apps:
            raise PermissionDenied(_("You may not do this with any app here."), _("Ask an admin of this bot."))
        alike = Counter(each_app.name for each_app in apps)
        ordered = sorted(apps, key=lambda other_app: other_app.name.casefold())
        choices = [
            (each_app.name if alike[each_app.name] == 1 else f"{each_app.name} ({each_app.slug})", each_app.slug)
            for each_app in ordered
        ]
        raise AmbiguousInput(ngettext("There is {number} app.", "There are {number} apps.", len(apps)), choices)

    async def build(self, app_id: str, build_id: str) -> Build:
        """A build in detail, by ids as buttons carry them.

        Raises PermissionDenied, NotFound and what else Applivery means.
        """
        return await self.house.catalogue.build_by_id(build_id, (await self.app(app_id),))

    async def details(self, build: Build) -> Build:
        """The same build with what lists leave out: attachments, what a device needs, why it failed."""
        return await self.house.catalogue.build_by_id(build.id, (build.app,))

    def can_be_awaited(self, build: Build) -> bool:
        """Whether somebody may wait for the end of this build."""
        return can_be_awaited(build, self.now, self.house.deadline)

    async def instead_of(self, build: Build) -> Build | None:
        """The newest build of its kind that can be had, for one that cannot; None when there is none."""
        return await self.house.handout.in_place_of(build)

    async def way_back(self) -> str:
        """What a button carries that opens the submitted form again; empty when there is none, or no database."""
        if self.sent is None:
            return ""
        try:
            return await self.house.drafts.carried(self.sent.saved(), 0)
        except DatabaseUnavailable:
            return ""

    async def write_down(
        self,
        action: AuditAction,
        outcome: AuditOutcome | str,
        *,
        app_id: str | None = None,
        build_id: str | None = None,
    ) -> None:
        """Add a line to the audit trail; never a token."""
        asker = self.asker
        await self.house.store.run(
            audit.add_entry,
            AuditEntry(
                at=self.now,
                team_id=asker.team_id,
                user_id=asker.user_id,
                action=action,
                outcome=outcome,
                door=self.door,
                channel_id=asker.channel_id,
                app_id=app_id,
                build_id=build_id,
            ),
        )


@dataclass(frozen=True, slots=True)
class BuildReference:
    """The build somebody named: an app with a version, `#number` or nothing (the latest), or a bare build id.

    `latest` alone is the latest of the only app there is. `left` is what else was typed, when that is known.
    """

    app: App | None
    which: str | None = None
    left: ParsedText | None = field(default=None, compare=False)

    async def build(
        self, call: CommandContext, filters: ParsedText = NO_WORDS, *, prefer: Prefer | None = None
    ) -> ResolvedBuild:
        """The one build that is meant: of several those that `prefer` takes, or else those that can be had.

        Raises AmbiguousInput, NotFoundByName or what Applivery's answer means.
        """
        catalogue = call.house.catalogue
        if self.app is None and BUILD_ID.fullmatch(self.which or ""):
            build = await catalogue.build_by_id(str(self.which).lower(), tuple(await call.apps()))
            return ResolvedBuild(build)
        app = await self.the_app(call)
        target, filters = self.narrowed(filters)
        recalled = await call.house.store.cached(recalls.list_recalls)
        with _leaving(self.left):
            return await catalogue.build(app, target.which or LATEST, filters, recalled=recalled.keys(), prefer=prefer)

    async def the_app(self, call: CommandContext) -> App:
        """The app that was named, or the only one there is. Raises AmbiguousInput to let the person choose."""
        which = tuple((self.which or "").split())
        left = None if self.left is None and not which else ParsedText(which, self.left.options if self.left else ())
        with _leaving(left):
            return await call.the_app(self.app)

    def narrowed(self, filters: ParsedText) -> tuple[BuildReference, ParsedText]:
        """The same with a mere platform, `ios`, as the filter it is."""
        reading = build_labels.read(self.which or "")
        if reading is None or not reading.newest:
            return self, filters
        target = replace(self, which=None)
        return target, replace(filters, options=(*filters.options, KeyValue("os", reading.platform)))


@contextmanager
def _leaving(words: ParsedText | None) -> Iterator[None]:
    """Tell who has to choose between several what else was typed."""
    try:
        yield
    except AmbiguousInput as error:
        error.left = words if error.left is None else error.left
        raise


Handler = Callable[..., Awaitable[Any]]
Mark = TypeVar("Mark", bound=Handler)


class HandlerKind(Enum):
    """What a handler answers to."""

    COMMAND = "command"
    BUTTON = "button"
    FORM = "form"
    OPTIONS = "options"
    SHORTCUT = "shortcut"


class Parameter(NamedTuple):
    """One thing a command takes: a plain word in its turn, or an option by its key."""

    name: str
    kind: Any
    by_key: bool
    required: bool


class MenuItem(NamedTuple):
    """A button of the menu; `label` is translated by `_`."""

    position: int
    label: str


@dataclass(frozen=True, slots=True)
class RegisteredHandler:
    """One registered handler with the role it needs."""

    kind: HandlerKind
    name: str
    need: Role
    run: Handler
    summary: str = ""
    usage: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    once: bool = False
    about_build: bool = False
    replaces_message: bool = False
    menu: MenuItem | None = None
    title: str = ""


def command(*, need: Role, name: str | None = None, menu: MenuItem | None = None) -> Callable[[Mark], Mark]:
    """Mark a function as the subcommand of its name: docstring = help, annotations = what may be typed.

    `menu` is its button in the menu that the slash command alone opens.
    """

    def mark(run: Mark) -> Mark:
        lines = [line.strip() for line in (inspect.getdoc(run) or "").splitlines()]
        return _mark(
            run,
            RegisteredHandler(
                kind=HandlerKind.COMMAND,
                name=name or run.__name__,
                need=need,
                run=run,
                summary=lines[0] if lines else "",
                usage=tuple(line for line in lines[1:] if line),
                parameters=_parameters(run),
                menu=menu,
            ),
        )

    return mark


def button(
    name: str, *, need: Role, once: bool = False, about_build: bool = False, replaces_message: bool = False
) -> Callable[[Mark], Mark]:
    """Mark `async def f(call, value) -> Reply` as what happens on a click; `name` has a version: `get.v1`.

    With `once` a double click does it once: for what costs something each time. With `about_build` the value names the
    build that the message is about, which a message shortcut then uses. With `replaces_message` the reply replaces the
    clicked message where only one user sees it: in an ephemeral or a direct message.
    """
    entry = partial(RegisteredHandler, HandlerKind.BUTTON, name, need, once=once)
    return lambda run: _mark(run, entry(run, about_build=about_build, replaces_message=replaces_message))


def form(name: str, *, need: Role) -> Callable[[Mark], Mark]:
    """Mark `async def f(call, typed: dict[str, str]) -> Reply` as what takes a submitted form."""
    return lambda run: _mark(run, RegisteredHandler(HandlerKind.FORM, name, need, run))


def options(name: str, *, need: Role) -> Callable[[Mark], Mark]:
    """Mark `async def f(call, typed: str, chosen: dict[str, str]) -> list[Option]` as the answer to a typeahead."""
    return lambda run: _mark(run, RegisteredHandler(HandlerKind.OPTIONS, name, need, run))


def shortcut(name: str, *, need: Role, title: str, description: str) -> Callable[[Mark], Mark]:
    """Mark `async def f(call, value: str | None) -> Reply` as a message shortcut; `value` is the message's build.

    `title` and `description` are what Slack shows of it: they go into the app manifest.
    """
    return lambda run: _mark(
        run, RegisteredHandler(HandlerKind.SHORTCUT, name, need, run, title=title, summary=description)
    )


def _mark(run: Mark, entry: RegisteredHandler) -> Mark:
    run.__dict__.setdefault("entries", []).append(entry)
    return run


def _parameters(run: Handler) -> tuple[Parameter, ...]:
    hints = get_type_hints(run, include_extras=True)
    return tuple(
        Parameter(
            name,
            hints[name],
            by_key=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
            required=parameter.default is inspect.Parameter.empty,
        )
        for name, parameter in list(inspect.signature(run).parameters.items())[1:]
    )


@dataclass(frozen=True)
class HandlerRegistry:
    """Every handler there is, by kind and name."""

    entries: dict[tuple[HandlerKind, str], RegisteredHandler] = field(default_factory=dict)

    @classmethod
    def of(cls, package: types.ModuleType) -> HandlerRegistry:
        """Everything marked in the modules of a package. Raises ValueError for two of one name: the start stops."""
        registry = cls()
        for found_module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found_module.name)
            for value in list(vars(module).values()):
                for entry in getattr(value, "entries", ()) if inspect.iscoroutinefunction(value) else ():
                    if value.__module__ == module.__name__:
                        registry.add(entry)
        return registry

    def add(self, entry: RegisteredHandler) -> None:
        """Register one handler."""
        key = (entry.kind, entry.name)
        if key in self.entries:
            raise ValueError(f"two handlers for the {entry.kind.value} “{entry.name}”")
        self.entries[key] = entry

    def get(self, kind: HandlerKind, name: str) -> RegisteredHandler | None:
        """The handler of this kind and name."""
        return self.entries.get((kind, name))

    def about_build(self) -> frozenset[str]:
        """Return the names of the buttons whose value is the build that their message is about."""
        return frozenset(entry.name for entry in self.entries.values() if entry.about_build)

    def commands(self) -> list[RegisteredHandler]:
        """All subcommands, by name."""
        return sorted(
            (entry for entry in self.entries.values() if entry.kind is HandlerKind.COMMAND),
            key=lambda entry: entry.name,
        )

    def menu(self) -> list[tuple[str, str]]:
        """Return the buttons of the menu in their order: the label, translated by `_`, and the subcommand."""
        items = [(entry.menu, entry.name) for entry in self.commands() if entry.menu]
        return [(item.label, name) for item, name in sorted(items)]

    def shortcuts(self) -> list[MessageShortcut]:
        """Return the message shortcuts for the app manifest, by title."""
        found = [entry for entry in self.entries.values() if entry.kind is HandlerKind.SHORTCUT]
        return sorted(MessageShortcut(entry.title, entry.name, entry.summary) for entry in found)
