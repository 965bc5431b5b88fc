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

_WATCHES = written("""
    DELETE FROM build_watches WHERE (build_id, user_id) IN (
        SELECT w.build_id, w.user_id FROM build_watches w
        WHERE w.state <> {watch.OPEN} AND w.started_at < {now} - :keep LIMIT :most
    ) RETURNING build_id
""")

_SENT = written("""
    DELETE FROM sent_builds WHERE id IN (
        SELECT s.id FROM sent_builds s WHERE s.sent_at < {now} - :keep ORDER BY s.id LIMIT :most
    ) RETURNING id
""")

_NUDGES = written("""
    DELETE FROM nudges WHERE (build_id, user_id) IN (
        SELECT n.build_id, n.user_id FROM nudges n WHERE n.sent_at < {now} - :keep LIMIT :most
    ) RETURNING build_id
""")

# A request that no admin has decided in this time is not decided any more.
_REQUESTS = written("""
    DELETE FROM role_requests WHERE id IN (
        SELECT r.id FROM role_requests r WHERE r.asked_at < {now} - :keep ORDER BY r.id LIMIT :most
    ) RETURNING id
""")

_COPIES = written("""
    DELETE FROM role_request_copies WHERE request_id NOT IN (SELECT r.id FROM role_requests r) RETURNING request_id
""")

# What a user chose last, and which user was notified of which build.
_VALUES = written("""
    DELETE FROM key_value WHERE key IN (
        SELECT v.key FROM key_value v
        WHERE v.written_at < {now} - :keep
            AND (v.key LIKE 'choice:%' OR v.key LIKE 'withheld %' OR v.key LIKE 'recalled %') LIMIT :most
    ) RETURNING key
""")

_DATE_VALUES = written("UPDATE key_value SET written_at = {now} WHERE written_at IS NULL")

_OLD: tuple[Statement, ...] = (
    _ANNOUNCEMENTS,
    _BUILDS,
    _WAITERS,
    _WATCHES,
    _SENT,
    _NUDGES,
    _REQUESTS,
    _COPIES,
    _VALUES,
)

# What a clock that was ahead has dated is not of this day either.
_NOT_TODAY = "({at} <= {{now}} - :keep OR {at} > {{now}} + :keep)"

_SEEN = written(f"""
    DELETE FROM seen_events WHERE event_id IN (
        SELECT s.event_id FROM seen_events s WHERE {_NOT_TODAY.format(at="s.seen_at")} LIMIT :most
    ) RETURNING event_id
""")  # noqa: S608 - our own words

_DONE_ONCE = written(f"""
    DELETE FROM idempotency_keys WHERE key IN (
        SELECT k.key FROM idempotency_keys k WHERE {_NOT_TODAY.format(at="k.at")} LIMIT :most
    ) RETURNING key
""")  # noqa: S608 - our own words

_QUOTA = written(f"""
    DELETE FROM link_quota WHERE id IN (
        SELECT q.id FROM link_quota q WHERE {_NOT_TODAY.format(at="q.at")} LIMIT :most
    ) RETURNING id
""")  # noqa: S608 - our own words

# A day after they expired: until then the page can say what became of them.
_TICKETS = written("""
    DELETE FROM tickets WHERE hash IN (
        SELECT t.hash FROM tickets t WHERE t.expires_at <= {now} - :keep OR t.created_at > {now} + :keep LIMIT :most
    ) RETURNING hash
""")

# Refusals without a request. The newest stays: SQLite would reuse its number, which buttons contain.
_REFUSALS = written(f"""
    DELETE FROM role_requests WHERE id IN (
        SELECT r.id FROM role_requests r
        WHERE NOT r.sent AND {_NOT_TODAY.format(at="r.asked_at")} AND r.id < (SELECT max(m.id) FROM role_requests m)
        LIMIT :most
    ) RETURNING id
""")  # noqa: S608 - our own words

_OF_A_DAY: tuple[Statement, ...] = (_SEEN, _DONE_ONCE, _QUOTA, _TICKETS, _REFUSALS)
