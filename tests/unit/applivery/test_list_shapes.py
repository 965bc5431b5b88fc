"""Every list in every place where a tenant may put it, read by one function; and what is not read is not nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.applivery import parse
from bot.domain.model import App
from bot.exceptions import InvalidResponse
from sandbox.applivery.responses import LIST_SHAPES
from tests.unit.applivery.test_parse import DOWNLOAD, MEMBER

COURIER = App("a" * 24, "courier", "Courier")
ID = "665f00000000000000000001"
FACTS = {"totalDocs": 1, "limit": 100, "page": 1, "totalPages": 1, "pagingCounter": 1, "hasPrevPage": False,
         "hasNextPage": False, "prevPage": None, "nextPage": None}  # fmt: skip
READERS: dict[str, tuple[Any, Callable[[bytes], Any]]] = {
    "apps": ({"id": ID, "slug": "courier"}, lambda body: parse.apps(body, page=1, limit=100).items),
    "builds": ({"id": ID, "status": "processed"}, lambda body: parse.builds(body, COURIER, page=1, limit=100).items),
    "organizations": ({"id": ID, "slug": "acme"}, lambda body: parse.workspaces(body, page=1, limit=100).items),
    "notifications": (
        {"id": ID, "type": "webhook", "config": {"webhook": {"url": "https://x.test"}}},
        lambda body: parse.notifications(body, page=1, limit=100).items,
    ),
    "downloads": ({"id": ID, "total": 1, "member": MEMBER, "downloads": [DOWNLOAD]}, parse.member_downloads),
}
LINE = {**DOWNLOAD, "member": MEMBER}
facts = st.dictionaries(
    st.sampled_from(["status", "note", "limit", "page", "pagingCounter", "prevPage"]),
    st.sampled_from([True, None, 1]),
    max_size=4,
)


def in_pieces(body: bytes, size: int = 7) -> list[Any]:
    reader = parse.member_downloads_as_they_come(parse.RowList())
    for at in range(0, len(body), size):
        reader.feed(body[at : at + size])
    return reader.finish()


@pytest.mark.parametrize("shape", LIST_SHAPES)
@pytest.mark.parametrize("name", READERS)
def test_list_is_read_in_every_shape(name: str, shape: str) -> None:
    row, read = READERS[name]
    body = json.dumps(LIST_SHAPES[shape]({"status": True, "data": {"items": [row], **FACTS}})).encode()
    assert len(read(body)) == 1
    if name == "downloads":
        assert in_pieces(body) == read(body)


@given(st.lists(st.sampled_from(["data", "items", "docs"]), min_size=1, max_size=3), facts, facts)
def test_list_is_found_at_any_depth_beside_any_facts(path: list[str], before: Any, after: Any) -> None:
    answer: Any = [READERS["downloads"][0]] * 3
    for key in path:
        answer = {**before, key: answer, **after}
    body = json.dumps(answer).encode()
    assert len(parse.member_downloads(body)) == 3
    assert in_pieces(body) == parse.member_downloads(body)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "answer",
    [
        {"status": True, "data": {"rows": [{"id": ID}]}},
        {"status": True, "data": {"items": [{"uid": ID, "quién": "ana@acme.test"}]}},
        {"status": True, "data": {"items": [], "totalDocs": 12}},
        {"status": True, "data": [], "totalItems": 12},
        {"status": True, "data": {"items": [[1], [2]]}},
        {"status": True, "items": [{}], "docs": [{}]},
    ],
)
def test_answer_with_something_is_never_read_as_nothing(name: str, answer: Any) -> None:
    with pytest.raises(InvalidResponse) as caught:
        READERS[name][1](json.dumps(answer).encode())
    assert "ana@" not in caught.value.detail


def test_unknown_record_is_named_by_its_keys_alone() -> None:
    rows = [{"uid": ID, "takenAt": "2026-11-30", "ana@acme.test": 1, "who": {"email": "ana@acme.test"}}] * 12
    with pytest.raises(InvalidResponse, match="doesn't understand") as caught:
        parse.member_downloads(json.dumps({"data": rows}).encode())
    assert caught.value.why == "12 records in an unknown shape: uid, takenAt, who, …"


def test_single_downloads_are_counted_by_their_person() -> None:
    found = parse.member_downloads(json.dumps({"items": [LINE, LINE]}).encode())
    assert [len(row.downloads) for row in found] == [1, 1]
    assert {row.member.email for row in found} == {MEMBER["email"]}


@pytest.mark.parametrize("more", [{"hasNextPage": True}, {"totalDocs": 40}, {"totalPages": 4}])
@pytest.mark.parametrize("row", [LINE, READERS["downloads"][0]])
def test_part_of_the_downloads_is_not_a_number(row: Any, more: Any) -> None:
    body = json.dumps({"data": {"items": [row, row], **more}}).encode()
    for read in (parse.member_downloads, in_pieces):
        with pytest.raises(InvalidResponse):
            read(body)
