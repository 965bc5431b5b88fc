"""`audit`: who got what, when, by which door and how it ended; never a token."""

from __future__ import annotations

import asyncio
import re

from bot.domain.audit import AuditEntry
from bot.domain.model import Role
from bot.domain.periods import Period
from bot.errors import BadInput
from bot.language import count, say
from bot.slack import blocks
from bot.slack.blocks import File, Message
from bot.slack.command import Call, command
from bot.slack.sheets import Sheet, separator_of
from bot.slack.wording import inline, when

SHOWN = 20
IN_A_FILE = 100_000
COLUMNS = ("at", "user_id", "action", "outcome", "door", "channel_id", "app_id", "build_id")


@command(need=Role.ADMIN)
async def audit(
    call: Call,
    *,
    person: str | None = None,
    app: str | None = None,
    since: Period | None = None,
    format: str | None = None,  # noqa: A002  the word people type
) -> Message:
    """See who got what, when and how it ended.

    /applivery audit
    /applivery audit person:@bruno app:courier since:7d
    /applivery audit since:2026-11-01 format:csv
    """
    as_csv = _as_csv(format)
    of = await call.house.catalogue.app(app) if app else None
    call.require(of)
    found = await call.house.store.audit_entries(
        user_id=_user(person) if person else None,
        app_id=of.id if of else None,
        since=since.start if since else None,
        until=since.end if since else None,
        limit=IN_A_FILE if as_csv else SHOWN + 1,
    )
    if not found:
        return Message(say("Nothing in the audit trail fits that."))
    if as_csv:
        told = count("The audit trail, {number} line.", "The audit trail, {number} lines.", len(found))
        locale = await call.house.people.locale(call.asker.user_id)
        # in a thread: a hundred thousand lines take a second
        return Message(told, file=File("audit.csv", await asyncio.to_thread(_csv, found, locale)))
    names = {one.id: one.name for one in await call.house.catalogue.apps()}
    lines = [_line(one, names) for one in found[:SHOWN]]
    hint = say("There is more; narrow it, or take it all with `format:csv`.")
    more = [blocks.context(hint)] if len(found) > SHOWN else []
    told = say("The audit trail: {lines}", lines=" ".join(lines))
    return Message(told, (blocks.section("\n".join(lines)), *more))


def _as_csv(word: str | None) -> bool:
    if word not in (None, "csv"):
        raise BadInput(say("`format:` cannot be “{word}”.", word=word[:40]), say("There is `format:csv`."))
    return word == "csv"


def _user(who: str) -> str:
    found = re.fullmatch(r"<@([UW][A-Za-z0-9_]+)(?:\|[^>]*)?>|([UW][A-Z0-9_]{3,})", who)
    if not found:
        step = say("Type @ and pick the person from Slack's list.")
        raise BadInput(say("I cannot tell who “{who}” is.", who=who[:60]), step)
    return found[1] or found[2]


def _line(one: AuditEntry, names: dict[str, str]) -> str:
    what = f" {inline(names.get(one.app_id, one.app_id), 60)}" if one.app_id else ""
    build = f" `{inline(one.build_id, 24)}`" if one.build_id else ""
    deed = f"{inline(one.action, 40)}{what}{build} · {inline(one.outcome, 60)} · {inline(one.door, 20)}"
    return f"{when(one.at)} · <@{one.user_id}> · {deed}"


def _csv(found: list[AuditEntry], locale: str) -> bytes:
    sheet = Sheet(separator_of(locale))
    sheet.line(*COLUMNS)
    for one in reversed(found):
        sheet.line(one.at.isoformat(), *(getattr(one, name) for name in COLUMNS[1:]))
    return sheet.file()
