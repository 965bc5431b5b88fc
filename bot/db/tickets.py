"""Claim tickets: issue, claim, refund and end; only their hash is stored."""

from __future__ import annotations

from typing import Any, Literal

from bot.db.dialect_sql import POSTGRESQL, SKEW_SECONDS, span, written
from bot.db.transaction import Transaction
from bot.db.types import moment
from bot.domain.model import FileKind
from bot.domain.tickets import Ticket, TicketState, TicketStatus


def issue_ticket(
    tx: Transaction,
    ticket_hash: str,
    *,
    team_id: str,
    user_id: str,
    app_id: str,
    build_id: str,
    kind: FileKind,
    file_id: str | None = None,
    life_seconds: float,
    claims: int = 1,
    origin: str = "",
) -> Ticket:
    """Save a new ticket and return it; the user's older tickets for the same file are cancelled."""
    facts = {
        "hash": ticket_hash,
        "team": team_id,
        "person": user_id,
        "app": app_id,
        "build": build_id,
        "kind": kind.value,
        "file": file_id or "",
        "life": span(life_seconds),
        "claims": claims,
        "origin": origin,
    }
    _serialize_for(tx, f"{team_id}/{user_id}")
    tx.execute(_CANCEL_OLDER, **{key: facts[key] for key in _SAME_FILE})
    return _ticket(tx.execute(_ISSUE, **facts).one())


def get_ticket(tx: Transaction, ticket_hash: str) -> Ticket | None:
    """Return the ticket with this hash; None if there is none."""
    row = tx.execute(_TICKET, hash=ticket_hash).first()
    return None if row is None else _ticket(row)


def claim_ticket(tx: Transaction, ticket_hash: str) -> Ticket | TicketStatus:
    """Spend one claim and return the ticket with the claims left, or the reason why it cannot be claimed (never OPEN).

    One UPDATE, so that concurrent claims never exceed the number left.
    """
    row = tx.execute(_CLAIM, hash=ticket_hash, skew=span(SKEW_SECONDS)).first()
    if row is not None:
        return _ticket(row)
    found_row = tx.execute(_TICKET, hash=ticket_hash).first()
    if found_row is None:
        return TicketStatus.UNKNOWN
    standing = _ticket(found_row).standing(moment(found_row.read_at))
    # Open now, but not at the UPDATE: another claim was refunded meanwhile, or is in progress.
    return TicketStatus.SPENT if standing in (TicketStatus.OPEN, TicketStatus.UNSURE) else standing


def refund_claim(tx: Transaction, ticket_hash: str) -> None:
    """Refund a claim that failed."""

    _end_claim(tx, ticket_hash, 1)


def settle_claim(tx: Transaction, ticket_hash: str) -> None:
    """Record that a claim succeeded."""
    _end_claim(tx, ticket_hash, 0)


def _end_claim(tx: Transaction, ticket_hash: str, back: int) -> None:
    tx.execute(_SETTLE, hash=ticket_hash, back=back)


def end_tickets(tx: Transaction, build_id: str, state: Literal[TicketState.CANCELLED, TicketState.RECALLED]) -> int:
    """End every open ticket for a build; return how many were still claimable."""
    rows = tx.execute(_END, build=build_id, state=state.value)
    return sum(row.live for row in rows)


def _serialize_for(tx: Transaction, person: str) -> None:
    """Serialize the tickets of a user, or two concurrent ones would not cancel each other."""
    if tx.dialect == POSTGRESQL:
        tx.execute(_TURN, person=person)


def _ticket(row: Any) -> Ticket:
    return Ticket(
        team_id=row.team_id,
        user_id=row.user_id,
        app_id=row.app_id,
        build_id=row.build_id,
        kind=FileKind(row.kind),
        file_id=row.file_id or None,
        created_at=moment(row.created_at),
        expires_at=moment(row.expires_at),
        uses_left=row.uses_left,
        state=TicketState(row.state),
        channel_id=row.channel_id,
    )


_SAME_FILE = ("team", "person", "build", "kind", "file")

_COLUMNS = (
    "team_id, user_id, app_id, build_id, kind, file_id, created_at, expires_at, uses_left, state, channel_id"  # no hash
)

_TICKET = written(f"SELECT {_COLUMNS}, {{now}} AS read_at FROM tickets WHERE hash = :hash")  # noqa: S608 - no user input

_TURN = written("SELECT pg_advisory_xact_lock(277548380, hashtext(:person))")

# Spent ones too: a refunded claim must not make them valid again beside the new one.
_CANCEL_OLDER = written("""
    UPDATE tickets
    SET state = CASE WHEN state = {ticket.CLAIMED} THEN {ticket.REPLACED} ELSE {ticket.CANCELLED} END
    WHERE state IN {alive} AND build_id = :build AND team_id = :team AND user_id = :person
        AND kind = :kind AND file_id = :file
""")

_ISSUE = written(f"""
    INSERT INTO tickets (hash, {_COLUMNS})
    SELECT :hash, :team, :person, :app, :build, :kind, :file, t.at, t.at + :life, :claims, {{ticket.OPEN}}, :origin
    FROM (SELECT {{now}} AS at) AS t
    RETURNING {_COLUMNS}
""")  # noqa: S608 - no user input

_CLAIM = written(f"""
    UPDATE tickets SET uses_left = uses_left - 1, state = {{ticket.CLAIMED}}
    WHERE hash = :hash AND state IN {{alive}} AND uses_left > 0
        AND expires_at > {{now}} AND created_at <= {{now}} + :skew
    RETURNING {_COLUMNS}
""")  # noqa: S608 - no user input

_SETTLE = written("""
    UPDATE tickets SET uses_left = uses_left + :back, state = CASE state
        WHEN {ticket.CLAIMED} THEN {ticket.OPEN} WHEN {ticket.REPLACED} THEN {ticket.CANCELLED} ELSE state END
    WHERE hash = :hash
""")

_END = written("""
    UPDATE tickets SET state = :state WHERE build_id = :build AND state IN {alive}
    RETURNING CASE WHEN uses_left > 0 AND expires_at > {now} THEN 1 ELSE 0 END AS live
""")
