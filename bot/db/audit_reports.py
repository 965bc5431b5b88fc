"""The audit of links: counts, retention, and erasure of a user."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache

from bot.db import install_failures, key_value
from bot.db.dialect_sql import JsonRows, Statement, as_rows, span, written
from bot.db.transaction import Transaction

# Key-value entries: the user was notified once why something is paused.
TOLD = ("withheld", "recalled watch", "recalled")

AT_ONCE = 100  # audit rows deleted in one transaction, so that others do not wait long


def count_links(
    tx: Transaction,
    app_id: str,
    build_ids: Collection[str] = (),
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Return how many links to an app's builds (all or these) were issued between two times (aware)."""
    conditions = {"at >= :since": since, "at <= :until": until}
    given = [condition for condition, value in conditions.items() if value is not None]
    if not build_ids:
        return int(tx.execute(_count(*given), app=app_id, since=since, until=until).scalar_one())
    rows = as_rows({"build": build_id} for build_id in sorted(set(build_ids)))
    counts = tx.execute(_count(*given, each=True), app=app_id, rows=rows, since=since, until=until)
    return sum(counts.scalars())


@cache
def _count(*conditions: str, each: bool = False) -> Statement:
    """Return the statement that counts the links of an app, or of each build, that match all conditions.

    A ticket counts as a link; the token that is created when its page is used counts as the same link.
    """
    count = f"""
        SELECT count(*) FROM audit WHERE app_id = :app AND action = {{action.GET}} AND (
            outcome = {{outcome.TICKET}} OR (outcome = {{outcome.MINTED}} AND entrypoint NOT IN {{claim_page}})
        ) {"".join(f" AND {condition}" for condition in conditions)}
    """  # noqa: S608 - no user input
    if not each:
        return written(count)
    # one subquery per build: with one for all builds, PostgreSQL would read all rows of the app
    return written(f"SELECT ({count} AND build_id = o.build) FROM {{rows}}", JsonRows("rows", {"build": "text"}))  # noqa: S608 - no user input


def purge_audit(tx: Transaction, days: float) -> int:
    """Delete up to `AT_ONCE` audit rows older than `days`, oldest first; return how many were deleted."""
    return len(tx.execute(_OLD, keep=span(days * 24 * 3600)))


def count_person(tx: Transaction, user_id: str) -> int:
    """Return the number of audit rows about a user's actions."""
    return int(tx.execute(_OF_PERSON, user=user_id).scalar_one())


def erase_person(tx: Transaction, user_id: str) -> int:
    """Delete the records of a user's actions, and remove their id from the records of others.

    Return the number of audit rows about the user. Roles, subscriptions, goals, build requests and the opt-out from
    them stay. How often a goal asked the user is deleted, except for today's request.
    """
    lines = len(tx.execute(_ERASE, user=user_id))
    for removal in _REMOVALS:
        tx.execute(removal, user=user_id, day=span(24 * 3600))
    for begins in (f"choice:{user_id}:", *(f"{what} {user_id} " for what in TOLD)):
        key_value.delete_values(tx, begins)
    tx.execute(_UNNAME, user=user_id)
    install_failures.erase_answers(tx, user_id)
    return lines


_OF_PERSON = written("SELECT count(*) FROM audit WHERE user_id = :user")

_ERASE = written("DELETE FROM audit WHERE user_id = :user RETURNING id")

# The user's requests that are decided or were never sent.
_DONE = "SELECT r.id FROM role_requests r WHERE r.user_id = :user AND (r.decided_at IS NOT NULL OR NOT r.sent)"

_REMOVALS = (
    written("DELETE FROM goal_requests WHERE user_id = :user AND asked_at < {now} - :day"),
    written("DELETE FROM link_quota WHERE user_id = :user"),
    written("DELETE FROM build_waiters WHERE user_id = :user"),
    written("DELETE FROM tickets WHERE user_id = :user"),
    written("DELETE FROM sent_builds WHERE sender = :user OR recipient = :user"),
    written(f"DELETE FROM role_request_copies WHERE request_id IN ({_DONE})"),  # noqa: S608 - no user input
    written(f"DELETE FROM role_requests WHERE id IN ({_DONE})"),  # noqa: S608 - no user input
    # the votes stay, as the result of the bisect depends on them
    written("UPDATE bisection_verdicts SET user_id = 'forgotten ' || CAST(id AS text) WHERE user_id = :user"),
    written("UPDATE bisections SET created_by = '' WHERE created_by = :user"),
)

_OLD = written(f"""
    DELETE FROM audit WHERE id IN (
        SELECT a.id FROM audit a WHERE a.at <= {{now}} - :keep ORDER BY a.at LIMIT {AT_ONCE}
    ) RETURNING id
""")  # noqa: S608 - no user input

# User ids are in capitals, which few outcomes contain: those have a partial index.
_UNNAME = written("""
    UPDATE audit SET outcome = replace(outcome, :user, 'somebody') WHERE id IN (
        SELECT n.id FROM audit n WHERE n.outcome <> lower(n.outcome) AND n.outcome <> replace(n.outcome, :user, '')
    )
""")
