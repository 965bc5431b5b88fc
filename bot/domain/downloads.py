"""Rows of the download log → a summary: counts for everybody, names for those who may see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from bot.domain.model import Download, Member, MemberDownloads
from bot.domain.periods import zone
from bot.language import later, say

# Applivery's member types that are nobody in particular: they are counted together and never merged into one person.
BUCKETS = {
    "anonymous": later("Anonymous visitors"),
    "unknown": later("Not attributable"),
    "otpUser": later("One-time visitors without an e-mail"),
    "mdmUser": later("Managed devices without an e-mail"),
}
# Applivery's words for where a download came from; a new one is shown as it is.
SOURCES = {
    "store": later("Store"),
    "sdk": later("In the app (SDK)"),
    "dashboard": later("Dashboard"),
    "integrationApi": later("Integration API"),
    "emm": later("Device management (EMM)"),
    "adm": later("Device management (Android)"),
    "win": later("Device management (Windows)"),
    "scim": later("SCIM"),
    "agent": later("Agent"),
}
NO_VERSION, NO_SYSTEM, NO_SOURCE = later("unknown version"), later("unknown system"), later("unknown source")


class By(StrEnum):
    """What a summary's thread is sorted by."""

    PERSON = "person"
    VERSION = "version"
    OS = "os"
    DAY = "day"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person's downloads: how many were recorded, and the latest of them."""

    name: str
    kind: str
    recorded: int
    latest: Download | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Downloads that belong to no known person, under a label."""

    label: str
    recorded: int


Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a manager reads: recorded downloads, distinct people (most recent first) and labelled buckets.

    `versions`, `systems` and `sources` have the most downloaded first. `days` are those with downloads, in order, in
    the time zone they were counted in; `undated` downloads have no day. `listed` rows are behind it all: `recorded` is
    more when Applivery's own totals are.
    """

    recorded: int
    people: tuple[PersonRow, ...]
    buckets: tuple[Bucket, ...]
    versions: Counts
    listed: int
    systems: Counts = ()
    sources: Counts = ()
    days: tuple[tuple[date, int], ...] = ()
    undated: int = 0

    @property
    def incomplete(self) -> bool:
        """Whether Applivery's own totals differ from the rows it listed."""
        return self.recorded != self.listed

    @property
    def unnamed(self) -> int:
        """Downloads by nobody we can name."""
        return sum(bucket.recorded for bucket in self.buckets)


class Tally:
    """Adds up the rows of by-user answers, one by one; `tz` is the IANA zone in which a day begins and ends.

    One person with an e-mail in two spellings of case is one person; people without e-mail and id go to the bucket
    of their member type; a row's `total` counts when it is larger than the rows listed (shown, not hidden).
    """

    def __init__(self, tz: str = "UTC") -> None:
        self._zone = zone(tz)
        self._recorded = self._listed = self._undated = 0
        self._people: dict[str, PersonRow] = {}
        self._buckets: Counter[str] = Counter()
        self._versions: Counter[str] = Counter()
        self._systems: Counter[str] = Counter()
        self._sources: Counter[str] = Counter()
        self._days: Counter[date] = Counter()

    def add(self, row: MemberDownloads) -> None:
        """Take the next row."""
        count = max(row.total or 0, len(row.downloads))
        self._recorded += count
        self._listed += len(row.downloads)
        for one in row.downloads:
            self._count(one)
        key = _key(row.member)
        if key is None:
            self._buckets[row.member.kind] += count
        else:
            self._people[key] = _together(self._people.get(key), _person(row, count))

    def _count(self, one: Download) -> None:
        self._versions[one.version or ""] += 1
        self._systems[one.os or one.platform or ""] += 1
        self._sources[one.source or ""] += 1
        if one.at is None:
            self._undated += 1
        else:
            self._days[one.at.astimezone(self._zone).date()] += 1

    def absorb(self, other: Tally) -> None:
        """Take everything another one has counted, in the same time zone."""
        self._recorded += other._recorded
        self._listed += other._listed
        self._undated += other._undated
        for mine, theirs in (
            (self._buckets, other._buckets),
            (self._versions, other._versions),
            (self._systems, other._systems),
            (self._sources, other._sources),
        ):
            mine.update(theirs)
        self._days.update(other._days)
        for key, person in other._people.items():
            self._people[key] = _together(self._people.get(key), person)

    def summary(self) -> Summary:
        """What it comes to so far, its labels in the language of this moment."""
        people = sorted(
            self._people.values(), key=lambda one: (_when(one.latest), one.recorded, one.name), reverse=True
        )
        return Summary(
            recorded=self._recorded,
            people=tuple(people),
            buckets=tuple(Bucket(label, count) for label, count in _labelled(self._buckets, _label)),
            versions=_labelled(self._versions, _version),
            listed=self._listed,
            systems=_labelled(self._systems, _system),
            sources=_labelled(self._sources, _source),
            days=tuple(sorted(self._days.items())),
            undated=self._undated,
        )


