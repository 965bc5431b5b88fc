"""From what was typed, or what a button carries, to the question of a download summary; and its answer as a file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

from bot.dispatch.arguments import bind
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerKind
from bot.dispatch.targets import BuildReference
from bot.domain import grammar, references, time_zones
from bot.domain.downloads import GroupBy
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.lookup import LATEST
from bot.domain.members import PersonGrouping
from bot.domain.model import App, Build, MemberDownloads
from bot.domain.timeparse import period
from bot.domain.timeparse.period import Period
from bot.exceptions import NotFoundByName, UserInputError
from bot.i18n import Text, _
from bot.services.reports import ReportQuery
from bot.slack.blocks import FileAttachment
from bot.slack.csv_export import CsvWriter, separator_of
from bot.slack.views import builds as buildcards

_MAIL = re.compile(r"<mailto:[^|>]*\|([^>]*)>|([^\s<>|]+@[^\s<>|]+)")
COLUMNS = ("name", "email", "member", "at", "version", "platform", "os", "device", "source")


async def question(
    call: CommandContext,
    target: BuildReference | None,
    *,
    since: Period | None = None,
    by: GroupBy | None = None,
    person: str | None = None,
) -> ReportQuery:
    """What is asked about.

    Raises AmbiguousInput, NotFoundByName, UserInputError, PermissionDenied and what Applivery's answers mean.
    """
    target = target or BuildReference(await call.the_app(None))
    app, builds = await _meant(call, target)
    email = await _email(call, person) if person else None
    query = ReportQuery(app, "", (), since, by or GroupBy.PERSON, email, call.asker.tz)
    return about(query, builds)


def about(query: ReportQuery, builds: tuple[Build, ...]) -> ReportQuery:
    """The same question about these builds (none: the whole app), with the words for it in the language spoken now."""
    app, which = query.app, _which(builds)
    options = [*(period.typed(query.period) if query.period else ())]
    options += [("by", query.by.value)] if query.by is not GroupBy.PERSON else []
    options += [("person", query.email)] if query.email else []
    typed = grammar.explain(ParsedText((app.id, which), tuple(KeyValue(key, value) for key, value in options)))
    what = buildcards.several(app, builds)
    if query.email:
        what = _("{what} by {person}", what=what, person=query.email)
    return replace(query, builds=builds, what=what, typed=typed)


async def again(call: CommandContext, typed: str) -> ReportQuery:
    """Return the query of a button; the user who clicks is checked as for a typed command."""
    words = grammar.parse(typed)
    return await of(call, words.plain, [(option.key, option.value) for option in words.options])


async def of(call: CommandContext, plain: Sequence[str], options: Sequence[tuple[str, str]]) -> ReportQuery:
    """The question of some words and options."""
    entry = call.registry.get(HandlerKind.COMMAND, "downloads")
    assert entry is not None
    kept = tuple(KeyValue(key, value) for key, value in options if key in ("since", "until", "by", "person"))
    arguments = await bind(entry, call, ParsedText(tuple(plain), kept))
    return await question(call, arguments.pop("target", None), **arguments)


async def _meant(call: CommandContext, target: BuildReference) -> tuple[App, tuple[Build, ...]]:
    try:
        if target.app is None and target.which != LATEST:
            build = (await target.build(call)).build
            return build.app, (build,)
        app = await target.the_app(call)
        return app, await call.services.reports.builds(app, target.which)
    except NotFoundByName as error:
        error.next_step = error.next_step or Text("Give a version, `#number`, `latest` or `all`.")
        raise


def _which(builds: Sequence[Build]) -> str:
    """The word for these builds: it means the same whenever it is read, so a button may carry it."""
    version, *others = dict.fromkeys(build.version for build in builds) or ["all"]
    by_id = len(builds) == 1 or others or not version or version.casefold() in ("all", "latest") or version[0] == "#"
    return ",".join(build.id for build in builds) if builds and by_id else version


async def _email(call: CommandContext, person: str) -> str:
    """Return the e-mail of a user typed as an address or a mention."""
    if mentioned := references.person(person):
        email = (await call.services.access.person(mentioned)).email
        if not email:
            raise UserInputError(
                Text("Slack does not tell me that person's e-mail."), Text("Type it: `person:ana@acme.com`.")
            )
        return email
    match = _MAIL.fullmatch(person)
    if not match:
        raise UserInputError(
            Text("“{typed}” is no e-mail and no person.", typed=person[:60]),
            Text("Type `person:@` and pick them, or `person:ana@acme.com`."),
        )
    return match[1] or match[2]


# ------------------------------------------------------------------ as a file


Lines = list[tuple[str | None, ...]]


class _DownloadCsv:
    """Collects the lines of a CSV file by person: one for each download, times in the zone `tz`.

    `unlisted` downloads are those that Applivery counts without listing them.
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
        """Write the lines, each with the person's name and e-mail, also where its own row has others."""
        for person in self.lines.people():
            email = next(iter(person.emails.values()), None)
            name = person.name or (None if email else person.called)
            for _key, *line in person.share:
                sheet.line(name, email, *line)
        for anonymous in self.lines.anonymous.values():
            for text, *line in anonymous:
                sheet.line(text, None, *line)


async def sheet(call: CommandContext, query: ReportQuery) -> tuple[FileAttachment, int, int]:
    """Each download as a line of a CSV file, how many there are, and how many more Applivery counts."""
    locale = await call.services.access.locale(call.asker.user_id)
    download_csv, *others = await call.services.reports.fold(query, query.period, lambda: _DownloadCsv(query.tz))
    for other in others:
        download_csv.lines.absorb(other.lines)
        download_csv.unlisted += other.unlisted
    content, lines = await asyncio.to_thread(_written, download_csv, locale)
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"downloads-{query.app.slug}-{call.now:%Y-%m-%d}")
    return FileAttachment(f"{name}.csv", content), lines, 0 if query.period else download_csv.unlisted


def _written(download_csv: _DownloadCsv, locale: str) -> tuple[bytes, int]:
    """The file and its number of lines without the header; a hundred thousand of them take a while."""
    separator = separator_of(locale)
    header, sheet = CsvWriter(separator), CsvWriter(separator)
    header.line(*COLUMNS)
    download_csv.write(sheet)
    return header.file(sheet), sheet.lines
