"""Messages about a request for access: to the admins, and about the decision to the user who asked; pure."""

from __future__ import annotations

from bot.domain.access_requests import RequestDecision, RoleRequest
from bot.domain.model import Role
from bot.i18n import _, ngettext, use_locale
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.button_values import GrantUndoValue
from bot.slack.mrkdwn import code, escape_inline
from bot.slack.views.grants import UNDO


def question(  # noqa: PLR0917 - the facts of a request
    request: RoleRequest, app: str | None, name: str, language: str, has: Role, apps: int
) -> Message:
    """Return the question to an admin, in the admin's language.

    `name` is that of the person, `has` their current role, and `apps` the number of apps: 0 if unknown.
    """
    with use_locale(language):
        head = _head(request, app, has)
        number, everywhere = str(request.id), _("Allow for all apps")
        opened = {"name": name, "role": request.role.word}
        sure = _("{name} becomes {role} for all apps, including new ones.", **opened)
        if apps:
            sure = ngettext(
                "{name} becomes {role} for {number} app and all new ones.",
                "{name} becomes {role} for all {number} apps, including new ones.",
                apps,
                **opened,
            )
        buttons = [
            blocks.button(everywhere, "decide.all.v1", number, confirm=sure, verb=everywhere),
            blocks.button(_("Deny"), "decide.deny.v1", number),
        ]
        if app is not None:
            label = _("Allow for {app}", app=app)
            buttons.insert(0, blocks.button(label, "decide.app.v1", number, style="primary"))
        did = _did(request)
        small = [blocks.context(*did)] if did else []
        body = (blocks.section(f"*{head}*"), *small, blocks.actions(*buttons))
        return Message(" ".join([f"{head}.", *did]), body)


def _head(request: RoleRequest, app: str | None, has: Role) -> str:
    """Return who asks for which role, and their current role."""
    about = {"user": f"<@{request.user_id}>", "role": request.role.word}
    apps = _("all apps") if app is None else escape_inline(app, 80)
    if not has:
        return _("{user} asks to be {role} for {apps}", apps=apps, **about)
    return _("{user} asks to be {role} for {apps} (now {before})", apps=apps, before=has.word, **about)


def _did(request: RoleRequest) -> list[str]:
    """Return what the person tried to do, and where."""
    if not request.command:
        return []
    command, channel = code(request.command, 300), request.channel_id
    if channel is None or channel.startswith("D"):
        return [_("Tried {command} in a direct message.", command=command)]
    return [_("Tried {command} in {channel}.", command=command, channel=f"<#{channel}>")]


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
        if mine and request.granted:
            app_id = "" if request.decision is RequestDecision.ALL else request.app_id or ""
            undo = GrantUndoValue(request.user_id, app_id, request.role, request.granted)
            return Message(text, (blocks.section(text), blocks.actions(blocks.button(_("Undo"), UNDO, str(undo)))))
    return Message(text, (blocks.section(text),))


def told(request: RoleRequest, app: str | None) -> Message:
    """Return the decision for the person who asked: by whom, and where the refused command works now."""
    if request.decision is RequestDecision.DENIED:
        admin = f"<@{request.decided_by}>"
        return Message(_("❌ Your request for *{role}* was denied by {admin}.", role=request.role.word, admin=admin))
    text = _("✅ You're now *{role}* for {apps}.", role=request.role.word, apps=_apps(request, app))
    if not request.command:
        return Message(text)
    command, channel = code(request.command, 300), request.channel_id
    if channel is None or channel.startswith("D"):
        return Message(f"{text} {_('You can use {command} now.', command=command)}")
    there = _("You can use {command} in {channel} now.", command=command, channel=f"<#{channel}>")
    return Message(f"{text} {there}")


def _apps(request: RoleRequest, app: str | None) -> str:
    return _("all apps") if app is None or request.decision is RequestDecision.ALL else escape_inline(app, 80)
