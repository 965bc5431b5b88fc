"""Scheduled reports: owners, schedules, leases, and the transaction that enqueues one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from bot.db import drafts
from bot.db.connect import fresh_token
from bot.db.dialect_sql import JsonRows, Statement, as_rows, far, span, written
from bot.db.transaction import Transaction
from bot.db.types import moment
from bot.db.wakeups import Topic
from bot.domain.downloads import GroupBy
from bot.domain.model import ChannelNotice, ReportKind
from bot.domain.scheduled_reports import ScheduledReport, delivery_name

LEASED_AT_ONCE = 100  # reports that all replicas together may be creating

COLUMNS = ", ".join(ScheduledReport.__struct_fields__)
# Other kinds belong to a newer version, which runs beside this one during a rolling update.
_KNOWN = "kind IN {report_kinds} AND group_by IN {report_groups}"


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
    """Save a report whose first period begins now, and return it; an equal report is replaced."""
    facts = {
        "team_id": team_id,
        "app_name": app_name,
        "tz": tz,
        "skip_if_empty": quiet,
        "created_by": created_by,
        "due_at": due_at,
        "kind": kind,
        "horizon_days": horizon_days,
    }
    same = {"target_id": place, "app_id": app_id, "build_ref": which, "group_by": by.value, "schedule": schedule}
    digest = scheduled_report_of(tx.execute(_ADD, **same, **facts).one())
    tx.notify(Topic.SCHEDULED_REPORTS)
    return digest


def list_reports(tx: Transaction, places: Collection[str]) -> list[ScheduledReport]:
    """Return the reports of some channels or users, oldest first, paused ones included."""
    rows = as_rows({"place": place} for place in sorted(set(places)))
    return [scheduled_report_of(row) for row in tx.execute(_OF_PLACES, rows=rows)]


def list_paused_reports(tx: Transaction) -> list[ScheduledReport]:
    """Return the reports that are paused for any reason, oldest first."""
    return sorted((scheduled_report_of(row) for row in tx.execute(_PAUSED)), key=lambda digest: digest.id)


def get_report(tx: Transaction, number: int) -> ScheduledReport | None:
    """Return the report with this number."""
    row = tx.execute(_REPORT, id=number).first()
    return None if row is None else scheduled_report_of(row)


def end_report(tx: Transaction, number: int) -> tuple[ScheduledReport, str] | None:
    """Delete a report, and return it with the key to undo that; None if there is none with this number."""
    row = tx.execute(_END, id=number).first()
    if row is None:
        return None
    removed = scheduled_report_of(row)
    return removed, drafts.save_draft(tx, msgspec.json.encode(removed).decode())


def get_ended_report(tx: Transaction, key: str) -> ScheduledReport | None:
    """Return the deleted report with this key; None when it is too old to be restored."""
    saved = drafts.get_draft(tx, key)
    return None if saved is None else _reports.decode(saved)


def restore_report(tx: Transaction, report: ScheduledReport, due_at: datetime) -> ScheduledReport | None:
    """Restore a deleted report, due at another time (aware); None when an equal one exists by now."""
    is_taken = get_report(tx, report.id) is not None  # SQLite has reused its number
    facts = {**msgspec.structs.asdict(report), "due_at": due_at}
    row = tx.execute(_RESTORE_ANEW if is_taken else _RESTORE, **facts).first()
    tx.notify(Topic.SCHEDULED_REPORTS)
    return None if row is None else scheduled_report_of(row)


_reports = msgspec.json.Decoder(ScheduledReport)


def pause_reports(
    tx: Transaction, reason: str, *, place: str | None = None, number: int | None = None
) -> list[ScheduledReport]:
    """Pause the reports of a channel or user, or one by its number; return those that were not paused before."""
    if number is None:
        paused = tx.execute(_PAUSE_PLACE, place=place, reason=reason)
    else:
        paused = tx.execute(_PAUSE, id=number, reason=reason)
    return [scheduled_report_of(row) for row in paused]


# -------------------------------------------------------------- scheduling


def lease_due_reports(tx: Transaction, most: int, lease_seconds: float) -> list[tuple[ScheduledReport, str]]:
    """Lease reports that are due; each has the token that ends the lease. An expired lease may be taken again."""
    token = fresh_token()
    tx.execute(_LEASE, token=token, lease=span(lease_seconds), far=far(lease_seconds), most=most)
    return [(scheduled_report_of(row), token) for row in tx.execute(_LEASED, token=token)]


def enqueue_report(
    tx: Transaction, digest: ScheduledReport, token: str, *, until: datetime, next_at: datetime, fact: str | None
) -> bool:
    """Advance a report to its next period and enqueue its message (None: no message), in one transaction.

    `until` is where the next period begins. Change nothing and return False when the lease was lost or the report was
    deleted.
    """
    name = delivery_name(digest, until)
    row = {
        "channel": digest.target_id,
        "app": digest.app_id,
        "build": name,
        "event": ChannelNotice.SUMMARY,
        "fact": fact,
    }
    if tx.execute(_MOVE_ON, id=digest.id, token=token, until=until, due_at=next_at).first() is None:
        return False
    if fact is not None:
        rows = as_rows([{**row, "key": f"{digest.target_id}:{name}"}])
        tx.execute(_OPEN, rows=rows)
        tx.execute(_SAY, rows=rows)
        tx.notify(Topic.OUTBOX)
    return True


def list_reports_due_after(tx: Transaction, moment: datetime) -> list[ScheduledReport]:
    """Return the reports that are not due before a time (aware)."""
    return [scheduled_report_of(row) for row in tx.execute(_DUE_AFTER, moment=moment)]


def reschedule_report(tx: Transaction, number: int, due_at: datetime, to: datetime) -> None:
    """Change when a report is due (both aware), unless it was rescheduled meanwhile."""
    tx.execute(_RESCHEDULE, id=number, due_at=due_at, to=to)


def release_report_leases(tx: Transaction, token: str | None = None) -> None:
    """Release the leases under one token; without a token all of them, when the only process starts."""
    if token is None:
        tx.execute(_RELEASE_ALL)
    else:
        tx.execute(_RELEASE_THESE, token=token)
    tx.notify(Topic.SCHEDULED_REPORTS)


def report_due_in(tx: Transaction) -> float | None:
    """Return the seconds until a report is due or a lease lapses; 0 if one is due now, None if there is none."""
    wait = tx.execute(_DUE_IN, far=far()).scalar()
    return None if wait is None else max(0.0, int(wait) / 1e6)


def scheduled_report_of(row: Any) -> ScheduledReport:
    """Return the report in a row of the table."""
    return ScheduledReport(
        id=row.id,
        team_id=row.team_id,
        target_id=row.target_id,
        app_id=row.app_id,
        app_name=row.app_name,
        build_ref=row.build_ref,
        group_by=GroupBy(row.group_by),
        schedule=row.schedule,
        tz=row.tz,
        skip_if_empty=bool(row.skip_if_empty),
        created_by=row.created_by,
        created_at=moment(row.created_at),
        reported_until=moment(row.reported_until),
        due_at=moment(row.due_at),
        paused=row.paused,
        kind=ReportKind(row.kind),
        horizon_days=row.horizon_days,
    )


_ADD = written(f"""
    INSERT INTO scheduled_reports (team_id, target_id, app_id, app_name, build_ref, group_by, schedule, tz,
        skip_if_empty, created_by, created_at, reported_until, due_at, lease_until, kind, horizon_days)
    VALUES (:team_id, :target_id, :app_id, :app_name, :build_ref, :group_by, :schedule, :tz,
        :skip_if_empty, :created_by, {{now}}, {{now}}, :due_at, 0, :kind, :horizon_days)
    ON CONFLICT (target_id, app_id, build_ref, group_by, schedule) DO UPDATE SET
        team_id = excluded.team_id, app_name = excluded.app_name, tz = excluded.tz,
        skip_if_empty = excluded.skip_if_empty, created_by = excluded.created_by, created_at = excluded.created_at,
        reported_until = excluded.reported_until, due_at = excluded.due_at, lease_until = 0, lease_token = NULL,
        paused = NULL, kind = excluded.kind, horizon_days = excluded.horizon_days
    RETURNING {COLUMNS}
