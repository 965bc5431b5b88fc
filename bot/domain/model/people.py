"""Users and their roles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum

import msgspec
from msgspec import Struct


class Role(IntEnum):
    """The role of a person; each includes the lower ones. NONE cannot be granted."""

    NONE = 0
    MEMBER = 1
    RELEASER = 2
    MANAGER = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """The name of the role for users."""
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> Role | None:
        """Return the role with this name, in any case; None if there is none."""
        return cls.__members__.get(word.upper()) or None

    @classmethod
    def given(cls) -> list[Role]:
        """Return the roles that can be granted, the lowest first."""
        return [role for role in cls if role]


class Outsider(StrEnum):
    """A user who is not a member of the workspace: a guest, or a user of another organisation (Slack Connect) or of
    another workspace of the organisation (Enterprise Grid)."""

    GUEST = "guest"
    PARTNER = "partner"
    SISTER = "sister"


class Actor(Struct, frozen=True):
    """The user of a request and where it came from; `tz` is an IANA name.

    `role` is for all apps, `app_roles` adds roles for single apps, the only ones that an outsider can have. `team_id`
    is the workspace the bot is installed in, never one from a request. `user_id` is the id under which all their data
    is stored; in an Enterprise Grid organisation Slack may use another of their `ids`.
    """

    team_id: str
    user_id: str
    channel_id: str | None = None
    tz: str = "UTC"
    role: Role = Role.MEMBER
    app_roles: Mapping[str, Role] = msgspec.field(default_factory=dict)
    outsider: Outsider | None = None
    ids: frozenset[str] = frozenset()

    def is_(self, user_id: str) -> bool:
        """Return whether this is one of the user's ids."""
        return user_id == self.user_id or user_id in self.ids

    @property
    def highest(self) -> Role:
        """The highest role for any app."""
        return max([self.role, *self.app_roles.values()])

    def role_for(self, app_id: str) -> Role:
        """Return the role for one app."""
        return max(self.role, self.app_roles.get(app_id, self.role))


class GrantChange(Struct, frozen=True):
    """The effect of a grant: the role it replaced (None: no role for that app), and when that was granted (aware)."""

    previous: Role | None
    granted_at: datetime


def is_person(channel_id: str) -> bool:
    """Return whether this id is a user's and not a channel's.
    https://docs.slack.dev/reference/objects/user-object
    """
    return channel_id.startswith(("U", "W"))
