"""Scheduled reports: owners, schedules, leases, and the transaction that enqueues one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from bot.db import drafts
from bot.db.connect import fresh_token
from bot.db.dialect_sql import JsonRows, as_rows, far, span, written
from bot.db.download_schema import scheduled_reports as table
from bot.db.transaction import Transaction
from bot.db.types import db_now
from bot.db.wakeups import Topic
from bot.domain.downloads import GroupBy
from bot.domain.model import ChannelNotice, ReportKind
from bot.domain.scheduled_reports import ScheduledReport, delivery_name

LEASED_AT_ONCE = 100  # reports that all replicas together may be making

_COLUMNS = [table.c[name] for name in ScheduledReport.__struct_fields__]
# The others are a newer version's, which runs beside this one while replicas are replaced: they are left to it.
_KNOWN = table.c.kind.in_(list(ReportKind)), table.c.group_by.in_([by.value for by in GroupBy])


def add_report(
    tx: Transaction,
    *,
    team_id: str,
    place: str,
    app_id: str,
    app_name: str,
    which: str,
    by: GroupBy,
    schedule: str,
    tz: str,
    quiet: bool,
    created_by: str,
    due_at: datetime,
    kind: ReportKind = ReportKind.DOWNLOADS,
    horizon_days: int = 0,
) -> ScheduledReport:
    """Save a digest whose first stretch begins now, and return it; the same one asked for again is made anew."""
    facts = {
        "team_id": team_id,
        "app_name": app_name,
        "tz": tz,
        "skip_if_empty": quiet,
        "created_by": created_by,
        "created_at": db_now(),
        "reported_until": db_now(),
        "due_at": due_at,
        "lease_until": sa.literal(0, sa.BigInteger),
        "lease_token": None,
        "paused": None,
        "kind": kind,
        "horizon_days": horizon_days,
    }
    same = {"target_id": place, "app_id": app_id, "build_ref": which, "group_by": by.value, "schedule": schedule}
    insert = tx.insert(table).values(**same, **facts)
    upsert = insert.on_conflict_do_update(index_elements=list(same), set_=facts).returning(*_COLUMNS)
    digest = digest_of(tx.execute(upsert).one())
    tx.notify(Topic.SCHEDULED_REPORTS)
    return digest


def list_reports(tx: Transaction, places: Collection[str]) -> list[ScheduledReport]:
    """Return the digests of some channels or people, oldest first; paused ones too."""
    query = sa.select(*_COLUMNS).where(table.c.target_id.in_(places), *_KNOWN).order_by(table.c.id)
    return [digest_of(row) for row in tx.execute(query)]


def list_paused_reports(tx: Transaction) -> list[ScheduledReport]:
    """Return the digests that are paused for any reason, oldest first."""
    query = sa.select(*_COLUMNS).where(
        table.c.paused.is_not(None), *_KNOWN
    )  # in no order, or SQLite would read them all
    return sorted((digest_of(row) for row in tx.execute(query)), key=lambda digest: digest.id)


def get_report(tx: Transaction, number: int) -> ScheduledReport | None:
    """Return the digest of this number."""
    query = sa.select(*_COLUMNS).where(table.c.id == number, *_KNOWN)
    row = tx.execute(query).first()
    return None if row is None else digest_of(row)


def end_report(tx: Transaction, number: int) -> tuple[ScheduledReport, str] | None:
    """End a digest, and return it with the key to undo that; None if there is none of this number."""
    row = tx.execute(sa.delete(table).where(table.c.id == number, *_KNOWN).returning(*_COLUMNS)).first()
    if row is None:
        return None
    removed = digest_of(row)
    return removed, drafts.save_draft(tx, msgspec.json.encode(removed).decode())


def get_ended_report(tx: Transaction, key: str) -> ScheduledReport | None:
    """Return the digest that ended under this key; None when it is too old to be restored."""
    saved = drafts.get_draft(tx, key)
    return None if saved is None else _reports.decode(saved)


def restore_report(tx: Transaction, report: ScheduledReport, due_at: datetime) -> ScheduledReport | None:
    """Restore a digest that ended, due at another time (aware); None when there is one like it by now."""
    facts = msgspec.structs.asdict(report)
    facts |= {"due_at": due_at, "paused": None, "lease_until": sa.literal(0, sa.BigInteger), "lease_token": None}
    if get_report(tx, report.id) is not None:  # SQLite has given its number away
        del facts["id"]
    insert = tx.insert(table).values(**facts).on_conflict_do_nothing().returning(*_COLUMNS)
    row = tx.execute(insert).first()
    tx.notify(Topic.SCHEDULED_REPORTS)
    return None if row is None else digest_of(row)


_reports = msgspec.json.Decoder(ScheduledReport)


def pause_reports(
    tx: Transaction, reason: str, *, place: str | None = None, number: int | None = None
) -> list[ScheduledReport]:
    """Stop the digests of a place, or one by its number, with the reason; returns those that were not stopped."""
    which = table.c.target_id == place if number is None else table.c.id == number
    update = sa.update(table).where(which, table.c.paused.is_(None), *_KNOWN).values(paused=reason).returning(*_COLUMNS)
    return [digest_of(row) for row in tx.execute(update)]


# -------------------------------------------------------------- their turn


def lease_due_reports(tx: Transaction, most: int, lease_seconds: float) -> list[tuple[ScheduledReport, str]]:
    """Lease reports that are due; each has the token that ends the lease. An expired lease may be taken again."""
    token = fresh_token()
    query = sa.select(*_COLUMNS).where(table.c.lease_token == token).order_by(table.c.due_at, table.c.id)
    tx.execute(_LEASE, token=token, lease=span(lease_seconds), far=far(lease_seconds), most=most)
    return [(digest_of(row), token) for row in tx.execute(query)]


def enqueue_report(
    tx: Transaction, digest: ScheduledReport, token: str, *, until: datetime, next_at: datetime, fact: str | None
) -> bool:
    """Move a digest on, and write down what is to be said (None: nothing): all of it or none of it.

    `until` is where the next one begins. False, and nothing is done, when the lease was lost or it has ended.
    """
    update = (
        sa.update(table)
        .where(table.c.id == digest.id, table.c.lease_token == token)
        .values(reported_until=until, due_at=next_at, lease_token=None, lease_until=sa.literal(0, sa.BigInteger))
        .returning(table.c.id)
    )
    name = delivery_name(digest, until)
    row = {
        "channel": digest.target_id,
        "app": digest.app_id,
        "build": name,
        "event": ChannelNotice.SUMMARY,
        "fact": fact,
    }
    if tx.execute(update).first() is None:
        return False
    if fact is not None:
        rows = as_rows([{**row, "key": f"{digest.target_id}:{name}"}])
        tx.execute(_OPEN, rows=rows)
        tx.execute(_SAY, rows=rows)
        tx.notify(Topic.OUTBOX)
    return True


def list_reports_due_after(tx: Transaction, moment: datetime) -> list[ScheduledReport]:
    """Those that are not due before then (aware)."""
    query = (
        sa.select(*_COLUMNS).where(table.c.due_at > moment, table.c.paused.is_(None), *_KNOWN).order_by(table.c.due_at)
    )
    return [digest_of(row) for row in tx.execute(query)]


def reschedule_report(tx: Transaction, number: int, due_at: datetime, to: datetime) -> None:
    """Make one that is due at `due_at` due at another time (both aware), unless it was moved meanwhile."""
    update = sa.update(table).where(table.c.id == number, table.c.due_at == due_at).values(due_at=to)
    tx.execute(update)


def release_report_leases(tx: Transaction, token: str | None = None) -> None:
    """Release the leases of one `lease_due_reports`; those of all for a database of one process, when that has just
    started.
    """
    free = {"lease_token": None, "lease_until": sa.literal(0, sa.BigInteger)}
    which = table.c.lease_token.is_not(None) if token is None else table.c.lease_token == token
    tx.execute(sa.update(table).where(which).values(free))
    tx.notify(Topic.SCHEDULED_REPORTS)


def report_due_in(tx: Transaction) -> float | None:
    """Seconds until a digest is due or a lease lapses; 0 if one is due now, None if there is none."""
    wait = tx.execute(_DUE_IN, far=far()).scalar()
    return None if wait is None else max(0.0, int(wait) / 1e6)


def digest_of(row: sa.Row[Any]) -> ScheduledReport:
    """Return a row of the table as our noun."""
    known = {name: value for name, value in row._mapping.items() if name in ScheduledReport.__struct_fields__}
    return ScheduledReport(**{**known, "group_by": GroupBy(known["group_by"])})


_LEASE = written("""
    UPDATE scheduled_reports SET lease_token = :token, lease_until = {now} + :lease
    WHERE id IN (
        SELECT id FROM scheduled_reports
        WHERE due_at <= {now} AND (lease_until <= {now} OR lease_until > {now} + :far) AND paused IS NULL
            AND kind IN {report_kinds} AND group_by IN {report_groups}
        ORDER BY due_at LIMIT :most {skip_locked}
    )
