"""A refused person asks the admins for a role; an admin allows or denies it; everybody concerned is told."""

from __future__ import annotations

import asyncio

from bot.domain.audit import Action
from bot.domain.model import Role
from bot.errors import BadInput
from bot.language import say, speaking
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.command import Call, button
from bot.slack.named import app_names
from bot.slack.wording import inline
from bot.store.permits import RoleRequest

ASKED = 10  # admins


@button("ask.v1", need=Role.MEMBER, once=True)
async def ask(call: Call, value: str) -> Message:
    """*Ask an admin*, under a refusal."""
    name, _, app_id = value.partition("/")
    if (role := Role.named(name)) is None:
        raise BadInput(say("This button is from another version of me."), say("Please try again what was refused."))
    if call.asker.role_for(app_id) >= role:
        return Message(say("You have the role *{role}* by now; please try again.", role=role.word))
    request = await call.house.store.ask_for_role(call.asker.team_id, call.asker.user_id, role, app_id or None)
    if request is None:
        return Message(say("You have asked for that already; the admins have it in their direct messages."))
    admins = [one for one in await call.house.people.admins(call.asker.team_id) if one != call.asker.user_id][:ASKED]
    if not admins:
        return Message(say("I know of no admin to ask. `ACCESS_ADMINS` in my settings can name one."))
    await call.write_down(Action.ASK, role.word, app_id=app_id or None)
    app = await _app(call, request)
    languages = await asyncio.gather(*map(call.house.people.language, admins))
    copies = tuple((admin, _question(request, app, spoken)) for admin, spoken in zip(admins, languages, strict=True))
    return Message(say("I asked the admins; you will hear from me."), copies=copies)


@button("decide.v1", need=Role.ADMIN)
async def decide(call: Call, value: str) -> Message:
    """*Allow* or *Deny* in an admin's direct messages; the first admin decides."""
    call.require(None)
    answer, _, number = value.partition("/")
    decided = (
        await call.house.store.decide(int(number), answer == "allow", call.asker.user_id)
        if number.isdecimal() and len(number) < 19
        else None
    )
    if decided is None:
        raise BadInput(say("I know nothing of that question any more."), say("A role can be given with `grant`."))
    request, mine = decided
    app = await _app(call, request)
    if not mine:
        return Message(_too_late(request, app))
    result = Action.ALLOWED if request.allowed else Action.DENIED
    await call.write_down(result, f"{request.role.word} for {request.user_id}", app_id=request.app_id)
    with speaking(await call.house.people.language(request.user_id)):
        told = Message(_told(request, app))
    return Message(_decided(request, app), copies=((request.user_id, told),))


async def _app(call: Call, request: RoleRequest) -> str | None:
    """The name of the app the role is for, escaped; None for every app."""
    if request.app_id is None:
        return None
    names = await app_names(call)
    return inline(names.get(request.app_id, request.app_id), 80)


def _words(request: RoleRequest, app: str | None) -> str:
    role = request.role.word
    return say("the role *{role}* for {app}", role=role, app=app) if app else say("the role *{role}*", role=role)


def _too_late(request: RoleRequest, app: str | None) -> str:
    who = {"admin": request.decided_by, "user": request.user_id, "role": _words(request, app)}
    if request.allowed:
        return say("<@{admin}> had allowed it already: <@{user}> asked for {role}.", **who)
    return say("<@{admin}> had denied it already: <@{user}> asked for {role}.", **who)


def _decided(request: RoleRequest, app: str | None) -> str:
    if request.allowed:
        return say("You allowed it: <@{user}> asked for {role}.", user=request.user_id, role=_words(request, app))
    return say("You denied it: <@{user}> asked for {role}.", user=request.user_id, role=_words(request, app))


def _told(request: RoleRequest, app: str | None) -> str:
    if request.allowed:
        return say("An admin allowed your request for {role}. You can try again now.", role=_words(request, app))
    return say("An admin denied your request for {role}.", role=_words(request, app))


def _question(request: RoleRequest, app: str | None, language: str) -> Message:
    """The question to an admin, in the language of that one."""
    with speaking(language):
        text = say("<@{user}> asks for {role}.", user=request.user_id, role=_words(request, app))
        choices = blocks.actions(
            blocks.button(say("Allow"), "decide.v1#allow", f"allow/{request.id}", style="primary"),
            blocks.button(say("Deny"), "decide.v1#deny", f"deny/{request.id}"),
        )
    return Message(text, (blocks.section(text), choices))
