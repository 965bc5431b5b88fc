"""Last known state of the builds, and the transaction that changes it and enqueues the announcements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bot.db import outbox_enqueue, supersession
from bot.db.dialect_sql import JsonRows, as_rows, span, written
from bot.db.serialization import PLACES, RECORDED, facts_of, row_of
from bot.db.transaction import Transaction
from bot.db.types import moment
from bot.domain.builds import can_be_had
from bot.domain.model import Build, BuildEvent, BuildTransition, CurrentBuild, KnownBuild, NewDelivery, Stage


class PollRecord(Struct, frozen=True):
    """Result of `record_poll`: changed builds and number of new announcements; empty if the lease was lost."""

    moved: frozenset[str] = frozenset()
    announced: int = 0
    lease_lost: bool = False


def list_known(tx: Transaction, app_id: str, ids: Iterable[str] = ()) -> dict[str, KnownBuild]:
    """Return the builds of an app as last recorded: those with these ids, and all that are still processing."""
    rows = as_rows({"id": build_id} for build_id in sorted(set(ids)))
    result = tx.execute(_KNOWN, app=app_id, rows=rows)
    return {row.build_id: KnownBuild(Stage(row.stage), moment(row.since)) for row in result}


def find_edited(tx: Transaction, app_id: str, marks: Mapping[str, str]) -> set[str]:
    """Return which of these builds (id → hash of the listed text) were edited since they were last listed.

    A build without a stored hash gets one now, and is not returned.
    """
    rows = as_rows({"id": build_id, "mark": mark} for build_id, mark in marks.items())
    found_rows = tx.execute(_EDITED, app=app_id, rows=rows)
    if any(not row.content_hash for row in found_rows):
        tx.execute(_NOTE_MARKS, app=app_id, rows=rows)
    return {row.build_id for row in found_rows if row.content_hash}


def find_unlisted(tx: Transaction, app_id: str, listed: Iterable[str], *, whole: bool, most: int) -> list[str]:
    """Return builds on cards that a list of the newest builds lacks, newest first; `whole`: the list is complete.

    They may have been deleted in Applivery.
    """
    rows = as_rows({"id": build_id} for build_id in sorted(set(listed)))
    result = tx.execute(_UNLISTED, app=app_id, rows=rows, whole=whole, most=most)
    return list(result.scalars())


def record_poll(
    tx: Transaction,
    app_id: str,
    token: str | None,
    changes: Sequence[BuildTransition],
    announcements: Sequence[NewDelivery],
    *,
    next_at_seconds: float,
    baseline_done: bool = True,
    running: bool = False,
) -> PollRecord:
    """Record the result of a poll and enqueue its announcements, in one transaction.

    A build changes only if it is still in the stage it was read in. Only changes that are made here and are not silent
    are announced, in the given order, so repeating the call, or racing with another, changes nothing more. Edits of
    posted cards that are affected, also by a change of supersession, are enqueued. The lease ends: the app is due in
    `next_at_seconds`, or now if a webhook arrived meanwhile; `running` says whether a build is processing. With a lost
    lease (lapsed, or the subscriptions changed) nothing is recorded; the app is due already. Token None (no poll)
    leaves the app's schedule and baseline alone. Raises `DatabaseUnavailable`.
    """
    schedule = {"app": app_id, "token": token, "wait": span(next_at_seconds), "done": baseline_done, "running": running}
    if token is not None and not tx.execute(_SCHEDULE, **schedule).first():
        return PollRecord(lease_lost=True)
    places = _move_builds(tx, app_id, changes) if changes else {}
    moved = frozenset(places)
    loud = moved - {change.build.id for change in changes if change.quiet}
    deliveries = [new for new in announcements if new.build_id in loud]
    made = 0
    if moved:
        made = supersession.enqueue_with_supersession(
            tx, app_id, moved, deliveries, _made_known(deliveries, changes, places)
        )
    if told := [
        {"build": delivery.build_id, "user_id": delivery.channel_id} for delivery in deliveries if delivery.to_person
    ]:
        tx.execute(_WAIT_NO_MORE, rows=as_rows(told))
    return PollRecord(moved, made)


def _move_builds(tx: Transaction, app_id: str, changes: Sequence[BuildTransition]) -> dict[str, _Place]:
    """Change the builds that are still in the stage they were read in; return those, each with its order in time."""
    rows = {
        change.build.id: {**row_of(change.build, n, change.mark), "before": change.before}
        for n, change in enumerate(changes)
    }
    new = [row for row in rows.values() if row["before"] is None]
    moved: dict[str, _Place] = {}
    for statement, part in ((_INSERT, new), (_MOVE, [row for row in rows.values() if row["before"] is not None])):
        if part:
            for row in tx.execute(statement, app=app_id, rows=as_rows(part)):
                moved[row.build_id] = (moment(row.made_at), moment(row.seen_at))
    return moved


def enqueue_deliveries(
    tx: Transaction, app_id: str, announcements: Sequence[NewDelivery], builds: Sequence[Build] = ()
) -> int:
    """Enqueue deliveries that no change of a build has caused, each once; return how many were new.

    Builds without a record are recorded as given.
    """
    if builds:
        tx.execute(_INSERT, app=app_id, rows=as_rows(row_of(build, n) for n, build in enumerate(reversed(builds))))
    return outbox_enqueue.enqueue(tx, app_id, announcements)


def record_edits(tx: Transaction, builds: Sequence[Build], marks: Mapping[str, str]) -> None:
    """Record builds that were edited in Applivery, and enqueue the edits of their cards.

    Builds that changed stage since they were listed stay as they are.
    """
    rows = as_rows({"id": b.id, "stage": b.stage, "facts": facts_of(b), "mark": marks[b.id]} for b in builds)
    tx.execute(_REWRITE, rows=rows)
    outbox_enqueue.enqueue(tx, "", (), {build.id for build in builds})


def mark_deleted(tx: Transaction, app_id: str, build_id: str) -> None:
    """Mark a build as deleted in Applivery: its cards show it, and it supersedes no other build.

    It is not polled any more. Should it reappear, it is new, but announced only once.
    """
    gone = tx.execute(_FORGET, app=app_id, build=build_id).first()
    if gone:
        supersession.enqueue_with_supersession(tx, app_id, {build_id})
        tx.execute(_FORGET_PAGE, app=app_id)


_Place = tuple[datetime, datetime]


def _made_known(
    deliveries: Iterable[NewDelivery], changes: Iterable[BuildTransition], places: Mapping[str, _Place]
) -> list[CurrentBuild]:
    """Record that channels now show these ready builds, which supersede older builds there."""
    ready = {change.build.id: change.build for change in changes if can_be_had(change.build)}
    return [
        CurrentBuild(delivery.channel_id, ready[delivery.build_id], *places[delivery.build_id])
        for delivery in deliveries
        if delivery.event is BuildEvent.PROCESSED and delivery.build_id in ready and not delivery.to_person
    ]


_KNOWN = written(
    """
    SELECT b.build_id, b.stage, coalesce(nullif(b.since, 0), b.changed_at) AS since
    FROM {rows} JOIN builds b ON b.build_id = o.id WHERE NOT b.deleted
    UNION
    SELECT build_id, stage, coalesce(nullif(since, 0), changed_at) FROM builds
    WHERE app_id = :app AND stage IN ({stage.PENDING}, {stage.RUNNING}, {stage.UNKNOWN}) AND NOT deleted
    """,
    JsonRows("rows", {"id": "text"}),
)

_SCHEDULE = written("""
    UPDATE app_polls SET lease_token = NULL, lease_until = 0, failures = 0, last_polled_at = {now},
        next_poll_at = {now} + CASE WHEN poll_requested THEN 0 ELSE :wait END,
        baseline_done = baseline_done OR :done, running = :running, page_hash = :token
    WHERE app_id = :app AND lease_token = :token
    RETURNING app_id