def summarise(rows: Iterable[MemberDownloads], tz: str = "UTC") -> Summary:
    """The summary of some rows."""
    tally = Tally(tz)
    for row in rows:
        tally.add(row)
    return tally.summary()


def _key(member: Member) -> str | None:
    if member.kind in ("anonymous", "unknown"):
        return None
    if member.email:
        return f"mail:{member.email.casefold()}"
    return f"id:{member.id}" if member.id else None


def _label(kind: str) -> str:
    if kind in BUCKETS:
        return say(BUCKETS[kind])
    return say("Without a name ({kind})", kind=kind) if kind else say("Without a name")


def _version(version: str) -> str:
    return version or say(NO_VERSION)


def _system(system: str) -> str:
    return system or say(NO_SYSTEM)


def _source(source: str) -> str:
    return say(SOURCES[source]) if source in SOURCES else source or say(NO_SOURCE)


def _labelled(counts: Mapping[str, int], label: Callable[[str], str]) -> Counts:
    """Counts by what people call it, the most first; two words of Applivery's may be one of ours."""
    found: Counter[str] = Counter()
    for word, count in counts.items():
        found[label(word)] += count
    return tuple(found.most_common())


def _person(row: MemberDownloads, count: int) -> PersonRow:
    name = row.member.name or row.member.email or f"{row.member.kind} {row.member.id}"
    return PersonRow(name, row.member.kind, count, max(row.downloads, key=_when, default=None), row.member.email)


def _together(before: PersonRow | None, more: PersonRow) -> PersonRow:
    """One person's rows as one, under the name that came first."""
    if before is None:
        return more
    latest = more.latest if _when(more.latest) > _when(before.latest) else before.latest
    return replace(before, recorded=before.recorded + more.recorded, latest=latest)


def _when(download: Download | None) -> float:
    return download.at.timestamp() if download and download.at else float("-inf")


# ------------------------------------------------------------------ what follows from a summary


def adoption(people: Iterable[PersonRow]) -> Counts:
    """How many people's latest download is of which version, the most used first."""
    return _labelled(Counter((one.latest.version if one.latest else None) or "" for one in people), _version)


@dataclass(frozen=True, slots=True)
class Missing:
    """Who of some people (Slack user ids) has downloaded, who has not, and of whom no e-mail is known."""

    have: tuple[str, ...]
    lack: tuple[str, ...]
    unknown: tuple[str, ...]


def missing(emails: Mapping[str, str | None], people: Iterable[PersonRow]) -> Missing:
    """Compare people of Slack, with their e-mails by user id, with those who have downloaded; case does not matter."""
    seen = {one.email.casefold() for one in people if one.email}
    have = tuple(user for user, email in emails.items() if email and email.casefold() in seen)
    lack = tuple(user for user, email in emails.items() if email and email.casefold() not in seen)
    return Missing(have, lack, tuple(user for user, email in emails.items() if not email))


def masked(email: str, home: str | None) -> str:
    """An e-mail as others may read it: whole for people of the domain `home`, else its first letter and its domain."""
    name, at, domain = email.rpartition("@")
    if at and home and domain.casefold() == home.casefold():
        return email
    return f"{name[:1]}…@{domain}" if at else f"{email[:1]}…"
