"""Encode and decode the values of buttons and modals: one class per kind, written by views and read by handlers.

Messages stay for years, so values of earlier versions are parsed too; fields that they lack are empty.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from bot.domain.model import Build, GrantChange, Role, Subscription

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ID_DIGITS = 18  # digits of a number that fits into a database column
PAGE_DIGITS = 5
MICROS_DIGITS = 16  # digits of microseconds since 1970, until 2286


class BuildValue(Struct, frozen=True):
    """A build by its ids; `detail` is the kind of file or the id of an attachment, if the button is about one."""

    app_id: str
    build_id: str
    detail: str = ""

    @classmethod
    def of(cls, build: Build, detail: str = "") -> BuildValue:
        """Return the value for a button of this build."""
        return cls(build.app.id, build.id, detail)

    @classmethod
    def parse(cls, text: str) -> BuildValue:
        """Parse a button's value."""
        app_id, build_id, detail = [*text.split("/", 2), "", ""][:3]
        return cls(app_id, build_id, detail)

    @property
    def is_complete(self) -> bool:
        """Whether it names a build."""
        return bool(self.app_id and self.build_id)

    def __str__(self) -> str:
        return "/".join((self.app_id, self.build_id, *([self.detail] if self.detail else [])))


class SubscriptionValue(Struct, frozen=True):
    """A subscription by its channel and number; `channel_id` is empty and `number` None where the text has none."""

    channel_id: str
    number: int | None

    @classmethod
    def of(cls, subscription: Subscription) -> SubscriptionValue:
        """Return the value for a button of this subscription; it works in another channel too."""
        return cls(subscription.channel_id, subscription.id)

    @classmethod
    def parse(cls, text: str) -> SubscriptionValue:
        """Parse a button's value, or a number that was typed."""
        channel_id, _separator, number = text.rpartition("/")
        return cls(channel_id, _number(number, ID_DIGITS))

    def __str__(self) -> str:
        return f"{self.channel_id}/{self.number}"


class SubscriptionsPageValue(Struct, frozen=True):
    """A page of the list of subscriptions, counted from 0; None where the text has none."""

    everywhere: bool
    page: int | None

    @classmethod
    def parse(cls, text: str) -> SubscriptionsPageValue:
        """Parse a button's value."""
        which, _separator, page = text.partition("/")
        return cls(which == "all", _number(page, PAGE_DIGITS + 1))

    def __str__(self) -> str:
        return f"{'all' if self.everywhere else 'here'}/{self.page}"


class MuteValue(Struct, frozen=True):
    """A duration as it is typed, and what to mute: an app's id or a `SubscriptionValue`, as text."""

    time: str
    target: str

    @classmethod
    def parse(cls, text: str) -> MuteValue:
        """Parse a button's value."""
        time, _separator, target = text.partition("/")
        return cls(time, target)

    def __str__(self) -> str:
        return f"{self.time}/{self.target}"


class FileValue(Struct, frozen=True):
    """A Slack file to attach, and the app of the build if it is known already; either may be empty."""

    file_id: str
    app_id: str = ""

    @classmethod
    def parse(cls, text: str) -> FileValue:
        """Parse the value of the form to attach a file."""
        file_id, _separator, app_id = text.partition("/")
        return cls(file_id, app_id)

    def __str__(self) -> str:
        return f"{self.file_id}/{self.app_id}"


class PageValue(Struct, frozen=True):
    """A page number, counted from 0 (None if the text has none), and the command that lists the pages."""

    number: int | None
    of: str

    @classmethod
    def parse(cls, text: str) -> PageValue:
        """Parse the value of a button to another page."""
        number, _separator, of = text.partition(" ")
        return cls(_number(number, PAGE_DIGITS), of)

    def __str__(self) -> str:
        return f"{self.number} {self.of}"


class GrantUndoValue(Struct, frozen=True):
    """A grant to undo, with what it changed, or a revoked role to restore (`change` None).

    `grantee` is a user or a user group, `app_id` empty for all apps.
    """

    grantee: str
    app_id: str
    role: Role
    change: GrantChange | None = None

    @classmethod
    def parse(cls, text: str) -> GrantUndoValue | None:
        """Parse a button's value; return None if it is incomplete."""
        grantee, app_id, role, previous, micros = [*text.split("/", 4), "", "", "", ""][:5]
        given, at = Role.named(role), _number(micros, MICROS_DIGITS)
        if not grantee or given is None:
            return None
        change = None if at is None else GrantChange(Role.named(previous), EPOCH + at * MICROSECOND)
        return cls(grantee, app_id, given, change)

    def __str__(self) -> str:
        parts = [self.grantee, self.app_id, self.role.word]
        if self.change:
            before = self.change.previous.word if self.change.previous else ""
            parts += [before, str((self.change.granted_at - EPOCH) // MICROSECOND)]
        return "/".join(parts)


class BisectionValue(Struct, frozen=True):
    """A bisect by its number (None where the text has none) and one of its builds by its ids; either may be empty.

    The text begins like the `BuildValue` of that build.
    """

    app_id: str
    build_id: str
    number: int | None

    @classmethod
    def parse(cls, text: str) -> BisectionValue:
        """Parse a button's value."""
        value = BuildValue.parse(text)
        return cls(value.app_id, value.build_id, _number(value.detail, ID_DIGITS))

    def __str__(self) -> str:
        return str(BuildValue(self.app_id, self.build_id, str(self.number)))


class DecisionValue(Struct, frozen=True):
    """The decision on an access request, in the old format, before each decision had its own button."""

    allowed: bool
    request: str

    @classmethod
    def parse(cls, text: str) -> DecisionValue:
        """Parse a button's value."""
        answer, _separator, request = text.partition("/")
        return cls(answer == "allow", request)


class GoalValue(Struct, frozen=True):
    """A goal by its number (None if the text has none), and whether it should ask people."""

    number: int | None
    asks: bool = False

    @classmethod
    def parse(cls, text: str) -> GoalValue:
        """Parse a button's value."""
        number, _separator, asks = text.partition("/")
        return cls(_number(number, ID_DIGITS), asks == "on")

    def __str__(self) -> str:
        return f"{self.number}/{'on' if self.asks else 'off'}"


def _number(text: str, digits: int) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= digits else None
