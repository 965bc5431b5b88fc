"""The nouns of the house, frozen: what Applivery told us, who asks, and what is to be said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from bot.i18n import gettext_noop


class Stage(StrEnum):
    """How far a build has come; a word of Applivery's that is not documented is UNKNOWN, and never another one."""

    PENDING = "pending"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DELETED = "deleted"  # Applivery has it no more

    @property
    def final(self) -> bool:
        """Whether the build will not move on by itself."""
        return self in (Stage.READY, Stage.FAILED, Stage.DELETED)

    @property
    def under_way(self) -> bool:
        """Whether the build is known to move on, so that it can be waited for."""
        return self in (Stage.PENDING, Stage.RUNNING)


@dataclass(frozen=True, slots=True)
class App:
    """An Applivery app; `slug` falls back to `id` when Applivery gives none.

    `processed_at` (aware UTC) is when its last build was processed, as the list of apps said when it was asked for.
    """

    id: str
    slug: str
    name: str
    platforms: tuple[str, ...] = ()
    processed_at: datetime | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BuildSource:
    """Where a build came from (Applivery's `deployer`): the CI run and the commit."""

    name: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    commit_message: str | None = None
    number: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class InstallRequirements:
    """What a phone must bring to install a build; all unknown when Applivery says nothing."""

    min_os: str | None = None
    signing: str | None = None
    profile_expires_at: datetime | None = None
    all_devices: bool | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file attached to a build; sizes are bytes."""

    id: str
    name: str
    kind: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """One build as Applivery last described it; times are aware UTC, sizes bytes.

    `status` is Applivery's own word, `stage` what we make of it; `icon` is the address of the app's picture. `waited`
    and `worked` are `queuedTime` and `processTime` in the unit Applivery sends, which is not documented.
    """

    id: str
    app: App
    stage: Stage
    status: str = ""
    version: str = ""
    number: str = ""
    platform: str = ""
    size: int | None = None
    tags: tuple[str, ...] = ()
    changelog: str = ""
    origin: BuildSource = field(default_factory=BuildSource)
    uploader: str | None = None
    requirements: InstallRequirements = field(default_factory=InstallRequirements)
    attachments: tuple[Attachment, ...] = ()
    extension: str | None = None
    disabled: bool = False
    error: str | None = None
    error_code: str | None = None
    waited: float | None = None
    worked: float | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    icon: str | None = None


class FileKind(StrEnum):
    """Which file a download token is for: Applivery's `type` parameter."""

    AUTO = "auto"
    FILE = "file"
    AAB = "aab"