""")  # noqa: S608 - no user input

_OF_PLACES = written(
    f"""
    SELECT {COLUMNS} FROM scheduled_reports
    WHERE target_id IN (SELECT o.place FROM {{rows}}) AND {_KNOWN} ORDER BY id
    """,  # noqa: S608 - no user input
    JsonRows("rows", {"place": "text"}),
)

# Unordered, or SQLite would read all rows.
_PAUSED = written(f"SELECT {COLUMNS} FROM scheduled_reports WHERE paused IS NOT NULL AND {_KNOWN}")  # noqa: S608 - no user input

_REPORT = written(f"SELECT {COLUMNS} FROM scheduled_reports WHERE id = :id AND {_KNOWN}")  # noqa: S608 - no user input

_END = written(f"DELETE FROM scheduled_reports WHERE id = :id AND {_KNOWN} RETURNING {COLUMNS}")  # noqa: S608 - no user input


def _restoring(number: str, value: str) -> Statement:
    return written(f"""
        INSERT INTO scheduled_reports ({number} team_id, target_id, app_id, app_name, build_ref, group_by, schedule, tz,
            skip_if_empty, created_by, created_at, reported_until, due_at, lease_until, kind, horizon_days)
        VALUES ({value} :team_id, :target_id, :app_id, :app_name, :build_ref, :group_by, :schedule, :tz,
            :skip_if_empty, :created_by, :created_at, :reported_until, :due_at, 0, :kind, :horizon_days)
        ON CONFLICT DO NOTHING RETURNING {COLUMNS}
    """)  # noqa: S608 - no user input


_RESTORE, _RESTORE_ANEW = _restoring("id,", ":id,"), _restoring("", "")

_PAUSE_THESE = f"""
    UPDATE scheduled_reports SET paused = :reason WHERE {{which}} AND paused IS NULL AND {_KNOWN} RETURNING {COLUMNS}
