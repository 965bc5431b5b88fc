"""Read paginated lists to their end, in large pages, concurrently where Applivery reports their number."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import replace
from typing import TypeVar

import structlog

from bot.applivery.envelope import Page
from bot.exceptions import InvalidResponse, RequestRejected, ResponseTooLarge, ServiceUnavailable, kind_of

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)

PAGE_SIZE = 100  # the largest in the documentation's examples; the maximum is not documented
LARGE_PAGE = 500  # used by a public client for builds (applivery-soar 9e69544): a fifth of the requests
REMEMBER_SECONDS = 3600.0  # how long a learned page size is used before the large page is tried again
LIST_BYTES = 128 * 1024 * 1024  # total size of the pages of one list
PAGE_CEILING = 200  # pages of one list, in case a server never reports the last one
AT_ONCE = 8  # pages
# Errors when a tenant does not support a large page: a rejection, a failure, or a response that is too large.
_REFUSALS = (RequestRejected, ServiceUnavailable, InvalidResponse, ResponseTooLarge)

FetchPage = Callable[[int, int], Awaitable[Page[_T]]]
"""Gives the page of this number, from 1, with so many items to a page."""


class PageSizes:
    """The largest page size by list, learned from the tenant's responses and kept for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[int, float]] = {}

    def largest(self, name: str) -> int:
        """Return the page size for a long list."""
        size, until = self._known.get(name, (LARGE_PAGE, 0.0))
        return size if self._clock() < until else LARGE_PAGE

    def learn(self, name: str, size: int) -> None:
        """Record the largest page size of this list."""
        self._known[name] = (size, self._clock() + REMEMBER_SECONDS)


async def every_page(
    name: str, fetch: FetchPage[_T], sizes: PageSizes, *, first: int = PAGE_SIZE, at_once: int = AT_ONCE
) -> AsyncGenerator[Page[_T], None]:
    """Yield the pages in order; after the `first` items a list is read in the largest possible pages.

    They overlap where the sizes do not align, so an item may be repeated (see `each_once`). The number of concurrent
    requests doubles each time; it is one if the total is unknown. Without pagination fields a list ends at an empty or
    repeated page. Raises ResponseTooLarge when the pages have more than `LIST_BYTES`.
    """
    number, limit, several, asked, size, read = 1, first, 1, 0, 0, 0
    is_short = False
    before: Page[_T] | None = None
    while asked < PAGE_CEILING:
        numbers = range(number, number + min(several, PAGE_CEILING - asked))
        asked += len(numbers)
        try:
            pages = await asyncio.gather(*(fetch(each_number, limit) for each_number in numbers))
        except _REFUSALS as refused:
            if limit <= PAGE_SIZE:
                raise
            _log.info("applivery.large_page_refused", list=name, limit=limit, problem=kind_of(refused))
            sizes.learn(name, PAGE_SIZE)
            number, limit, several = read // PAGE_SIZE + 1, PAGE_SIZE, 1
            continue
        if number == 1 and 0 < pages[0].rows < limit:
            limit, is_short = pages[0].rows, True
        if is_short and pages[0].rows and (number > 1 or pages[0].is_told):
            sizes.learn(name, limit)  # it never returns more items
        for each_number, listed in zip(numbers, pages, strict=True):
            is_same = each_number > 1 and not listed.is_told and before is not None and listed.items == before.items
            page = before = replace(listed, has_next=False) if is_same else listed
            size += page.size
            if size > LIST_BYTES:
                raise ResponseTooLarge
            if each_number * limit > read or not page.has_next:  # otherwise pages of another size covered it
                yield page
                read = max(read, each_number * limit)
            if not page.has_next:
                return
        larger = limit if is_short else sizes.largest(name)
        if larger > limit:
            number, limit, several = read // larger + 1, larger, 1
            continue
        number = read // limit + 1
        left = page.pages - number + 1 if page.pages else 1
        several = max(1, min(2 * several, left, at_once))
    _log.warning("applivery.page_ceiling", list=name, pages=PAGE_CEILING)


async def each_once(pages: AsyncIterator[Page[_T]], identity: Callable[[_T], Hashable]) -> AsyncGenerator[_T, None]:
    """Yield each item of the pages once; end at a page without new items."""
    seen: set[Hashable] = set()
    async for page in pages:
        new = [item for item in page.items if identity(item) not in seen]
        for item in new:
            if identity(item) not in seen:
                seen.add(identity(item))
                yield item
        if page.items and not new:
            return
