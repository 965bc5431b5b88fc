"""Rows are told apart by email and id, whatever else they say of a member."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.members import PersonGrouping, mailbox
from bot.domain.model import Member

MEMBERS = st.builds(
    Member,
    kind=st.sampled_from(("user", "unknown", "")),
    id=st.sampled_from((None, "a", "A", "b", "c")),
    email=st.sampled_from((None, "", " ", "ana@acme.io", "ANA@acme.io ", "bob@acme.io")),
    name=st.sampled_from((None, "Ana")),
)


def collected(members: list[Member]) -> PersonGrouping[list[int]]:
    """Each member's place in the list, by person."""
    found: PersonGrouping[list[int]] = PersonGrouping(list, list.extend)
    for number, member in enumerate(members):
        found.share(member).append(number)
    return found


def shares(found: PersonGrouping[list[int]]) -> set[frozenset[int]]:
    return {frozenset(person.share) for person in found.people()}


@given(st.lists(MEMBERS, max_size=10), st.integers(0, 10), st.randoms())
def test_order_and_parts_do_not_matter(members: list[Member], at: int, chance: object) -> None:
    whole = collected(members)
    order = list(range(len(members)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    shuffled: PersonGrouping[list[int]] = PersonGrouping(list, list.extend)
    for number in order:
        shuffled.share(members[number]).append(number)
    table, other = collected(members[:at]), collected([Member("")] * at + members[at:])
    other.anonymous.get("", [])[:at] = []
    table.absorb(other)
    assert shares(whole) == shares(shuffled) == shares(table)
    assert {kind: sorted(each) for kind, each in table.anonymous.items() if each} == whole.anonymous


@given(st.lists(MEMBERS, max_size=10))
def test_members_with_shared_key_are_one_user(members: list[Member]) -> None:
    found = collected(members)
    for number, member in enumerate(members):
        who = found.who(member)
        if member.id or (member.email and member.email.strip()):
            assert who is not None
            assert number in who.share
        else:
            assert who is None
            assert number in found.anonymous[member.kind]
    keys = [key for person in found.people() for key in person.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("spelled", ["ana@acme.io", " ANA@Acme.IO ", "Ana@acme.io"])
def test_an_address_is_one_in_any_letters(spelled: str) -> None:
    assert mailbox(spelled) == "ana@acme.io"
    assert mailbox("Zoe\u0301@acme.io") == mailbox("ZOÉ@acme.io")


def test_a_bridge_makes_two_people_one() -> None:
    found = collected([Member("user", "a"), Member("user", None, "x@y.z"), Member("user", "a", "x@y.z", "X")])
    (person,) = found.people()
    assert (sorted(person.share), person.called) == ([0, 1, 2], "X")


def test_a_long_chain_of_ids_takes_no_time() -> None:
    members = [Member("user", str(n), f"{n // 2}@acme.io") for n in range(20_000)]
    members += [Member("user", str(n), f"{n // 2 + 1}@acme.io") for n in range(20_000)]
    started = time.process_time()
    assert len(list(collected(members).people())) == 1
    assert time.process_time() - started < 3
