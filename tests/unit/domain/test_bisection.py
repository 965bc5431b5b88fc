"""Which build a bisect asks about next, and what its votes come to."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.bisection import Bisection, Tally, Vote, narrowed
from bot.domain.model import Actor, App, Build, BuildSource, Stage
from bot.domain.states import BisectVerdict, Judgement

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
COURIER = App("a1", "courier", "Courier")


def build(number: int, **about: Any) -> Build:
    uploaded = NOW + timedelta(hours=number)
    ready = Build(
        f"b{number}",
        COURIER,
        Stage.READY,
        platform="ios",
        number=str(number),
        origin=BuildSource(branch="main"),
        created_at=uploaded,
    )
    return replace(ready, **about)


def bisect(count: int) -> Bisection:
    """A bisect with so many builds between its ends."""
    return Bisection.of([build(n) for n in range(count + 2)], Actor("T1", "U1"), "C1", None, NOW)


def say(bisection: Bisection, build_id: str, verdict: BisectVerdict, user: str = "U1") -> Bisection:
    return bisection.with_vote(Vote(build_id, user, verdict))


# ------------------------------------------------------------------ the search


@given(st.data())
def test_bisect_finds_the_first_bad_build_of_any_history(data: st.DataObject) -> None:
    """Of a history that turns bad once; of builds that cannot be tested, the smallest range around it is found."""
    count = data.draw(st.integers(0, 60))
    first_bad = data.draw(st.integers(1, count + 1))
    unclear = data.draw(st.frozensets(st.integers(1, max(count, 1)), max_size=count))
    gone = data.draw(st.frozensets(st.integers(1, max(count, 1)), max_size=count))
    recalled = data.draw(st.frozensets(st.integers(1, max(count, 1)), max_size=count))
    bisection = bisect(count).without(f"b{n}" for n in gone)
    asked: list[str] = []
    while (found := narrowed(bisection, {f"b{n}" for n in recalled})).ask:
        asked.append(found.ask)
        number = int(found.ask[1:])
        verdict = (
            BisectVerdict.UNCLEAR
            if number in unclear
            else BisectVerdict.BAD
            if number >= first_bad
            else BisectVerdict.GOOD
        )
        bisection = say(bisection, found.ask, verdict)
    lost = {n for n in unclear | gone | recalled if n <= count}
    good = max(n for n in range(first_bad) if n not in lost)
    bad = min(n for n in range(first_bad, count + 2) if n not in lost)
    assert (found.good, found.bad) == (f"b{good}", f"b{bad}")
    assert {int(each[1:]) for each in found.untested} == set(range(good + 1, bad))
    skipped = len([each for each in asked if int(each[1:]) in unclear])
    assert len(asked) <= (count - len({n for n in gone | recalled if n <= count})).bit_length() + skipped
    assert not Counter(asked) - Counter(set(asked)), "no build is asked about twice"


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("UVW"), st.sampled_from(BisectVerdict)), max_size=40))
def test_bisect_any_votes_leave_a_range_that_stands(votes: list[tuple[int, str, BisectVerdict]]) -> None:
    bisection = bisect(8)
    for number, user, verdict in votes:
        bisection = say(bisection, f"b{number}", verdict, user)
    found = narrowed(bisection)
    good, bad = int(found.good[1:]), int(found.bad[1:])
    between_them = [f"b{n}" for n in range(good + 1, bad)]
    assert 0 <= good < bad <= 9
    assert sorted((*found.left, *found.untested)) == between_them
    assert found.ask in found.left if found.left else found.ask is None
    for each in found.left:
        assert bisection.tally(each).judgement in (Judgement.OPEN, Judgement.CONTESTED)


def test_bisect_number_of_steps_left() -> None:
    assert [narrowed(bisect(count)).steps_left for count in (0, 1, 2, 3, 4, 7, 8)] == [0, 1, 2, 2, 3, 3, 4]


# ------------------------------------------------------------------ the votes


def test_tally_one_clear_vote_decides_and_a_tie_waits() -> None:
    table = {
        (0, 0, 0): Judgement.OPEN,
        (1, 0, 0): Judgement.GOOD,
        (0, 1, 0): Judgement.BAD,
        (0, 0, 1): Judgement.UNCLEAR,
        (1, 0, 3): Judgement.GOOD,
        (1, 1, 0): Judgement.CONTESTED,
        (1, 1, 1): Judgement.CONTESTED,
        (1, 1, 2): Judgement.UNCLEAR,
        (2, 1, 0): Judgement.GOOD,
        (2, 3, 0): Judgement.BAD,
    }
    assert {counts: Tally(*counts).judgement for counts in table} == table


def test_bisect_asks_about_a_contested_build_first() -> None:
    bisection = say(bisect(7), "b4", BisectVerdict.BAD)
    assert narrowed(bisection).ask == "b2"
    bisection = say(bisection, "b4", BisectVerdict.GOOD, "U2")
    assert narrowed(bisection).ask == "b4"
    bisection = say(bisection, "b4", BisectVerdict.GOOD, "U3")
    assert narrowed(bisection) == replace(narrowed(bisection), good="b4", bad="b8", ask="b6")


def test_bisect_tester_who_votes_again_changes_their_vote() -> None:
    bisection = say(say(bisect(7), "b4", BisectVerdict.BAD), "b4", BisectVerdict.GOOD)
    assert bisection.tally("b4") == Tally(good=1)
