"""`get`: a new private link to a build for the user, and the actions on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from slack_sdk.models.blocks import Option

from bot.dispatch.context import CommandContext
from bot.dispatch.modal_submission import attribute_to_field
from bot.dispatch.registry import MenuItem, button, command, form, options, shortcut
from bot.dispatch.targets import BuildReference, Filters
from bot.domain import lookup, references
from bot.domain.audit import AuditAction, AuditOutcome
from bot.domain.build_labels import BuildLabel
from bot.domain.builds import can_be_had
from bot.domain.devices import judge
from bot.domain.install import nearest_kind, over_the_air
from bot.domain.lookup import NoReadyBuild
from bot.domain.model import App, Build, FileKind, Role, Stage
from bot.exceptions import BotError, BuildNotProcessed, Outdated, PermissionDenied, PermissionUnverified, UserInputError
from bot.i18n import Text, _, gettext_noop, use_locale
from bot.i18n.verbatim import verbatim
from bot.slack import blocks
from bot.slack.blocks import Message, Modal, Reply, Visibility
from bot.slack.button_values import BuildValue
from bot.slack.mrkdwn import escape
from bot.slack.views import builds as buildcards
from bot.slack.views import links


@command(need=Role.MEMBER, menu=MenuItem(1, gettext_noop("Get a build")))
async def get(
    call: CommandContext,
    target: BuildReference | None = None,
    *,
    filters: Filters,
    type: FileKind | None = None,  # noqa: A002  Applivery's word
    to: str | None = None,
) -> Reply:
    """Get a private link to a build.

    /applivery get courier
    /applivery get courier 2.4.0 os:ios
    /applivery get courier #173 type:file
    /applivery get courier branch:release/* to:@colleague
    """
    if target is None and len(await call.apps()) > 1:
        return await ask(call)
    try:
        chosen = await (target or BuildReference(None)).resolve(call, filters)
    except NoReadyBuild as nothing:
        return await _nothing_ready(call, nothing)
    if to is not None:
        return await _send(call, chosen.build, to)
    others = chosen.others if target is None or target.which in (None, "latest") else ()
    call.services.devices.begin(call.asker.user_id, chosen.build)
    return await hand(call, await call.details(chosen.build), type, others)


async def _nothing_ready(call: CommandContext, nothing: NoReadyBuild) -> Message:
    """Return the state of the newest build, and whether it can be watched."""
    newest = await call.details(nothing.newest)
    message = await hand(call, newest)
    if newest.stage is Stage.READY:  # it became ready after it was listed
        return message
    sentence = escape(_(nothing.sentence))
    return replace(message, text=f"{sentence} {message.text}", blocks=(blocks.section(sentence), *message.blocks))


async def hand(
    call: CommandContext,
    build: Build,
    kind: FileKind | None = None,
    others: tuple[Build, ...] = (),
    *,
    in_dm: bool = False,
) -> Message:
    """Return a link for the user, or why the build isn't available, and the alternatives."""
    dashboard, link_issuer = call.services.dashboard(build), call.services.links
    if build.stage is not Stage.READY:
        await link_issuer.ensure_not_recalled(build)
        return await _unavailable(call, build)
    if kind is FileKind.AAB and nearest_kind(build, kind) is not kind:
        raise UserInputError(
            Text("{build} has no .aab file.", build=BuildLabel(build)),
            near=["type:file", "type:auto"],
            replaces="type:aab",
        )
    if kind is FileKind.AUTO and over_the_air(build) and not link_issuer.can_install:
        return links.no_install(build, dashboard)
    call.services.devices.begin(call.asker.user_id, build)
    try:
        file_kind = nearest_kind(build, kind) if kind else link_issuer.default_kind(build)
        link = await link_issuer.issue(
            call.asker,
            build,
            file_kind,
            entrypoint=call.entrypoint,
            remember_app=True,
            reserved=call.reserved_link,
        )
    except BuildNotProcessed:
        return await _unavailable(call, build)
    devices = await call.services.devices.devices(call.asker.user_id, build)
    return links.link(
        build,
        link,
        call.asker,
        call.now,
        dashboard=dashboard,
        others=others,
        in_dm=in_dm,
        verdict=judge(build, file_kind, devices, call.now, tz=call.asker.tz),
    )


async def _unavailable(call: CommandContext, build: Build) -> Message:
    """Return why there is no link, with the newest available build."""
    dashboard, instead = call.services.dashboard(build), await call.find_replacement(build)
    if build.stage is Stage.FAILED:
        return buildcards.status(build, dashboard, instead=instead, now=call.now)
    awaitable = build.stage is Stage.READY or call.can_wait_for(build)
    return links.not_ready(build, dashboard, awaitable=awaitable, instead=instead)


# ------------------------------------------------------------------ the form


async def ask(call: CommandContext) -> Modal:
    """Return the form for a command without words, with the app the user got last in this channel."""
    last = await call.services.links.last_app_id(call.asker)
    app = next((candidate for candidate in await call.apps() if candidate.id == last), None)
    return _form(app, is_anywhere=call.asker.channel_id is None)


def _form(app: App | None, *, is_anywhere: bool) -> Modal:
    """Return the form; with `is_anywhere` (outside of channels) it says that the reply is a direct message."""
    chosen = blocks.option(app.name, app.id) if app else None
    note = [blocks.context(_("I'll send you the link by DM."))] if is_anywhere else []
    return Modal(
        "get.v1",
        _("Get a build"),
        (
            blocks.external_select(_("App"), "get.app", hint=_("Type to find an app"), chosen=chosen),
            blocks.external_select(_("Build"), "get.build", hint=_("Latest"), optional=True),
            *note,
        ),
        submit=_("Get build"),
        private_metadata=app.id if app else "",
    )


@form("get.v1", need=Role.MEMBER)
async def submitted(call: CommandContext, typed: dict[str, str]) -> Message:
    """Return a link to the build that was chosen in the form."""
    with attribute_to_field("get.app"):
        app = await call.app(typed.get("get.app", ""))
    with attribute_to_field("get.build"):
        try:
            chosen = await BuildReference(app, typed.get("get.build")).resolve(call)
        except NoReadyBuild as nothing:
            return await _nothing_ready(call, nothing)
        details, in_dm = await call.details(chosen.build), call.asker.channel_id is None
        return await hand(call, details, None, chosen.others, in_dm=in_dm)


@options("get.app", need=Role.MEMBER)
async def apps(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the apps whose name matches the text typed so far."""
    return [blocks.option(name, app_id) for name, app_id in lookup.named(await call.apps(), typed)][:100]


@options("get.build", need=Role.MEMBER)
async def builds(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the ready builds of the chosen app, newest first; by default of the user's last app, or the only one."""
    every = await call.apps()
    wanted = chosen.get("get.app") or chosen.get("memory")
    app = next((candidate for candidate in every if candidate.id == wanted), every[0] if len(every) == 1 else None)
    if app is None:
        return []
    recalled = await call.services.recalls.all()
    return await offered(call, app, typed, partial(can_be_had, recalled=recalled))


async def offered(call: CommandContext, app: App, typed: str, wanted: Callable[[Build], bool]) -> list[Option]:
    """Return the `wanted` builds of an app that match the text typed so far, as options."""
    builds = await call.services.apps.search(app, typed, wanted)
    return [blocks.option(lookup.label(build), build.id) for build in builds]


# ------------------------------------------------------------------ the buttons


@button("get.v1", need=Role.MEMBER, once=True, about_build=True, for_link=True)
async def pressed(call: CommandContext, value: str) -> Message:
    """*Get build* on a card, of any age: a new link for the user who clicked."""
    app_id, build_id, kind = _read(value)
    return await hand(call, await call.build_for_link(app_id, build_id), kind)


@button("fresh.v1", need=Role.MEMBER, once=True, about_build=True, for_link=True, replaces_message=True)
async def again(call: CommandContext, value: str) -> Message:
    """Replace the message of the button by a new link, or by a link to another kind of file."""
    return await pressed(call, value)


@button("dm.v1", need=Role.MEMBER, once=True, for_link=True)
async def to_direct_messages(call: CommandContext, value: str) -> Message:
    """Send another link by direct message, since ephemeral messages vanish when Slack reloads."""
    app_id, build_id, kind = _read(value)
    message = await hand(call, await call.build_for_link(app_id, build_id), kind, in_dm=True)
    return replace(message, to=Visibility.DIRECT)


@button("details.v1", need=Role.MEMBER, about_build=True)
async def details(call: CommandContext, value: str) -> Message:
    """Show the user all facts of a build and its other files."""
    app_id, build_id, kind = _read(value)
    build = await call.build(app_id, build_id)
    await call.services.links.ensure_not_recalled(build)
    return links.details(
        build,
        call.now,
        dashboard=call.services.dashboard(build),
        had=kind,
        others=await _other_platforms(call, build),
        installs=call.services.links.can_install,
    )


async def _other_platforms(call: CommandContext, build: Build) -> list[Build]:
    """Return the latest builds of the other platforms; empty while Applivery does not answer."""
    try:
        latest = await BuildReference(build.app).resolve(call)
    except BotError:
        return []
    return [other for other in (latest.build, *latest.others) if other.platform != build.platform]


@button("share.ask.v1", need=Role.MEMBER)
async def ask_to_share(call: CommandContext, value: str) -> Reply:
    """*Share here* in a menu: asks for confirmation."""
    build = await _shareable(call, value)
    channel_id = call.asker.channel_id or ""
    name = (await call.services.channels.look_up(channel_id)).name
    return links.ask_to_share(build, channel_id, name) if build.stage is Stage.READY else await hand(call, build)


@form("share.v1", need=Role.MEMBER)
async def share_confirmed(call: CommandContext, typed: dict[str, str]) -> Message:
    """Post the card."""
    return await share(call, typed.get("memory", ""))


@button("share.v1", need=Role.MEMBER, once=True)
async def share(call: CommandContext, value: str) -> Message:
    """Post a card in the channel: no token, and a button for all members."""
    build = await _shareable(call, value)
    if build.stage is not Stage.READY:
        return await hand(call, build)  # the reply says why it can't be shared
    await call.record_audit(AuditAction.SHARE, AuditOutcome.SHARED, app_id=build.app.id, build_id=build.id)
    with use_locale(call.services.language):
        return links.shared(build, call.asker.user_id, call.now).to_channel()


async def _shareable(call: CommandContext, value: str) -> Build:
    """Return the build of the button. Raises an error if its card can't be posted in the channel."""
    app_id, build_id, _ = _read(value)
    build = await call.build(app_id, build_id)
    await call.services.links.ensure_not_recalled(build)
    if build.stage is Stage.READY:
        await call.require_postable_here(gettext_noop("announcements show your changelog and branch"))
    return build


@shortcut(
    "get_build",
    need=Role.MEMBER,
    title="Get this build",
    description="Get a private link to this message's build",
)
async def from_message(call: CommandContext, value: str | None) -> Reply:
    """*Get this build* on a message: the build of its buttons, or the form if it has none."""
    return await pressed(call, value) if value else await ask(call)


@shortcut(
    "get_any_build",
    need=Role.MEMBER,
    title="Get a build",
    description="Get a private link to a build, from anywhere in Slack",
    is_global=True,
)
async def from_anywhere(call: CommandContext, value: str | None) -> Reply:
    """*Get a build* in the menu of the message field (⚡), which has no message: the form."""
    return await ask(call)


def _read(value: str) -> tuple[str, str, FileKind | None]:
    wanted = BuildValue.parse(value)
    if not wanted.is_complete:
        raise Outdated(commands=((Text("Get a build"), "get"),))
    return wanted.app_id, wanted.build_id, FileKind(wanted.detail) if wanted.detail in set(FileKind) else None


# ------------------------------------------------------------------ waiting for a build


@button("await.v1", need=Role.MEMBER)
async def tell_me(call: CommandContext, value: str) -> Message:
    """*Tell me when it is ready*: sends a direct message with the link, or why it failed."""
    app_id, build_id, _ = _read(value)
    build = await call.build(app_id, build_id)
    await call.services.links.ensure_not_recalled(build)
    if not build.stage.final and not call.can_wait_for(build):
        return await hand(call, build)  # the reply says why it can't be watched
    build, awaited = await call.services.watches.await_end(call.asker, build, call.now)
    if not awaited:
        return await hand(call, build)
    return links.awaiting(build)


# ------------------------------------------------------------------ sending a build


async def _send(call: CommandContext, build: Build, to: str) -> Message:
    recipient = references.person(to)
    if not recipient:
        raise UserInputError(
            Text("I couldn't find “{who}”.", who=to[:60]),
            Text("Type `to:@` and pick the person from Slack's list."),
        )
    if build.stage is not Stage.READY:
        build = await call.details(build)
    if build.stage is not Stage.READY:
        return await hand(call, build)  # the reply says why it can't be sent
    await call.services.links.ensure_not_recalled(build)
    await call.services.access.require_person(recipient)
    try:
        other = await call.services.access.resolve_actor(recipient, None)
        await call.authorize_app(build.app, other)
    except PermissionUnverified:
        raise
    except PermissionDenied as error:
        if error.channels:
            why = Text("{app} is limited to certain channels, so it can't be sent by DM.", app=verbatim(build.app.name))
            raise PermissionDenied(
                why, Text("To post it in this channel, choose *Share here* in the link's ⋯ menu.")
            ) from error
        raise PermissionDenied(
            Text("Not sent: that person doesn't have access."),
            Text("Guests and people from other organisations need access to the app first."),
        ) from error
    sent = await call.services.sent_builds.send(call.asker, call.entrypoint, other.user_id, build)
    with use_locale(await call.services.access.language(recipient)):
        card = links.sent(build, call.asker.user_id, sent.id, call.now)
    title = buildcards.title(build)
    done = _("Sent {build} to <@{user}>. I'll DM you when they get it.", build=title, user=recipient)
    return Message(done, copies=((recipient, card),))
