"""Claim tickets: one claim is one UPDATE, and a new ticket ends the older ones."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.db import database_info, history, tickets
from bot.db.database import Database
from bot.domain.model import FileKind
from bot.domain.tickets import Ticket, TicketState, TicketStatus, fingerprint, is_ticket, new_ticket

MINUTE = timedelta(minutes=1)


async def issue(store: Database, **changes: Any) -> str:
    """A ticket for Ana to build b1, by its hash."""
    facts = {"team_id": "T1", "user_id": "U1", "app_id": "a1", "build_id": "b1", "kind": FileKind.AUTO}
    ticket = fingerprint(new_ticket())
    await store.run(tickets.issue_ticket, ticket, **{**facts, "life_seconds": 600, **changes})
    return ticket


async def standing(store: Database, ticket: str) -> TicketStatus:
    found = await store.run(tickets.get_ticket, ticket)
    return TicketStatus.UNKNOWN if found is None else found.standing(await store.run(database_info.current_time))


async def test_a_ticket_is_kept_as_it_was_issued(store: Database) -> None:
    ticket = fingerprint(new_ticket())
    before = await store.run(database_info.current_time)
    issued = await store.run(
        tickets.issue_ticket,
        ticket,
        team_id="T1",
        user_id="U1",
        app_id="a1",
        build_id="b1",
        kind=FileKind.FILE,
        file_id="f1",
        life_seconds=600,
        claims=2,
        origin="C1",
    )
    assert await store.run(tickets.get_ticket, ticket) == issued
    assert issued == Ticket(
        "T1", "U1", "a1", "b1", FileKind.FILE, "f1", issued.created_at, issued.expires_at, 2, TicketState.OPEN, "C1"
    )
    assert before <= issued.created_at
    assert issued.expires_at - issued.created_at == 10 * MINUTE


async def test_a_ticket_is_claimed_once(store: Database) -> None:
    ticket = await issue(store)
    claimed = await store.run(tickets.claim_ticket, ticket)
    assert isinstance(claimed, Ticket)
    assert (claimed.user_id, claimed.uses_left) == ("U1", 0)
    assert await store.run(tickets.claim_ticket, ticket) is TicketStatus.SPENT


async def test_of_fifty_claims_at_once_one_succeeds(store: Database) -> None:
    ticket = await issue(store)
    outcomes = await asyncio.gather(*(store.run(tickets.claim_ticket, ticket) for _ in range(50)))
    assert sum(isinstance(outcome, Ticket) for outcome in outcomes) == 1
    assert [outcome for outcome in outcomes if not isinstance(outcome, Ticket)] == [TicketStatus.SPENT] * 49


async def test_a_ticket_with_three_claims_is_claimed_three_times(store: Database) -> None:
    ticket = await issue(store, claims=3)
    outcomes = await asyncio.gather(*(store.run(tickets.claim_ticket, ticket) for _ in range(10)))
    assert sum(isinstance(outcome, Ticket) for outcome in outcomes) == 3


async def test_a_claim_that_is_given_back_can_be_made_again(store: Database) -> None:
    ticket = await issue(store)
    await store.run(tickets.claim_ticket, ticket)
    await store.run(tickets.refund_claim, ticket)
    assert isinstance(await store.run(tickets.claim_ticket, ticket), Ticket)
    assert await store.run(tickets.claim_ticket, ticket) is TicketStatus.SPENT


async def test_an_expired_ticket_is_not_claimed(store: Database) -> None:
    ticket = await issue(store, life_seconds=0)
    assert await store.run(tickets.claim_ticket, ticket) is TicketStatus.EXPIRED


async def test_ticket_never_issued_is_unknown(store: Database) -> None:
    assert await store.run(tickets.get_ticket, fingerprint("guess")) is None
    assert await store.run(tickets.claim_ticket, fingerprint("guess")) is TicketStatus.UNKNOWN
    await store.run(tickets.refund_claim, fingerprint("guess"))
    assert await store.run(tickets.get_ticket, fingerprint("guess")) is None


async def test_a_new_ticket_cancels_the_older_one_for_the_same_file(store: Database) -> None:
    older = await issue(store)
    newer = await issue(store)
    assert await store.run(tickets.claim_ticket, older) is TicketStatus.CANCELLED
    assert isinstance(await store.run(tickets.claim_ticket, newer), Ticket)


@pytest.mark.parametrize(
    "other",
    [{"user_id": "U2"}, {"team_id": "T2"}, {"build_id": "b2"}, {"kind": FileKind.FILE}, {"file_id": "f1"}],
    ids=lambda other: next(iter(other)),
)
async def test_a_ticket_for_anything_else_cancels_nothing(store: Database, other: dict[str, Any]) -> None:
    older = await issue(store)
    await issue(store, **other)
    assert await standing(store, older) is TicketStatus.OPEN


async def test_of_tickets_issued_at_once_for_one_file_one_stays_open(store: Database) -> None:
    made = await asyncio.gather(*(issue(store) for _ in range(10)))
    assert sorted([await standing(store, ticket) for ticket in made]) == [TicketStatus.CANCELLED] * 9 + [
        TicketStatus.OPEN
    ]


async def test_a_claim_given_back_after_a_newer_ticket_opens_nothing(store: Database) -> None:
    older = await issue(store)
    await store.run(tickets.claim_ticket, older)
    await issue(store)
    assert await store.run(tickets.claim_ticket, older) is TicketStatus.SPENT
    await store.run(tickets.refund_claim, older)
    assert await store.run(tickets.claim_ticket, older) is TicketStatus.CANCELLED


@pytest.mark.parametrize("state", [TicketState.CANCELLED, TicketState.RECALLED])
async def test_ending_the_tickets_of_a_build_leaves_other_builds_alone(store: Database, state: Any) -> None:
    mine, colleagues, other = await issue(store), await issue(store, user_id="U2"), await issue(store, build_id="b2")
    await issue(store, user_id="U3", life_seconds=0)
    assert await store.run(tickets.end_tickets, "b1", state) == 2
    assert await store.run(tickets.claim_ticket, mine) == state.value
    assert await store.run(tickets.claim_ticket, colleagues) == state.value
    assert isinstance(await store.run(tickets.claim_ticket, other), Ticket)
    assert await store.run(tickets.end_tickets, "b1", state) == 0


async def test_a_spent_ticket_of_a_recalled_build_says_recalled(store: Database) -> None:
    ticket = await issue(store)
    await store.run(tickets.claim_ticket, ticket)
    assert await store.run(tickets.end_tickets, "b1", TicketState.RECALLED) == 0
    assert await standing(store, ticket) is TicketStatus.RECALLED


async def test_a_ticket_is_forgotten_a_day_after_it_expired(store: Database) -> None:
    kept = await issue(store, user_id="U2", life_seconds=-history.DAY + 60)
    gone = await issue(store, user_id="U3", life_seconds=-history.DAY)
    assert await store.run(history.purge_day) == 1
    assert await standing(store, kept) is TicketStatus.EXPIRED
    assert await standing(store, gone) is TicketStatus.UNKNOWN


async def test_the_ticket_itself_is_not_in_the_database(tmp_path: Path) -> None:
    store = await Database.open(f"sqlite:///{tmp_path}/bot.db")
    ticket = new_ticket()
    await store.run(
        tickets.issue_ticket,
        fingerprint(ticket),
        team_id="T1",
        user_id="U1",
        app_id="a1",
        build_id="b1",
        kind=FileKind.AUTO,
        life_seconds=600,
    )
    await store.run(tickets.claim_ticket, fingerprint(ticket))
    await store.close()
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert ticket.encode() not in written
    assert fingerprint(ticket).encode() in written


# ------------------------------------------------------------------ the noun


def test_a_ticket_is_128_bits_that_never_come_twice() -> None:
    made = {new_ticket() for _ in range(1000)}
    assert len(made) == 1000
    assert all(is_ticket(text) for text in made)


@pytest.mark.parametrize(
    "text", ["", "x" * 21, "x" * 23, "x" * 21 + "é", "x" * 21 + "\n", "../" + "x" * 19, "\ud800" * 22]
)
def test_ticket_other_than_22_url_safe_characters_is_invalid(text: str) -> None:
    assert not is_ticket(text)
    assert len(fingerprint(text)) == 64


@pytest.mark.parametrize(
    ("state", "claims_left", "age", "expected"),
    [
        (TicketState.OPEN, 1, 9, TicketStatus.OPEN),
        (TicketState.OPEN, 1, 10, TicketStatus.EXPIRED),
        (TicketState.OPEN, 0, 1, TicketStatus.SPENT),
        (TicketState.OPEN, 0, 11, TicketStatus.SPENT),
        (TicketState.CANCELLED, 1, 1, TicketStatus.CANCELLED),
        (TicketState.CANCELLED, 1, 11, TicketStatus.CANCELLED),
        (TicketState.CANCELLED, 0, 1, TicketStatus.SPENT),
        (TicketState.RECALLED, 0, 11, TicketStatus.RECALLED),
    ],
)
def test_of_several_reasons_the_most_telling_is_given(
    state: TicketState, claims_left: int, age: int, expected: TicketStatus
) -> None:
    made = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ticket = Ticket("T1", "U1", "a1", "b1", FileKind.AUTO, None, made, made + 10 * MINUTE, claims_left, state)
    assert ticket.standing(made + age * MINUTE) is expected
