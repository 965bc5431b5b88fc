"""Users who are notified when a build has ended."""

from __future__ import annotations

import sqlalchemy as sa

from bot.db.dialect_sql import written
from bot.db.schema import build_waiters as table
from bot.db.serialization import facts_of
from bot.db.transaction import Transaction
from bot.db.types import db_now
from bot.db.wakeups import Topic
from bot.domain.model import Build


def add_waiter(tx: Transaction, build: Build, team_id: str, user_id: str, channel_id: str | None = None) -> None:
    """Tell this person, who asked in this channel, when the build has ended; its app is watched from now on."""
    about = {"team_id": team_id, "app_id": build.app.id, "snapshot": facts_of(build), "channel_id": channel_id}
    values = {**about, "asked_at": db_now(), "notified": False}
    insert = tx.insert(table).values(build_id=build.id, user_id=user_id, **values)
    upsert = insert.on_conflict_do_update(index_elements=["build_id", "user_id"], set_=values)
    tx.execute(upsert)
    tx.execute(_FOLLOW, app=build.app.id)
    tx.notify(Topic.APP_POLLS)


def list_waiters(tx: Transaction, app_id: str) -> dict[str, list[str]]:
    """Return who waits for which build of an app: user ids by build id."""
    found: dict[str, list[str]] = {}
    for row in tx.execute(_WAITING, app=app_id):
        found.setdefault(row.build_id, []).append(row.user_id)
    return found


def get_waiter_channel(tx: Transaction, build_id: str, user_id: str) -> str | None:
    """Return the channel in which this user asked to be notified of the build; None for direct messages."""
    query = sa.select(table.c.channel_id).where(table.c.build_id == build_id, table.c.user_id == user_id)
    found: str | None = tx.execute(query).scalar()
    return found


def remove_waiter(tx: Transaction, build_id: str, user_id: str | None = None) -> bool:
    """Remove all waiters of a build, or this user; False when there were none."""
    which = (table.c.build_id == build_id) & ~table.c.notified
    if user_id is not None:
        which &= table.c.user_id == user_id
    done = sa.update(table).where(which).values(notified=True).returning(table.c.user_id)
    return tx.execute(done).first() is not None


_WAITING = written("SELECT build_id, user_id FROM build_waiters WHERE app_id = :app AND NOT notified ORDER BY asked_at")

_FOLLOW = written("""
    INSERT INTO app_polls (app_id, next_poll_at, lease_until, poll_requested, baseline_done, history_before, failures)
    VALUES (:app, {now}, 0, false, false, NULL, 0)
    ON CONFLICT (app_id) DO UPDATE SET next_poll_at = excluded.next_poll_at, poll_requested = true
""")
