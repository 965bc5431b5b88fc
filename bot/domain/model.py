"""The nouns of the house, frozen: what Applivery told us, who asks, and what is to be said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class Stage(StrEnum):
    """How far a build has come; every status word Applivery may use folds into one of these."""

    PENDING = "pending"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """Whether the build will not move on by itself."""
        return self in (Stage.READY, Stage.FAILED)


@dataclass(frozen=True, slots=True)
class App:
    """An Applivery app; `slug` falls back to `id` when Applivery gives none."""

    id: str
    slug: str
    name: str
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a build came from (Applivery's `deployer`): the CI run and the commit."""

    name: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    commit_message: str | None = None
    number: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a phone must bring to install a build; all unknown when Applivery says nothing."""

    min_os: str | None = None
    signing: str | None = None
    profile_expires_at: datetime | None = None
    all_devices: bool | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file somebody attached to a build; sizes are bytes."""

    id: str
    name: str
    kind: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """One build as Applivery last described it; times are aware UTC, sizes bytes.

    `status` is Applivery's own word, `stage` what we make of it. `waited` and `worked` are
    `queuedTime` and `processTime` in the unit Applivery sends, which is not documented.
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
    origin: Origin = field(default_factory=Origin)
    uploader: str | None = None
    requirements: Requirements = field(default_factory=Requirements)
    attachments: tuple[Attachment, ...] = ()
    extension: str | None = None
    disabled: bool = False
    error: str | None = None
    error_code: str | None = None
    waited: float | None = None
    worked: float | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


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
    """What a person may do; each role contains the ones below it."""

    MEMBER = 1
    RELEASER = 2
    MANAGER = 3
    ADMIN = 4


@dataclass(frozen=True, slots=True)
class Asker:
    """The person behind a request and the place it came from; `tz` is an IANA name.

    `role` holds for every app, `app_roles` adds to it for single ones.
    """

    team_id: str
    user_id: str
    channel_id: str | None = None
    tz: str = "UTC"
    role: Role = Role.MEMBER
    app_roles: Mapping[str, Role] = field(default_factory=dict)

    def role_for(self, app_id: str) -> Role:
        """The role for one app."""
        return max(self.role, self.app_roles.get(app_id, self.role))


class Event(StrEnum):
    """What is said about a build: what a channel can ask to hear, and what only who waits for it does."""

    UPLOADED = "uploaded"
    PROCESSED = "processed"
    FAILED = "failed"
    STUCK = "stuck"
    DELETED = "deleted"

    @property
    def personal(self) -> bool:
        """Whether it is said to people who wait for the build, and never to a channel."""
        return self in (Event.STUCK, Event.DELETED)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel's wish: exactly what was typed, who typed it and when; `app_id` None means every app."""

    id: int
    team_id: str
    channel_id: str
    app_id: str | None
    app_name: str
    events: tuple[Event, ...]
    query: str
    created_by: str
    created_at: datetime
    paused: str | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """A fact a channel is to hear once: unique per channel, build and event."""

    id: int
    channel_id: str
    event: Event
    build: Build
    key: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of who did what; never a token, only its hash."""

    at: datetime
    team_id: str
    user_id: str
    action: str
    outcome: str
    door: str = "command"
    channel_id: str | None = None
    app_id: str | None = None
    build_id: str | None = None
    token_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A build that stands elsewhere than it was known to; `before` None: it was not known at all.

    `quiet` changes are remembered but announced to nobody (what existed before anybody asked).
    """

    build: Build
    before: Stage | None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class NewAnnouncement:
    """Who is to hear what about a build; the store makes an `Announcement` of it, once."""

    channel_id: str
    build_id: str
    event: Event
