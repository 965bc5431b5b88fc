"""Uploads: their fields by Applivery's names, their progress, and how to find the resulting build."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec import Struct

from bot.domain.model import Build
from bot.exceptions import UserInputError
from bot.i18n import Text, gettext_noop, joined

LANGUAGES = ("es", "en", "fr", "ge", "it", "zh", "pt", "ru")  # "ge" is the vendor's code for German
PLATFORMS = ("ios", "macos", "android", "ps4", "ps5", "switch", "xbox-one", "xbox-series")
_UNREADABLE = frozenset({"ps4", "ps5", "switch", "xbox-one", "xbox-series"})  # Applivery cannot read their files
_TOLD = (
    gettext_noop("name"),
    gettext_noop("version"),
    gettext_noop("icon"),
)  # the explanation for such a file instead
_IN_SLACK = " (Slack)"


class CiMetadata(Struct, frozen=True):
    """The source of a build; unknown fields are None. `triggered` is in milliseconds since 1970."""

    name: str | None = None
    commit_message: str | None = None
    commit: str | None = None
    branch: str | None = None
    tag: str | None = None
    triggered: int | None = None
    build_url: str | None = None
    ci_url: str | None = None
    repository_url: str | None = None
    build_number: str | None = None


class UploadMetadata(Struct, frozen=True):
    """The metadata of an upload. Mails are opt-in.

    `groups` limits the recipients: (a and b) or c is (("a", "b"), ("c",)). The last three fields are for files that
    Applivery cannot read.
    """

    version_name: str | None = None
    tags: tuple[str, ...] = ()
    changelog: str | None = None
    notify_collaborators: bool = False
    notify_employees: bool = False
    notify_message: str | None = None
    notify_language: str | None = None
    groups: tuple[tuple[str, ...], ...] = ()
    deployer: CiMetadata = msgspec.field(default_factory=CiMetadata)
    platform: str | None = None
    package_name: str | None = None
    package_version: str | None = None

    @property
    def mails(self) -> bool:
        """Return whether mails are sent."""
        return self.notify_collaborators or self.notify_employees


def fields(details: UploadMetadata) -> list[tuple[str, str]]:
    """Return the text fields of the upload form by their documented names, without unknown ones.

    https://docs.applivery.com/en/app-distribution/api/builds/upload-build
    """
    deployer = details.deployer
    named = [
        ("buildPlatform", details.platform),
        ("packageName", details.package_name),
        ("packageVersion", details.package_version),
        ("versionName", details.version_name),
        ("tags", ",".join(details.tags)),
        ("changelog", details.changelog),
        # always sent, since the defaults can't be relied on: a public client mails all users by default
        ("notifyCollaborators", _word(details.notify_collaborators)),
        ("notifyEmployees", _word(details.notify_employees)),
        ("notifyMessage", details.notify_message),
        ("notifyLanguage", details.notify_language),
        *(
            (f"filter[{i}][{j}]", group)
            for i, together in enumerate(details.groups)
            for j, group in enumerate(together)
        ),
        ("deployer.name", deployer.name),
        ("deployer.info.commitMessage", deployer.commit_message),
        ("deployer.info.commit", deployer.commit),
        ("deployer.info.branch", deployer.branch),
        ("deployer.info.tag", deployer.tag),
        ("deployer.info.triggerTimestamp", str(deployer.triggered) if deployer.triggered is not None else None),
        ("deployer.info.buildUrl", deployer.build_url),
        ("deployer.info.ciUrl", deployer.ci_url),
        ("deployer.info.repositoryUrl", deployer.repository_url),
        ("deployer.info.buildNumber", deployer.build_number),
    ]
    return [(name, value) for name, value in named if value]


def _word(yes: bool) -> str:
    return "true" if yes else "false"


def tags(words: Iterable[str]) -> tuple[str, ...]:
    """Return the unique tags of some texts, split at commas, since Applivery accepts a comma-separated list."""
    split = (tag.strip() for text in words for tag in text.split(","))
    return tuple(dict.fromkeys(tag for tag in split if tag))


def groups(text: str) -> tuple[tuple[str, ...], ...]:
    """Parse groups of employees: `a,b|c` is (a and b) or c. Raises UserInputError for an empty part."""
    if not text.strip():
        return ()
    found = tuple(tuple(group.strip() for group in part.split(",")) for part in text.split("|"))
    if not all(group for part in found for group in part):
        raise UserInputError(
            Text("“{typed}” has a separator without a group name.", typed=text[:60]),
            Text("Write it like `qa,lisbon|beta`: (qa and lisbon) or beta."),
        )
    return found


def check(details: UploadMetadata, *, icon: bool) -> None:
    """Raise UserInputError for fields that Applivery would refuse after the whole file was sent."""
    if details.notify_language is not None and details.notify_language not in LANGUAGES:
        raise UserInputError(
            Text("“{typed}” isn't an email language.", typed=details.notify_language[:20]), every=[*LANGUAGES]
        )
    if details.platform is not None and details.platform not in PLATFORMS:
        raise UserInputError(Text("“{typed}” isn't a platform.", typed=details.platform[:20]), every=[*PLATFORMS])
    # The vendor's own example mails collaborators but not employees, and has a filter.
    if details.groups and not details.mails:
        raise UserInputError(
            Text("You chose groups to email, but email is turned off."),
            Text("Choose who to email, or remove these fields."),
        )
    if (details.notify_message or details.notify_language) and not details.mails:
        raise UserInputError(
            Text("You added an email message or language, but chose no one to email."),
            Text("Choose who to email, or remove these fields."),
        )
    if details.platform in _UNREADABLE:
        lacking = [
            Text(word)
            for word, there in zip(_TOLD, (details.package_name, details.package_version, icon), strict=True)
            if not there
        ]
        if lacking:
            raise UserInputError(
                Text(
                    "Applivery can't read {platform} builds, so it needs the package's {lacking}.",
                    platform=details.platform,
                    lacking=joined(", ", lacking),
                ),
                Text("Add them and upload again."),
            )


# ------------------------------------------------------------------ uploads from Slack


def by_person(name: str) -> CiMetadata:
    """Return the deployer name for a build uploaded from Slack, since Applivery sees the bot's account."""
    return CiMetadata(name=f"{name}{_IN_SLACK}")


