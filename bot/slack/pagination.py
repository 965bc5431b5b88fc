"""Slack's lists that come in pages, with an end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bot.exceptions import SlackResponseTooLarge, SlackSilent

PAGES = 100
ITEMS = 200_000


def read_list(answer: Any, key: str) -> list[Any]:
    """The list an answer has under `key`. Raises SlackSilent when it has none: that is no empty list."""
    items = answer.get(key)
    if not isinstance(items, list):
        raise SlackSilent(code="incomplete_list")
    return items


async def iterate_pages(fetch: Callable[[str | None], Awaitable[Any]], key: str) -> AsyncIterator[list[Any]]:
    """The list under `key` of each page; `fetch` takes the cursor of the page to ask for.

    Raises SlackResponseTooLarge when a cursor comes again, and after `PAGES` pages or `ITEMS` items.
    https://docs.slack.dev/apis/web-api/pagination
    """
    cursor, seen, count = "", {""}, 0
    for _ in range(PAGES):
        answer = await fetch(cursor or None)
        items = read_list(answer, key)
        count += len(items)
        if count > ITEMS:
            break
        yield items
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return
        if cursor in seen:
            break
        seen.add(cursor)
    raise SlackResponseTooLarge(code="endless_list")