"""  # noqa: S608 - no user input
_PAUSE = written(_PAUSE_THESE.replace("{which}", "id = :id"))
_PAUSE_PLACE = written(_PAUSE_THESE.replace("{which}", "target_id = :place"))

_LEASED = written(f"SELECT {COLUMNS} FROM scheduled_reports WHERE lease_token = :token ORDER BY due_at, id")  # noqa: S608 - no user input

_MOVE_ON = written("""
    UPDATE scheduled_reports SET reported_until = :until, due_at = :due_at, lease_token = NULL, lease_until = 0
    WHERE id = :id AND lease_token = :token RETURNING id
""")

_DUE_AFTER = written(f"""
    SELECT {COLUMNS} FROM scheduled_reports WHERE due_at > :moment AND paused IS NULL AND {_KNOWN} ORDER BY due_at
""")  # noqa: S608 - no user input

_RESCHEDULE = written("UPDATE scheduled_reports SET due_at = :to WHERE id = :id AND due_at = :due_at")

_RELEASE_THESE = written("UPDATE scheduled_reports SET lease_token = NULL, lease_until = 0 WHERE lease_token = :token")

_RELEASE_ALL = written("""
    UPDATE scheduled_reports SET lease_token = NULL, lease_until = 0 WHERE lease_token IS NOT NULL
""")

_LEASE = written("""
    UPDATE scheduled_reports SET lease_token = :token, lease_until = {now} + :lease
    WHERE id IN (
        SELECT id FROM scheduled_reports
        WHERE due_at <= {now} AND (lease_until <= {now} OR lease_until > {now} + :far) AND paused IS NULL
            AND kind IN {report_kinds} AND group_by IN {report_groups}
        ORDER BY due_at LIMIT :most {skip_locked}
    )
""")

# Ordered by time: leased reports are due and come first, followed by the report that is due next.
_DUE_IN = written(f"""
    SELECT min(r.at) - {{now}} FROM (
        SELECT CASE WHEN lease_until > due_at AND lease_until <= {{now}} + :far THEN lease_until ELSE due_at END AS at
        FROM scheduled_reports WHERE paused IS NULL AND kind IN {{report_kinds}} AND group_by IN {{report_groups}}
        ORDER BY due_at LIMIT {LEASED_AT_ONCE}
    ) AS r
""")  # noqa: S608 - no user input

_NEW = JsonRows(
    "rows", {"channel": "text", "app": "text", "build": "text", "event": "text", "key": "text", "fact": "text"}
)

# Lock the channel first, so that ids grow in the order in which its announcements are committed.
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