def person(deployer_name: str | None) -> str | None:
    """Return who uploaded a build from Slack; None for other builds."""
    return (deployer_name or "").removesuffix(_IN_SLACK) or None if (deployer_name or "").endswith(_IN_SLACK) else None


# ------------------------------------------------------------------ finding the build


def arrived(after: Sequence[Build], before: Collection[str], *, version: str | None, size: int) -> list[Build]:
    """Return the builds that may result from an upload, newest first: new ones with its version and size.

    `before` has the ids of the newest builds when the upload began. Clocks are not used: a build that is listed after
    one of these is not from this upload.
    """
    known = [build.created_at for build in after if build.id in before and build.created_at is not None]
    newest = max(known, default=None)
    return [
        build
        for build in after
        if build.id not in before
        and (newest is None or build.created_at is None or build.created_at >= newest)
        and build.size in (None, size)
        and (version is None or build.version == version)
    ]


# ------------------------------------------------------------------ progress


class TransferProgress(Struct, frozen=True):
    """The progress of an upload: bytes, bytes per second, and the seconds left (None: unknown yet)."""

    sent: int
    total: int
    rate: float
    left: float | None

    @property
    def percent(self) -> int:
        """Whole percent; 100 only when every byte was sent."""
        return self.sent * 100 // self.total if self.total else 100


def pace(marks: Sequence[tuple[float, int]], total: int) -> TransferProgress:
    """Return the progress by (seconds, bytes) marks in order; the rate is the average over the marks."""
    if not marks:
        return TransferProgress(0, total, 0.0, None)
    (first_at, first_sent), (at, sent) = marks[0], marks[-1]
    spent = at - first_at
    rate = (sent - first_sent) / spent if spent > 0 else 0.0
    return TransferProgress(sent, total, rate, (total - sent) / rate if rate > 0 else None)
