"""Who acts, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum

import msgspec
from msgspec import Struct


class Role(IntEnum):
    """What a person may do; each role contains the ones below it. NONE is nothing, and cannot be given."""

    NONE = 0
    MEMBER = 1
    RELEASER = 2
    MANAGER = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """What people type and read."""
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> Role | None:
        """Return the role of this word, in any case; None for any other word."""
        return cls.__members__.get(word.upper()) or None

    @classmethod
    def given(cls) -> list[Role]:
        """Return the roles that can be given to a person, the least first."""
        return [role for role in cls if role]


class Outsider(StrEnum):
    """A user who is no member of the workspace: a guest, a partner of another organisation (Slack Connect), or a member
    of another workspace of the organisation (Enterprise Grid).
    """

    GUEST = "guest"
    PARTNER = "partner"
    SISTER = "sister"


class Actor(Struct, frozen=True):
    """The person behind a request and the place it came from; `tz` is an IANA name.

    `role` holds for every app, `app_roles` adds to it for single ones. An outsider has roles for single apps alone.
    `team_id` is the workspace the bot is installed in, never one that a request names. `user_id` is the id under which
    everything about them is stored; in an Enterprise Grid organisation Slack may use another of their `ids`.
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
        """Return whether this id is theirs."""
        return user_id == self.user_id or user_id in self.ids

    @property
    def highest(self) -> Role:
        """The highest role, for whichever app."""
        return max([self.role, *self.app_roles.values()])

    def role_for(self, app_id: str) -> Role:
        """Return the role for one app."""
        return max(self.role, self.app_roles.get(app_id, self.role))


class GrantChange(Struct, frozen=True):
    """What a grant did: the role it replaced (None: there was none for that app), and when it was given (aware)."""

    previous: Role | None
    granted_at: datetime


def is_person(channel_id: str) -> bool:
    """Return whether an announcement for this id is for one person.
    https://docs.slack.dev/reference/objects/user-object
    """
    return channel_id.startswith(("U", "W"))
