"""Aggregate rows of the download log into a summary: counts, and names for readers who may see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec import Struct

from bot.domain import platforms
from bot.domain.members import IdentifiedPerson, PersonGrouping, mailbox
from bot.domain.model import Download, MemberDownloads
from bot.domain.model.described import DescribedEnum
from bot.domain.model.failures import FailureCause
from bot.domain.time_zones import local, zone
from bot.i18n import _, gettext_noop
from bot.i18n.verbatim import verbatim

# Applivery's anonymous member types: counted per type and never merged into one person.
BUCKETS = {
    "anonymous": gettext_noop("Anonymous visitors"),
    "unknown": gettext_noop("Unattributed"),
    "otpUser": gettext_noop("One-time visitors without an email address"),
    "mdmUser": gettext_noop("Managed devices without an email address"),
}
# Member types with only an id: each is a person, named by the end of the id, as 24 digits are not readable.
NAMELESS = {
    "anonymous": gettext_noop("Anonymous visitor {id}"),
    "otpUser": gettext_noop("One-time visitor {id}"),
    "mdmUser": gettext_noop("Managed device {id}"),
    "employee": gettext_noop("Employee {id}"),
}
LAST_DIGITS = 6
# Applivery's values for the source of a download; an unknown one is shown as it is.
SOURCES = {
    "store": gettext_noop("Store"),
    "sdk": gettext_noop("In the app (SDK)"),
    "dashboard": gettext_noop("Dashboard"),
    "integrationApi": gettext_noop("Integration API"),
    "emm": gettext_noop("Device management (EMM)"),
    "adm": gettext_noop("Device management (Android)"),
    "win": gettext_noop("Device management (Windows)"),
    "scim": gettext_noop("SCIM"),
    "agent": gettext_noop("Agent"),
}
NO_VERSION, NO_SYSTEM, NO_SOURCE = (
    gettext_noop("unknown version"),
    gettext_noop("unknown OS"),
    gettext_noop("unknown source"),
)


class PersonRow(Struct, frozen=True):
    """A person's downloads: how many were recorded, and the latest of them (None if unknown).

    `emails` are all addresses of these downloads, as Applivery writes them.
    """

    name: str
    kind: str
    recorded: int
    latest: Download | None = None
    emails: tuple[str, ...] = ()


class UnattributedGroup(Struct, frozen=True):
    """Downloads without a known person, under a label."""

    label: str
    recorded: int


Counts = tuple[tuple[str, int], ...]


class DownloadSummary(Struct, frozen=True):
    """A summary of downloads: their number, the distinct people (most recent first) and the unattributed groups.

    `versions`, `systems` and `sources` are sorted by downloads; each, and `days` with `undated`, adds up to `recorded`.
    `days` are those with downloads, in order, in the time zone of the summary. `listed` is how many downloads Applivery
    listed: `recorded` is more if Applivery's own totals are, and nothing else is known of the difference. `claimed` is
    the sum of these totals, None if unknown. `failures`, if requested, are the answers to "It didn't install" by cause,
    without names.
    """

    recorded: int
    people: tuple[PersonRow, ...]
    buckets: tuple[UnattributedGroup, ...]
    versions: Counts
    listed: int
    systems: Counts = ()
    sources: Counts = ()
    days: tuple[tuple[date, int], ...] = ()
    undated: int = 0
    claimed: int | None = None
    failures: Counts = ()

    @property
    def incomplete(self) -> bool:
        """Whether Applivery's own totals differ from the rows it listed."""
        return self.recorded != self.listed or self.claimed not in (None, self.listed)

    @property
    def unnamed(self) -> int:
        """Count the downloads without a known person."""
        return sum(bucket.recorded for bucket in self.buckets)


class GroupDescription(Struct, frozen=True):
    """A way to group downloads; texts are translated where they are shown.

    `heading` is the column of the table and the choice in the form, `table` and `chart` are titles, `scheduled` is the
    sentence about a scheduled report. `word` returns the group of a download, `label` its name, and `counts` the counts
    in a summary; without `word` the summary has its own way to count.
    """

    heading: str
    scheduled: str
    table: str = ""
    chart: str = ""
    word: Callable[[Download], str | None] | None = None
    label: Callable[[str], str] = str
    counts: Callable[[DownloadSummary], Counts] = lambda summary: ()


