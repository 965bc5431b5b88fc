"""Read Slack's paginated lists, within a limit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bot.exceptions import SlackResponseTooLarge, SlackSilent

PAGES = 100
ITEMS = 200_000


def read_list(answer: Any, key: str) -> list[Any]:
    """Return the list under `key` of a response. Raises SlackSilent if it is missing, which does not mean empty."""
    items = answer.get(key)
    if not isinstance(items, list):
        raise SlackSilent(code="incomplete_list")
    return items


async def iterate_pages(fetch: Callable[[str | None], Awaitable[Any]], key: str) -> AsyncIterator[list[Any]]:
    """Yield the list under `key` of each page; `fetch` takes the cursor of the page to request.

    Raises SlackResponseTooLarge when a cursor repeats, and after `PAGES` pages or `ITEMS` items.
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
