"""The query of a download report as text and as a command, and the report as a CSV file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from bot.domain import grammar, time_zones
from bot.domain.downloads import GroupBy, display_name
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.members import PersonGrouping
from bot.domain.model import Build, MemberDownloads
from bot.domain.timeparse import period
from bot.i18n import _
from bot.services.reports import ReportBuilder, ReportQuery
from bot.slack.csv_export import CsvWriter, separator_for
from bot.slack.views import builds as buildcards

COLUMNS = ("name", "email", "member", "at", "version", "platform", "os", "device", "source")


def about(query: ReportQuery, builds: tuple[Build, ...]) -> ReportQuery:
    """Return the query for these builds (none: the whole app), with its text in the current language."""
    app, which = query.app, which_of(builds)
    options = [*(period.typed(query.period) if query.period else ())]
    options += [("by", query.by.value)] if query.by is not GroupBy.PERSON else []
    options += [("person", query.email)] if query.email else []
    typed = grammar.explain(ParsedText((app.id, which), tuple(KeyValue(key, value) for key, value in options)))
    what = buildcards.several(app, builds)
    if query.email:
        what = _("{what} by {person}", what=what, person=query.email)
    return replace(query, builds=builds, what=what, typed=typed)


def which_of(builds: Sequence[Build]) -> str:
    """Return a typed reference to these builds that stays valid, for use in a button's value."""
    version, *others = dict.fromkeys(build.version for build in builds) or ["all"]
    by_id = len(builds) == 1 or others or not version or version.casefold() in ("all", "latest") or version[0] == "#"
    return ",".join(build.id for build in builds) if builds and by_id else version


Lines = list[tuple[str | None, ...]]


class _DownloadCsv:
    """Collects the lines of a CSV file by person: one per download, times in the zone `tz`.

    `unlisted` is the number of downloads that Applivery counts but does not list.
    """

    def __init__(self, tz: str) -> None:
        self._zone = time_zones.zone(tz)
        self.lines: PersonGrouping[Lines] = PersonGrouping(list, list.extend)
        self.unlisted = 0

    def add(self, row: MemberDownloads) -> None:
        """Take the next row."""
        lines = self.lines.share(row.member)
        self.unlisted += max(0, (row.total or 0) - len(row.downloads))
        for download in row.downloads:
            at = time_zones.local(download.at, self._zone).isoformat(timespec="seconds") if download.at else None
            lines.append(
                (
                    row.member.name,
                    row.member.kind,
                    at,
                    download.version,
                    download.platform,
                    download.os,
                    download.device,
                    download.source,
                )
            )

    def write(self, sheet: CsvWriter) -> None:
        """Write the lines, all of a person with the same name and email."""
        for person in self.lines.people():
            email = next(iter(person.emails.values()), None)
            name = person.name or (None if email else display_name(person, whole_id=True))
            for _key, *line in person.share:
                sheet.write_row(name, email, *line)
        for anonymous in self.lines.anonymous.values():
            for text, *line in anonymous:
                sheet.write_row(text, None, *line)


async def write_csv(reports: ReportBuilder, query: ReportQuery, locale: str) -> tuple[bytes, int, int]:
    """Return a CSV file with a line per download, the number of lines, and the number of unlisted downloads."""
    download_csv, *others = await reports.fold_downloads(query, query.period, lambda: _DownloadCsv(query.tz))
    for other in others:
        download_csv.lines.absorb(other.lines)
        download_csv.unlisted += other.unlisted
    content, lines = await asyncio.to_thread(_written, download_csv, locale)
    return content, lines, download_csv.unlisted


def _written(download_csv: _DownloadCsv, locale: str) -> tuple[bytes, int]:
    """Return the file and its number of lines without the header; slow for a hundred thousand lines."""
    separator = separator_for(locale)
    header, sheet = CsvWriter(separator), CsvWriter(separator)
    header.write_row(*COLUMNS)
    download_csv.write(sheet)
    return header.to_bytes(sheet), sheet.row_count