class GroupBy(DescribedEnum):
    """The group of a report's table."""

    description: GroupDescription

    PERSON = (
        "person",
        GroupDescription(heading=gettext_noop("Person"), scheduled=gettext_noop("downloads of {what} {when} ({tz})")),
    )
    VERSION = (
        "version",
        GroupDescription(
            heading=gettext_noop("Version"),
            scheduled=gettext_noop("downloads of {what} by version {when} ({tz})"),
            table=gettext_noop("Downloads of {what} by version"),
            chart=gettext_noop("Downloads by version"),
            word=lambda download: download.version,
            label=lambda version: version or _(NO_VERSION),
            counts=lambda summary: summary.versions,
        ),
    )
    OS = (
        "os",
        GroupDescription(
            heading=gettext_noop("OS"),
            scheduled=gettext_noop("downloads of {what} by OS {when} ({tz})"),
            table=gettext_noop("Downloads of {what} by OS"),
            chart=gettext_noop("Downloads by OS"),
            word=lambda download: download.os or (download.platform and platforms.name(download.platform)),
            label=lambda system: system or _(NO_SYSTEM),
            counts=lambda summary: summary.systems,
        ),
    )
    DAY = (
        "day",
        GroupDescription(
            heading=gettext_noop("Day"),
            scheduled=gettext_noop("downloads of {what} by day {when} ({tz})"),
            table=gettext_noop("Downloads of {what} by day"),
        ),
    )
    SOURCE = (
        "source",
        GroupDescription(
            heading=gettext_noop("Source"),
            scheduled=gettext_noop("downloads of {what} by source {when} ({tz})"),
            table=gettext_noop("Downloads of {what} by source"),
            chart=gettext_noop("Downloads by source"),
            word=lambda download: download.source,
            label=lambda source: _(SOURCES[source]) if source in SOURCES else source or _(NO_SOURCE),
            counts=lambda summary: summary.sources,
        ),
    )
    FAILURE = (
        "failure",
        GroupDescription(
            heading=gettext_noop("Failed install"),
            scheduled=gettext_noop("failed installs of {what} by cause {when} ({tz})"),
            table=gettext_noop("Failed installs of {what} by cause"),
            chart=gettext_noop("Failed installs by cause"),
            counts=lambda summary: summary.failures,
        ),
    )


@dataclass(slots=True)
class _PersonDownloads:
    """Counts of one person, or of one anonymous member type."""

    recorded: int = 0
    latest: Download | None = None

    def take(self, count: int, listed: Iterable[Download]) -> None:
        """Add a row's downloads, of which some may not be listed."""
        self.recorded += count
        for download in listed:
            self._see(download)

    def join(self, other: _PersonDownloads) -> None:
        """Add counts of the same person that were collected separately."""
        self.recorded += other.recorded
        if other.latest:
            self._see(other.latest)

    def _see(self, download: Download) -> None:
        if self.latest is None or _when(download) > _when(self.latest):
            self.latest = download
        elif download.at is None and self.latest.at is None and _which(download) != _which(self.latest):
            self.latest = _UNKNOWN  # of two downloads without a date, the later one is unknown


_UNKNOWN = Download()


class DownloadAggregator:
    """Aggregate the rows of Applivery's by-user lists; days are in the IANA zone `tz`.

    The listed downloads of a row are counted or, if that is larger, its `total`. With a period (`totals` False) only
    listed downloads count, since it is not documented whether `total` is about the period.
    """

    def __init__(self, tz: str = "UTC", *, totals: bool = True) -> None:
        self._zone = zone(tz)
        self._totals = totals
        self._recorded = self._listed = self._claimed = self._undated = 0
        self._shares: PersonGrouping[_PersonDownloads] = PersonGrouping(_PersonDownloads, _PersonDownloads.join)
        self._words = {group: Counter[str]() for group in GroupBy if group.description.word}
        self._counters = [(word, self._words[group]) for group in GroupBy if (word := group.description.word)]
        self._days: Counter[date] = Counter()

    def add(self, row: MemberDownloads) -> None:
        """Add a row."""
        listed = len(row.downloads)
        claimed = listed if row.total is None or row.total < 0 else row.total
        count = max(claimed, listed) if self._totals else listed
        self._recorded += count
        self._listed += listed
        self._claimed += claimed
        for download in row.downloads:
            self._count(download)
        self._count(_UNKNOWN, count - listed)
        self._shares.share(row.member).take(count, row.downloads)

    def _count(self, download: Download, times: int = 1) -> None:
        if not times:
            return
        for word, counter in self._counters:
            counter[word(download) or ""] += times
        if download.at is None:
            self._undated += times
        else:
            self._days[local(download.at, self._zone).date()] += times

    def absorb(self, other: DownloadAggregator) -> None:
        """Take over the counts of another aggregator with the same time zone, which must not be used afterwards."""
        self._recorded += other._recorded
        self._listed += other._listed
        self._claimed += other._claimed
        self._undated += other._undated
        for group, counter in self._words.items():
            counter.update(other._words[group])
        self._days.update(other._days)
        self._shares.absorb(other._shares)

    def summary(self) -> DownloadSummary:
        """Return the summary so far, with labels in the current language."""
        people = [_row(person) for person in self._shares.people() if person.share.recorded]
        people.sort(key=lambda row: (_when(row.latest), row.recorded, row.name), reverse=True)
        anonymous = {kind: share.recorded for kind, share in self._shares.anonymous.items() if share.recorded}
        counts = {group: _labelled(counter, group.description.label) for group, counter in self._words.items()}
        return DownloadSummary(
            recorded=self._recorded,
            people=tuple(people),
            buckets=tuple(UnattributedGroup(label, count) for label, count in _labelled(anonymous, _label)),
            versions=counts[GroupBy.VERSION],
            listed=self._listed,
            systems=counts[GroupBy.OS],
            sources=counts[GroupBy.SOURCE],
            days=tuple(sorted(self._days.items())),
            undated=self._undated,
            claimed=self._claimed,
        )


