"""A changelog in pieces: all of it, in order, each piece short enough, and what is left out is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import changelogs
from bot.domain.changelogs import PIECE, PIECES, START
from bot.i18n import localize
from tests.support.facts import texts

REST = "\n… Read the rest under *What's new* in the card's ⋯ menu."


@pytest.mark.parametrize("text", ["", " \n ", "Fixed login", "x" * START, f"\n\n{'x' * START}\n"])
def test_changelog_shown_in_full_has_no_pieces(text: str) -> None:
    assert changelogs.pieces(text) == ()


def test_one_character_more_is_told_in_the_thread() -> None:
    assert changelogs.pieces("x" * (START + 1)) == ("x" * (START + 1),)


def test_pieces_are_cut_between_lines() -> None:
    lines = [f"- change {number}: {'x' * 60}" for number in range(90)]
    found = changelogs.pieces("\n".join(lines))
    assert len(found) == 3
    assert [line for piece in found for line in piece.split("\n")] == lines


def test_a_line_longer_than_a_piece_is_cut_within() -> None:
    found = changelogs.pieces("ab" * PIECE)
    assert [len(piece) for piece in found] == [PIECE, PIECE]
    assert "".join(found) == "ab" * PIECE


def test_changelog_beyond_the_pieces_is_marked_as_left_out() -> None:
    assert not str(changelogs.pieces("x" * (PIECE * PIECES))[-1]).endswith(REST)
    found = changelogs.pieces("x" * (PIECE * PIECES + 1))
    assert len(found) == PIECES
    assert str(found[-1]) == "x" * PIECE + REST


@given(texts | st.lists(texts, max_size=40).map("\n".join) | st.text(max_size=80).map(lambda line: f"{line}\n" * 300))
def test_nothing_of_a_changelog_is_lost_without_a_word(changelog: str) -> None:
    found = [localize(piece) for piece in changelogs.pieces(changelog)]
    told = "".join(found).replace("\n", "")
    whole = "".join(changelog.strip().splitlines())
    assert len(found) <= PIECES
    assert all(piece.strip() or not whole.strip() for piece in found[:1])
    assert all(len(piece) <= PIECE + len(REST) for piece in found)
    if not found:
        assert len(changelog.strip()) <= START
    elif found[-1].endswith(REST):
        assert whole.startswith(told.removesuffix(REST.strip()))
    else:
        assert told == whole
