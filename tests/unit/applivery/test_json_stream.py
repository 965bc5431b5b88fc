"""A by-user answer read while it arrives says the same as one read in one piece, however it was cut on its way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.applivery import parse
from bot.domain.model import MemberDownloads
from bot.exceptions import AppliveryError, InvalidCredentials, InvalidResponse
from tests.unit.applivery.test_parse import DOWNLOAD, MEMBER, ODD, ok, spoil

ROW = {"id": "a" * 24, "total": 2, "member": MEMBER, "downloads": [DOWNLOAD, DOWNLOAD]}
SHAPES = [
    lambda rows: {"status": True, "data": rows},
    lambda rows: {"data": rows},
    lambda rows: {"data": {"items": rows}},
    lambda rows: {"items": rows},
    lambda rows: {"note": ["x", {"member": None}], "data": rows},
    lambda rows: {"data": rows, "status": True, "more": [1, {"a": "]}"}]},
    lambda rows: rows,
]


class Kept(list[MemberDownloads]):
    def add(self, row: MemberDownloads) -> None:
        self.append(row)


def streamed(body: bytes, size: int) -> list[MemberDownloads]:
    reader = parse.member_downloads_as_they_come(Kept())
    for at in range(0, len(body), size):
        reader.feed(body[at : at + size])
    return reader.finish()


def outcome(read: Any, *about: Any) -> Any:
    try:
        return list(read(*about))
    except AppliveryError as error:
        return type(error)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1, 7, 1000, 10**9])
def test_every_shape_of_answer_says_the_same_in_pieces(shape: Any, indent: int | None, size: int) -> None:
    body = json.dumps(shape([ROW, {}, ROW, None, "x", 5, ROW]), indent=indent).encode()
    assert streamed(body, size) == parse.member_downloads(body)
    assert len(streamed(body, size)) == 3


@given(st.data(), st.sampled_from(SHAPES), st.integers(1, 400))
def test_no_value_in_any_place_makes_a_difference(data: st.DataObject, shape: Any, size: int) -> None:
    body = json.dumps(shape([ROW, spoil(ROW, data), data.draw(ODD), ROW])).encode()
    assert outcome(streamed, body, size) == outcome(parse.member_downloads, body)


@given(ODD, st.integers(1, 30))
def test_any_json_is_read_or_refused_alike(anything: Any, size: int) -> None:
    body = json.dumps(anything).encode()
    assert outcome(streamed, body, size) == outcome(parse.member_downloads, body)


@given(st.binary(max_size=40), st.integers(1, 9))
def test_json_stream_refuses_invalid_json_like_parser(noise: bytes, size: int) -> None:
    for body in (noise, b'{"data":[' + noise, ok([ROW])[:-1] + noise):
        assert outcome(streamed, body, size) == outcome(parse.member_downloads, body)


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    with pytest.raises(InvalidResponse):
        streamed(ok([ROW] * 50)[:-40], 100)


def test_json_stream_row_of_lenient_syntax_costs_no_other_row() -> None:
    half_an_emoji = json.dumps(ROW).replace("Ana", "\\ud83d").encode()
    body = b'{"status":true,"data":[' + b",".join([json.dumps(ROW).encode(), half_an_emoji] * 20) + b"]}"
    assert len(streamed(body, 333)) == 40
    assert streamed(body, 333) == parse.member_downloads(body)


def test_a_refusal_after_the_rows_is_heard() -> None:
    refused = {"status": True, "data": [ROW], "error": {"code": 4004}}
    body = json.dumps({**refused, "status": False}).encode()
    assert outcome(streamed, body, 50) is InvalidCredentials is outcome(parse.member_downloads, body)


def test_only_the_row_that_is_not_whole_is_held() -> None:
    reader = parse.member_downloads_as_they_come(Kept())
    body, most = ok([ROW] * 2000), 0
    for at in range(0, len(body), 1000):
        reader.feed(body[at : at + 1000])
        most = max(most, reader.pending)
    assert len(reader.finish()) == 2000
    assert most < 3 * len(json.dumps(ROW))


def test_a_row_of_many_pieces_is_not_looked_at_with_every_piece() -> None:
    large = {**ROW, "total": 10_000, "downloads": [DOWNLOAD] * 10_000}
    [row, *others] = streamed(ok([large, ROW, ROW]), 4096)
    assert len(row.downloads) == row.total == 10_000
    assert len(others) == 2