def _label(kind: str) -> str:
    if kind in BUCKETS:
        return _(BUCKETS[kind])
    return _("No email address ({kind})", kind=verbatim(kind)) if kind else _("No email address")


def _labelled(counts: Mapping[str, int], label: Callable[[str], str]) -> Counts:
    """Return the counts by label, the highest first; several values of Applivery can share a label."""
    found: Counter[str] = Counter()
    for word, count in counts.items():
        found[label(word)] += count
    return tuple(found.most_common())


def labelled_failures(counts: Mapping[FailureCause, int]) -> Counts:
    """Return the number of answers for each cause, by its label in the current language, the highest first."""
    words = {str(cause): number for cause, number in counts.items()}
    return _labelled(words, lambda cause: _(FailureCause(cause).description))


def display_name(person: IdentifiedPerson[Any], *, whole_id: bool = False) -> str:
    """Return the name of a person in the current language; with `whole_id` (for files) ids are not shortened."""
    if person.called:
        return person.called
    digits = (person.id or "")[0 if whole_id else -LAST_DIGITS :]
    return _(NAMELESS.get(person.kind, gettext_noop("User {id}")), id=digits)


def _row(person: IdentifiedPerson[_PersonDownloads]) -> PersonRow:
    share = person.share
    return PersonRow(display_name(person), person.kind, share.recorded, share.latest, tuple(person.emails.values()))


def _when(download: Download | None) -> float:
    return download.at.timestamp() if download and download.at else float("-inf")


def _which(download: Download) -> tuple[str | None, str | None, str | None]:
    return download.version, download.platform, download.build_id


# ------------------------------------------------------------------ evaluations of a summary


def versions_now(people: Iterable[PersonRow]) -> Counts:
    """Return the number of people by the version of their latest download, the most used first."""
    found = Counter((row.latest.version if row.latest else None) or "" for row in people)
    return _labelled(found, GroupBy.VERSION.description.label)


class DownloadGap(Struct, frozen=True):
    """Which of some users (Slack user ids) have downloaded, which have not, and whose email is unknown.

    `elsewhere` counts downloads without a known email, which may be by people who seem to lack the build.
    """

    have: tuple[str, ...]
    lack: tuple[str, ...]
    unknown: tuple[str, ...]
    elsewhere: int = 0


def missing(emails: Mapping[str, str | None], summary: DownloadSummary) -> DownloadGap:
    """Compare Slack users (emails by user id) with the people who have downloaded."""
    seen = {mailbox(email) for row in summary.people for email in row.emails}
    have = tuple(user for user, email in emails.items() if email and mailbox(email) in seen)
    lack = tuple(user for user, email in emails.items() if email and mailbox(email) not in seen)
    elsewhere = summary.unnamed + sum(row.recorded for row in summary.people if not row.emails)
    return DownloadGap(have, lack, tuple(user for user, email in emails.items() if not email), elsewhere)


def masked(email: str, home: str | None) -> str:
    """Return an email for other readers: whole for the domain `home`, otherwise its first letter and its domain."""
    name, at, domain = email.rpartition("@")
    if at and home and domain.casefold() == home.casefold():
        return email
    return f"{name[:1]}…@{domain}" if at else f"{email[:1]}…"
