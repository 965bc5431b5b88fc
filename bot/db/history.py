"""Delete rows after HISTORY_DAYS or a day, a few at a time, except those of cards that can still change.

Each function is one transaction that reads a bounded number of rows: the oldest, by an index. Rows that may have to
stay are paged through: the next transaction continues from a position.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bot.db.dialect_sql import SKEW_SECONDS, Statement, span, written
from bot.db.transaction import Transaction

DAY = 86_400.0
ROWS = 100  # deleted per table at most; a transaction ends after the table that reaches it, to stay short
NEWEST = 200  # builds of each app that are never deleted: Applivery still lists them, and they must not look new
APP = 10  # cost of finding an app's oldest build to keep, in rows


class PurgedAnnouncements(NamedTuple):
    """The number of deleted rows and the position of the last row read; None without older rows after it."""

    rows: int
    position: int | None


class BuildPosition(NamedTuple):
    """All builds of the apps up to `app_id` were read, and those of the next app up to this build."""

    app_id: str = ""
    made_at: int = -1
    build_id: str = ""


class PurgedBuilds(NamedTuple):
    """The number of deleted rows and the next position; None when all apps were read."""

    rows: int
    position: BuildPosition | None


def purge_day(tx: Transaction) -> int:
    """Delete some of the rows that are not needed after a day; return how many, 0 when none is left."""
    return _purge(tx, _OF_A_DAY, DAY)


def purge_history(tx: Transaction, days: float) -> int:
    """Delete some rows older than `days`, but no announcements and builds; return how many, 0 if none is left."""
    tx.execute(_DATE_VALUES)
    return _purge(tx, _OLD, days * DAY)


def purge_announcements(tx: Transaction, days: float, position: int = 0) -> PurgedAnnouncements:
    """Of the next `ROWS` announcements, delete those older than `days` whose card cannot change any more."""
    keep = span(days * DAY)
    window = tx.execute(_NEXT_ANNOUNCEMENTS, after=position, keep=keep, skew=span(SKEW_SECONDS)).one()
    if not window.old:
        return PurgedAnnouncements(0, None)
    values = {"after": position, "last": window.last, "keep": keep, "newest": NEWEST - 1}
    rows = len(tx.execute(_ANNOUNCEMENTS, **values))
    return PurgedAnnouncements(rows, window.last if window.looked == ROWS else None)


def purge_builds(
    tx: Transaction,
    days: float,
    position: BuildPosition = BuildPosition(),  # noqa: B008 - immutable
) -> PurgedBuilds:
    """Of the next builds, delete those older than `days`, not among the `NEWEST` of their app, and not referenced."""
    deleted, looked = 0, 0
    while looked < ROWS:
        app = tx.execute(_NEXT_APP, after=position.app_id, keep=span(days * DAY), newest=NEWEST - 1).one()
        if app.app_id is None:
            return PurgedBuilds(deleted, None)
        values = {"app": app.app_id, "before": -1 if app.oldest_kept is None else min(app.oldest_kept, app.before)}
        values |= {"at": position.made_at, "build": position.build_id}
        window = tx.execute(_NEXT_BUILDS, **values)
        if window:
            deleted += len(tx.execute(_BUILDS, last_at=window[-1].made_at, last=window[-1].build_id, **values))
        if len(window) == ROWS:
            return PurgedBuilds(deleted, position._replace(made_at=window[-1].made_at, build_id=window[-1].build_id))
        position = BuildPosition(app.app_id)
        looked += len(window) + APP
    return PurgedBuilds(deleted, position)


def _purge(tx: Transaction, statements: Iterable[Statement], seconds: float) -> int:
    """Delete rows older than `seconds`, up to `ROWS` per statement, until `ROWS` are deleted."""
    deleted = 0
    for statement in statements:
        deleted += len(tx.execute(statement, keep=span(seconds)))
        if deleted >= ROWS:
            break
    return deleted


def _some_of(table: str, condition: str, *key: str, by: str) -> Statement:
    """Return the statement that deletes up to `ROWS` rows (`t`) of a table, in the order of the column `by`.

    `key` is its primary key, `id` if none.
    """
    key = key or ("id",)
    picked = ", ".join(f"t.{column}" for column in key)
    return written(f"""
        DELETE FROM {table} WHERE ({", ".join(key)}) IN (
            SELECT {picked} FROM {table} t WHERE {condition} ORDER BY t.{by} LIMIT {ROWS}
        ) RETURNING {key[0]}
    """)  # noqa: S608 - no user input


def _old(table: str, column: str, *key: str, also: str = "") -> Statement:
    """Return the statement that deletes up to `ROWS` expired rows, oldest first."""
    return _some_of(table, f"t.{column} < {{now}} - :keep{also and f' AND {also}'}", *key, by=column)


def _not_today(table: str, column: str, *key: str, also: str = "") -> tuple[Statement, Statement]:
    """Return the statements that delete rows older than a day, and rows that a clock dated a day ahead.

    Two index ranges: with an OR, PostgreSQL would find all rows of both before it takes the first few.
    """
    ahead_or_not = (f"t.{column} <= {{now}} - :keep", f"t.{column} > {{now}} + :keep")
    old, ahead = (_some_of(table, f"{when}{also and f' AND {also}'}", *key, by=column) for when in ahead_or_not)
    return old, ahead


def _parts_of(parents: str, by: str, parts: str, *key: str, parent: str, also: str = "") -> Statement:
    """Return the statement that deletes up to `ROWS` rows that belong to the oldest `ROWS` rows of another table."""
    picked = ", ".join(f"p.{column}" for column in key)
    return written(f"""
        DELETE FROM {parts} WHERE ({", ".join(key)}) IN (
            SELECT {picked} FROM (
                SELECT t.id FROM {parents} t WHERE t.{by} < {{now}} - :keep{also and f" AND {also}"}
                ORDER BY t.{by} LIMIT {ROWS}
            ) o CROSS JOIN {parts} p WHERE p.{parent} = o.id LIMIT {ROWS}
        ) RETURNING {key[0]}
    """)  # noqa: S608 - no user input


def _none_in(parts: str, parent: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {parts} p WHERE p.{parent} = t.id)"  # noqa: S608 - no user input


# Ids grow with time: no old rows follow this many new ones.
_NEXT_ANNOUNCEMENTS = written(f"""
    SELECT count(*) AS looked, max(w.id) AS last,
        sum(CASE WHEN w.created_at < {{now}} - :keep OR w.created_at > {{now}} + :skew THEN 1 ELSE 0 END) AS old
    FROM (SELECT id, created_at FROM outbox WHERE id > :after ORDER BY id LIMIT {ROWS}) w
