"""What is unpacked piece by piece is what was packed, however it was packed and cut; and a crowded answer is told."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.http_client import CONTAINERS, PIECE, VALUES, BrokenPacking, Unpacker, crowded

CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15, "Deflate ": -15}


def unpacked(body: bytes, coding: str, step: int) -> bytes:
    unpacker = Unpacker(coding)
    found = [piece for at in range(0, len(body), step) for piece in unpacker.feed(body[at : at + step])]
    unpacker.finish()
    assert all(len(piece) <= max(PIECE, step) for piece in found)
    return b"".join(found)


@given(
    st.binary(max_size=300),
    st.sampled_from([1, 7, 500]),
    st.sampled_from([1, 7, 1000, 10**9]),
    st.integers(0, 9),
    st.sampled_from(sorted(CODINGS)),
)
def test_http_client_unpacks_compressed_body(text: bytes, times: int, step: int, level: int, coding: str) -> None:
    packer = zlib.compressobj(level, wbits=CODINGS[coding])
    body = packer.compress(text * times) + packer.flush()
    assert unpacked(body, coding, step) == text * times
    assert unpacked(text, "identity", step) == text
    if CODINGS[coding] == 31:
        assert unpacked(body * 3, coding, step) == text * times * 3


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_a_piece_may_end_where_the_body_does(size: int) -> None:
    assert unpacked(zlib.compress(b"x" * size), "deflate", 10**9) == b"x" * size


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_a_coding_not_asked_for_is_refused(coding: str) -> None:
    with pytest.raises(BrokenPacking):
        Unpacker(coding)


def test_a_body_that_is_cut_or_rubbish_is_refused() -> None:
    for body in (zlib.compress(b"x" * 1000)[:-3], b"x" * 100):
        with pytest.raises(BrokenPacking):
            unpacked(body, "deflate", 10)


def test_many_small_values_are_too_many() -> None:
    assert not crowded(b'{"a":"' + b"x" * 8_000_000 + b'"}')
    assert crowded(b"[" + b"0," * (VALUES + 1) + b"0]")
    assert crowded(b"[" + b"[]" * CONTAINERS + b"]")
    assert crowded(b"{" * (CONTAINERS + 1))
