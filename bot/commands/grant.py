"""`grant` and `revoke`: roles for people and user groups, for every app or one, and which channels an app is for."""

from __future__ import annotations

from collections.abc import Collection

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import command
from bot.domain import lookup, references, spelling
from bot.domain.access import MOST_FOR_OUTSIDERS, TOO_WIDE
from bot.domain.model import App, Role
from bot.exceptions import BotError, PermissionUnverified, SlackError, UserInputError
from bot.i18n import NO_TEXT, Text, _, gettext_noop, joined
from bot.i18n.verbatim import verbatim
from bot.services.access import NO_GROUP, NOT_THERE
from bot.slack.blocks import Message
from bot.slack.mrkdwn import escape, escape_inline


@command(need=Role.ADMIN, act=gettext_noop("grant roles"))
async def grant(call: CommandContext, who: str, role: str | None = None, *, app: str | None = None) -> Message:
    """Give a role to a person or group, or limit an app to channels.

    /applivery grant @bruno releaser
    /applivery grant @qa-team manager app:courier
    /applivery grant #releases app:courier
    /applivery grant #leads manager
    The first channel granted to an app closes it everywhere else. Reports in a manager channel name people.
    """
    of = await call.services.apps.app(app) if app else None
    call.require_role(of)
    if (channel := references.channel(who)) and role:
        return await _managers(call, channel, role, of)
    if channel:
        if of is None:
            raise await _which_app(call)
        await call.services.channels.open_app(call.asker, call.entrypoint, of, channel)
        name = escape_inline(of.name, 80)
        return Message(
            _(
                "Done: {app} can be used in <#{channel}>, and only in the channels on its list.",
                app=name,
                channel=channel,
            )
        )
    given = _role(role)
    grantee = _grantee(who)
    await _check(call, grantee, given, of)
    await call.services.roles.grant(call.asker, call.entrypoint, grantee, given, of)
    who, named = _mention(grantee), given.word
    if of is None:
        return Message(_("Done: {who} is now *{role}*.", who=who, role=named))
    return Message(_("Done: {who} is now *{role}* for {app}.", who=who, role=named, app=escape_inline(of.name, 80)))


@command(need=Role.ADMIN, act=gettext_noop("revoke roles"))
async def revoke(call: CommandContext, who: str, *, app: str | None = None) -> Message:
    """Remove a role, or take a channel off an app's list.

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
        return await _no_managers(call, channel)
    if channel and of:
        done, left = await call.services.channels.close_app(call.asker, call.entrypoint, of, channel)
        return Message(_off_the_list(of, channel, left, done=done))
    grantee = _grantee(who)
    role = await call.services.roles.revoke(call.asker, call.entrypoint, grantee, of)
    kept = "" if of else await _kept(call, grantee)
    if role is None and kept:
        none = Text("They have no role for every app.")
        raise UserInputError(joined(" ", (none, kept)), Text("Name the app to take it back: `app:…`."))
    if role is None:
        nothing = (
            Text("Nothing was granted to them for {app}.", app=verbatim(of.name))
            if of
            else Text("Nothing was granted to them.")
        )
        raise UserInputError(nothing, commands=((Text("See audit log"), "audit"),))
    return Message(f"{_taken_back(grantee, role, of)} {escape(_(kept))}".rstrip())


async def _check(call: CommandContext, grantee: str, role: Role, app: App | None) -> None:
    """Raise UserInputError for a grant that no request would ever be measured by.

    Raises PermissionDenied when Slack cannot say.
    """
    try:
        if grantee.startswith("S"):
            await call.services.access.uncached().group_members(grantee)
            return
        outsider = await call.services.access.uncached().outsider_kind(grantee)
    except SlackError as error:
        raise _unknown(grantee, error) from error
    if outsider and (app is None or role > MOST_FOR_OUTSIDERS):
        raise UserInputError(
            Text(TOO_WIDE[outsider], who=_mention(grantee)),
            Text("Give them `member` for one app: `grant @person member app:courier`."),
        )


def _unknown(grantee: str, error: SlackError) -> BotError:
    if error.code in NOT_THERE or error.code in NO_GROUP:
        words = Text("Slack doesn't know {who}.", who=_mention(grantee))
        return UserInputError(words, Text("Type @ and pick the person or user group from Slack's list."))
    why = Text("I can't check who {who} is now, so nothing was granted.", who=_mention(grantee))
    return PermissionUnverified(why)


def _off_the_list(app: App, channel: str, left: Collection[str], *, done: bool) -> str:
    """That a channel is off an app's list, or was not on it; `left` are the channels that are."""
    name = escape_inline(app.name, 80)
    if left:
        others = ", ".join(f"<#{channel_id}>" for channel_id in sorted(left))
        if done:
            return _(
                "<#{channel}> is off the list of {app}; it can still be used in {channels}.",
                channel=channel,
                app=name,
                channels=others,
            )
        return _(
            "<#{channel}> was not on the list of {app}; it can still be used in {channels}.",
            channel=channel,
            app=name,
            channels=others,
        )
    if done:
        return _("<#{channel}> is off the list of {app}; it is open everywhere.", channel=channel, app=name)
    return _("<#{channel}> was not on the list of {app}; it is open everywhere.", channel=channel, app=name)


