"""Whether a ticket can be claimed at a moment, or why not; the shape and the hash of its secret."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.domain.model import FileKind
from bot.domain.tickets import Ticket, TicketState, TicketStatus, fingerprint, is_ticket, new_ticket
from tests.support.facts import NOON

SECOND = timedelta(seconds=1)
END = timedelta(minutes=10)
TICKET = Ticket("T1", "U1", "a1", "b1", FileKind.AUTO, None, NOON, NOON + END, 1)


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (timedelta(0), TicketStatus.OPEN),
        (END - SECOND, TicketStatus.OPEN),
        (END, TicketStatus.EXPIRED),
        (timedelta(minutes=-1), TicketStatus.OPEN),
        (timedelta(minutes=-1) - SECOND, TicketStatus.EXPIRED),
    ],
)
def test_a_ticket_is_open_from_its_issue_until_its_end(since: timedelta, status: TicketStatus) -> None:
    """A clock that is set back by a minute at most does not end it."""
    assert TICKET.standing(NOON + since) is status


@pytest.mark.parametrize(
    ("state", "left", "none_left"),
    [
        (TicketState.OPEN, TicketStatus.OPEN, TicketStatus.SPENT),
        (TicketState.CLAIMED, TicketStatus.OPEN, TicketStatus.UNSURE),
        (TicketState.REPLACED, TicketStatus.CANCELLED, TicketStatus.UNSURE),
        (TicketState.CANCELLED, TicketStatus.CANCELLED, TicketStatus.SPENT),
        (TicketState.RECALLED, TicketStatus.RECALLED, TicketStatus.RECALLED),
    ],
)
def test_of_several_reasons_the_most_informative_is_given(
    state: TicketState, left: TicketStatus, none_left: TicketStatus
) -> None:
    ticket = replace(TICKET, state=state)
    assert ticket.standing(NOON) is left
    assert replace(ticket, uses_left=0).standing(NOON) is none_left
    late = TicketStatus.EXPIRED if left is TicketStatus.OPEN else left
    assert ticket.standing(NOON + END) is late
    assert replace(ticket, uses_left=0).standing(NOON + END) is none_left


def test_new_tickets_differ_and_have_the_shape_of_one() -> None:
    new = {new_ticket() for _ in range(9)}
    assert len(new) == 9
    assert all(map(is_ticket, new))


@pytest.mark.parametrize("text", ["", "a" * 21, "a" * 23, "a" * 21 + "!", "a" * 22 + "\n", "é" * 22])
def test_other_text_does_not_have_the_shape_of_a_ticket(text: str) -> None:
    assert not is_ticket(text)


def test_the_hash_is_sha_256_in_hex_of_any_text() -> None:
    assert fingerprint("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert fingerprint("\ud800") == fingerprint("?")
