"""Builds, as Applivery describes them and as the bot stores them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace


class Stage(StrEnum):
    """The stage of a build; an undocumented status of Applivery is always UNKNOWN."""

    PENDING = "pending"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DELETED = "deleted"  # deleted in Applivery

    @property
    def final(self) -> bool:
        """Return whether processing has ended."""
        return self in (Stage.READY, Stage.FAILED, Stage.DELETED)

    @property
    def under_way(self) -> bool:
        """Whether the build is known to be in progress, so that it can be watched."""
        return self in (Stage.PENDING, Stage.RUNNING)


class Workspace(Struct, frozen=True):
    """An Applivery workspace that a credential can access; `slug` falls back to `id`, `name` to `slug`."""

    id: str
    slug: str
    name: str


class BuildRetention(Struct, frozen=True):
    """How many days an app keeps its builds, and how many of the newest each publication keeps; None: unknown.

    https://docs.applivery.com/en/app-distribution/builds/build-retention
    """

    days: int | None = None
    per_publication: int | None = None


@dataclass(frozen=True, slots=True)
class App:
    """An Applivery app; `slug` falls back to `id` when Applivery gives none.

    `processed_at` (aware UTC) is when its last build was processed, from the list of apps at its last request.
    `retention` is None if the response does not contain it.
    """

    id: str
    slug: str
    name: str
    platforms: tuple[str, ...] = ()
    processed_at: datetime | None = field(default=None, compare=False, repr=False)
    retention: BuildRetention | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BuildSource:
    """The source of a build (Applivery's `deployer`): the CI run and the commit.

    `repository` is as the uploader wrote it; it is not part of `repr`, so that stored hashes stay valid.
    """

    name: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    commit_message: str | None = None
    number: str | None = None
    url: str | None = None
    repository: str | None = field(default=None, repr=False)


class InstallRequirements(Struct, frozen=True):
    """The requirements to install a build; all are unknown if Applivery has no such data.

    `families` are Apple's numbers of its device families: 1 iPhone, 2 iPad.
    """

    min_os: str | None = None
    signing: str | None = None
    profile_expires_at: datetime | None = None
    all_devices: bool | None = None
    families: tuple[int, ...] = ()


class Attachment(Struct, frozen=True):
    """A file attached to a build; sizes are bytes."""

    id: str
    name: str
    kind: str | None = None
    size: int | None = None


class Build(Struct, frozen=True):
    """One build as Applivery last described it; times are aware UTC, sizes bytes.

    `status` is Applivery's own value, `stage` its interpretation; `icon` is the address of the app's icon. `waited` and
    `worked` are `queuedTime` and `processTime` in Applivery's unit, which is not documented.
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
    origin: BuildSource = msgspec.field(default_factory=BuildSource)
    uploader: str | None = None
    requirements: InstallRequirements = msgspec.field(default_factory=InstallRequirements)
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
    uploader_email: str | None = None

    def without_details(self) -> Build:
        """Return the build without its changelog, source and uploader."""
        plain = replace(self, changelog="", origin=BuildSource(), tags=(), attachments=())
        return replace(plain, uploader=None, uploader_email=None)


class Recall(Struct, frozen=True):
    """A recall of a build: its reason, the Slack user id of the actor, and when (aware UTC)."""

    build_id: str
    app_id: str
    reason: str
    by: str
    at: datetime


class RecallReach(Struct, frozen=True):
    """Whom a recall affects: the cards that show the build, and the people who got a link to it."""

    cards: int
    people: int


class BuildTransition(Struct, frozen=True):
    """A build whose state differs from the known one; `before` None: the build was unknown.

    `quiet` changes are stored but not announced (builds from before the first subscription). `mark` is the hash of the
    build's listed fields, by which later edits are detected.
    """

    build: Build
    before: Stage | None
    quiet: bool = False
    mark: str = ""


class KnownBuild(Struct, frozen=True):
    """A build's last recorded state, and since when (aware UTC) it has been in progress."""

    stage: Stage
    since: datetime


class CurrentBuild(Struct, frozen=True):
    """A build announced as ready in a channel and still available.

    `made_at` is when it was uploaded, and never later than `seen_at`, when it was first seen; both aware UTC.
    """

    channel_id: str
    build: Build
    made_at: datetime
    seen_at: datetime

    @property
    def place(self) -> tuple[datetime, datetime, str]:
        """Return the sort key by time: a total order that later changes of the dates do not affect."""
        return (self.made_at, self.seen_at, self.build.id)
