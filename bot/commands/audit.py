"""`audit`: the log of who did what, when, by which entrypoint and with which outcome; it contains no tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bot.dispatch.arguments import bind
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import HandlerKind, button, command
from bot.domain import grammar, references
from bot.domain.audit import AuditEntry
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import Role
from bot.domain.timeparse import period as timeparse_period
from bot.domain.timeparse.period import Period
from bot.exceptions import UserInputError
from bot.i18n import Text, _, gettext_noop, ngettext
from bot.slack.blocks import FileAttachment, Message
from bot.slack.blocks.paging import items_needed, paginate_partial, parse_page_value
from bot.slack.csv_export import CsvWriter, separator_for
from bot.slack.views import audit as cards

SHOWN = 10
IN_A_FILE = 100_000
FILE_COMMAND = 140  # characters of a menu item's value
# The heading and the field of each column.
COLUMNS = {
    "at": "at",
    "user_id": "user_id",
    "action": "action",
    "outcome": "outcome",
    "door": "entrypoint",
    "channel_id": "channel_id",
    "app_id": "app_id",
    "build_id": "build_id",
}


@command(need=Role.ADMIN, act=gettext_noop("see the audit log"))
async def audit(
    call: CommandContext,
    *,
    person: str | None = None,
    app: str | None = None,
    since: Period | None = None,
    format: str | None = None,  # noqa: A002  the word people type
) -> Message:
    """Search the audit log: who did what, and when.

    /applivery audit
    /applivery audit person:@bruno app:courier since:7d
    /applivery audit since:2026-11-01 format:csv
    """
    query = await _asked(call, person, app, since)
    return await (_file(call, query) if _as_csv(format) else _listed(call, query))


@button(cards.MORE, need=Role.ADMIN, replaces_message=True)
async def turned(call: CommandContext, value: str) -> Message:
    """*More* and *Previous* below the log, which is replaced by the other page."""
    page, typed = parse_page_value(value)
    entry = call.registry.get(HandlerKind.COMMAND, "audit")
    assert entry is not None
    given = await bind(entry, call, grammar.parse(typed))
    return await _listed(call, await _asked(call, given.get("person"), given.get("app"), given.get("since")), page)


class _AuditQuery(Struct, frozen=True):
    """The person, app and time to filter by; `typed` is the same query as typed words."""

    user_ids: frozenset[str] | None
    app_id: str | None
    since: datetime | None
    until: datetime | None
    typed: str

    async def lines(self, call: CommandContext, limit: int) -> list[AuditEntry]:
        """Return at most `limit` of the newest entries."""
        return await call.services.audit.entries(
            user_ids=self.user_ids, app_id=self.app_id, since=self.since, until=self.until, limit=limit
        )


async def _asked(call: CommandContext, person: str | None, app: str | None, period: Period | None) -> _AuditQuery:
    of = await call.services.apps.app(app) if app else None
    call.require_role(of)
    options = [("person", person), ("app", of.id if of else None), *_span(call, period)]
    typed = grammar.explain(ParsedText((), tuple(KeyValue(key, value) for key, value in options if value)))
    ids = await call.services.access.every_id(references.required_person(person)) if person else None
    since, until = (period.start, period.end) if period else (None, None)
    return _AuditQuery(ids, of.id if of else None, since, until, typed)


NOTHING = gettext_noop("Nothing in the audit log matches.")


def _span(call: CommandContext, period: Period | None) -> Sequence[tuple[str, str]]:
    """Return the options for a fixed end of the period, so that new entries do not shift the pages."""
    return timeparse_period.typed(period) if period else (("until", call.now.isoformat(timespec="milliseconds")),)


async def _listed(call: CommandContext, query: _AuditQuery, number: int = 0) -> Message:
    entries = await query.lines(call, items_needed(number, SHOWN))
    if not entries:
        return Message(_(NOTHING))
    page = paginate_partial(entries, number, SHOWN)
    whole = await call.services.drafts.store(f"audit {query.typed} format:csv", FILE_COMMAND)
    names = await _names(call, page.items)
    return cards.listed(page, *names, typed=query.typed, whole=whole, now=call.now, tz=call.asker.tz)


async def _names(call: CommandContext, entries: Sequence[AuditEntry]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names of the apps and the labels of the builds in these entries, by id."""
    ids = [(entry.app_id, entry.build_id) for entry in entries if entry.app_id and entry.build_id]
    apps, builds = await asyncio.gather(call.services.names.of_apps(), call.services.names.of_builds(ids))
    return apps, builds


async def _file(call: CommandContext, query: _AuditQuery) -> Message:
    entries = await query.lines(call, IN_A_FILE + 1)
    if not entries:
        return Message(_(NOTHING))
    more, entries = len(entries) > IN_A_FILE, entries[:IN_A_FILE]
    text = ngettext("Audit log, {number} entry.", "Audit log, {number} entries.", len(entries))
    if more:
        text += " " + _("Older entries aren't included. To get them, use `since:` and `until:`.")
    locale = await call.services.access.locale(call.asker.user_id)
    # in a worker thread, since a hundred thousand lines take a second
    content = await asyncio.to_thread(_csv, entries, *await _names(call, entries), locale)
    return Message(text, file=FileAttachment("audit.csv", content))


def _as_csv(word: str | None) -> bool:
    if word not in (None, "csv"):
        raise UserInputError(
            Text("`format:` can't be “{word}”.", word=word[:40]), near=["format:csv"], replaces=f"format:{word}"
        )
    return word == "csv"


def _csv(entries: list[AuditEntry], apps: Mapping[str, str], builds: Mapping[str, str], locale: str) -> bytes:
    sheet = CsvWriter(separator_for(locale))
    sheet.write_row(*COLUMNS, "app", "build")
    for entry in reversed(entries):
        names = (apps.get(entry.app_id or ""), builds.get(entry.build_id or ""))
        sheet.write_row(entry.at.isoformat(), *(getattr(entry, name) for name in list(COLUMNS.values())[1:]), *names)
    return sheet.to_bytes()