""")  # noqa: S608 - no user input

# A message in a channel stays as long as one of its announcements is new, waits, or is about a build that is not
# superseded and is among the newest of its app.
_STAYS = """(
    {a}.created_at >= {{now}} - :keep OR {a}.state IN {{waiting}} OR {a}.state = {{delivery.HELD}}
    OR ({a}.event = {{event.PROCESSED}} AND {a}.superseded_by IS NULL AND substr({a}.channel_id, 1, 1) NOT IN ('U', 'W')
        AND EXISTS (
            SELECT 1 FROM builds k WHERE k.build_id = {a}.build_id AND NOT k.deleted AND k.made_at >= coalesce((
                SELECT n.made_at FROM builds n WHERE n.app_id = k.app_id ORDER BY n.made_at DESC LIMIT 1 OFFSET :newest
            ), k.made_at)
        ))
)"""

_ANNOUNCEMENTS = written(f"""
    DELETE FROM outbox WHERE id IN (
        SELECT a.id FROM outbox a
        WHERE a.id > :after AND a.id <= :last AND a.created_at < {{now}} - :keep
            AND a.state IN ({{delivery.POSTED}}, {{delivery.FAILED}}, {{delivery.KNOWN}})
            AND CASE WHEN a.card_key = '' THEN NOT {_STAYS.format(a="a")} ELSE NOT EXISTS (
                SELECT 1 FROM outbox b WHERE b.channel_id = a.channel_id AND b.card_key = a.card_key
                    AND {_STAYS.format(a="b")}
            ) END
    ) RETURNING id
""")  # noqa: S608 - no user input

# An app's oldest build to keep is looked up only if its oldest build is too old.
_NEXT_APP = written("""
    SELECT a.app_id, {now} - :keep AS before,
        CASE WHEN (SELECT min(o.made_at) FROM builds o WHERE o.app_id = a.app_id) < {now} - :keep THEN (
            SELECT n.made_at FROM builds n WHERE n.app_id = a.app_id ORDER BY n.made_at DESC LIMIT 1 OFFSET :newest
        ) END AS oldest_kept
    FROM (SELECT min(app_id) AS app_id FROM builds WHERE app_id > :after) a
""")

_OF_APP = """
    b.app_id = :app AND b.made_at >= :at AND b.made_at < :before AND (b.made_at > :at OR b.build_id > :build)
"""

_NEXT_BUILDS = written(f"""
    SELECT b.made_at, b.build_id FROM builds b WHERE {_OF_APP} ORDER BY b.made_at, b.build_id LIMIT {ROWS}
