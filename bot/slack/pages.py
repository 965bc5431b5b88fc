"""Slack's lists that come in pages, with an end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bot.errors import SlackAnswerTooLarge

PAGES = 100
ITEMS = 200_000


async def pages(fetch: Callable[[str | None], Awaitable[Any]], key: str) -> AsyncIterator[list[Any]]:
    """The list under `key` of each page; `fetch` takes the cursor of the page to ask for.

    Raises SlackAnswerTooLarge when a cursor comes again, and after `PAGES` pages or `ITEMS` items.
    https://docs.slack.dev/apis/web-api/pagination
    """
    cursor, seen, count = "", {""}, 0
    for _ in range(PAGES):
        answer = await fetch(cursor or None)
        items = list(answer.get(key) or [])
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
    raise SlackAnswerTooLarge(code="endless_list")
