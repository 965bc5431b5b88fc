"""Decode the envelopes of responses (item, page, error) in every format that was seen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

from bot.applivery import coercion, schemas
from bot.applivery.errors import ErrorBody, problem
from bot.exceptions import InvalidResponse

_T = TypeVar("_T")
_Wire = TypeVar("_Wire", bound=Struct)
_BOM = b"\xef\xbb\xbf"
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """A page of a list; `total` items and `pages` are of the whole list, None if Applivery does not say.

    `has_next`: another page may follow; False is certain. `is_told`: the response states it. `size` is in bytes; `rows`
    counts all items, undecodable ones included.
    """

    items: tuple[_T, ...]
    has_next: bool = False
    is_told: bool = True
    total: int | None = None
    pages: int | None = None
    size: int = field(default=0, compare=False, repr=False)
    rows: int = field(default=0, compare=False, repr=False)


def refusal(body: bytes) -> ErrorBody | None:
    """Return the error in a response body, or None when the body is not Applivery's JSON."""
    answer = _answer(body)
    return _refusal(answer.error) if answer else None


def object_of(body: bytes, shape: type[_Wire]) -> _Wire:
    """Return the object in a response. Raises InvalidResponse, or the AppliveryError that the response reports."""
    data = _accepted(body).data
    return must(item(data if _start(data) else Raw(body), shape))


class Listed(Struct, Generic[_Wire], frozen=True):
    """The list in a response; undecodable items are None. `total` and `more` are its pagination fields.

    `more` is None without pagination fields.
    """

    items: Iterator[_Wire | None]
    rows: int
    total: int | None
    more: bool | None


def listed(body: bytes, shape: type[_Wire], *, cut: bool = False) -> Listed[_Wire]:
    """Return the list in a response without pages; raises as `object_of` does.

    `cut`: its first items were removed already. Items are decoded one by one: an invalid one affects no other, and
    other threads can run in between.
    """
    raws, info = _list_of(body, cut=cut)
    pages = coercion.count(info.total_pages)
    more = coercion.flag(info.has_next_page)
    return Listed(
        (item(raw, shape) for raw in raws),
        len(raws),
        _total(info),
        more if more is not None or pages is None else pages > 1,
    )


def page_of(body: bytes, shape: type[_Wire], fact: Callable[[_Wire], _T | None], *, page: int, limit: int) -> Page[_T]:
    """Return the decoded page number `page` of `limit` items; raises as `object_of` does.

    `fact` returns None for an undecodable item, which is left out. A page with only such items, or an empty one whose
    envelope counts some, raises InvalidResponse.
    """
    raws, info = _list_of(body, may_be_empty=page > 1)
    decoded = (item(raw, shape) for raw in raws)
    facts = tuple(made for candidate in decoded if candidate is not None and (made := fact(candidate)) is not None)
    total = _total(info)
    if (raws and not facts) or (not raws and total and page == 1):
        raise unreadable(len(raws) or total or 0, raws)
    following = _has_next(info, len(raws), page, limit)
    return Page(
        items=facts,
        has_next=bool(raws) and following is not False,
        is_told=following is not None,
        total=total,
        pages=coercion.count(info.total_pages),
        size=len(body),
        rows=len(raws),
    )


def first_rows(body: bytes) -> list[Raw]:
    """Return the raw items of a list; empty without a list."""
    try:
        return _list_of(body)[0]
    except InvalidResponse:
        return []


def _total(info: schemas.ResponseSchema) -> int | None:
    total = coercion.count(info.total_docs)
    return total if total is not None else coercion.count(info.total_items)


def unreadable(number: int, raws: Sequence[Raw | bytes]) -> InvalidResponse:
    """Return the error for undecodable items; it contains their keys and no values."""
    keys = f": {_keys(raws[0])}" if raws else ""
    return InvalidResponse(why=f"{number} record{'' if number == 1 else 's'} in an unknown shape{keys}")


def _keys(raw: Raw | bytes) -> str:
    """Return the names of an object's keys; those that may be data, such as an email address, are left out."""
    found = _decoded(raw, dict[str, Raw])
    if found is None:
        return "no objects"
    names = [name for name in found if _KEY.fullmatch(name)]
    return ", ".join([*names[:_KEYS_SHOWN], *(["…"] if len(found) > len(names[:_KEYS_SHOWN]) else [])]) or "no keys"


_KEY = re.compile(r"[A-Za-z_]{1,30}")
_KEYS_SHOWN = 10
_KINDS = {b"n": "null", b"[": "a list", b'"': "a text", b"t": "true", b"f": "false", b"{": "an object of another shape"}


def kind_of(body: bytes) -> str:
    """Return the kind of an unexpected body for the log, without its content."""
    plain = body.removeprefix(_BOM).strip()
    if not plain:
        return "an empty body"
    if plain.startswith(b"<"):
        return "a web page"
    if _decoded(plain, object) is None and plain != b"null":
        return "no JSON"
    return _KINDS.get(plain[:1], "a number")


def must(found: _T | None) -> _T:
    """Return `found`. Raises InvalidResponse when it is None."""
    if found is None:
        raise InvalidResponse
    return found