""")

# In the order of their times: what is leased is due and comes first, and is followed by what is due next.
_DUE_IN = written(f"""
    SELECT min(r.at) - {{now}} FROM (
        SELECT CASE WHEN lease_until > due_at AND lease_until <= {{now}} + :far THEN lease_until ELSE due_at END AS at
        FROM scheduled_reports WHERE paused IS NULL AND kind IN {{report_kinds}} AND group_by IN {{report_groups}}
        ORDER BY due_at LIMIT {LEASED_AT_ONCE}
    ) AS r
""")  # noqa: S608 - our own words

_NEW = JsonRows(
    "rows", {"channel": "text", "app": "text", "build": "text", "event": "text", "key": "text", "fact": "text"}
)

# The channel first: its row lock makes ids grow in the order in which a channel's announcements are committed.
_OPEN = written(
    """
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until)
    SELECT o.channel, true, 0, 0 FROM {rows} WHERE true
    ON CONFLICT (channel_id) DO UPDATE SET has_pending = true
    """,
    _NEW,
)

_SAY = written(
    """
    INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, payload, state, outcome_unknown, created_at,
        card_key, options)
    SELECT o.channel, o.app, o.build, o.event, o.key, o.fact, {delivery.DUE}, false, {now}, o.build, ''
    FROM {rows} WHERE true
    ON CONFLICT (channel_id, build_id, event) DO NOTHING
    """,
    _NEW,
)
