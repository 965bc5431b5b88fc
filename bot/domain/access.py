"""May this person do this here: nothing, or Denied with the reason; unknown people are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.model import App, Asker, Role
from bot.errors import BadInput, Denied
from bot.language import say


@dataclass(frozen=True, slots=True)
class Person:
    """What Slack says of somebody; `tz` is an IANA name, `locale` like `es-ES`. https://docs.slack.dev/reference/objects/user-object"""

    user_id: str
    team_id: str
    name: str = ""
    email: str | None = None
    tz: str = "UTC"
    locale: str = ""
    admin: bool = False
    guest: bool = False
    bot: bool = False
    gone: bool = False


def require_person(person: Person) -> None:
    """Raise BadInput for who can be sent nothing and given no role: a bot, or a person who has left."""
    if person.bot:
        raise BadInput(
            say("{name} is a bot.", name=person.name or person.user_id), say("Choose a member of this workspace.")
        )
    if person.gone:
        raise BadInput(
            say("{name} has left this workspace.", name=person.name or person.user_id),
            say("Choose a member of this workspace."),
        )


def role_of(person: Person, *, home_team: str, admins: Collection[str], default: Role) -> Role:
    """The role somebody has; raises Denied for people who may use nothing at all.

    `home_team` is the workspace the bot is installed in: Slack Connect brings other organisations' people
    into shared channels, where every app is visible to them (promise 11).
    """
    if person.bot or person.gone:
        raise Denied(say("Only people of this workspace can ask me."), "")
    if person.team_id != home_team:
        raise Denied(
            say("You belong to another organisation, and I answer only the people of this workspace."),
            say("Ask your contact here to send you the build."),
        )
    if person.user_id in admins or person.admin:
        return Role.ADMIN
    if person.guest:
        raise Denied(
            say("Guests of this workspace cannot use me."), say("Ask a member of your team to send you the build.")
        )
    return default


@dataclass(frozen=True, slots=True)
class Grant:
    """A role given to a person (`U…`) or a user group (`S…`), for every app (`app_id` None) or one."""

    team_id: str
    grantee: str
    role: Role
    app_id: str | None
    granted_by: str
    granted_at: datetime


def with_grants(asker: Asker, grants: Iterable[Grant], groups: Collection[str]) -> Asker:
    """The asker with what was granted to them or to one of their user groups; a grant never takes anything away."""
    role, app_roles = asker.role, dict(asker.app_roles)
    for grant in grants:
        if grant.team_id != asker.team_id or (grant.grantee != asker.user_id and grant.grantee not in groups):
            continue
        if grant.app_id is None:
            role = max(role, grant.role)
        else:
            app_roles[grant.app_id] = max(app_roles.get(grant.app_id, grant.role), grant.role)
    return replace(asker, role=role, app_roles=app_roles)


def require_somewhere(asker: Asker, need: Role) -> None:
    """Raise Denied when the asker reaches `need` for no app at all: nothing need be asked of Applivery then."""
    require(max([asker.role, *asker.app_roles.values()]), need)


def require_for(asker: Asker, need: Role, app: App, channels: Collection[str]) -> None:
    """Raise Denied when the asker may not do this with this app, or not in this channel.

    `channels` is the app's allow-list: when it has any, the app can be used only there; nobody is excepted, since a
    list that admins are above would not show who can see what.
    """
    require(asker.role_for(app.id), need, app)
    if channels and asker.channel_id not in channels:
        raise Denied(
            say("{app} cannot be used here.", app=app.name),
            say("Ask in a channel it is meant for."),
            channels=sorted(channels),
        )


def may(asker: Asker, need: Role, app: App, channels: Collection[str]) -> bool:
    """Whether `require_for` would let the asker through."""
    return asker.role_for(app.id) >= need and (not channels or asker.channel_id in channels)


def require(role: Role, need: Role, app: App | None = None) -> None:
    """Raise Denied, naming the missing role, when `role` does not reach `need`."""
    if role < need:
        lacked, had = need.word, role.word
        sentence = (
            say("This needs the role *{role}* for {app}, and yours is *{yours}*.", role=lacked, app=app.name, yours=had)
            if app
            else say("This needs the role *{role}*, and yours is *{yours}*.", role=lacked, yours=had)
        )
        raise Denied(
            sentence,
            say("Ask an admin of this bot for it."),
            missing=lacked,
            app_id=app.id if app else None,
        )
