"""The button in the message to a colleague to whom a build was sent; both users must still have access to the app."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from bot.commands.get import hand
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain.model import Role
from bot.domain.sent_builds import SentBuild
from bot.domain.states import PauseReason
from bot.exceptions import BotError, BuildRecalled, PermissionDenied, PermissionUnverified
from bot.i18n import Text, _, use_locale
from bot.services.sent_builds import SenderDenied
from bot.slack.blocks import Message
from bot.slack.mrkdwn import escape_inline
from bot.slack.views import access_recheck as cards
from bot.slack.views import builds as buildcards
from bot.slack.views import errors
from bot.slack.views.access_recheck import PausedItem


@button("sent.v1", need=Role.MEMBER, once=True, for_link=True)
async def taken(call: CommandContext, value: str) -> Message:
    """*Get build* below a sent build, which works only for its recipient."""
    number = int(value) if value.isdecimal() and len(value) < 19 else 0
    sent = await call.services.sent_builds.received(call.asker, number)
    if sent is None:
        raise PermissionDenied(Text("This build was sent to someone else."), Text("Run `get` to get it yourself."))
    try:
        build = await call.build(sent.app_id, sent.build_id)
        await call.services.sent_builds.require_sender(sent, build)
        message = await hand(call, build)
    except PermissionUnverified:
        raise
    except (PermissionDenied, BuildRecalled) as error:
        return await _refused(call, sent, error)
    if message.is_secret and await call.services.sent_builds.mark_taken(sent):
        with use_locale(await call.services.access.language(sent.sender)):
            title = buildcards.title(build)
            told = Message(_("<@{user}> got {build}, which you sent.", user=sent.recipient, build=title))
        return replace(message, copies=((sent.sender, told),))
    return message


async def _refused(call: CommandContext, sent: SentBuild, error: PermissionDenied | BuildRecalled) -> Message:
    """Return why the recipient gets no link; the sender is notified once."""
    refusal = errors.denied(error) if isinstance(error, PermissionDenied) else errors.problem(error)
    reason = (
        PauseReason(error.reason or PauseReason.ROLE) if isinstance(error, PermissionDenied) else PauseReason.RECALLED
    )
    gone = isinstance(error, SenderDenied) and reason is PauseReason.PERSON
    if gone or not await call.services.sent_builds.mark_withheld(sent, reason):
        return refusal
    return replace(refusal, copies=((sent.sender, await _told(call, sent, error, reason)),))


async def _told(
    call: CommandContext, sent: SentBuild, error: PermissionDenied | BuildRecalled, reason: PauseReason
) -> Message:
    """Return the notice to the sender, in their language."""
    name, admins = await _named(call, sent)
    paused = PausedItem(
        partial(cards.of_sent, name, sent.recipient),
        sent.sender,
        name,
        Role.MEMBER,
        reason,
        channels=error.channels if isinstance(error, PermissionDenied) else (),
        other="" if isinstance(error, SenderDenied) else sent.recipient,
    )
    with use_locale(await call.services.access.language(sent.sender)):
        return cards.told(paused, admins)


async def _named(call: CommandContext, sent: SentBuild) -> tuple[str, list[str]]:
    """Return the app's name and the admins, as far as available now."""
    try:
        apps = {app.id: app.name for app in await call.services.apps.apps()}
        admins = [admin for admin in await call.services.access.list_admins(sent.team_id) if admin != sent.sender]
    except BotError:
        return _("an app"), []
    return escape_inline(apps.get(sent.app_id) or _("an app"), 80), admins
