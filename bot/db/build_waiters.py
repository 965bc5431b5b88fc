"""Users who are notified when the processing of a build ends."""

from __future__ import annotations

from datetime import datetime

from bot.db.database_info import current_time
from bot.db.dialect_sql import written
from bot.db.serialization import facts_of
from bot.db.transaction import Transaction
from bot.db.wakeups import Topic
from bot.domain.model import Build


def add_waiter(tx: Transaction, build: Build, team_id: str, user_id: str, channel_id: str | None = None) -> None:
    """Notify this user, who asked in this channel, when the build is processed; start polling its app."""
    about = {"build": build.id, "app": build.app.id, "snapshot": facts_of(build)}
    tx.execute(_WAIT, **about, user=user_id, team=team_id, channel=channel_id)
    tx.execute(_FOLLOW, app=build.app.id)
    tx.notify(Topic.APP_POLLS)


def list_waiters(tx: Transaction, app_id: str) -> dict[str, list[str]]:
    """Return the users who wait for builds of an app: user ids by build id."""
    found: dict[str, list[str]] = {}
    for row in tx.execute(_WAITING, app=app_id):
        found.setdefault(row.build_id, []).append(row.user_id)
    return found


def list_waiters_now(tx: Transaction, app_id: str) -> tuple[datetime, dict[str, list[str]]]:
    """Return the database's time (UTC) and the result of `list_waiters`."""
    return current_time(tx), list_waiters(tx, app_id)


def get_waiter_channel(tx: Transaction, build_id: str, user_id: str) -> str | None:
    """Return the channel in which this user asked to be notified of the build; None for direct messages."""
    found: str | None = tx.execute(_CHANNEL, build=build_id, user=user_id).scalar()
    return found


def remove_waiter(tx: Transaction, build_id: str, user_id: str | None = None) -> bool:
    """Remove all waiters of a build, or only this user; False when there were none."""
    return tx.execute(_DONE, build=build_id, user=user_id).first() is not None


_WAIT = written("""
    INSERT INTO build_waiters (build_id, user_id, team_id, app_id, snapshot, channel_id, asked_at, notified)
    VALUES (:build, :user, :team, :app, :snapshot, :channel, {now}, false)
    ON CONFLICT (build_id, user_id) DO UPDATE SET team_id = excluded.team_id, app_id = excluded.app_id,
        snapshot = excluded.snapshot, channel_id = excluded.channel_id, asked_at = excluded.asked_at, notified = false
""")

_CHANNEL = written("SELECT channel_id FROM build_waiters WHERE build_id = :build AND user_id = :user")

_DONE = written("""
    UPDATE build_waiters SET notified = true
    WHERE build_id = :build AND NOT notified AND (CAST(:user AS text) IS NULL OR user_id = :user)
    RETURNING user_id
""")

_WAITING = written("SELECT build_id, user_id FROM build_waiters WHERE app_id = :app AND NOT notified ORDER BY asked_at")

_FOLLOW = written("""
    INSERT INTO app_polls (app_id, next_poll_at, lease_until, poll_requested, baseline_done, history_before, failures)
    VALUES (:app, {now}, 0, false, false, NULL, 0)
    ON CONFLICT (app_id) DO UPDATE SET next_poll_at = excluded.next_poll_at, poll_requested = true
""")
