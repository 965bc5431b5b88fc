"""`subscriptions import`: the channels of Applivery's own Slack integration as subscriptions."""

from __future__ import annotations

from msgspec.structs import replace

from bot.commands import subscribe
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain import access
from bot.domain.model import DeliveryOptions, Role
from bot.domain.slack_imports import ImportCandidate
from bot.exceptions import BotError, UserInputError
from bot.i18n import Text, _, gettext_noop
from bot.slack.blocks import Message
from bot.slack.views import slack_imports as cards
from bot.slack.views.errors import safe
from bot.slack.views.subscription_names import EVERY_APP

ACT = gettext_noop("import subscriptions")


async def preview(call: CommandContext) -> Message:
    """Return what would be imported, and what can't be and why."""
    access.require(call.asker.role, Role.ADMIN, act=ACT)
    found = await call.services.imports.candidates()
    return cards.preview(found) if found else cards.nothing()


@button("import.v1", need=Role.ADMIN, replaces_message=True, act=ACT)
async def pressed(call: CommandContext, value: str) -> Message:
    """*Import*: subscribe each channel to every app, with the events that Applivery announced there."""
    found = await call.services.imports.candidates()
    done: list[ImportCandidate] = []
    failed: dict[str, str] = {}
    for candidate in found:
        if candidate.obstacle is not None:
            continue
        try:
            await _subscribe(call, candidate)
        except BotError as problem:
            failed[candidate.channel_id] = safe(_(problem.sentence))
        else:
            done.append(candidate)
    return cards.imported(done, failed, [candidate for candidate in found if candidate.obstacle])


async def _subscribe(call: CommandContext, candidate: ImportCandidate) -> None:
    there = replace(call, asker=replace(call.asker, channel_id=candidate.channel_id))
    await subscribe.speakable(call, candidate.channel_id)
    saved = await call.services.subscriptions.save(
        there.asker,
        call.entrypoint,
        channel_id=candidate.channel_id,
        app=None,
        every_app=EVERY_APP,
        events=candidate.announcement.build_events,
        query="",
        options=DeliveryOptions(),
        baseline=(),
        expected=None,
    )
    if saved is None:
        raise UserInputError(Text("Somebody else is changing this subscription."), Text("Try again in a moment."))
