"""Users who watch a build, with the location and last text of their progress message."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from bot.db import outbox_enqueue
from bot.db.dialect_sql import JsonRows, Statement, as_rows, soonest, span, written
from bot.db.serialization import build_of
from bot.db.transaction import Transaction
from bot.db.types import moment
from bot.db.wakeups import Topic
from bot.domain.model import Build, BuildEvent, NewDelivery
from bot.domain.states import WatchState

FURTHEST = span(660)  # ten minutes: the longest wait for Slack


class BuildWatch(Struct, frozen=True):
    """A user's progress message about a build; times are aware UTC.

    `channel` and `ts` are None until it is posted, `shown` is its last text. `build` is as last recorded, or as the
    user saw it; `seen_at` is the time of the last poll, None before the first.
    """

    build: Build
    user_id: str
    standing: WatchState
    started_at: datetime
    usual: timedelta | None
    channel: str | None
    ts: str | None
    shown: str
    alarmed: bool
    seen_at: datetime | None


def add_watch(tx: Transaction, build: Build, user_id: str, usual: timedelta | None) -> bool:
    """Add a progress message for a user who waits for the build; False when there is one already."""
    about = {"build": build.id, "app": build.app.id, "user": user_id}
    seconds = None if usual is None else usual.total_seconds()
    made = tx.execute(_FOLLOW, **about, usual=seconds).first() is not None
    tx.notify(Topic.BUILD_WATCHES)
    return made


def stop_watch(tx: Transaction, build_id: str, user_id: str) -> None:
    """Stop notifying this user of the build's progress and of its end."""
    about = {"build": build_id, "user": user_id}
    tx.execute(_STOP, **about)
    tx.execute(_STOP_WAITING, **about)


def list_watched_builds(tx: Transaction, user_id: str) -> list[tuple[Build, str | None]]:
    """Return the builds this user waits for, as last recorded or as the user saw them, newest watch first.

    Each comes with the channel in which the user asked.

    Builds that only another version of this program can read are left out.
    """
    found: list[tuple[Build, str | None]] = []
    for row in tx.execute(_WATCHED, user=user_id):
        with suppress(ValueError, TypeError):
            found.append((build_of(row.snapshot), row.channel_id))
    return found


def lease_due_watches(tx: Transaction, most: int, lease_seconds: float) -> list[BuildWatch]:
    """Lease progress messages that may have to change, until the lease ends or `record_shown` returns them.

    Builds that only another version of this program can read are left to that version.
    """
    taken = tx.execute(_TAKE, most=most, lease=span(lease_seconds), far=FURTHEST)
    rows = as_rows({"build": row.build_id, "who": row.user_id} for row in taken)
    watches = [_progress(row) for row in tx.execute(_READ, rows=rows)]
    return [watch for watch in watches if watch is not None]


def mark_post_attempted(tx: Transaction, watch: BuildWatch) -> bool:
    """Record that posting the message starts now; False when an earlier post has an unknown outcome."""
    return tx.execute(_ATTEMPT, **_key(watch)).first() is not None


def record_shown(tx: Transaction, watch: BuildWatch, channel: str, ts: str, text: str, *, again_in: float) -> None:
    """Record where the progress message is and what it shows; it is due again in `again_in` seconds."""
    _update_watch(tx, _SHOWN, watch, channel=channel, ts=ts, text=text, wait=span(again_in))


def postpone_watch(tx: Transaction, watch: BuildWatch, again_in: float) -> None:
    """Make the watch due again in `again_in` seconds, after Slack rejected the message."""
    _update_watch(tx, _PUT_OFF, watch, wait=span(again_in))


def release_watch(tx: Transaction, watch: BuildWatch) -> None:
    """Release the lease of a message whose update was interrupted; it is due now."""
    _update_watch(tx, _RELEASE, watch)
    tx.notify(Topic.BUILD_WATCHES)


def end_watch(tx: Transaction, watch: BuildWatch) -> None:
    """Stop updating the progress message; a user who waits for the build is still notified of its end."""
    _update_watch(tx, _END, watch)


def _update_watch(tx: Transaction, statement: Statement, watch: BuildWatch, **more: object) -> None:
    """Run an update; it changes nothing if the user started a new watch meanwhile."""
    tx.execute(statement, **_key(watch), **more)


