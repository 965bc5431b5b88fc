"""Messages about a request for access: to the admins, and about the decision to the user who asked; pure."""

from __future__ import annotations

from bot.domain.access_requests import RequestDecision, RoleRequest
from bot.i18n import _, use_locale
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import code, escape_inline


def question(request: RoleRequest, app: str | None, name: str, language: str) -> Message:
    """Return the question to an admin, in the language of that one; `name` is what the person is called."""
    with use_locale(language):
        head = _head(request, app)
        number, everywhere = str(request.id), _("Allow for all apps")
        sure = _("{name} becomes {role} of every app, new ones too.", name=name, role=request.role.word)
        buttons = [
            blocks.button(everywhere, "decide.all.v1", number, confirm=sure, verb=everywhere),
            blocks.button(_("Deny"), "decide.deny.v1", number),
        ]
        if app is not None:
            label = _("Allow for {app}", app=app)
            buttons.insert(0, blocks.button(label, "decide.app.v1", number, style="primary"))
        did = _did(request)
        body = (blocks.section("\n".join([f"*{head}*", *did])), blocks.actions(*buttons))
        return Message(" ".join([f"{head}.", *did]), body)


def _head(request: RoleRequest, app: str | None) -> str:
    about = {"user": f"<@{request.user_id}>", "role": request.role.word}
    if app is None:
        return _("{user} asks to be {role}", **about)
    return _("{user} asks to be {role} of {app}", app=escape_inline(app, 80), **about)


def _did(request: RoleRequest) -> list[str]:
    """Return what they tried to do, and where."""
    if not request.command:
        return []
    command, channel = code(request.command, 300), request.channel_id
    if channel is None or channel.startswith("D"):
        return [_("They tried {command} in their direct messages.", command=command)]
    return [_("They tried {command} in {channel}.", command=command, channel=f"<#{channel}>")]


def decided(request: RoleRequest, app: str | None, reader: str) -> Message:
    """Return what replaces the admins' question: the decision, and who made it unless it was the reader."""
    who = {"user": f"<@{request.user_id}>", "role": request.role.word, "admin": f"<@{request.decided_by}>"}
    mine = request.decided_by == reader
    if request.decision is RequestDecision.DENIED:
        denied = _("❌ You denied {user} the role *{role}*.", **who)
        text = denied if mine else _("❌ {admin} denied {user} the role *{role}*.", **who)
    else:
        apps = _apps(request, app)
        given = _("✅ {user} is now *{role}* for {apps}.", apps=apps, **who)
        text = given if mine else _("✅ {user} is now *{role}* for {apps}: allowed by {admin}.", apps=apps, **who)
    return Message(text, (blocks.section(text),))


def told(request: RoleRequest, app: str | None) -> Message:
    """Return what the person who asked reads."""
    if request.decision is RequestDecision.DENIED:
        return Message(_("❌ Your request for *{role}* was denied.", role=request.role.word))
    apps = _apps(request, app)
    return Message(_("✅ You're now *{role}* for {apps}. Try again.", role=request.role.word, apps=apps))


def _apps(request: RoleRequest, app: str | None) -> str:
    return _("all apps") if app is None or request.decision is RequestDecision.ALL else escape_inline(app, 80)
