"""Rows of the download log → a summary by person: counts for everybody, names for those who may see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.model import Download, Member, MemberDownloads

# Applivery's member types that are nobody in particular: they are counted together and never merged into one person.
BUCKETS = {
    "anonymous": "Anonymous visitors",
    "unknown": "Not attributable",
    "otpUser": "One-time visitors without an e-mail",
    "mdmUser": "Managed devices without an e-mail",
}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person's downloads: how many were recorded, and the latest of them."""

    name: str
    kind: str
    recorded: int
    latest: Download | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Downloads that belong to no known person, under a label."""

    label: str
    recorded: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a manager reads: recorded downloads, distinct people (most recent first) and labelled buckets."""

    recorded: int
    people: tuple[PersonRow, ...]
    buckets: tuple[Bucket, ...]
    versions: tuple[tuple[str, int], ...]
    listed: int

    @property
    def incomplete(self) -> bool:
        """Whether Applivery's own totals differ from the rows it listed."""
        return self.recorded != self.listed


def summarise(rows: Iterable[MemberDownloads]) -> Summary:
    """Fold by-user rows into a Summary.

    One person with an e-mail in two spellings of case is one person; people without e-mail and id go to the bucket
    of their member type; a row's `total` counts when it is larger than the rows listed (shown, not hidden).
    """
    people: dict[str, PersonRow] = {}
    buckets: Counter[str] = Counter()
    versions: Counter[str] = Counter()
    recorded = listed = 0
    for row in rows:
        count = max(row.total or 0, len(row.downloads))
        recorded += count
        listed += len(row.downloads)
        versions.update(download.version or "unknown version" for download in row.downloads)
        key = _key(row.member)
        if key is None:
            buckets[_label(row.member.kind)] += count
            continue
        people[key] = _merged(people.get(key), row, count)
    ordered = sorted(people.values(), key=lambda one: (_when(one.latest), one.recorded, one.name), reverse=True)
    return Summary(
        recorded=recorded,
        people=tuple(ordered),
        buckets=tuple(Bucket(label, count) for label, count in buckets.most_common()),
        versions=tuple(versions.most_common()),
        listed=listed,
    )


def _key(member: Member) -> str | None:
    if member.kind in ("anonymous", "unknown"):
        return None
    if member.email:
        return f"mail:{member.email.casefold()}"
    return f"id:{member.id}" if member.id else None


def _label(kind: str) -> str:
    return BUCKETS.get(kind, f"Without a name ({kind})" if kind else "Without a name")


def _merged(before: PersonRow | None, row: MemberDownloads, count: int) -> PersonRow:
    latest = max(row.downloads, key=_when, default=None)
    if before is None:
        name = row.member.name or row.member.email or f"{row.member.kind} {row.member.id}"
        return PersonRow(name, row.member.kind, count, latest)
    newest = latest if _when(latest) > _when(before.latest) else before.latest
    return PersonRow(before.name, before.kind, before.recorded + count, newest)


def _when(download: Download | None) -> float:
    return download.at.timestamp() if download and download.at else float("-inf")