def watch_due_in(tx: Transaction) -> float | None:
    """Return the seconds until a message may have to change; None without watches."""
    wait = tx.execute(_DUE_IN, far=FURTHEST).scalar()
    return None if wait is None else max(0.0, int(wait) / 1e6)


# -------------------------------------------------------------- new messages


def enqueue_stuck(tx: Transaction, watch: BuildWatch) -> None:
    """Notify the user once, in a new message (an edit notifies no one), that the build seems stuck."""
    if tx.execute(_STUCK, **_key(watch)).first() is not None:
        new = NewDelivery(watch.user_id, watch.build.id, BuildEvent.STUCK)
        outbox_enqueue.enqueue(tx, watch.build.app.id, [new])


def enqueue_deleted(tx: Transaction, app_id: str, build_id: str) -> None:
    """Notify all users who watch a build, once, that it was deleted, and end their watches."""
    _enqueue_end(tx, app_id, build_id, BuildEvent.DELETED, WatchState.DELETED)


def enqueue_given_up(tx: Transaction, app_id: str, build_id: str, user_id: str | None = None) -> None:
    """Notify all users who watch a build (or only this one), once, that it may never end; end their watches."""
    _enqueue_end(tx, app_id, build_id, BuildEvent.GIVEN_UP, WatchState.GIVEN_UP, user_id=user_id)


def _enqueue_end(
    tx: Transaction, app_id: str, build_id: str, event: BuildEvent, standing: WatchState, *, user_id: str | None = None
) -> None:
    about = {"app": app_id, "build": build_id}
    waited = sorted(tx.execute(_WAIT_NO_MORE, **about, user=user_id).scalars())
    if waited:
        tx.execute(_REMEMBER, **about)  # the message needs the build's name
        rows = as_rows({"user_id": user} for user in waited)
        result = tx.execute(_TOLD_BEFORE, build=build_id, event=str(event), rows=rows)
        new = [NewDelivery(row.user_id, build_id, event, part=row.times) for row in result]
        outbox_enqueue.enqueue(tx, app_id, sorted(new, key=lambda delivery: delivery.channel_id))
        tx.execute(_END_SHOWING, **about, standing=str(standing), rows=rows)


def _key(watch: BuildWatch) -> dict[str, object]:
    return {"build": watch.build.id, "user": watch.user_id, "started": watch.started_at}


def _progress(row: Any) -> BuildWatch | None:
    try:
        return BuildWatch(
            build=build_of(row.snapshot),
            user_id=row.user_id,
            standing=WatchState(row.state),
            started_at=moment(row.started_at),
            usual=None if row.expected_seconds is None else timedelta(seconds=row.expected_seconds),
            channel=row.channel,
            ts=row.ts,
            shown=row.last_text,
            alarmed=bool(row.stuck_notified),
            seen_at=None if row.seen_at is None else moment(row.seen_at),
        )
    except (ValueError, TypeError):
        return None


# The user does not know what was recorded after the request, whose time is in the waiter's row.
_FOLLOW = written("""
    INSERT INTO build_watches
        (build_id, user_id, app_id, state, started_at, expected_seconds, last_text, post_attempted,
        stuck_notified, due_at)
    SELECT w.build_id, w.user_id, :app, {watch.OPEN}, w.asked_at,
        CAST(:usual AS double precision), '', false, false, {now}
    FROM build_waiters w WHERE w.build_id = :build AND w.user_id = :user
    ON CONFLICT (build_id, user_id) DO UPDATE SET
        state = {watch.OPEN}, started_at = excluded.started_at, expected_seconds = excluded.expected_seconds,
        channel = NULL, ts = NULL, last_text = '', post_attempted = false, stuck_notified = false,
        due_at = excluded.due_at
        WHERE build_watches.state <> {watch.OPEN}
    RETURNING user_id
""")

_STOP = written("""
    UPDATE build_watches SET state = {watch.STOPPED}
    WHERE build_id = :build AND user_id = :user AND state = {watch.OPEN}
""")

_WATCHED = written("""
    SELECT coalesce(CASE WHEN b.changed_at >= w.asked_at THEN b.snapshot END, w.snapshot) AS snapshot, w.channel_id
    FROM build_waiters w LEFT JOIN builds b ON b.build_id = w.build_id
    WHERE w.user_id = :user AND NOT w.notified ORDER BY w.asked_at DESC, w.build_id
""")

