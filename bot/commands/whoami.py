"""`whoami`: the user's roles, what those for single apps add, and the user's limits."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import command
from bot.domain.access import RoleGrant
from bot.domain.model import Outsider, Role
from bot.exceptions import PermissionDenied
from bot.i18n import OWN_NAMES, _, current_locale, gettext_noop
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import escape_inline

EVERYWHERE = gettext_noop("You're *{role}* for all apps.")
GRANTED = gettext_noop("You're *{role}* for all apps (granted by {admin}).")
WHO = {
    Outsider.GUEST: gettext_noop("You're a guest: you can only use apps you've been given access to."),
    Outsider.PARTNER: gettext_noop(
        "You're from another organisation: you can only use apps you've been given access to."
    ),
    Outsider.SISTER: gettext_noop("You're from another workspace: you can only use apps you've been given access to."),
}


@command(need=Role.MEMBER)
async def whoami(call: CommandContext) -> Message:
    """Show your role and what you can do.

    /applivery whoami
    """
    role = _next_role(call)
    number = await _request(call, role) if role else None
    return card(await may(call), _limits(call), (role, number) if role and number else None)


def card(roles: str, limits: str, request: tuple[Role, int] | None) -> Message:
    """Return a user's roles and limits; `request` is the role they can request, and its number."""
    row = [blocks.button(_("What I can do"), "run.v1#help", "help")]
    if request:
        role, number = request
        row.insert(0, blocks.button(_("Ask to be {role}", role=role.word), "ask.v1", str(number)))
    return Message(f"{roles}\n{limits}", (blocks.section(roles), blocks.context(limits), blocks.actions(*row)))


async def may(call: CommandContext) -> str:
    """Return the user's roles, a line for each: the one for all apps, then what those for single apps add."""
    asker = call.asker
    grants = await call.services.roles.granted_to(asker)
    lines = [_(WHO[asker.outsider]) if asker.outsider else _everywhere(asker.role, grants)]
    names = {app.id: app.name for app in await call.services.apps.apps()} if asker.app_roles else {}
    for app_id, role in asker.app_roles.items():
        if role > asker.role:
            app = escape_inline(names.get(app_id, app_id), 80)
            by = _granted_by(grants, app_id, role)
            lines.append(
                _("*{role}* for {app} (granted by {admin})", role=role.word, app=app, admin=by)
                if by
                else _("*{role}* for {app}", role=role.word, app=app)
            )
            if acts := _acts(call, asker.role, role):
                lines[-1] += f": {acts}"
    return "\n".join(lines)


def _everywhere(role: Role, grants: list[RoleGrant]) -> str:
    by = _granted_by(grants, None, role)
    return _(GRANTED, role=role.word, admin=by) if by else _(EVERYWHERE, role=role.word)


def _granted_by(grants: list[RoleGrant], app_id: str | None, role: Role) -> str:
    found = [grant for grant in grants if grant.app_id == app_id and grant.role == role]
    return f"<@{found[0].granted_by}>" if found else ""


def _acts(call: CommandContext, below: Role, role: Role) -> str:
    """Return what a role adds to a lower one, in the words of its commands."""
    added = [entry.act for entry in call.registry.commands() if below < entry.required_role <= role and entry.act]
    return ", ".join(_(act) for act in dict.fromkeys(added))


def _limits(call: CommandContext) -> str:
    quota = call.services.links
    links = _("Up to {minute} links a minute, {hour} an hour", minute=quota.per_minute, hour=quota.per_hour)
    return " · ".join((links, OWN_NAMES[current_locale()], escape_inline(call.asker.tz, 60)))


def _next_role(call: CommandContext) -> Role | None:
    """Return the next higher role, if any."""
    asker = call.asker
    return None if asker.outsider or asker.role >= Role.ADMIN else Role(asker.role + 1)


async def _request(call: CommandContext, role: Role) -> int | None:
    refused = PermissionDenied(missing=role.word)
    asker = call.asker
    return await call.services.roles.record_refusal(
        asker.user_id, asker.channel_id, refused, "whoami", (), takes_an_app=False
    )
