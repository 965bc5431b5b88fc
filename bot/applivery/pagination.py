"""Lists that come in pages: read to their end in large ones, several at once where Applivery counts them."""

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

PAGE_SIZE = 100  # the largest seen in the vendor's own examples; the maximum is not documented
LARGE_PAGE = 500  # what a public client lists builds with (applivery-soar 9e69544): a fifth of the hour's requests
REMEMBER_SECONDS = 3600.0  # what a tenant takes; then the large page is tried again
LIST_BYTES = 128 * 1024 * 1024  # of all pages of one list
PAGE_CEILING = 200  # pages of one list, so that a server that never says "last" cannot keep us for ever
AT_ONCE = 8  # pages
# How a tenant that does not take a large page may say so: by a refusal, by breaking, or by more than is read at once.
_REFUSALS = (RequestRejected, ServiceUnavailable, InvalidResponse, ResponseTooLarge)

FetchPage = Callable[[int, int], Awaitable[Page[_T]]]
"""Gives the page of this number, from 1, with so many items to a page."""


class PageSizes:
    """How many items a page may have, by list: learnt from the tenant, and remembered for a while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, tuple[int, float]] = {}

    def largest(self, name: str) -> int:
        """Return the size to ask for once a list turns out to be long."""
        size, until = self._known.get(name, (LARGE_PAGE, 0.0))
        return size if self._clock() < until else LARGE_PAGE

    def learn(self, name: str, size: int) -> None:
        """Remember that a page of this list has no more items."""
        self._known[name] = (size, self._clock() + REMEMBER_SECONDS)


async def every_page(
    name: str, fetch: FetchPage[_T], sizes: PageSizes, *, first: int = PAGE_SIZE, at_once: int = AT_ONCE
) -> AsyncGenerator[Page[_T], None]:
    """Yield the pages in order; a list that goes on after the `first` items is read on in the largest pages there are.

    They begin anew where the sizes do not fit, so an item may come twice (see `each_once`). Twice as many are asked for
    at once each time, one by one if none is counted. Where no answer says which page is the last, it is the one before
    an empty one, or before the same one again. Raises ResponseTooLarge when they come to more than `LIST_BYTES`.
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
            sizes.learn(name, limit)  # it gives no more, whatever is asked for
        for each_number, listed in zip(numbers, pages, strict=True):
            is_same = each_number > 1 and not listed.is_told and before is not None and listed.items == before.items
            page = before = replace(listed, has_next=False) if is_same else listed
            size += page.size
            if size > LIST_BYTES:
                raise ResponseTooLarge
            if each_number * limit > read or not page.has_next:  # else it is in what was read in other sizes
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
    """Yield each item of the pages once; ends at a page that holds nothing new."""
    seen: set[Hashable] = set()
    async for page in pages:
        new = [item for item in page.items if identity(item) not in seen]
        for item in new:
            if identity(item) not in seen:
                seen.add(identity(item))
                yield item
        if page.items and not new:
            return