_STOP_WAITING = written("UPDATE build_waiters SET notified = true WHERE build_id = :build AND user_id = :user")

# `+` keeps the planner from ordering by the index, which would read all rows that are not due.
_TAKE = written("""
    WITH due AS MATERIALIZED (
        SELECT build_id, user_id FROM build_watches WHERE due_at <= {now} OR due_at > {now} + :far
        ORDER BY +due_at, build_id, user_id LIMIT :most {skip_locked}
    )
    UPDATE build_watches SET due_at = {now} + :lease WHERE (build_id, user_id) IN (SELECT build_id, user_id FROM due)
    RETURNING build_id, user_id
""")

# A record from before the request is older than what the user saw.
_READ = written(
    """
    SELECT p.user_id, p.state, p.started_at, p.expected_seconds, p.channel, p.ts, p.last_text, p.stuck_notified,
        coalesce(CASE WHEN b.changed_at >= p.started_at THEN b.snapshot END, w.snapshot) AS snapshot,
        CASE WHEN b.build_id IS NOT NULL THEN a.last_polled_at END AS seen_at
    FROM {rows}
    JOIN build_watches p ON p.build_id = o.build AND p.user_id = o.who
    LEFT JOIN build_waiters w ON w.build_id = p.build_id AND w.user_id = p.user_id
    LEFT JOIN builds b ON b.build_id = p.build_id
    LEFT JOIN app_polls a ON a.app_id = p.app_id
    """,
    JsonRows("rows", {"build": "text", "who": "text"}),
)

_ATTEMPT = written("""
    UPDATE build_watches SET post_attempted = true
    WHERE build_id = :build AND user_id = :user AND started_at = :started AND NOT post_attempted RETURNING user_id
""")

_STUCK = written("""
    UPDATE build_watches SET stuck_notified = true
    WHERE build_id = :build AND user_id = :user AND started_at = :started AND NOT stuck_notified RETURNING user_id
""")

_SHOWN = written("""
    UPDATE build_watches SET channel = :channel, ts = :ts, last_text = :text, due_at = {now} + :wait
    WHERE build_id = :build AND user_id = :user AND started_at = :started
""")

_PUT_OFF = written("""
    UPDATE build_watches SET post_attempted = (ts IS NOT NULL), due_at = {now} + :wait
    WHERE build_id = :build AND user_id = :user AND started_at = :started
""")

_RELEASE = written("""
    UPDATE build_watches SET due_at = {now} WHERE build_id = :build AND user_id = :user AND started_at = :started
""")

_END = written("DELETE FROM build_watches WHERE build_id = :build AND user_id = :user AND started_at = :started")

_DUE_IN = written(soonest("build_watches", "due_at"))

_WAIT_NO_MORE = written("""
    UPDATE build_waiters SET notified = true
    WHERE app_id = :app AND build_id = :build AND NOT notified AND (CAST(:user AS text) IS NULL OR user_id = :user)
    RETURNING user_id
""")

# A build that was deleted before the first poll is known only from the watch.
_REMEMBER = written("""
    INSERT INTO builds (build_id, app_id, stage, snapshot, deleted, changed_at, content_hash, made_at, seen_at, since)
    SELECT build_id, app_id, {stage.PENDING}, snapshot, true, {now}, '', {now}, {now}, {now} FROM build_waiters
    WHERE app_id = :app AND build_id = :build AND snapshot IS NOT NULL ORDER BY asked_at DESC LIMIT 1
    ON CONFLICT (build_id) DO NOTHING
""")

# A user who waits again for a build that is processed again is notified of its end again.
_TOLD_BEFORE = written(
    """
    SELECT o.user_id, count(a.id) AS times FROM {rows}
    LEFT JOIN outbox a ON a.channel_id = o.user_id AND a.build_id = :build
        AND (a.event = :event OR a.event LIKE CAST(:event AS text) || ':%')
    GROUP BY o.user_id
    """,
    JsonRows("rows", {"user_id": "text"}),
)

_END_SHOWING = written(
    """
    UPDATE build_watches SET state = :standing
    WHERE app_id = :app AND build_id = :build AND state = {watch.OPEN} AND user_id IN (SELECT o.user_id FROM {rows})
    """,
    JsonRows("rows", {"user_id": "text"}),
)
