"""Decide whether a user may use an app in a channel; refusals raise PermissionDenied with the reason.

Unknown users are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.model import Actor, App, Outsider, Role
from bot.domain.states import PauseReason
from bot.exceptions import PermissionDenied, UserInputError
from bot.i18n import NO_TEXT, Text, gettext_noop, joined
from bot.i18n.verbatim import verbatim

OUTSIDERS = {
    Outsider.GUEST: gettext_noop("Guests can only use apps they've been given access to."),
    Outsider.PARTNER: gettext_noop("People from another organisation can only use apps they've been given access to."),
    Outsider.SISTER: gettext_noop("People from other workspaces can only use apps they've been given access to."),
}
TOO_WIDE = {
    Outsider.GUEST: gettext_noop("{who} is a guest. You can only give guests the *member* role, one app at a time."),
    Outsider.PARTNER: gettext_noop(
        "{who} is from another organisation. You can only give them the *member* role, one app at a time."
    ),
    Outsider.SISTER: gettext_noop(
        "{who} is from another workspace. You can only give them the *member* role, one app at a time."
    ),
}
MOST_FOR_OUTSIDERS = Role.MEMBER
HOLDERS = {
    Role.MEMBER: gettext_noop("members"),
    Role.RELEASER: gettext_noop("releasers"),
    Role.MANAGER: gettext_noop("managers"),
    Role.ADMIN: gettext_noop("admins"),
}
YOURS = {
    Role.NONE: "",
    Role.MEMBER: gettext_noop("You're a member."),
    Role.RELEASER: gettext_noop("You're a releaser."),
    Role.MANAGER: gettext_noop("You're a manager."),
    Role.ADMIN: gettext_noop("You're an admin."),
}
DO_THIS = gettext_noop("do this")
ONLY_MEMBERS = Text("Only members of this workspace can use this bot.")
ASK_FOR_AN_APP = Text("Ask an admin to give you access to an app.")


class SlackPerson(Struct, frozen=True):
    """Slack's record of a user; `tz` is an IANA name, `locale` like `es-ES`.

    https://docs.slack.dev/reference/objects/user-object

    `colleague` and `same_organization` are decided by the module `colleagues`. `user_id` is the id to store, `ids` are
    all ids of the user.
    """

    user_id: str
    colleague: bool
    name: str = ""
    email: str | None = None
    tz: str = "UTC"
    locale: str = ""
    admin: bool = False
    guest: bool = False
    bot: bool = False
    gone: bool = False
    ids: frozenset[str] = frozenset()
    same_organization: bool = False

    def is_one_of(self, user_ids: Collection[str]) -> bool:
        """Return whether any of these ids is the user's."""
        return self.user_id in user_ids or not self.ids.isdisjoint(user_ids)


def require_person(person: SlackPerson) -> None:
    """Raise UserInputError for a bot or a deactivated user, who get no messages or roles."""
    if person.bot:
        raise UserInputError(
            Text("{name} is a bot.", name=person.name or person.user_id), Text("Choose a member of this workspace.")
        )
    if person.gone:
        raise UserInputError(
            Text("{name} has left this workspace.", name=person.name or person.user_id),
            Text("Choose a member of this workspace."),
        )


def outsider(person: SlackPerson, *, admins: Collection[str]) -> Outsider | None:
    """Return what kind of outsider a user is; None for a member.

    With Slack Connect, users of other organisations are in shared channels, where every app is visible to them.
    """
    if not person.colleague:
        return Outsider.SISTER if person.same_organization else Outsider.PARTNER
    return Outsider.GUEST if person.guest and not _is_admin(person, admins) else None


def asker_of(
    person: SlackPerson, channel_id: str | None, *, home_team: str, admins: Collection[str], default: Role
) -> Actor:
    """Return the user with the role they have without grants.

    Raises PermissionDenied for bots and deactivated users.
    """
    if person.bot or person.gone:
        raise PermissionDenied(ONLY_MEMBERS, NO_TEXT, reason=PauseReason.PERSON)
    kind = outsider(person, admins=admins)
    role = Role.NONE if kind else Role.ADMIN if _is_admin(person, admins) else default
    ids = frozenset((person.user_id, *person.ids))
    return Actor(home_team, person.user_id, channel_id, person.tz, role, outsider=kind, ids=ids)


