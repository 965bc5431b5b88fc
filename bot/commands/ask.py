"""Access requests: a user who was refused asks the admins, the first of whom decides; all are notified."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain import access
from bot.domain.access_requests import RequestDecision, RoleRequest
from bot.domain.model import Role
from bot.exceptions import BotError, Outdated, UserInputError
from bot.i18n import Text, _, gettext_noop, use_locale
from bot.slack.blocks import Message
from bot.slack.button_values import DecisionValue
from bot.slack.mrkdwn import time_tag
from bot.slack.views import access_requests as cards


@button("ask.v1", need=Role.MEMBER, once=True)
async def ask(call: CommandContext, value: str) -> Message:
    """*Request access*, under a refusal."""
    refused = await _refused(call, value)
    if (call.asker.role_for(refused.app_id) if refused.app_id else call.asker.role) >= refused.role:
        return Message(_("You have the *{role}* role now. Run the command again.", role=refused.role.word))
    if call.asker.outsider:
        raise UserInputError(Text(access.OUTSIDERS[call.asker.outsider]), access.ASK_FOR_AN_APP)
    admins = await call.services.roles.admins_for(call.asker)
    if not admins:
        return Message(_("This bot has no other admin yet. Ask the person who set it up."))
    request = await call.services.roles.request(call.asker, call.entrypoint, refused)
    if isinstance(request, datetime):
        asked = time_tag(request, call.now, call.asker.tz)
        return Message(_("You already asked at {time}. I'll DM you the answer.", time=asked))
    app, name = await _app(call, request), await call.services.access.display_name(request.user_id)
    has = call.asker.role_for(request.app_id) if request.app_id else call.asker.role
    apps = len(await call.services.names.of_apps())
    languages = await asyncio.gather(*map(call.services.access.language, admins))
    copies = [
        (admin, cards.question(request, app, name, spoken, has, apps))
        for admin, spoken in zip(admins, languages, strict=True)
    ]
    return Message(_("Request sent. I'll DM you the answer."), copies=tuple(copies), request=request.id)


async def _refused(call: CommandContext, value: str) -> RoleRequest:
    """Return the user's refusal with this number. Raises UserInputError if it is another user's."""
    request = await call.services.roles.refused(call.asker, int(value)) if _is_number(value) else None
    if request is None:
        raise Outdated
    return request


def _is_number(value: str) -> bool:
    return value.isdecimal() and len(value) < 19


@button("decide.app.v1", need=Role.ADMIN, replaces_message=True, act=gettext_noop("answer access requests"))
async def allow(call: CommandContext, value: str) -> Message:
    """*Allow for Courier*."""
    return await _decide(call, value, RequestDecision.APP)


@button("decide.all.v1", need=Role.ADMIN, replaces_message=True, act=gettext_noop("answer access requests"))
async def allow_everywhere(call: CommandContext, value: str) -> Message:
    """*Allow for all apps*, after a question."""
    return await _decide(call, value, RequestDecision.ALL)


@button("decide.deny.v1", need=Role.ADMIN, replaces_message=True, act=gettext_noop("answer access requests"))
async def deny(call: CommandContext, value: str) -> Message:
    """*Deny*."""
    return await _decide(call, value, RequestDecision.DENIED)


@button("decide.v1", need=Role.ADMIN, replaces_message=True, act=gettext_noop("answer access requests"))
async def decide(call: CommandContext, value: str) -> Message:
    """*Allow* or *Deny* in messages of earlier versions, where *Allow* grants what the message asked for."""
    answer = DecisionValue.parse(value)
    decision = RequestDecision.DENIED
    if answer.allowed and _is_number(answer.request):
        decision = await call.services.roles.as_asked(int(answer.request))
    return await _decide(call, answer.request, decision)


async def _decide(call: CommandContext, number: str, decision: RequestDecision) -> Message:
    """Decide for all admins; they and the user who asked are notified."""
    call.require_role(None)
    decided = (
        await call.services.roles.decide(call.asker, call.entrypoint, int(number), decision)
        if _is_number(number)
        else None
    )
    if decided is None:
        raise UserInputError(Text("I can't find that request."), commands=((Text("How to grant"), "help grant"),))
    request, mine = decided
    app = await _app(call, request)
    if not mine:
        return cards.decided(request, app, call.asker.user_id)
    with use_locale(await call.services.access.language(request.user_id)):
        message = cards.told(request, app)
    return replace(
        cards.decided(request, app, call.asker.user_id),
        copies=((request.user_id, message),),
        edits=await _others(call, request, app),
    )


async def _others(call: CommandContext, request: RoleRequest, app: str | None) -> tuple[tuple[str, str, Message], ...]:
    """Return the new text of the other admins' messages."""
    found = []
    for copy in await call.services.roles.copies(request):
        if not call.asker.is_(copy.user_id):
            with use_locale(await call.services.access.language(copy.user_id)):
                found.append((copy.channel_id, copy.ts, cards.decided(request, app, copy.user_id)))
    return tuple(found)


async def _app(call: CommandContext, request: RoleRequest) -> str | None:
    """Return the name of the app the role is for, or its id while Applivery is unavailable; None for every app."""
    if request.app_id is None:
        return None
    try:
        names = {app.id: app.name for app in await call.services.apps.apps()}
    except BotError:
        names = {}
    return names.get(request.app_id, request.app_id)
