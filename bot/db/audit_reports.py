"""The audit of links: counts, retention, and erasure of a user."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from bot.db import install_failures
from bot.db.dialect_sql import span, written
from bot.db.download_schema import goal_requests
from bot.db.key_value import begins_with
from bot.db.schema import (
    audit,
    bisection_verdicts,
    bisections,
    build_waiters,
    key_value,
    link_quota,
    role_request_copies,
    role_requests,
    sent_builds,
    tickets,
)
from bot.db.transaction import Transaction
from bot.db.types import SanitizedText, db_now
from bot.domain.audit import CLAIM_PAGE_STORED, AuditAction, AuditOutcome

# A ticket is a link that was asked for; the token that is made when its page is used is the same link.
_BY_PAGE = sa.type_coerce(audit.c.entrypoint, SanitizedText).in_(CLAIM_PAGE_STORED)
_ASKED = (audit.c.action == AuditAction.GET) & (
    (audit.c.outcome == AuditOutcome.TICKET) | ((audit.c.outcome == AuditOutcome.MINTED) & ~_BY_PAGE)
)


# Notes that a user was notified once why something is paused.
TOLD = ("withheld", "recalled watch", "recalled")

AT_ONCE = 100  # audit rows that one transaction deletes, so that nobody waits for long


def count_links(
    tx: Transaction,
    app_id: str,
    build_ids: Collection[str] = (),
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Return how many links to an app's builds (all of them, or these) were issued between two aware moments."""
    query = sa.select(sa.func.count()).select_from(audit).where(_ASKED, audit.c.app_id == app_id)
    if build_ids:
        query = query.where(audit.c.build_id.in_(build_ids))
    if since is not None:
        query = query.where(audit.c.at >= since)
    if until is not None:
        query = query.where(audit.c.at <= until)
    return int(tx.execute(query).scalar_one())


def purge_audit(tx: Transaction, days: float) -> int:
    """Delete up to `AT_ONCE` audit rows older than so many days, the oldest first; return how many there were."""
    return len(tx.execute(_OLD, keep=span(days * 24 * 3600)).all())


def count_person(tx: Transaction, user_id: str) -> int:
    """Return the number of audit rows about a user's actions."""
    query = sa.select(sa.func.count()).select_from(audit).where(audit.c.user_id == user_id)
    return int(tx.execute(query).scalar_one())


def erase_person(tx: Transaction, user_id: str) -> int:
    """Delete the records of a user's actions, and remove their id from the records of others.

    Return the number of audit rows about them. Roles, subscriptions, goals and whether they were, or may be, asked to
    try a build stay; how often a goal asked them does not, but for today's request.
    """
    statement = sa.delete(audit).where(audit.c.user_id == user_id).returning(audit.c.id)
    yesterday = sa.type_coerce(db_now(), sa.BigInteger) - span(24 * 3600)
    removals: list[sa.Delete | sa.Update] = [
        sa.delete(goal_requests).where(
            goal_requests.c.user_id == user_id, sa.type_coerce(goal_requests.c.asked_at, sa.BigInteger) < yesterday
        ),
        sa.delete(link_quota).where(link_quota.c.user_id == user_id),
        sa.delete(build_waiters).where(build_waiters.c.user_id == user_id),
        sa.delete(tickets).where(tickets.c.user_id == user_id),
        sa.delete(sent_builds).where((sent_builds.c.sender == user_id) | (sent_builds.c.recipient == user_id)),
        sa.delete(role_request_copies).where(role_request_copies.c.request_id.in_(_done_requests(user_id))),
        sa.delete(role_requests).where(role_requests.c.id.in_(_done_requests(user_id))),
        *(
            sa.delete(key_value).where(begins_with(tx, begins))
            for begins in (f"choice:{user_id}:", *(f"{what} {user_id} " for what in TOLD))
        ),
        # what the others found out with these votes stays
        sa.update(bisection_verdicts)
        .where(bisection_verdicts.c.user_id == user_id)
        .values(user_id=sa.literal("forgotten ") + sa.cast(bisection_verdicts.c.id, sa.Text)),
        sa.update(bisections).where(bisections.c.created_by == user_id).values(created_by=""),
    ]
    lines = len(tx.execute(statement).all())
    for removal in removals:
        tx.execute(removal)
    tx.execute(_UNNAME, user=user_id)
    install_failures.erase_answers(tx, user_id)
    return lines


def _done_requests(user_id: str) -> sa.Select[tuple[int]]:
    """Select a user's requests that are decided or were never sent."""
    done = role_requests.c.decided_at.is_not(None) | ~role_requests.c.sent
    return sa.select(role_requests.c.id).where(role_requests.c.user_id == user_id, done)


_OLD = written(f"""
    DELETE FROM audit WHERE id IN (
        SELECT a.id FROM audit a WHERE a.at <= {{now}} - :keep ORDER BY a.at LIMIT {AT_ONCE}
    ) RETURNING id
""")  # noqa: S608 - our own words

# The ids of people are in capitals, which few outcomes have: those are in an index of their own.
_UNNAME = written("""
    UPDATE audit SET outcome = replace(outcome, :user, 'somebody') WHERE id IN (
        SELECT n.id FROM audit n WHERE n.outcome <> lower(n.outcome) AND n.outcome <> replace(n.outcome, :user, '')
    )
""")
