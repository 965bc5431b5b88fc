"""Deletes rows after HISTORY_DAYS or a day, a few at a time; those of cards that can still change stay."""

from __future__ import annotations

from bot.db.dialect_sql import Statement, span, written
from bot.db.transaction import Transaction

DAY = 86_400.0
ROWS = 500  # of each table in one transaction, so that nobody waits for long
NEWEST = 200  # builds of each app that stay, however old: Applivery still lists them, and they must not look new


def purge_day(tx: Transaction) -> int:
    """Delete up to `ROWS` rows of each kind that nothing asks for after a day; return how many there were."""
    return sum(len(tx.execute(statement, keep=span(DAY), most=ROWS).all()) for statement in _OF_A_DAY)


def purge_history(tx: Transaction, days: float) -> int:
    """Delete up to `ROWS` rows of each kind that are older; return how many there were, 0 when nothing is left."""
    tx.execute(_DATE_VALUES)
    return sum(len(tx.execute(statement, keep=span(days * DAY), most=ROWS, newest=NEWEST).all()) for statement in _OLD)


def _some_of(table: str, condition: str, *key: str, of: str = "") -> Statement:
    """Return the statement that deletes up to `:most` rows (`t`) of a table; `key` is its primary key, `id` if none.

    `of` is the table when the rows are looked for in a part of it.
    """
    key = key or ("id",)
    picked = ", ".join(f"t.{column}" for column in key)
    return written(f"""
        DELETE FROM {of or table} WHERE ({", ".join(key)}) IN (
            SELECT {picked} FROM {table} t WHERE {condition} LIMIT :most
        ) RETURNING {key[0]}
    """)  # noqa: S608 - our own words


def _not_today(column: str) -> str:
    """Return the condition that a time is over a day ago; what a clock that was ahead has dated is none of today's."""
    return f"({column} <= {{now}} - :keep OR {column} > {{now}} + :keep)"


# The oldest of the builds of an app that stay.
_OLDEST_KEPT = """(
    SELECT n.made_at FROM builds n WHERE n.app_id = {app} ORDER BY n.made_at DESC LIMIT 1 OFFSET :newest - 1
)"""

# A message in a channel stays as long as one of its announcements is new, waits, or is of a build that nothing has
# taken the place of, unless that is not among the newest of its app any more.
_ANNOUNCEMENTS = written(f"""
    DELETE FROM outbox WHERE id IN (
        SELECT a.id FROM outbox a
        WHERE a.created_at < {{now}} - :keep
            AND a.state IN ({{delivery.POSTED}}, {{delivery.FAILED}}, {{delivery.KNOWN}})
            AND NOT EXISTS (
                SELECT 1 FROM outbox b WHERE b.channel_id = a.channel_id AND b.card_key = a.card_key
                    AND (b.id = a.id OR b.card_key <> '')
                    AND (b.created_at >= {{now}} - :keep OR b.state IN {{waiting}} OR b.state = {{delivery.HELD}}
                        OR (b.event = {{event.PROCESSED}} AND b.superseded_by IS NULL
                            AND substr(b.channel_id, 1, 1) NOT IN ('U', 'W') AND EXISTS (
                                SELECT 1 FROM builds k WHERE k.build_id = b.build_id AND NOT k.deleted
                                    AND k.made_at >= coalesce({_OLDEST_KEPT.format(app="k.app_id")}, k.made_at)
                            )))
            )
        ORDER BY a.id LIMIT :most
    ) RETURNING id
""")  # noqa: S608 - our own words

_BUILDS = written(f"""
    DELETE FROM builds WHERE build_id IN (
        SELECT b.build_id FROM (SELECT app_id FROM builds GROUP BY app_id HAVING count(*) > :newest) g
        JOIN builds b ON b.app_id = g.app_id
        WHERE b.made_at < {{now}} - :keep AND b.made_at < {_OLDEST_KEPT.format(app="g.app_id")}
            AND NOT EXISTS (SELECT 1 FROM outbox a WHERE a.build_id = b.build_id)
            AND NOT EXISTS (SELECT 1 FROM recalls r WHERE r.build_id = b.build_id)
            AND NOT EXISTS (SELECT 1 FROM build_waiters w WHERE w.build_id = b.build_id)
        LIMIT :most
    ) RETURNING build_id
""")  # noqa: S608 - our own words

