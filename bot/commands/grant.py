"""`grant` and `revoke`: roles of people and user groups for all apps or one, and the channels of an app."""

from __future__ import annotations

from collections.abc import Sequence

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button, command
from bot.domain import lookup, references, spelling
from bot.domain.access import MOST_FOR_OUTSIDERS, TOO_WIDE
from bot.domain.model import App, Role
from bot.exceptions import BotError, FeatureOff, PermissionUnverified, SlackError, UserInputError
from bot.i18n import Text, _, gettext_noop
from bot.i18n.verbatim import verbatim
from bot.services.access import NOT_THERE
from bot.slack.blocks import Message
from bot.slack.button_values import GrantUndoValue
from bot.slack.errors import NO_GROUP
from bot.slack.mrkdwn import escape_inline
from bot.slack.views import grants as cards

AUDIT = (Text("See audit log"), "audit")


@command(need=Role.ADMIN, act=gettext_noop("grant roles"))
async def grant(call: CommandContext, who: str, role: str | None = None, *, app: str | None = None) -> Message:
    """Give a role to a person or group, or limit an app to channels.

    /applivery grant @bruno releaser
    /applivery grant @qa-team manager app:courier
    /applivery grant #releases app:courier
    /applivery grant #leads manager
    Granting an app to a channel limits the app to its channels. With `manager`, reports in a channel name people.
    """
    of = await call.services.apps.app(app) if app else None
    call.require_role(of)
    channel = references.channel(who)
    if channel and role:
        return await _managers(call, channel, role, of)
    if channel:
        if of is None:
            raise await _which_app(call)
        return await _limit(call, of, channel)
    given = _role(role)
    grantee = await _grantee(call, who)
    await _check(call, grantee, given, of)
    change = await call.services.roles.grant(call.asker, call.entrypoint, grantee, given, of)
    undo = GrantUndoValue(grantee, of.id if of else "", given, change)
    return cards.granted(undo, of.name if of else None)


@command(need=Role.ADMIN, act=gettext_noop("revoke roles"))
async def revoke(call: CommandContext, who: str, *, app: str | None = None) -> Message:
    """Revoke a role, or a channel's access to an app.

    /applivery revoke @bruno
    /applivery revoke @qa-team app:courier
    /applivery revoke #releases app:courier
    /applivery revoke #leads
    """
    of = await call.services.apps.app(app) if app else None
    call.require_role(of)
    if channel := references.channel(who):
        await call.services.channels.require_visible_or_gone(call.asker.user_id, channel)
    if channel and of is None:
        done = await call.services.channels.stop_naming_people(call.asker, call.entrypoint, channel)
        return cards.not_naming(channel, done=done)
    if channel and of:
        done, left = await call.services.channels.close_app(call.asker, call.entrypoint, of, channel)
        return cards.unlimited((of.name, of.id), channel, left, done=done)
    grantee = await _grantee(call, who)
    role = await call.services.roles.revoke(call.asker, call.entrypoint, grantee, of)
    kept = [] if of else await _kept(call, grantee)
    if role is None and kept:
        return cards.still(grantee, kept)
    if role is None:
        name = verbatim(of.name) if of else Text("all apps")
        raise UserInputError(Text("No role was granted for {apps}.", apps=name), commands=(AUDIT,))
    undo = GrantUndoValue(grantee, of.id if of else "", role)
    return cards.revoked(undo, of.name if of else None, _still(kept))


@button(cards.UNDO, need=Role.ADMIN, replaces_message=True, act=gettext_noop("grant roles"))
async def undo_grant(call: CommandContext, value: str) -> Message:
    """*Undo* below a grant, a revocation or an allowed request: undoes exactly that one."""
    undo = GrantUndoValue.parse(value)
    if undo is None:
        raise UserInputError(Text("This button is out of date."), Text("Use `grant` or `revoke`."))
    names = await call.services.names.of_apps() if undo.app_id else {}
    name = names.get(undo.app_id) or _("another app") if undo.app_id else None
    call.require_role(App(undo.app_id, undo.app_id, name) if name else None)
    if not await call.services.roles.undo_grant(call.asker, call.entrypoint, undo):
        raise UserInputError(Text("This role has been changed since then."), commands=(AUDIT,))
    return cards.undone(undo, name)


