"""Slack's native tables and charts within their limits; pure. The SDK has no models for them.

https://docs.slack.dev/reference/block-kit/blocks/data-table-block
https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from bot.language import figure
from bot.slack.blocks import Block
from bot.slack.wording import plain

TABLE_ROWS = 100
TABLE_CHARACTERS = 10_000
TABLE_PAGE = 10
CAPTION = 200
CELL = 60
POINTS = 20
LABEL = 20
TITLE = 50

Cell = str | int | tuple[int, str]
"""A text, a number, or a number with the words to show for it."""


def fitting(rows: Sequence[Sequence[Cell]]) -> int:
    """How many of these rows, from the first, go into one table."""
    left = TABLE_CHARACTERS - 500  # for the header, and for what Slack may count that we do not
    for number, row in enumerate(rows[:TABLE_ROWS]):
        left -= sum(_weight(cell) for cell in row)
        if left < 0:
            return number
    return min(len(rows), TABLE_ROWS)


def _weight(cell: Cell) -> int:
    if isinstance(cell, tuple):
        return len(str(cell[0])) + len(cell[1])
    return len(plain(cell, CELL))


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Block:
    """A table that people can sort, search and page through; at least one row, each as long as the header."""
    return {
        "type": "data_table",
        "caption": plain(caption, CAPTION),
        "rows": [[_cell(one) for one in row] for row in (header, *rows[: fitting(rows)])],
        "page_size": TABLE_PAGE,
        "row_header_column_index": 0,
    }


def _cell(cell: Cell) -> Block:
    if isinstance(cell, tuple):
        return {"type": "raw_number", "value": cell[0], "text": cell[1]}
    if isinstance(cell, int):
        return {"type": "raw_number", "value": cell}
    return {"type": "raw_text", "text": plain(cell, CELL)}


def chart(kind: Literal["line", "bar"], title: str, series: str, points: Sequence[tuple[str, int]]) -> Block:
    """One series of up to twenty points (label, value) over the names of its points; the rest is left out."""
    labels = _different([plain(label, LABEL) for label, _ in points[:POINTS]])
    data = [{"label": label, "value": value} for label, (_, value) in zip(labels, points, strict=False)]
    return {
        "type": "data_visualization",
        "title": plain(title, TITLE),
        "chart": {
            "type": kind,
            "series": [{"name": plain(series, LABEL), "data": data}],
            "axis_config": {"categories": labels},
        },
    }


def _different(labels: Sequence[str]) -> list[str]:
    """The labels, told apart by a number where two became one when they were cut."""
    found: list[str] = []
    for label in labels:
        number, other = 2, label
        while other in found:
            other = f"{label[: LABEL - 4].rstrip()} ({number})"
            number += 1
        found.append(other)
    return found


def bars(points: Sequence[tuple[str, int]], width: int = 20) -> str:
    """The same as text, for a workspace that has no charts: a bar and a number in each line."""
    top = max((value for _, value in points), default=0) or 1
    return "\n".join(
        f"{'▇' * max(round(value * width / top), value > 0)} {figure(value)} · {label}" for label, value in points
    )
