"""By-user answers as Applivery may send them, and every number about them counted again from the raw JSON.

Nothing of the bot is used here: what it shows is compared with this.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
MISSING = object()
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

PLATFORM_NAMES = {"ios": "iOS", "android": "Android", "macos": "macOS", "windows": "Windows"}
TYPES = ("user", "employee", "mdmUser", "otpUser", "unknown", "anonymous", "martian", "", None, MISSING)
EMAILS = ("ana@acme.io", "Ana@ACME.io", "bob@acme.io", "BOB@acme.io", "zoé@acme.io", "ZOÉ@acme.io", "", None, MISSING)
IDS = (*(letter * 24 for letter in "abcd"), "", None, MISSING, MISSING)
NAMES = ("John Smith", "john  smith", "Ana", "", None, MISSING)
TOTALS = (0, 1, 2, 40, -1, "3", None, MISSING)
VERSIONS = ("2.5.0", "2.4.0", "1.0.0", "", None, MISSING)
PLATFORMS = ("ios", "android", "iOS", None, MISSING)
SOURCES = ("store", "sdk", "warp", None, MISSING)
SYSTEMS = ({"name": "iOS", "version": "17"}, {"name": "Android"}, {}, None, MISSING)


def _object(**fields: Any) -> Row:
    return {key: value for key, value in fields.items() if value is not MISSING}


def download(chance: Random, *, now: datetime = NOW, days: int = 60) -> Row:
    """One download, anything about it missing."""
    at: Any = (now - timedelta(hours=chance.uniform(0, 24 * days))).isoformat()
    if chance.random() < 0.2:
        at = chance.choice((None, MISSING, "yesterday", ""))
    build = _object(id="f" * 24, os=chance.choice(PLATFORMS), versionName=chance.choice(VERSIONS))
    source = chance.choice(SOURCES)
    more = {} if source is MISSING else {"from": source}
    return {**_object(id="e" * 24, build=build, os=chance.choice(SYSTEMS), createdAt=at), **more}


def answer(chance: Random, *, now: datetime = NOW, days: int = 60) -> list[Row]:
    """Some rows of a by-user answer."""
    return [
        _object(
            total=chance.choice(TOTALS),
            member=_object(
                type=chance.choice(TYPES),
                email=chance.choice(EMAILS),
                memberId=chance.choice(IDS),
                firstName=chance.choice(NAMES),
            ),
            downloads=chance.choice(
                ([download(chance, now=now, days=days) for _ in range(chance.randrange(4))],) * 5 + (None, MISSING)
            ),
        )
        for _ in range(chance.randrange(8))
    ]


@dataclass
class RecountResult:
    """What an answer comes to."""

    recorded: int = 0
    listed: int = 0
    claimed: int = 0
    people: list[set[str]] = field(default_factory=list)
    each: list[int] = field(default_factory=list)
    unnamed: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    systems: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    now_on: Counter[str] = field(default_factory=Counter)
    standing: Counter[str] = field(default_factory=Counter)

    @property
    def crowd(self) -> int:
        """How many people there are."""
        return len(self.people)

    def have(self, email: str) -> bool:
        """Whether somebody with this address has downloaded."""
        return any(f"mail {email.casefold()}" in person for person in self.people)

    def of(self, email: str) -> int:
        """How many downloads are theirs."""
        found = [n for person, n in zip(self.people, self.each, strict=True) if f"mail {email.casefold()}" in person]
        return found[0] if found else 0


def _marks(row: Row) -> set[str]:
    member = row.get("member") or {}
    mail, number = member.get("email"), member.get("memberId")
    return {mark for mark in (mail and f"mail {mail.casefold()}", number and f"id {number}") if mark}


def _listed(row: Row) -> list[Row]:
    return row.get("downloads") or []


def _at(row: Row) -> datetime | None:
    try:
        return datetime.fromisoformat(row.get("createdAt") or "")
    except ValueError:
        return None


def _version(row: Row) -> str:
    return (row.get("build") or {}).get("versionName") or "unknown version"


def _platform(row: Row) -> str | None:
    return ((row.get("build") or {}).get("os") or "").lower() or None


def _platform_name(row: Row) -> str | None:
    platform = _platform(row)
    return PLATFORM_NAMES.get(platform, platform) if platform else None


def _system(row: Row) -> str:
    told = row.get("os") or {}
    return " ".join(filter(None, (told.get("name"), told.get("version")))) or _platform_name(row) or "unknown OS"


def _source(row: Row) -> str:
    word = row.get("from")
    return {"store": "Store", "sdk": "In the app (SDK)", None: "unknown source"}.get(word, word)


def components(rows: list[Row]) -> list[tuple[set[str], list[Row]]]:
    """Who is who: rows that share an email, in whatever letters, or an id are one person's."""
    found: list[tuple[set[str], list[Row]]] = []
    for row in rows:
        marks = _marks(row)
        if not marks:
            continue
        same = [pair for pair in found if pair[0] & marks]
        found = [pair for pair in found if not pair[0] & marks]
        found.append((marks.union(*(pair[0] for pair in same)), [*(r for pair in same for r in pair[1]), row]))
    return found


