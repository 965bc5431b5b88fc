"""Slack's native tables and charts within their limits; pure. The SDK has no models for them.

https://docs.slack.dev/reference/block-kit/blocks/data-table-block
https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from bot.i18n import format_number
from bot.slack.blocks import Block
from bot.slack.mrkdwn import plain_text

TABLE_ROWS = 100
TABLE_CHARACTERS = 10_000
TABLE_PAGE = 10
CAPTION = 200
CELL = 160  # our own limit: Slack limits a whole table to ten thousand characters
POINTS = 20
LABEL = 20
TITLE = 50

Cell = str | int | tuple[int, str]
"""A text, a number, or a number with the words to show for it."""
Points = Sequence[tuple[str, int]]


def distinguish_labels(texts: Iterable[str], limit: int) -> list[str]:
    """Return the texts as plain text of at most `limit` characters, numbered where several would be equal."""
    found: dict[str, None] = {}
    count: Counter[str] = Counter()
    for text in texts:
        label = whole = fit_label(text, limit)
        while label in found:
            count[whole] += 1
            number = f" ({count[whole] + 1})"
            label = fit_label(text, limit - len(number)) + number
        found[label] = None
    return list(found)


def fit_label(text: str, limit: int) -> str:
    """Return the text on one line and visibly not empty, within a limit that counts an emoji as two characters."""
    if not any(unicodedata.category(each_text)[0] in "LNPS" for each_text in text):
        return "–"
    semaphore = limit
    while _length(label := plain_text(text, semaphore)) > limit:
        semaphore -= 1
    return label


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def count_fitting_rows(rows: Sequence[Sequence[Cell]]) -> int:
    """Return how many of the first rows fit into one table."""
    left = TABLE_CHARACTERS - 500  # a margin for the header and for characters that Slack may count and we don't
    for number, row in enumerate(rows[:TABLE_ROWS]):
        left -= sum(_weight(cell) for cell in row)
        if left < 0:
            return number
    return min(len(rows), TABLE_ROWS)


def _weight(cell: Cell) -> int:
    return sum(_length(str(part)) for name, part in _cell(cell).items() if name != "type")


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Block:
    """Return a table that people can sort, search and page through; at least one row, each as long as the header."""
    return {
        "type": "data_table",
        "caption": plain_text(caption, CAPTION),
        "rows": [[_cell(item) for item in row] for row in (header, *rows[: count_fitting_rows(rows)])],
        "page_size": TABLE_PAGE,
        "row_header_column_index": 0,
    }


def _cell(cell: Cell) -> Block:
    """Return a cell; `text` is required of a number too: https://www.npmjs.com/package/@slack/types (3.2.0)."""
    if isinstance(cell, tuple):
        return {"type": "raw_number", "value": cell[0], "text": fit_label(cell[1], CELL)}
    if isinstance(cell, int):
        return {"type": "raw_number", "value": cell, "text": format_number(cell)}
    return {"type": "raw_text", "text": fit_label(cell, CELL)}


def chart(kind: Literal["line", "bar"], title: str, series: str, points: Points) -> Block:
    """Return one series of one to twenty points (label, value) over the names of its points."""
    return several(kind, title, [(series, points)])


def several(kind: Literal["line", "bar"], title: str, series: Sequence[tuple[str, Points]]) -> Block:
    """Return up to six series by name, each of one to twenty points (label, value), over the points of the first."""
    labels = distinguish_labels((label for label, _ in series[0][1][:POINTS]), LABEL)
    names = distinguish_labels((name for name, _ in series), LABEL)
    drawn = [
        {
            "name": name,
            "data": [{"label": label, "value": value} for label, (_, value) in zip(labels, points, strict=False)],
        }
        for name, (_, points) in zip(names, series, strict=True)
    ]
    return {
        "type": "data_visualization",
        "title": fit_label(title, TITLE),
        "chart": {
            "type": kind,
            "series": drawn,
            "axis_config": {"categories": labels},
        },
    }


def limit_points(points: Points, limit: int, rest: Callable[[int], str]) -> Points:
    """Return at most `limit` points; the last is the sum of the others, labelled by `rest` with their number."""
    if len(points) <= limit:
        return points
    kept, others = points[: limit - 1], points[limit - 1 :]
    return [*kept, (rest(len(others)), sum(value for _, value in others))]


def text_bars(points: Points, width: int = 20) -> str:
    """Return the same as text, for a workspace that has no charts: a bar and a number in each line."""
    top = max((value for _, value in points), default=0) or 1
    return "\n".join(
        f"{'▇' * max(round(value * width / top), value > 0)} {format_number(value)} · {label}"
        for label, value in points
    )
