"""Claim tickets: issued, spent once, given back, ended; kept by their hash alone."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa

from bot.db.dialect_sql import POSTGRESQL, SKEW_SECONDS, span, written
from bot.db.runner import Connection
from bot.db.schema import tickets as table
from bot.db.session import Database
from bot.db.types import db_now, moment
from bot.domain.model import FileKind
from bot.domain.tickets import Ticket, TicketState, TicketStatus

KEEP_SECONDS = 24 * 60 * 60  # after expiry, so that for a day the page can say what became of it


class Tickets(Database):
    """The store's claim tickets; a ticket goes by its hash (64 hex digits), never by itself."""

    async def issue_ticket(
        self,
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
        """Keep a new ticket and return it; this person's older ones for the same file are cancelled with it."""
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

        async def work(connection: Connection) -> Ticket:
            await self._one_at_a_time_for(connection, f"{team_id}/{user_id}")
            await self.execute(connection, _PURGE, keep=span(KEEP_SECONDS))
            await self.execute(connection, _CANCEL_OLDER, **{key: facts[key] for key in _SAME_FILE})
            return _ticket((await self.execute(connection, _ISSUE, **facts)).one())

        return await self.run(work)

    async def ticket(self, ticket_hash: str) -> Ticket | None:
        """The ticket of this hash; None if there is none. Reads only."""

        async def work(connection: Connection) -> Ticket | None:
            row = (await connection.execute(sa.select(table).where(table.c.hash == ticket_hash))).first()
            return None if row is None else _ticket(row)

        return await self.run(work)

    async def claim_ticket(self, ticket_hash: str) -> Ticket | TicketStatus:
        """Spend one claim and return the ticket with what is left of it, or why there was none to spend (never OPEN).

        One UPDATE: of any number of claims at once, as many succeed as were left.
        """

        async def work(connection: Connection) -> Ticket | TicketStatus:
            row = (await self.execute(connection, _CLAIM, hash=ticket_hash, skew=span(SKEW_SECONDS))).first()
            if row is not None:
                return _ticket(row)
            found_row = (
                await connection.execute(sa.select(table, db_now().label("now")).where(_is(ticket_hash)))
            ).first()
            if found_row is None:
                return TicketStatus.UNKNOWN
            standing = _ticket(found_row).standing(found_row.now)
            # Open now, but not a moment ago: somebody else's claim was given back in between. Or it is being made.
            return TicketStatus.SPENT if standing in (TicketStatus.OPEN, TicketStatus.UNSURE) else standing

        return await self.run(work)

    async def give_back_ticket(self, ticket_hash: str) -> None:
        """Undo one claim that led to nothing."""

        await self._end_claim(ticket_hash, 1)

    async def settle_ticket(self, ticket_hash: str) -> None:
        """Write down that a claim has led to what it was for."""
        await self._end_claim(ticket_hash, 0)

    async def _end_claim(self, ticket_hash: str, back: int) -> None:
        async def work(connection: Connection) -> None:
            await self.execute(connection, _SETTLE, hash=ticket_hash, back=back)

        await self.run(work)

    async def end_tickets(self, build_id: str, state: Literal[TicketState.CANCELLED, TicketState.RECALLED]) -> int:
        """End every open ticket for a build and return how many could still have been claimed."""

        async def work(connection: Connection) -> int:
            rows = await self.execute(connection, _END, build=build_id, state=state.value)
            return sum(row.live for row in rows)

        return await self.run(work)

    async def _one_at_a_time_for(self, connection: Connection, person: str) -> None:
        """Two tickets for one person follow each other, or neither would see the other to cancel it."""
        if self.dialect == POSTGRESQL:
            await self.execute(connection, _TURN, person=person)


def _is(ticket_hash: str) -> sa.ColumnElement[bool]:
    return table.c.hash == ticket_hash


def _ticket(row: sa.Row[Any]) -> Ticket:
    facts = {name: value for name, value in row._mapping.items() if name not in ("hash", "now")}
    # A statement of `written` gives the numbers as they stand, one over the table gives times.
    times = {name: moment(facts[name]) for name in ("created_at", "expires_at") if isinstance(facts[name], int)}
    kind, state = FileKind(facts["kind"]), TicketState(facts["state"])
    return Ticket(**{**facts, **times, "kind": kind, "state": state, "file_id": facts["file_id"] or None})


_SAME_FILE = ("team", "person", "build", "kind", "file")

_COLUMNS = (
    "team_id, user_id, app_id, build_id, kind, file_id, created_at, expires_at, claims_left, state, origin"  # no hash
)

_TURN = written("SELECT pg_advisory_xact_lock(277548380, hashtext(:person))")

_PURGE = written("DELETE FROM tickets WHERE expires_at <= {now} - :keep OR created_at > {now} + :keep")

# Spent ones too: a claim of theirs that is given back must not bring them to life beside the new one.
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
""")  # noqa: S608 - our own words

_CLAIM = written(f"""
    UPDATE tickets SET claims_left = claims_left - 1, state = {{ticket.CLAIMED}}
    WHERE hash = :hash AND state IN {{alive}} AND claims_left > 0
        AND expires_at > {{now}} AND created_at <= {{now}} + :skew
    RETURNING {_COLUMNS}
""")  # noqa: S608 - our own words

_SETTLE = written("""
    UPDATE tickets SET claims_left = claims_left + :back, state = CASE state
        WHEN {ticket.CLAIMED} THEN {ticket.OPEN} WHEN {ticket.REPLACED} THEN {ticket.CANCELLED} ELSE state END
    WHERE hash = :hash
""")

_END = written("""
    UPDATE tickets SET state = :state WHERE build_id = :build AND state IN {alive}
    RETURNING CASE WHEN claims_left > 0 AND expires_at > {now} THEN 1 ELSE 0 END AS live
""")