def _start(raw: Raw) -> bytes:
    """Return the first byte, which shows the JSON type; empty for a missing key. Copies nothing."""
    return bytes(memoryview(raw)[:1])


def _answer(body: bytes | Raw) -> schemas.ResponseSchema | None:
    """Return the envelope, an empty one around a bare array, or None for what is not JSON."""
    if isinstance(body, bytes):
        body = Raw(body.removeprefix(_BOM).lstrip())
    if _start(body) == b"[":
        return schemas.ResponseSchema(data=body)
    return _decoded(body, schemas.ResponseSchema)


def _accepted(body: bytes) -> schemas.ResponseSchema:
    """Return the envelope of a successful response. Raises the AppliveryError of any other, even with HTTP 200."""
    answer = must(_answer(body))
    error_body = _refusal(answer.error)
    # The second case: an example in the docs has `status: true` with an error (applivery-docs, code 4001).
    if coercion.flag(answer.status) is False or (error_body.code is not None and _start(answer.data) in (b"", b"n")):
        raise problem(error_body, 200) if error_body.code is not None or error_body.message else InvalidResponse()
    return answer


def _refusal(error: object) -> ErrorBody:
    said = schemas.read(error, schemas.ErrorSchema)
    data = schemas.read(said.data, schemas.ErrorDataSchema)
    entries = data.errors if isinstance(data.errors, list) else []
    names = (coercion.texts(field if isinstance(field, list) else [field]) for field in map(_field_of, entries))
    return ErrorBody(
        code=coercion.count(said.code),
        message=coercion.first(said.message, error) or "",
        item=coercion.text(data.item_name),
        limit=coercion.count(data.limit),
        num=coercion.count(data.num),
        fields=tuple(name for several in names for name in several),
    )


def _field_of(entry: object) -> Any:
    return schemas.read(entry, schemas.ErrorFieldSchema).field


def _has_next(info: schemas.ResponseSchema, found: int, page: int, limit: int) -> bool | None:
    """Return whether another page follows a page of `found` items, by any field of its envelope.

    All fields are optional; None without any: a short page need not be the last, as a server may return fewer items
    than requested.
    """
    said = coercion.flag(info.has_next_page)
    if said is not None:
        return said
    pages, following = coercion.count(info.total_pages), coercion.count(info.next_page)
    if pages is not None or following is not None:
        return page < (pages if pages is not None else following or 0)
    total = _total(info)
    return None if total is None else (page - 1) * limit + found < total


def _list_of(body: bytes, *, cut: bool = False, may_be_empty: bool = False) -> tuple[list[Raw], schemas.ResponseSchema]:
    """Find the list in a response, and its pagination fields: the only place that knows where lists are.

    It is the body itself, or under `data`, `items` or `docs` of it or of one of these: the documented keys and those
    that tenants send (applivery-soar, utils/extractItems.ts). A bare array is undocumented: it is accepted with items,
    an empty one only after the first page (`may_be_empty`). Raises InvalidResponse for any other empty array, two
    lists, null and other bodies.
    """
    info = _accepted(body)
    bare = not cut and not may_be_empty and not body.removeprefix(_BOM).lstrip().startswith(b"{")
    for _ in range(3):
        parts = [part for part in (info.data, info.items, info.docs) if _start(part) in (b"[", b"{")]
        lists = [part for part in parts if _start(part) == b"["]
        [inner] = lists if len(lists) == 1 else parts if len(parts) == 1 else [None]
        if inner is None:
            raise InvalidResponse(why="" if bare else f"no list among the keys {_keys(body)}")
        if _start(inner) == b"[":
            found = must(_decoded(inner, list[Raw]))
            return must(found or (None if bare else [])), info
        info = _inherit(must(_answer(inner)), info)
    raise InvalidResponse


def _inherit(inner: schemas.ResponseSchema, outer: schemas.ResponseSchema) -> schemas.ResponseSchema:
    """Return the inner envelope, with missing pagination fields from the outer one."""
    for name in ("has_next_page", "next_page", "total_pages", "total_docs", "total_items"):
        if getattr(inner, name) is None:
            setattr(inner, name, getattr(outer, name))
    return inner


def _decoded(raw: Raw | bytes, shape: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(raw, type=shape)
    except _BROKEN:
        pass
    try:
        return msgspec.json.decode(_repaired(raw), type=shape)
    except (*_BROKEN, ValueError):
        return None


def _repaired(raw: Raw | bytes) -> bytes:
    """Return strict JSON for common violations: lone surrogates, invalid UTF-8, infinite numbers.

    A text that was truncated within an emoji must not invalidate a whole list.
    """
    loose = json.loads(
        bytes(raw).decode("utf-8", "replace"), parse_float=coercion.number, parse_constant=coercion.number
    )
    return json.dumps(loose, ensure_ascii=False).encode("utf-8", "replace")


def item(raw: Raw | bytes, shape: type[_Wire]) -> _Wire | None:
    """Return one item of a list; None when it is no object, or has no known key."""
    try:
        found = _decoder(shape).decode(raw)
    except _BROKEN:
        found = _decoded(raw, shape)
    return found if isinstance(found, shape) and found != shape() else None


@cache
def _decoder(shape: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cast("type[Any]", shape | schemas.Odd))
