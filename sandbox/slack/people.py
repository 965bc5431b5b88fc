"""Who and where: the users, channels and user groups of the fake workspace, and how the Web API writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo


@dataclass
class FakeOrganisation:
    """An Enterprise Grid organisation; `teams` are its workspaces, by id with their domain.

    `added_to` are those that an app installed for all of it was added to; None: the app is in one workspace alone.
    https://docs.slack.dev/enterprise/organization-ready-apps
    """

    id: str
    name: str
    teams: dict[str, str]
    added_to: list[str] | None = None

    @property
    def domain(self) -> str:
        """The first label of its address, before `.enterprise.slack.com`."""
        return self.name.lower().replace(" ", "-")


@dataclass
class FakeMembership:
    """What an Enterprise Grid organisation says of one of its people: the `enterprise_user` of their record.

    `id` is the person's id in the whole organisation, beside the one in their workspace: most have one id for both,
    some a `W…` and a `U…`. `record_team` is the `team_id` of their record; None: it has none.
    https://docs.slack.dev/reference/objects/user-object, https://github.com/abdolence/slack-morphism-rust/pull/215
    """

    id: str
    enterprise_id: str
    enterprise_name: str
    teams: list[str]
    record_team: str | None = None
    admin: bool = False
    owner: bool = False

    def wire(self) -> dict[str, Any]:
        """The `enterprise_user` object."""
        return {
            "id": self.id,
            "enterprise_id": self.enterprise_id,
            "enterprise_name": self.enterprise_name,
            "is_admin": self.admin or self.owner,
            "is_owner": self.owner,
            "is_primary_owner": False,
            "teams": list(self.teams),
        }


@dataclass
class FakeUser:
    """One person (or bot). `team_id` is what payloads say of them: another one than the workspace's for somebody of
    Slack Connect, and often for a colleague in an Enterprise Grid organisation (`grid`).

    `id` is the id with which they act, `listed_as` the one by which user groups list them.
    """

    id: str
    handle: str
    name: str
    email: str | None
    team_id: str
    admin: bool = False
    owner: bool = False
    guest: bool = False
    tz: str = "Europe/Madrid"
    locale: str = "en-US"
    bot: bool = False
    deleted: bool = False
    grid: FakeMembership | None = None
    listed_as: str = ""

    def __post_init__(self) -> None:
        """Take a membership as a snapshot has it."""
        if isinstance(self.grid, dict):
            self.grid = FakeMembership(**self.grid)

    @property
    def ids(self) -> set[str]:
        """Every id that Slack takes for this person."""
        return {self.id, self.listed_as or self.id, self.grid.id if self.grid else self.id}

    @property
    def local_id(self) -> str:
        """The id at the top of their record, where `enterprise_user` has the organisation's."""
        return min(self.ids - {self.grid.id}, default=self.id) if self.grid else self.id

    def wire(self, *, home_team: str, email: bool = True, locale: bool = False) -> dict[str, Any]:
        """The user object of users.info; `email` only with users:read.email. https://docs.slack.dev/reference/objects/user-object"""
        offset = ZoneInfo(self.tz).utcoffset(datetime.now(UTC))
        profile = {"real_name": self.name, "display_name": self.handle, "image_48": "", "team": self.team_id}
        wire: dict[str, Any] = {
            "id": self.local_id,
            "team_id": self.team_id,
            "name": self.handle,
            "deleted": self.deleted,
            "real_name": self.name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "profile": profile,
            "is_admin": self.admin or self.owner,
            "is_owner": self.owner,
            "is_primary_owner": False,
            "is_restricted": self.guest,
            "is_ultra_restricted": False,
            "is_bot": self.bot,
            "is_app_user": False,
            "is_email_confirmed": True,
            "updated": 0,
        }
        if email and self.email and not self.bot:
            profile["email"] = self.email
        if locale:
            wire["locale"] = self.locale
        if self.grid:
            wire |= {"team_id": self.grid.record_team, "enterprise_user": self.grid.wire()}
            if self.grid.record_team is None:
                del wire["team_id"]
        if home_team not in (self.grid.teams if self.grid else [self.team_id]):
            wire["is_stranger"] = False
        return wire


@dataclass
class FakeChannel:
    """One conversation: a channel, a private channel or a direct message. `members` are user ids, in order.

    `refusal` is the error every post there meets, whatever else is said of the conversation: an admin's posting rule,
    or a membership that the rest of Slack knows of only later. `team_id` is its workspace, empty for the home one.
    """

    id: str
    name: str
    private: bool = False
    archived: bool = False
    shared: bool = False
    members: list[str] = field(default_factory=list)
    im_user: str | None = None
    created: int = 0
    general: bool = False
    refusal: str = ""
    team_id: str = ""
    group: bool = False  # a direct message of several people
    pending_shared: bool = False  # an invitation of another organisation that nobody has accepted yet

    @property
    def is_im(self) -> bool:
        """Whether this is a direct message with the bot."""
        return self.im_user is not None

    @property
    def kind(self) -> str:
        """The word of the scopes: channels, groups or im."""
        return "im" if self.is_im else "mpim" if self.group else "groups" if self.private else "channels"

    @property
    def spoken_name(self) -> str:
        """The name a slash command carries: private ones hide theirs."""
        if self.group:
            return self.name
        return "directmessage" if self.is_im else "privategroup" if self.private else self.name

    def wire(self, *, bot_user: str, home_team: str) -> dict[str, Any]:
        """The conversation object. https://docs.slack.dev/reference/objects/conversation-object"""
        if self.is_im:
            return {
                "id": self.id,
                "created": self.created,
                "is_im": True,
                "is_archived": False,
                "is_org_shared": False,
                "user": self.im_user,
                "is_user_deleted": False,
                "priority": 0,
            }
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.private,
            "is_group": self.private,
            "is_im": False,
            "is_mpim": self.group,
            "is_private": self.private,
            "created": self.created,
            "is_archived": self.archived,
            "is_general": self.general,
            "is_shared": self.shared,
            "is_ext_shared": self.shared,
            "is_pending_ext_shared": self.pending_shared,
            "is_org_shared": False,
            "is_member": bot_user in self.members,
            "context_team_id": home_team,
            "num_members": len(self.members),
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }


@dataclass
class FakeUserGroup:
    """A user group such as @mobile-qa; `users` are user ids. `team_id` is its workspace, empty for the home one."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    team_id: str = ""

    def wire(self, *, team_id: str) -> dict[str, Any]:
        """The usergroup object. https://docs.slack.dev/reference/objects/usergroup-object"""
        return {
            "id": self.id,
            "team_id": self.team_id or team_id,
            "is_usergroup": True,
            "name": self.name,
            "handle": self.handle,
            "user_count": len(self.users),
            "users": list(self.users),
            "date_delete": 0,
        }
