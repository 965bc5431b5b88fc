"""The button in the direct message of a colleague to whom a build was sent: both must still be allowed the app."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bot.commands.get import hand
from bot.db import key_value, sent_builds
from bot.db.sent_builds import SentBuild
from bot.dispatch import replies
from bot.dispatch.registry import CommandContext, button
from bot.domain.model import Build, Role
from bot.domain.states import PauseReason
from bot.exceptions import BotError, BuildRecalled, PermissionDenied, PermissionUnverified
from bot.i18n import _, use_locale
from bot.slack.blocks import Message
from bot.slack.mrkdwn import inline
from bot.slack.views import access_recheck as cards
from bot.slack.views import builds as buildcards
from bot.slack.views.access_recheck import PausedItem


@button("sent.v1", need=Role.MEMBER, once=True)
async def taken(call: CommandContext, value: str) -> Message:
    """*Get build* under a sent build: it works for that Slack user alone."""
    sent = (
        await call.house.store.run(sent_builds.get_sent_build, int(value))
        if value.isdecimal() and len(value) < 19
        else None
    )
    if sent is None or (sent.team_id, sent.recipient) != (call.asker.team_id, call.asker.user_id):
        raise PermissionDenied(_("This build was sent to somebody else."), _("Use `get` to have it yourself."))
    try:
        build = await call.build(sent.app_id, sent.build_id)
        await _require_sender(call, sent, build)
        message = await hand(call, build)
    except PermissionUnverified:
        raise
    except (PermissionDenied, BuildRecalled) as error:
        return await _refused(call, sent, error)
    if message.secret and await call.house.store.run(sent_builds.mark_sent_build_used, sent.id):
        with use_locale(await call.house.people.language(sent.sender)):
            title = buildcards.title(build)
            told = Message(_("<@{user}> took {build}, which you sent.", user=sent.recipient, build=title))
        return replace(message, copies=((sent.sender, told),))
    return message


async def _require_sender(call: CommandContext, sent: SentBuild, build: Build) -> None:
    """Raise PermissionDenied when who sent the build may not have it any more."""
    try:
        await call.house.permission.require(sent.sender, Role.MEMBER, build.app, None)
    except PermissionUnverified:
        raise
    except PermissionDenied as error:
        why = _("<@{user}>, who sent you this build, no longer has access to it.", user=sent.sender)
        raise _SenderDenied(why, _("Use `get` to get it yourself."), reason=error.reason) from error


class _SenderDenied(PermissionDenied):
    """It is the sender who may not."""


async def _refused(call: CommandContext, sent: SentBuild, error: PermissionDenied | BuildRecalled) -> Message:
    """Why the recipient gets nothing; the sender is told once."""
    refusal = replies.denied(error) if isinstance(error, PermissionDenied) else replies.problem(error)
    reason = (
        PauseReason(error.reason or PauseReason.ROLE) if isinstance(error, PermissionDenied) else PauseReason.RECALLED
    )
    gone = isinstance(error, _SenderDenied) and reason is PauseReason.PERSON
    if gone or not await call.house.store.run(key_value.set_value_once, f"withheld sent {sent.id}", reason):
        return refusal
    return replace(refusal, copies=((sent.sender, await _told(call, sent, error, reason)),))


async def _told(
    call: CommandContext, sent: SentBuild, error: PermissionDenied | BuildRecalled, reason: PauseReason
) -> Message:
    """What the sender reads, in their language."""
    name, admins = await _named(call, sent)
    paused = PausedItem(
        partial(cards.of_sent, name, sent.recipient),
        sent.sender,
        name,
        Role.MEMBER,
        reason,
        channels=error.channels if isinstance(error, PermissionDenied) else (),
        other="" if isinstance(error, _SenderDenied) else sent.recipient,
    )
    with use_locale(await call.house.people.language(sent.sender)):
        return cards.told(paused, admins)


async def _named(call: CommandContext, sent: SentBuild) -> tuple[str, list[str]]:
    """The app's name and the admins, as far as they can be had now."""
    try:
        apps = {app.id: app.name for app in await call.house.catalogue.apps()}
        admins = [admin for admin in await call.house.people.admins(sent.team_id) if admin != sent.sender]
    except BotError:
        return _("an app"), []
    return inline(apps.get(sent.app_id) or _("an app"), 80), admins