@dataclass(frozen=True, slots=True)
class Link:
    """A fresh, single-use download address.

    The address *is* the credential, so no repr, log line or row may carry it (design promise 1).
    """

    url: str = field(repr=False)
    token: str = field(repr=False)
    kind: FileKind
    expires_at: datetime | None = None
    by_page: bool = False  # a claim page that mints when its button is pressed; the token is then a ticket

    def fingerprint(self) -> str:
        """A hash of the token: enough to recognise it again, useless to spend it."""
        return hashlib.sha256(self.token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Member:
    """Who downloaded; `kind` is Applivery's `member.type`, kept even when it is a new word."""

    kind: str
    id: str | None = None
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """One recorded download. Network information does not exist past the parser (promise 8)."""

    id: str | None = None
    at: datetime | None = None
    build_id: str | None = None
    version: str | None = None
    platform: str | None = None
    device: str | None = None
    os: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class MemberDownloads:
    """One row of Applivery's by-user answer; `total` may differ from `len(downloads)`."""

    member: Member
    downloads: tuple[Download, ...] = ()
    total: int | None = None


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
        """The role of this word, in any case; None for any other word."""
        return cls.__members__.get(word.upper()) or None

    @classmethod
    def given(cls) -> list[Role]:
        """The roles that can be given to a person, the least first."""
        return [role for role in cls if role]


class Outsider(StrEnum):
    """A person who is no member of the workspace: a guest, or a partner of another organisation (Slack Connect)."""

    GUEST = "guest"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind a request and the place it came from; `tz` is an IANA name.

    `role` holds for every app, `app_roles` adds to it for single ones. An outsider has roles for single apps alone.
    `team_id` is the workspace the bot is installed in.
    """

    team_id: str
    user_id: str
    channel_id: str | None = None
    tz: str = "UTC"
    role: Role = Role.MEMBER
    app_roles: Mapping[str, Role] = field(default_factory=dict)
    outsider: Outsider | None = None

    @property
    def highest(self) -> Role:
        """The highest role, for whichever app."""
        return max([self.role, *self.app_roles.values()])

    def role_for(self, app_id: str) -> Role:
        """The role for one app."""
        return max(self.role, self.app_roles.get(app_id, self.role))


@dataclass(frozen=True, slots=True)
class EventDescription:
    """What the product knows of a build event beside its message; texts are translated where they are shown.

    `when` is the first event in the sentence about a subscription, `or_when` each one after it. `choice` is its line in
    the subscription form; without one no channel can ask for it, and only users who wait for the build are told.
    `none` says in a preview that it happened to no build. `stage` is the one in which a build causes it. `on_card`:
    channels see it on the build's card. `by_default`: a subscription that names no event has it.
    """

    when: str
    or_when: str
    choice: str = ""
    none: str = ""
    stage: Stage | None = None
    on_card: bool = False
    by_default: bool = False


class BuildEvent(StrEnum):
    """What is said about a build: what a channel can ask to hear, and what only who waits for it does."""

    description: EventDescription

    def __new__(cls, word: str, *description: EventDescription) -> BuildEvent:
        """Make a member that is `word`, as it is typed and stored, with its one description."""
        event = str.__new__(cls, word)
        event._value_ = word
        [event.description] = description
        return event

    UPLOADED = (
        "uploaded",
        EventDescription(
            when=gettext_noop("when uploaded"),
            or_when=gettext_noop("{before} or uploaded"),
            choice=gettext_noop("was uploaded"),
            on_card=True,
        ),
    )
    PROCESSED = (
        "processed",
        EventDescription(
            when=gettext_noop("when processed"),
            or_when=gettext_noop("{before} or processed"),
            choice=gettext_noop("was processed and can be had"),
            none=gettext_noop("none of them was processed"),
            stage=Stage.READY,
            on_card=True,
            by_default=True,
        ),
    )
    FAILED = (
        "failed",
        EventDescription(
            when=gettext_noop("when failed"),
            or_when=gettext_noop("{before} or failed"),
            choice=gettext_noop("failed to be processed"),
            none=gettext_noop("none of them has failed"),
            stage=Stage.FAILED,
            on_card=True,
            by_default=True,
        ),
    )
    CERT = (
        "cert",
        EventDescription(
            when=gettext_noop("when a certificate expires"),
            or_when=gettext_noop("{before} or a certificate expires"),
            choice=gettext_noop("has a certificate or profile that runs out"),
        ),
    )
    FEEDBACK = (
        "feedback",
        EventDescription(
            when=gettext_noop("when somebody sends feedback"),
            or_when=gettext_noop("{before} or somebody sends feedback"),
            choice=gettext_noop("got feedback or a bug report"),
        ),
    )
    STUCK = "stuck", EventDescription(when=gettext_noop("when stuck"), or_when=gettext_noop("{before} or stuck"))
    DELETED = (
        "deleted",
        EventDescription(when=gettext_noop("when deleted"), or_when=gettext_noop("{before} or deleted")),
    )
    GIVEN_UP = (
        "given_up",
        EventDescription(when=gettext_noop("when given up"), or_when=gettext_noop("{before} or given up")),
    )

    @property
    def personal(self) -> bool:
        """Whether it is said to people who wait for the build, and never to a channel."""
        return not self.description.choice


EVENT_OF = {event.description.stage: event for event in BuildEvent if event.description.stage}


class CardUpdate(StrEnum):
    """What a channel is told after it has heard of a build: nothing that makes a sound."""

    CHANGED = "changed"  # the card is to show how things stand now
    DETAILS = "details"  # a reply in the card's thread


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """How a subscription wants to be told.

    `mention` is a user group's id. `digest` (`daily@09:00`) and `quiet` (`22:00-08:00`) are as typed, in the IANA
    time zone `tz`; each is empty when it was not asked for.
    """

    compact: bool = False
    threads: bool = True
    grouped: bool = False
    label: str = ""
    mention: str = ""
    digest: str = ""
    quiet: str = ""
    tz: str = "UTC"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel's wish: exactly what was typed, who typed it and when; `app_id` None means every app.

    `paused` is Slack's reason why the channel cannot be spoken in; `muted_until` is aware UTC.
    """

    id: int
    team_id: str
    channel_id: str
    app_id: str | None
    app_name: str
    events: tuple[BuildEvent, ...]
    query: str
    created_by: str
    created_at: datetime
    paused: str | None = None
    manner: DeliveryOptions = DeliveryOptions()
    muted_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """A recall of a build: its reason, the Slack user id of the actor, and when (aware UTC)."""

    build_id: str
    app_id: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CardEntry:
    """One build as a card shows it: how it stands, and what has become of it."""

    build: Build
    superseded_by: Build | None = None
    recall: Recall | None = None


def is_person(channel_id: str) -> bool:
    """Whether an announcement for this id is for one person. https://docs.slack.dev/reference/objects/user-object"""
    return channel_id.startswith(("U", "W"))


class ChannelNotice(StrEnum):
    """What a channel or an admin is told that is about no single build."""

    SUMMARY = "summary"
    WELCOME = "welcome"
    OUTAGE = "outage"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A fact a channel is to hear once: unique per channel, build and event.

    `shown` is all that stands on the card it belongs to, oldest first. `part` counts what may be said several times.
    A saying that is about no build has a `fact` instead: JSON text of its own.
    """

    id: int
    channel_id: str
    event: BuildEvent | CardUpdate | ChannelNotice
    build: Build
    key: str
    part: int = 0
    card: str = ""
    manner: DeliveryOptions = DeliveryOptions()
    shown: tuple[CardEntry, ...] = ()
    fact: str = ""
    subscription_id: int | None = None


@dataclass(frozen=True, slots=True)
class BuildTransition:
    """A build that stands elsewhere than it was known to; `before` None: it was not known at all.

    `quiet` changes are stored and not announced (builds from before the first subscription). `mark` tells the
    build's words as they were listed from later ones.
    """

    build: Build
    before: Stage | None
    quiet: bool = False
    mark: str = ""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Who is to hear what about a build; the store makes a `Delivery` of it, once.

    `card` names the message in the channel that is to show it: everything with the same name shares one. Empty stands
    for a card of the build's own. `held_until` (aware UTC) keeps it back until then.
    """

    channel_id: str
    build_id: str
    event: BuildEvent | CardUpdate
    part: int = 0
    card: str = ""
    manner: DeliveryOptions = DeliveryOptions()
    subscription_id: int | None = None
    held_until: datetime | None = None
    fact: str = ""

    @property
    def to_person(self) -> bool:
        """Whether it is for one person, in their direct messages."""
        return is_person(self.channel_id)


@dataclass(frozen=True, slots=True)
class KnownBuild:
    """How a build stood when it was last recorded, and since when (aware UTC) it has been on its way."""

    stage: Stage
    since: datetime


@dataclass(frozen=True, slots=True)
class CurrentBuild:
    """A build a channel has been told is ready and that can still be had.

    `made_at` is when it was uploaded, and never later than `seen_at`, when it was first seen; both aware UTC.
    """

    channel_id: str
    build: Build
    made_at: datetime
    seen_at: datetime

    @property
    def place(self) -> tuple[datetime, datetime, str]:
        """Return its position in time: a total order that later changes of its dates do not affect."""
        return (self.made_at, self.seen_at, self.build.id)