def _is_admin(person: SlackPerson, admins: Collection[str]) -> bool:
    return person.admin or person.is_one_of(admins)


class RoleGrant(Struct, frozen=True):
    """A role given to a person (`U…`) or a user group (`S…`), for every app (`app_id` None) or one."""

    team_id: str
    grantee: str
    role: Role
    app_id: str | None
    granted_by: str
    granted_at: datetime


def with_grants(asker: Actor, grants: Iterable[RoleGrant], groups: Collection[str]) -> Actor:
    """Return the user with the roles granted to them or to one of their user groups; a grant never lowers a role.

    For an outsider only grants for single apps count, and only as the lowest role.
    """
    role, app_roles = asker.role, dict(asker.app_roles)
    for grant in grants:
        if not asker.is_(grant.grantee) and grant.grantee not in groups:
            continue
        if grant.app_id is not None:
            given = min(grant.role, MOST_FOR_OUTSIDERS) if asker.outsider else grant.role
            app_roles[grant.app_id] = max(app_roles.get(grant.app_id, given), given)
        elif asker.outsider is None:
            role = max(role, grant.role)
    return replace(asker, role=role, app_roles=app_roles)


def require_known(asker: Actor) -> None:
    """Raise PermissionDenied for an outsider without a role for any app."""
    if asker.outsider and not asker.app_roles:
        raise PermissionDenied(Text(OUTSIDERS[asker.outsider]), ASK_FOR_AN_APP, reason=PauseReason.ROLE)


def require_somewhere(asker: Actor, need: Role, act: str = "") -> None:
    """Raise PermissionDenied if the user lacks the role `need` for every app, before any request to Applivery."""
    require(asker.highest, need, act=act, somewhere=True)


def require_for_all(asker: Actor, need: Role, act: str = "") -> None:
    """Raise PermissionDenied if the user's role for all apps is lower than `need`."""
    require(asker.role, need, act=act, only_some=asker.highest >= need)


def require_for(asker: Actor, need: Role, app: App, channels: Collection[str], act: str = "") -> None:
    """Raise PermissionDenied if the user may not do this with this app, or not in this channel.

    `channels` is the app's allow-list: if not empty, the app can be used only there, by admins too, since a list that
    admins bypass would not show who can see what.
    """
    require(asker.role_for(app.id), need, app, act=act)
    require_place(app, asker.channel_id, channels)


def require_place(app: App, channel_id: str | None, channels: Collection[str]) -> None:
    """Raise PermissionDenied if this app may not be used in this channel (None: in direct messages) by any user."""
    if channels and channel_id not in channels:
        raise PermissionDenied(
            Text("{app} can't be used here.", app=verbatim(app.name)),
            Text("Run the command in a channel where the app can be used."),
            channels=sorted(channels),
            reason=PauseReason.CHANNEL,
        )


def may(asker: Actor, need: Role, app: App, channels: Collection[str]) -> bool:
    """Return whether `require_for` would allow it."""
    try:
        require_for(asker, need, app, channels)
    except PermissionDenied:
        return False
    return True


def require(
    role: Role, need: Role, app: App | None = None, *, act: str = "", somewhere: bool = False, only_some: bool = False
) -> None:
    """Raise PermissionDenied, naming the missing role, if `role` is lower than `need`.

    `act` is what requires the role, a message id; `somewhere`: `role` is the highest for any app; `only_some`: the user
    has the required role for some apps, but it is required for all.
    """
    if role < need:
        raise PermissionDenied(
            _lacking(role, need, app, act, only_some=only_some),
            missing=need.word,
            app_id=app.id if app else None,
            reason=PauseReason.ROLE,
            somewhere=somewhere,
        )


def _lacking(role: Role, need: Role, app: App | None, act: str, *, only_some: bool) -> Text:
    if app and not role:
        return Text("You don't have access to {app}.", app=verbatim(app.name))
    what = {"roles": Text(HOLDERS[need]), "act": Text(act or DO_THIS)}
    only = Text("Only {roles} can {act}.", **what)
    if app:
        only = Text("For {app}, only {roles} can {act}.", app=verbatim(app.name), **what)
    elif only_some:
        only = Text("Only {roles} for all apps can {act}.", **what)
    return joined(" ", (only, Text(YOURS[role])))
