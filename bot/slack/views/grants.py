"""Replies of `grant` and `revoke`: the result, the former state, and a button to undo; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from slack_sdk.models.blocks import ButtonElement

from bot.domain.model import Role
from bot.i18n import _, ngettext
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.button_values import GrantUndoValue
from bot.slack.mrkdwn import escape_inline

UNDO = "undo.grant.v1"
NAMED = 5  # channels


def mention(grantee: str) -> str:
    """Return a user or a user group as a mention."""
    return f"<!subteam^{grantee}>" if grantee.startswith("S") else f"<@{grantee}>"


def granted(undo: GrantUndoValue, app: str | None) -> Message:
    """Return the confirmation that a role was granted, and which one it replaced."""
    who, role, apps = mention(undo.grantee), undo.role.word, _apps(app)
    previous = undo.change.previous if undo.change else None
    if previous is undo.role:
        return Message(_("{who} is already *{role}* for {apps}.", who=who, role=role, apps=apps))
    text = _("{who} is now *{role}* for {apps}.", who=who, role=role, apps=apps)
    if previous:
        text = _(
            "{who} is now *{role}* for {apps} (was {before}).", who=who, role=role, apps=apps, before=previous.word
        )
    return _with_undo(text, blocks.button(_("Undo"), UNDO, str(undo)))


def revoked(undo: GrantUndoValue, app: str | None, kept: str = "") -> Message:
    """Return the confirmation that a role was revoked; `kept` says which ones stay."""
    text = _("{who} is no longer *{role}* for {apps}.", who=mention(undo.grantee), role=undo.role.word, apps=_apps(app))
    return _with_undo(f"{text} {kept}".rstrip(), blocks.button(_("Undo"), UNDO, str(undo)))


def undone(undo: GrantUndoValue, app: str | None) -> Message:
    """Return the confirmation that a grant or a revocation was undone."""
    who, apps = mention(undo.grantee), _apps(app)
    before = undo.role if undo.change is None else undo.change.previous
    if before is None:
        return Message(_("Undone: {who} is no longer *{role}* for {apps}.", who=who, role=undo.role.word, apps=apps))
    return Message(_("Undone: {who} is *{role}* for {apps} again.", who=who, role=before.word, apps=apps))


def still(grantee: str, roles: Sequence[tuple[Role, str, str]]) -> Message:
    """Return the reply that a person has no role for all apps, with a button for each app (name, id) with a role."""
    text = _("{who} has no role for all apps, only for these:", who=mention(grantee))
    row = [
        blocks.button(
            _("Revoke {role} for {app}", role=role.word, app=app),
            f"run.v1#revoke{number}",
            f"revoke {mention(grantee)} app:{app_id}",
        )
        for number, (role, app, app_id) in enumerate(roles)
    ]
    listed = ", ".join(f"{role.word} ({escape_inline(app, 80)})" for role, app, _id in roles)
    return Message(f"{text} {listed}", (blocks.section(text), blocks.actions(*row)))


def limited(
    app: tuple[str, str], channel: str, channels: Collection[str], elsewhere: Sequence[str], *, added: bool
) -> Message:
    """Return the channels in which an app (name, id) can be used after one was added to its list.

    `elsewhere` are the channels of its subscriptions that are not on it, one per subscription.
    """
    name, app_id = escape_inline(app[0], 80), app[1]
    others = _channels(set(channels) - {channel})
    if not added:
        return Message(_("{app} can already be used in <#{channel}>.", app=name, channel=channel))
    if others:
        text = _(
            "*{app} can now be used in <#{channel}> too*, besides {channels}.",
            app=name,
            channel=channel,
            channels=others,
        )
    else:
        text = _(
            "*{app} is now limited to <#{channel}>.* Before, it could be used everywhere.", app=name, channel=channel
        )
        if elsewhere:
            text += "\n" + ngettext(
                "{number} subscription elsewhere is paused: {channels}.",
                "{number} subscriptions elsewhere are paused: {channels}.",
                len(elsewhere),
                channels=_channels(elsewhere),
            )
    return _with_undo(text, blocks.button(_("Undo"), "run.v1#undo", f"revoke <#{channel}> app:{app_id}"))


def unlimited(app: tuple[str, str], channel: str, left: Collection[str], *, done: bool) -> Message:
    """Return that a channel was removed from an app's list, or was not on it; `left` are the channels still on it."""
    name, app_id = escape_inline(app[0], 80), app[1]
    others = _channels(left)
    if not done and others:
        text = _(
            "{app} wasn't allowed in <#{channel}>. It can be used in {channels}.",
            app=name,
            channel=channel,
            channels=others,
        )
        return Message(text)
    if not done:
        return Message(_("{app} isn't limited to channels. It can be used everywhere.", app=name))
    if others:
        text = _(
            "*{app} can't be used in <#{channel}> any more*, only in {channels}.",
            app=name,
            channel=channel,
            channels=others,
        )
    else:
        text = _("*{app} can be used everywhere again.* It was limited to <#{channel}>.", app=name, channel=channel)
    return _with_undo(text, blocks.button(_("Undo"), "run.v1#undo", f"grant <#{channel}> app:{app_id}"))


def naming(channel: str, *, added: bool) -> Message:
    """Return that reports in a channel name people."""
    if not added:
        return Message(_("Download reports in <#{channel}> already name people.", channel=channel))
    text = _("*Download reports in <#{channel}> now name people.* Everyone there can read them.", channel=channel)
    return _with_undo(text, blocks.button(_("Undo"), "run.v1#undo", f"revoke <#{channel}>"))


def not_naming(channel: str, *, done: bool) -> Message:
    """Return that reports in a channel have counts only."""
    if not done:
        return Message(_("Download reports in <#{channel}> already show counts only.", channel=channel))
    text = _("*Download reports in <#{channel}> now show counts only.*", channel=channel)
    return _with_undo(text, blocks.button(_("Undo"), "run.v1#undo", f"grant <#{channel}> manager"))


def _with_undo(text: str, undo: ButtonElement) -> Message:
    return Message(text, (blocks.section(text), blocks.actions(undo)))


def _apps(app: str | None) -> str:
    return _("all apps") if app is None else escape_inline(app, 80)


def _channels(ids: Collection[str]) -> str:
    """Return channels as mentions, each once."""
    found = sorted(set(ids))
    listed = ", ".join(f"<#{channel}>" for channel in found[:NAMED])
    return (
        _("{channels} and {number} more", channels=listed, number=len(found) - NAMED) if len(found) > NAMED else listed
    )