async def _limit(call: CommandContext, app: App, channel: str) -> Message:
    added, channels = await call.services.channels.open_app(call.asker, call.entrypoint, app, channel)
    subscriptions = await call.services.subscriptions.of_app(app)
    elsewhere = [each.channel_id for each in subscriptions if each.channel_id not in channels]
    return cards.limited((app.name, app.id), channel, channels, elsewhere, added=added)


async def _check(call: CommandContext, grantee: str, role: Role, app: App | None) -> None:
    """Raise UserInputError for a grant that could never have an effect.

    Raises PermissionDenied if Slack does not answer.
    """
    try:
        if grantee.startswith("S"):
            await call.services.access.uncached().group_members(grantee)
            return
        outsider = await call.services.access.uncached().outsider_kind(grantee)
    except FeatureOff:
        raise
    except SlackError as error:
        raise _unknown(error) from error
    if outsider and (app is None or role > MOST_FOR_OUTSIDERS):
        name = verbatim(await call.services.access.display_name(grantee))
        raise UserInputError(
            Text(TOO_WIDE[outsider], who=name),
            Text("Give them `member` for one app: `grant @person member app:courier`."),
        )


def _unknown(error: SlackError) -> BotError:
    if error.code in NOT_THERE or error.code in NO_GROUP:
        words = Text("Slack doesn't know that person or user group.")
        return UserInputError(words, Text("Type @ and pick the person or user group from Slack's list."))
    why = Text("I can't check who that is right now. Nothing was granted.")
    return PermissionUnverified(why)


async def _managers(call: CommandContext, channel_id: str, role: str, app: App | None) -> Message:
    if _role(role) is not Role.MANAGER or app:
        raise UserInputError(
            Text("The only role a channel can have is `manager`, for all apps."),
            Text("For example `grant #leads manager`."),
        )
    added = await call.services.channels.name_people(call.asker, call.entrypoint, channel_id)
    return cards.naming(channel_id, added=added)


async def _kept(call: CommandContext, grantee: str) -> list[tuple[Role, str, str]]:
    """Return a user's roles for single apps, which stay when the role for all apps ends: role, app's name and id."""
    given = await call.services.roles.for_single_apps(call.asker.team_id, grantee)
    names = await call.services.names.of_apps() if given else {}  # roles can be revoked while Applivery is unavailable
    return [(role, names.get(app_id) or _("another app"), app_id) for app_id, role in given]


def _still(kept: Sequence[tuple[Role, str, str]]) -> str:
    if not kept:
        return ""
    roles = [_("{role} for {app}", role=role.word, app=escape_inline(app, 80)) for role, app, _id in kept]
    return _("Other roles stay: {roles}.", roles=", ".join(roles))


async def _which_app(call: CommandContext) -> UserInputError:
    every = [(label, f"app:{typed}") for label, typed in lookup.to_choose_from(await call.services.apps.apps())]
    return UserInputError(Text("For which app?"), every=every)


async def _grantee(call: CommandContext, who: str) -> str:
    found = references.person(who) or references.group(who)
    if not found:
        raise UserInputError(
            Text("I couldn't find “{who}”.", who=who[:60]),
            Text("Type @ and pick the person or user group from Slack's list."),
        )
    return await call.services.access.stored_id(found)


def _role(word: str | None) -> Role:
    if word and (role := Role.named(spelling.bare(word))):
        return role
    names = [role.word for role in Role.given()]
    raise UserInputError(
        Text("There is no role “{role}”.", role=word[:40]) if word else Text("Which role?"),
        near=lookup.closest(word or "", names),
        every=names,
        replaces=word or "",
    )
