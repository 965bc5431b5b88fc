"""Applivery's envelopes, errors, pages and its strict reading of query parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.applivery.models import Wire

ID_OR_SLUG = re.compile(r"(([a-fA-F0-9]{24})|([a-zA-Z0-9\-]{3,}))")
HEX_ID = re.compile(r"[a-fA-F0-9]{24}")
_SORT = re.compile(r"[\w.]*((:asc)|(:desc))?")

Check = Callable[[str], Any]
"""Turns one query value into what it means; raises ValueError with the vendor's words after the field's name."""


class ApiError(Exception):
    """An answer with `status: false`; the words and numbers are the vendor's."""

    def __init__(self, status: int, code: int | None, message: str, data: Wire | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.data = data
        self.headers: dict[str, str] = {}

    def response(self) -> web.Response:
        """Give the HTTP answer."""
        error: Wire = {"code": self.code, "message": str(self), "data": self.data}
        body = {"status": False, "error": {key: value for key, value in error.items() if value is not None}}
        return web.json_response(body, status=self.status, headers=self.headers)


def not_found() -> ApiError:
    """3001: no such thing, or not for this credential."""
    return ApiError(404, 3001, "Entity not found")


def invalid(field: str, message: str, location: str = "query") -> ApiError:
    """6002, with the detail seen in applivery/roadmap#93."""
    errors = [{"field": [field], "location": location, "messages": [f'"{field}" {message}']}]
    return ApiError(400, 6002, "Body Validation Error", {"errors": errors})


def ok(data: Any = None) -> web.Response:
    """Wrap `data` in the good envelope; without data the envelope stands alone, as after a delete."""
    return web.json_response({"status": True} if data is None else {"status": True, "data": data})


# ------------------------------------------------------------------ parameters


def read_query(request: web.Request, **checks: Check) -> dict[str, Any]:
    """Give the checked query; a key that is not documented, sent twice or ill-formed is refused with 6002."""
    found: dict[str, Any] = {}
    for key, value in request.query.items():
        if key not in checks:
            raise invalid(key, "is not allowed")
        if key in found:
            raise invalid(key, "must be a string")
        try:
            found[key] = checks[key](value)
        except ValueError as error:
            raise invalid(key, str(error)) from None
    return found


def whole(value: str) -> int:
    """A whole number from 1."""
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < 1:
        raise ValueError("must be larger than or equal to 1")
    return int(value)


def sorting(value: str) -> str:
    """A field, optionally with `:asc` or `:desc`."""
    if not _SORT.fullmatch(value):
        raise ValueError("fails to match the required pattern")
    return value


def text(maximum: int = 256) -> Check:
    """Any words, but not none and not too many."""

    def check(value: str) -> str:
        if not 0 < len(value) <= maximum:
            raise ValueError(f"length must be between 1 and {maximum} characters long")
        return value

    return check


def one_of(*words: str) -> Check:
    """One of these words exactly."""

    def check(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of [{', '.join(words)}]")
        return value

    return check


def moment(value: str) -> datetime:
    """A `date-time` as RFC 3339 has it, so never without its offset (a bare `+` arrives as a blank and is refused)."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or "T" not in value:
        raise ValueError("must be a valid ISO 8601 date")
    return at


PAGING: dict[str, Check] = {"page": whole, "limit": whole, "sort": sorting}
SPAN: dict[str, Check] = {"iniDate": moment, "endDate": moment}


# ------------------------------------------------------------------ pages


@dataclass(frozen=True)
class Paging:
    """How lists are paged: `size` without a `limit`; above `most` a `limit` is silently held to that, or `refused`."""

    size: int
    most: int
    refused: bool


def page_of(items: Sequence[Wire], query: dict[str, Any], paging: Paging) -> Wire:
    """Cut one page out of `items`.

    The vendor documents no largest `limit` for these lists: a tenant may refuse one, hold it down, or take 500 (what
    the public client applivery-soar asks for).
    """
    limit = query.get("limit", paging.size)
    if limit > paging.most and paging.refused:
        raise invalid("limit", f"must be less than or equal to {paging.most}")
    limit = min(limit, paging.most)
    page = query.get("page", 1)
    pages = max(1, math.ceil(len(items) / limit))
    start = (page - 1) * limit
    return {
        "items": list(items[start : start + limit]),
        "totalDocs": len(items),
        "limit": limit,
        "page": page,
        "totalPages": pages,
        "pagingCounter": start + 1,
        "hasPrevPage": page > 1,
        "hasNextPage": page < pages,
        "prevPage": page - 1 if page > 1 else None,
        "nextPage": page + 1 if page < pages else None,
    }


def list_in(body: Any) -> list[Any]:
    """The list in a whole answer of ours."""
    data = body["data"]
    return list(data["items"] if isinstance(data, dict) else data)


def _facts(body: Any) -> Wire:
    data = body["data"]
    return {key: value for key, value in data.items() if key != "items"} if isinstance(data, dict) else {}


# Where tenants were seen to put a list; the first is what the reference says. applivery-soar, utils/extractItems.ts
LIST_SHAPES: dict[str, Callable[[Any], Any]] = {
    "data.items": lambda body: {"status": True, "data": {"items": list_in(body), **_facts(body)}},
    "data.docs": lambda body: {"status": True, "data": {**_facts(body), "docs": list_in(body)}},
    "data": lambda body: {"status": True, "data": list_in(body)},
    "items": lambda body: {"status": True, **_facts(body), "items": list_in(body)},
    "docs": lambda body: {"docs": list_in(body), **_facts(body)},
    "list": list_in,
}


def in_order(items: Sequence[Wire], sort: str | None) -> list[Wire]:
    """Sort by a dotted field; without one the newest `createdAt` comes first and of equals the latest made."""
    field, _, direction = (sort or "createdAt:desc").partition(":")
    ascending = sorted(items, key=lambda item: _sort_key(item, field))
    return ascending if direction != "desc" else ascending[::-1]


def _sort_key(item: Wire, dotted: str) -> tuple[int, float, str]:
    value: Any = item
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (0, 0.0, "") if value is None else (2, 0.0, str(value))
