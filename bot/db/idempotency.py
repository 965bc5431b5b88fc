"""Actions done a moment ago that must not be repeated, over all replicas."""

from __future__ import annotations

from collections.abc import Collection

from bot.db import link_quota, seen_events
from bot.db.dialect_sql import SKEW_SECONDS, span, written
from bot.db.link_quota import LinkLimits
from bot.db.transaction import Transaction
from bot.domain.outcomes import Arrival, CountedLink

DOUBLE_CLICK_SECONDS = 2.0  # in which a repeated click is ignored


def record_arrival(
    tx: Transaction, marks: Collection[str], clicks: Collection[str], link: LinkLimits | None = None
) -> Arrival:
    """Record a request by all its ids, and the clicks in it that must be answered once, in one transaction.

    With `link` the click requests a link, which is counted in the same transaction unless it is a double click.
    """
    if marks and not seen_events.record_event(tx, *marks):
        return Arrival(is_replayed=True)
    double = frozenset(click for click in clicks if not acquire_once(tx, click, DOUBLE_CLICK_SECONDS))
    if link is None or double:
        return Arrival(double_clicks=double)
    return Arrival(link=CountedLink(link.user_id, link_quota.consume_link_quota(tx, link)))


def acquire_once(tx: Transaction, key: str, within_seconds: float) -> bool:
    """Return True unless this key was acquired within `within_seconds`, here or in another process."""
    about = {"key": key, "within": span(within_seconds), "skew": span(min(within_seconds, SKEW_SECONDS))}
    return bool(tx.rows(_FIRST, **about))


def release_once(tx: Transaction, key: str) -> None:
    """Release a key after the action failed, so that the next try can acquire it."""
    tx.execute(_RELEASE, key=key)


_RELEASE = written("DELETE FROM idempotency_keys WHERE key = :key")

_FIRST = written("""
    INSERT INTO idempotency_keys (key, at) VALUES (:key, {now})
    ON CONFLICT (key) DO UPDATE SET at = excluded.at
        WHERE idempotency_keys.at <= excluded.at - :within OR idempotency_keys.at > excluded.at + :skew
    RETURNING key
""")
