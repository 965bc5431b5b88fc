"""Lists that come in pages: read to their end, several pages at once where Applivery says how many there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable
from typing import TypeVar

import structlog

from bot.applivery.envelope import Page
from bot.exceptions import ResponseTooLarge

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)

PAGE_SIZE = 100  # the largest seen in the vendor's own examples; the maximum is not documented
LIST_BYTES = 128 * 1024 * 1024  # of all pages of one list
PAGE_CEILING = 200  # pages of one list, so that a server that never says "last" cannot keep us for ever
AT_ONCE = 8  # pages


async def every_page(name: str, fetch: Callable[[int], Awaitable[Page[_T]]]) -> AsyncGenerator[Page[_T], None]:
    """Yield the pages in order; `fetch` is asked for twice as many at once each time, one by one if none is counted.

    Raises ResponseTooLarge when they come to more than `LIST_BYTES`.
    """
    number, several, size = 1, 1, 0
    while number <= PAGE_CEILING:
        last = min(number + several, PAGE_CEILING + 1)
        page: Page[_T] | None = None
        for page in await asyncio.gather(*(fetch(each_number) for each_number in range(number, last))):
            size += page.size
            if size > LIST_BYTES:
                raise ResponseTooLarge
            yield page
            if not page.has_next:
                return
        number = last
        left = page.pages - number + 1 if page and page.pages else 1
        several = max(1, min(2 * several, left, AT_ONCE))
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
