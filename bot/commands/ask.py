"""A refused person asks the admins for a role; an admin allows or denies it; everybody concerned is told."""

from __future__ import annotations

from bot.domain.model import Role
from bot.errors import BadInput
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.command import Call, button
from bot.slack.wording import inline
from bot.store.permits import RoleRequest

ASKED = 10  # admins


@button("ask.v1", need=Role.MEMBER, once=True)
async def ask(call: Call, value: str) -> Message:
    """*Ask an admin*, under a refusal."""
    name, _, app_id = value.partition("/")
    if name.upper() not in Role.__members__:
        raise BadInput("This button is from another version of me.", "Please try again what was refused.")
    role = Role[name.upper()]
    if call.asker.role_for(app_id) >= role:
        return Message(f"You have the role *{role.name.lower()}* by now; please try again.")
    request = await call.house.store.ask_for_role(call.asker.team_id, call.asker.user_id, role, app_id or None)
    if request is None:
        return Message("You have asked for that already; the admins have it in their direct messages.")
    admins = [one for one in await call.house.people.admins(call.asker.team_id) if one != call.asker.user_id][:ASKED]
    if not admins:
        return Message("I know of no admin to ask. `ACCESS_ADMINS` in my settings can name one.")
    await call.write_down("ask", role.name.lower(), app_id=app_id or None)
    question = _question(request, await _where(call, request))
    return Message("I asked the admins; you will hear from me.", copies=tuple((admin, question) for admin in admins))


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
        raise BadInput("I know nothing of that question any more.", "A role can be given with `grant`.")
    request, mine = decided
    words = _words(request, await _where(call, request))
    result = "allowed" if request.allowed else "denied"
    if not mine:
        return Message(f"<@{request.decided_by}> had {result} it already: <@{request.user_id}> asked for {words}.")
    await call.write_down(result, f"{request.role.name.lower()} for {request.user_id}", app_id=request.app_id)
    told = f"An admin {result} your request for {words}." + (" You can try again now." if request.allowed else "")
    return Message(
        f"You {result} it: <@{request.user_id}> asked for {words}.", copies=((request.user_id, Message(told)),)
    )


async def _where(call: Call, request: RoleRequest) -> str:
    if request.app_id is None:
        return ""
    names = {app.id: app.name for app in await call.house.catalogue.apps()}
    return f" for {inline(names.get(request.app_id, request.app_id), 80)}"


def _words(request: RoleRequest, where: str) -> str:
    return f"the role *{request.role.name.lower()}*{where}"


def _question(request: RoleRequest, where: str) -> Message:
    text = f"<@{request.user_id}> asks for {_words(request, where)}."
    choices = blocks.actions(
        blocks.button("Allow", "decide.v1#allow", f"allow/{request.id}", style="primary"),
        blocks.button("Deny", "decide.v1#deny", f"deny/{request.id}"),
    )
    return Message(text, (blocks.section(text), choices))