""")  # noqa: S608 - no user input

_BUILDS = written(f"""
    DELETE FROM builds WHERE build_id IN (
        SELECT b.build_id FROM builds b
        WHERE {_OF_APP} AND b.made_at <= :last_at AND (b.made_at < :last_at OR b.build_id <= :last)
            AND NOT EXISTS (SELECT 1 FROM outbox a WHERE a.build_id = b.build_id)
            AND NOT EXISTS (SELECT 1 FROM recalls r WHERE r.build_id = b.build_id)
            AND NOT EXISTS (SELECT 1 FROM build_waiters w WHERE w.build_id = b.build_id)
    ) RETURNING build_id
""")  # noqa: S608 - no user input

_WAITERS = _old("build_waiters", "asked_at", "build_id", "user_id", also="t.notified")

_WATCHES = _old("build_watches", "started_at", "build_id", "user_id", also="t.state <> {watch.OPEN}")

_SENT = _old("sent_builds", "sent_at")

_NUDGES = _old("nudges", "sent_at", "build_id", "user_id")

_SAMPLES = _parts_of("goals", "deadline", "goal_samples", "goal_id", "at", parent="goal_id", also="t.frozen")

_GOALS = _old("goals", "deadline", also=f"t.frozen AND {_none_in('goal_samples', 'goal_id')}")

_GOAL_REQUESTS = _old("goal_requests", "asked_at", "user_id", "day")

_FAILURES = _old("install_failures", "at", "answer_key")

_COPIES = _parts_of("role_requests", "asked_at", "role_request_copies", "request_id", "user_id", parent="request_id")

# A request that no admin has decided in this time has expired.
_REQUESTS = _old("role_requests", "asked_at", also=_none_in("role_request_copies", "request_id"))

# A user's last choices, and notifications of a build: the condition of a partial index.
_OF_USERS = "({t}key LIKE 'choice:%' OR {t}key LIKE 'withheld %' OR {t}key LIKE 'recalled %')"

_VALUES = _old("key_value", "written_at", "key", also=_OF_USERS.replace("{t}", "t."))

# Written by a version before this column; they age from now on.
_DATE_VALUES = written(f"""
    UPDATE key_value SET written_at = {{now}} WHERE key IN (
        SELECT key FROM key_value WHERE written_at IS NULL AND {_OF_USERS.replace("{t}", "")} LIMIT {ROWS}
    )
""")  # noqa: S608 - no user input

_VERDICTS = _parts_of(
    "bisections", "voted_at", "bisection_verdicts", "id", parent="bisection_id", also="t.running_for IS NULL"
)

# The newest stays: SQLite would reuse its number, which buttons contain.
_BISECTIONS = _old(
    "bisections",
    "voted_at",
    also=f"""
        t.running_for IS NULL AND +t.id < (SELECT max(m.id) FROM bisections m)
        AND {_none_in("bisection_verdicts", "bisection_id")}
    """,  # noqa: S608 - no user input
)

_OLD: tuple[Statement, ...] = (
    _WAITERS,
    _WATCHES,
    _SENT,
    _NUDGES,
    _SAMPLES,
    _GOALS,
    _GOAL_REQUESTS,
    _FAILURES,
    _COPIES,
    _REQUESTS,
    _VALUES,
    _VERDICTS,
    _BISECTIONS,
)

# By id, as there is no index by time: the oldest come first, and when that one is of today, so are the others.
_TODAY = "(at > {now} - :keep AND at <= {now} + :keep)"
_QUOTA = written(f"""
    DELETE FROM link_quota WHERE id IN (
        SELECT t.id FROM (
            SELECT id, at FROM link_quota ORDER BY id LIMIT coalesce((
                SELECT CASE WHEN {_TODAY} THEN 0 ELSE {ROWS} END FROM link_quota ORDER BY id LIMIT 1
            ), 0)
        ) t WHERE NOT {_TODAY} LIMIT {ROWS}
    ) RETURNING id
""")  # noqa: S608 - no user input

# A day after they expired: until then the claim page can show their status.
# A ticket made by a clock that was over a day ahead expires later than any valid one.
_TICKETS = (
    _some_of("tickets", "t.expires_at <= {now} - :keep", "hash", by="expires_at"),
    _some_of("tickets", "t.expires_at > {now} + 2 * :keep", "hash", by="expires_at"),
)

# Refusals without a request. The newest stays: SQLite would reuse its number, which buttons contain.
_REFUSALS = _not_today(
    "role_requests",
    "asked_at",
    also=f"""
        NOT t.sent AND +t.id < (SELECT max(m.id) FROM role_requests m)
        AND {_none_in("role_request_copies", "request_id")}
    """,  # noqa: S608 - no user input
)

_OF_A_DAY: tuple[Statement, ...] = (
    *_not_today("seen_events", "seen_at", "event_id"),
    *_not_today("idempotency_keys", "at", "key"),
    _QUOTA,
    *_TICKETS,
    *_REFUSALS,
)
