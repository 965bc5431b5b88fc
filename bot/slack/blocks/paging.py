"""Lists that are longer than a message: a page of them, and the buttons to the pages beside it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from bot.i18n import _, format_number
from bot.slack import blocks
from bot.slack.blocks import Block
from bot.slack.button_values import PageValue

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PagedItems(Generic[T]):
    """Some items of a list; `first` and `number` count from 0, `total` is None when it is not counted."""

    items: Sequence[T]
    number: int
    first: int
    more: bool
    total: int | None = None

    @property
    def words(self) -> str:
        """Which part of the list this is, when it is not all of it: `11–20 of 57`."""
        if not self.number and not self.more:
            return ""
        first, last = format_number(self.first + 1), format_number(self.first + len(self.items))
        if self.total is None:
            return f"{first}–{last}"
        return _("{first}–{last} of {total}", first=first, last=last, total=format_number(self.total))


def page_of(every: Sequence[T], number: int, size: int) -> PagedItems[T]:
    """The page of this number of a whole list; of one that is not there the nearest."""
    number = max(0, min(number, (len(every) - 1) // size))
    items = every[number * size : (number + 1) * size]
    return PagedItems(items, number, number * size, (number + 1) * size < len(every), len(every))


def page_so_far(found: Sequence[T], number: int, size: int) -> PagedItems[T]:
    """The same of a list that was read only as far as `needed`, or to its end."""
    page = page_of(found, number, size)
    return replace(page, total=None) if page.more and page.number == number else page


def needed(number: int, size: int) -> int:
    """How many items of a list have to be known to show a page of it, and whether there are more."""
    return (number + 1) * size + 1


def turning(page: PagedItems[T], action: str, what: str) -> list[Block]:
    """The buttons to the pages beside this one; each carries the number of a page and `what` is listed."""
    back = blocks.button(
        _("Previous"), f"{action}#previous", str(PageValue(page.number - 1, what)), says=_("Previous page")
    )
    more = blocks.button(
        _("More"), f"{action}#more", str(PageValue(page.number + 1, what)), says=_("More: the next page")
    )
    row = [*([back] if page.number else []), *([more] if page.more else [])]
    return [blocks.actions(*row)] if row else []


def turned_to(value: str) -> tuple[int, str]:
    """The number of a page and what is listed, as those buttons carry them."""
    page = PageValue.parse(value)
    return page.number or 0, page.of
