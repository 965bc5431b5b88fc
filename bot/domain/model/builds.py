"""Builds, as Applivery has them and as the bot keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace


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
        """Return whether the stage is an end."""
        return self in (Stage.READY, Stage.FAILED, Stage.DELETED)

    @property
    def under_way(self) -> bool:
        """Whether the build is known to move on, so that it can be waited for."""
        return self in (Stage.PENDING, Stage.RUNNING)


class Workspace(Struct, frozen=True):
    """An Applivery workspace that a credential sees; `slug` falls back to `id`, `name` to `slug`."""

    id: str
    slug: str
    name: str


class BuildRetention(Struct, frozen=True):
    """For how many days an app keeps its builds, and how many of the newest each publication keeps; None: unknown.

    https://docs.applivery.com/en/app-distribution/builds/build-retention
    """

    days: int | None = None
    per_publication: int | None = None


@dataclass(frozen=True, slots=True)
class App:
    """An Applivery app; `slug` falls back to `id` when Applivery gives none.

    `processed_at` (aware UTC) is when its last build was processed, as the list of apps said when it was asked for.
    `retention` is None where the answer has nothing about it.
    """

    id: str
    slug: str
    name: str
    platforms: tuple[str, ...] = ()
    processed_at: datetime | None = field(default=None, compare=False, repr=False)
    retention: BuildRetention | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BuildSource:
    """Where a build came from (Applivery's `deployer`): the CI run and the commit.

    `repository` is as its uploader wrote it, and is no part of `repr`: fingerprints of older versions go on fitting.
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
    """What a phone needs to install a build; all unknown when Applivery has no such facts.

    `families` are Apple's numbers of the kinds of devices it is for: 1 iPhone, 2 iPad.
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
        """Return the build without its changelog, where it comes from, and who uploaded it."""
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
    """Whom a recall reaches: the cards that show the build, and the people who were given a link to it."""

    cards: int
    people: int


class BuildTransition(Struct, frozen=True):
    """A build whose state differs from the known one; `before` None: it was not known at all.

    `quiet` changes are stored and not announced (builds from before the first subscription). `mark` is the fingerprint
    of the build's listed texts, by which later edits are found.
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
        """Return its position in time: a total order that later changes of its dates do not affect."""
        return (self.made_at, self.seen_at, self.build.id)
