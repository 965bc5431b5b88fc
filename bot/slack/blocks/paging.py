"""Show a page of a long list, with buttons to the previous and next page; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from slack_sdk.models.blocks import ButtonElement, OverflowMenuElement

from bot.i18n import _, format_number
from bot.slack import blocks
from bot.slack.blocks import Block
from bot.slack.button_values import PageValue

T = TypeVar("T")


class PagedItems(Struct, Generic[T], frozen=True):
    """Some items of a list; `first` and `number` count from 0, `total` is None when it is not counted."""

    items: Sequence[T]
    number: int
    first_number: int
    more: bool
    total: int | None = None

    @property
    def range_text(self) -> str:
        """Return the range shown, `11–20 of 57`; empty if it is the whole list."""
        if not self.number and not self.more:
            return ""
        first, last = format_number(self.first_number + 1), format_number(self.first_number + len(self.items))
        if self.total is None:
            return f"{first}–{last}"
        return _("{first}–{last} of {total}", first=first, last=last, total=format_number(self.total))


def paginate(all_items: Sequence[T], number: int, size: int) -> PagedItems[T]:
    """Return the page of this number of a whole list, or the nearest page that exists."""
    number = max(0, min(number, (len(all_items) - 1) // size))
    items = all_items[number * size : (number + 1) * size]
    return PagedItems(items, number, number * size, (number + 1) * size < len(all_items), len(all_items))


def paginate_partial(items: Sequence[T], number: int, size: int) -> PagedItems[T]:
    """Return the page of a list that was read only as far as `items_needed` says, or to its end."""
    page = paginate(items, number, size)
    return replace(page, total=None) if page.more and page.number == number else page


def items_needed(number: int, size: int) -> int:
    """Return how many items to read in order to show a page and know whether another follows."""
    return (number + 1) * size + 1


def page_buttons(
    page: PagedItems[T], action: str, what: str, *, menu: OverflowMenuElement | None = None
) -> list[Block]:
    """Return the buttons to the previous and next page, and a menu.

    The value of each button is the page number and `what` is listed.
    """
    back = blocks.button(
        _("Previous"),
        f"{action}#previous",
        str(PageValue(page.number - 1, what)),
        accessibility_label=_("Previous page"),
    )
    more = blocks.button(
        _("More"), f"{action}#more", str(PageValue(page.number + 1, what)), accessibility_label=_("More: the next page")
    )
    row: list[ButtonElement | OverflowMenuElement] = [
        *([back] if page.number else []),
        *([more] if page.more else []),
        *([menu] if menu else []),
    ]
    return [blocks.actions(*row)] if row else []


def parse_page_value(value: str) -> tuple[int, str]:
    """Parse the value of such a button: the number of a page and what is listed."""
    page = PageValue.parse(value)
    return page.number or 0, page.of