_WAITERS = written("""
    DELETE FROM build_waiters WHERE notified AND (build_id, user_id) IN (
        SELECT w.build_id, w.user_id FROM build_waiters w WHERE w.notified AND w.asked_at < {now} - :keep LIMIT :most
    ) RETURNING build_id
""")

_WATCHES = _some_of("build_watches", "t.state <> {watch.OPEN} AND t.started_at < {now} - :keep", "build_id", "user_id")

_SENT = _some_of("sent_builds", "t.sent_at < {now} - :keep ORDER BY t.id")

_NUDGES = _some_of("nudges", "t.sent_at < {now} - :keep", "build_id", "user_id")

_GOALS = _some_of("goals", "t.frozen AND t.deadline < {now} - :keep ORDER BY t.id")

_SAMPLES = _some_of("goal_samples", "NOT EXISTS (SELECT 1 FROM goals g WHERE g.id = t.goal_id)", "goal_id", "at")

_GOAL_REQUESTS = _some_of("goal_requests", "t.asked_at < {now} - :keep", "user_id", "day")

_FAILURES = _some_of("install_failures", "t.at < {now} - :keep", "answer_key")

# A request that no admin has decided in this time is not decided any more.
_REQUESTS = _some_of("role_requests", "t.asked_at < {now} - :keep ORDER BY t.id")

_COPIES = written("""
    DELETE FROM role_request_copies WHERE request_id NOT IN (SELECT r.id FROM role_requests r) RETURNING request_id
""")

# What a user chose last, and which user was notified of which build.
_VALUES = _some_of(
    "key_value",
    "t.written_at < {now} - :keep AND (t.key LIKE 'choice:%' OR t.key LIKE 'withheld %' OR t.key LIKE 'recalled %')",
    "key",
)

# The newest stays: SQLite would reuse its number, which buttons contain.
_BISECTIONS = _some_of(
    "bisections",
    "t.running_for IS NULL AND t.voted_at < {now} - :keep AND t.id < (SELECT max(m.id) FROM bisections m)",
)

_VERDICTS = written("""
    DELETE FROM bisection_verdicts WHERE id IN (
        SELECT v.id FROM bisection_verdicts v LEFT JOIN bisections b ON b.id = v.bisection_id
        WHERE b.id IS NULL OR (b.running_for IS NULL AND b.voted_at < {now} - :keep) LIMIT :most
    ) RETURNING id
""")

_DATE_VALUES = written("UPDATE key_value SET written_at = {now} WHERE written_at IS NULL")

_OLD: tuple[Statement, ...] = (
    _ANNOUNCEMENTS,
    _BUILDS,
    _WAITERS,
    _WATCHES,
    _SENT,
    _NUDGES,
    _GOALS,
    _SAMPLES,
    _GOAL_REQUESTS,
    _FAILURES,
    _REQUESTS,
    _COPIES,
    _VALUES,
    _BISECTIONS,
    _VERDICTS,
)

_SEEN = _some_of("seen_events", _not_today("t.seen_at"), "event_id")

_DONE_ONCE = _some_of("idempotency_keys", _not_today("t.at"), "key")

# The oldest come first: only as many rows are looked at as may be deleted.
_QUOTA = _some_of("(SELECT id, at FROM link_quota ORDER BY id LIMIT :most)", _not_today("t.at"), of="link_quota")

# A day after they expired: until then the page can say what became of them.
# One made by a clock that was over a day ahead expires later than any other can.
_TICKETS = _some_of("tickets", "(t.expires_at <= {now} - :keep OR t.expires_at > {now} + 2 * :keep)", "hash")

# Refusals without a request. The newest stays: SQLite would reuse its number, which buttons contain.
_REFUSALS = _some_of(
    "role_requests",
    f"NOT t.sent AND {_not_today('t.asked_at')} AND +t.id < (SELECT max(m.id) FROM role_requests m)",  # noqa: S608 - our own words
)

_OF_A_DAY: tuple[Statement, ...] = (_SEEN, _DONE_ONCE, _QUOTA, _TICKETS, _REFUSALS)