def _taken_back(grantee: str, role: Role, app: App | None) -> str:
    who, named = _mention(grantee), role.word
    if app is None:
        return _("Done: {who} is no longer *{role}*.", who=who, role=named)
    return _("Done: {who} is no longer *{role}* for {app}.", who=who, role=named, app=escape_inline(app.name, 80))


async def _managers(call: CommandContext, channel_id: str, role: str, app: App | None) -> Message:
    if _role(role) is not Role.MANAGER or app:
        raise UserInputError(
            Text("A channel can be a `manager` channel, for every app."), Text("For example `grant #leads manager`.")
        )
    await call.services.channels.name_people(call.asker, call.entrypoint, channel_id)
    return Message(
        _("Done: download summaries in <#{channel}> name people; everyone there can read them.", channel=channel_id)
    )


async def _no_managers(call: CommandContext, channel_id: str) -> Message:
    done = await call.services.channels.stop_naming_people(call.asker, call.entrypoint, channel_id)
    if done:
        text = _(
            "<#{channel}> is no longer a manager channel: download summaries there have counts only.",
            channel=channel_id,
        )
    else:
        text = _(
            "<#{channel}> was not a manager channel: download summaries there have counts only.", channel=channel_id
        )
    return Message(text)


async def _kept(call: CommandContext, grantee: str) -> Text:
    """Format a user's roles for single apps; they stay when the role for every app ends."""
    given = await call.services.roles.for_single_apps(call.asker.team_id, grantee)
    names = await call.services.names.of_apps() if given else {}  # a role is revoked while Applivery is unavailable too
    roles = [
        Text(
            "{role} for {app}",
            role=role.word,
            app=verbatim(names[app_id]) if names.get(app_id) else Text("another app"),
        )
        for app_id, role in given
    ]
    return Text("They are still {roles}.", roles=joined(", ", roles)) if roles else NO_TEXT


async def _which_app(call: CommandContext) -> UserInputError:
    every = [(label, f"app:{typed}") for label, typed in lookup.to_choose_from(await call.services.apps.apps())]
    return UserInputError(Text("For which app?"), every=every)


def _grantee(who: str) -> str:
    found = references.person(who) or references.group(who)
    if not found:
        raise UserInputError(
            Text("I cannot tell who “{who}” is.", who=who[:60]),
            Text("Type @ and pick the person or user group from Slack's list."),
        )
    return found


def _mention(grantee: str) -> str:
    return f"<!subteam^{grantee}>" if grantee.startswith("S") else f"<@{grantee}>"


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