""")

_UNLISTED = written(
    """
    SELECT b.build_id FROM builds b
    WHERE b.app_id = :app AND NOT b.deleted AND b.build_id NOT IN (SELECT o.id FROM {rows})
        AND b.made_at >= CASE WHEN :whole THEN 0 ELSE coalesce((
            SELECT min(l.made_at) FROM {rows} JOIN builds l ON l.build_id = o.id WHERE NOT l.deleted
        ), 0) END
        AND EXISTS (
            SELECT 1 FROM outbox a
            WHERE a.build_id = b.build_id AND a.state IN {said}
                AND (a.event || '') IN {card_events} AND substr(a.channel_id, 1, 1) NOT IN ('U', 'W')
        )
    ORDER BY b.made_at DESC LIMIT :most
    """,
    JsonRows("rows", {"id": "text"}),
)

# A build that Applivery processes again is in progress from now on; an unknown state does not restart it.
_MOVE = written(
    """
    UPDATE builds SET stage = o.stage, snapshot = o.facts, content_hash = o.mark, changed_at = {now},
        since = CASE WHEN builds.stage NOT IN ({stage.READY}, {stage.FAILED}) THEN builds.since
            WHEN o.stage IN ({stage.PENDING}, {stage.RUNNING}) THEN {now} ELSE builds.made_at END
    FROM {rows}
    WHERE builds.build_id = o.id AND NOT builds.deleted AND builds.stage = o.before AND o.stage <> o.before
    RETURNING builds.build_id, builds.made_at, builds.seen_at
    """,
    JsonRows("rows", {**RECORDED, "before": "text"}),
)

_INSERT = written(
    f"""
    INSERT INTO builds (build_id, app_id, stage, snapshot, deleted, changed_at, content_hash, made_at, seen_at, since)
    SELECT o.id, :app, o.stage, o.facts, false, {{now}}, o.mark, {PLACES} FROM {{rows}} WHERE true ORDER BY o.n
    ON CONFLICT (build_id) DO UPDATE SET
        stage = excluded.stage, snapshot = excluded.snapshot, deleted = false, changed_at = excluded.changed_at,
        content_hash = excluded.content_hash
        WHERE builds.deleted
    RETURNING build_id, made_at, seen_at
    """,  # noqa: S608 - no user input
    JsonRows("rows", RECORDED),
)

_MARKS = JsonRows("rows", {"id": "text", "mark": "text"})

# CROSS JOIN fixes SQLite's join order, which otherwise reads all builds an app ever had, and the whole list for each.
# https://www.sqlite.org/optoverview.html#crossjoin
_EDITED = written(
    """
    SELECT b.build_id, b.content_hash FROM {rows} CROSS JOIN builds b
    WHERE b.build_id = o.id AND b.app_id = :app AND NOT b.deleted AND b.content_hash <> o.mark
    """,
    _MARKS,
)

_NOTE_MARKS = written(
    """
    UPDATE builds SET content_hash = (SELECT o.mark FROM {rows} WHERE o.id = builds.build_id)
    WHERE build_id IN (SELECT o.id FROM {rows}) AND app_id = :app AND content_hash = ''
    """,
    _MARKS,
)

_REWRITE = written(
    """
    UPDATE builds SET snapshot = o.facts, content_hash = o.mark FROM {rows}
    WHERE builds.build_id = o.id AND builds.stage = o.stage
    """,
    JsonRows("rows", {"id": "text", "stage": "text", "facts": "text", "mark": "text"}),
)

# The waiters' notifications are in the outbox now.
_WAIT_NO_MORE = written(
    """
    UPDATE build_waiters SET notified = true FROM {rows}
    WHERE build_waiters.build_id = o.build AND build_waiters.user_id = o.user_id
    """,
    JsonRows("rows", {"build": "text", "user_id": "text"}),
)

# Should the build be listed all the same, the full list is read again.
_FORGET_PAGE = written("UPDATE app_polls SET page_hash = '' WHERE app_id = :app")

_FORGET = written("""
    UPDATE builds SET deleted = true, stage = {stage.DELETED}
    WHERE app_id = :app AND build_id = :build AND stage <> {stage.DELETED}
    RETURNING build_id
""")