def count(row: Row, *, period: bool) -> int:
    """How many downloads a row stands for: what it lists; without a period its total, when that is more."""
    total = row.get("total")
    total = int(total) if total is not None and int(total) >= 0 else len(_listed(row))
    return len(_listed(row)) if period else max(total, len(_listed(row)))


def _latest(rows: list[Row]) -> Row | None:
    listed = [entry for row in rows for entry in _listed(row)]
    dated = [entry for entry in listed if _at(entry)]
    if dated:
        return max(dated, key=lambda entry: _at(entry) or NOW)
    known = {(_version(entry), _platform(entry)) for entry in listed}
    return listed[0] if len(known) == 1 else None


def _standing(latest: Row | None, newest: dict[str, str]) -> str:
    if latest is None or _version(latest) == "unknown version":
        return "unknown"
    platform = _platform(latest)
    there = [version for on, version in newest.items() if platform in (None, on)]
    same = [version == _version(latest) for version in there]
    if not there or (any(same) and not all(same)):
        return "unknown"
    return "newest" if all(same) else "older"


def recount(rows: list[Row], newest: dict[str, str], *, period: bool, tz: str = "Europe/Madrid") -> RecountResult:
    """Count it all again; `newest` is the newest version on each platform."""
    found = RecountResult()
    for row in rows:
        number, listed, total = count(row, period=period), _listed(row), row.get("total")
        found.recorded += number
        found.listed += len(listed)
        found.claimed += int(total) if total is not None and int(total) >= 0 else len(listed)
        found.unnamed += 0 if _marks(row) else number
        found.versions.update(map(_version, listed))
        found.systems.update(map(_system, listed))
        found.sources.update(map(_source, listed))
        for entry in listed:
            at = _at(entry)
            found.days[f"{at.astimezone(ZoneInfo(tz)):%Y-%m-%d}" if at else "without a date"] += 1
        for counts, unknown in (
            (found.versions, "unknown version"),
            (found.systems, "unknown OS"),
            (found.sources, "unknown source"),
            (found.days, "without a date"),
        ):
            counts[unknown] += number - len(listed)
    for marks, theirs in components(rows):
        number = sum(count(row, period=period) for row in theirs)
        if number:
            latest = _latest(theirs)
            found.people.append(marks)
            found.each.append(number)
            found.now_on[_version(latest) if latest else "unknown version"] += 1
            found.standing[_standing(latest, newest)] += 1
    for name in ("versions", "systems", "sources", "days"):
        setattr(found, name, +getattr(found, name))
    return found


# What each stored cause is called in a report.
CAUSES = {
    "storage": "Not enough storage",
    "old_system": "System too old",
    "not_trusted": "Untrusted developer",
    "unknown_apps": "Browser blocked",
    "other": "Something else",
    "quantum_lock": "Unknown cause",  # of another version
}


def failed_installs(file: str, app_id: str) -> Counter[str]:
    """The answers about an app in a SQLite file, by what their cause is called."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT cause FROM install_failures WHERE app_id = ?", (app_id,)).fetchall()
    return Counter(CAUSES[cause] for (cause,) in rows)


def shares(counts: Counter[str], whole: int) -> dict[str, str]:
    """Each count as a rounded share."""
    return {label: f"{_rounded(number * 100 / whole)}%" for label, number in counts.items()}


def _rounded(share: float) -> int:
    """The nearest whole number; of two that are equally near the even one."""
    low = math.floor(share)
    if share - low == 0.5:
        return low + low % 2
    return low + (share - low > 0.5)
