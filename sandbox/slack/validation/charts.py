"""Native tables and charts. https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.slack.validation.objects import IDENTIFIER
from sandbox.slack.validation.rich_text import RICH_TEXT_CELL
from sandbox.slack.validation.schema import (
    ObjectSchema,
    Rule,
    ValidationErrors,
    boolean,
    choice,
    integer,
    items,
    key,
    number,
    one_of,
    text,
    together,
    unique,
)

CELLS_IN_ALL = 10_000


def _shown(value: Any, at: str, found: ValidationErrors) -> None:
    """What stands in a cell. An empty one is refused: https://github.com/getnao/nao/issues/1143"""
    text(CELLS_IN_ALL)(value, at, found)
    if isinstance(value, str) and value and not value.strip():
        found.add("must not be empty", at)


# Slack's own types want `text` beside a number: https://www.npmjs.com/package/@slack/types (3.2.0)
RAW_TEXT = ObjectSchema({"text": _shown})
RAW_NUMBER = ObjectSchema({"value": number, "text": _shown})
CELL = one_of({"raw_text": RAW_TEXT, "raw_number": RAW_NUMBER, "rich_text": RICH_TEXT_CELL})
HEADER_CELL = one_of({"raw_text": RAW_TEXT, "raw_number": RAW_NUMBER})


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name in ("text", "value") and not isinstance(part, dict | list):
                yield str(part)
            else:
                yield from _written(part)
    elif isinstance(value, list):
        for part in value:
            yield from _written(part)


def _data_rows(value: Any, at: str, found: ValidationErrors) -> None:
    if isinstance(value, list) and value and isinstance(value[0], list):
        items(HEADER_CELL, 20)(value[0], f"{at}/0", found)
        for index, row in enumerate(value[1:], 1):
            items(CELL, 20)(row, f"{at}/{index}", found)
            if isinstance(row, list) and len(row) != len(value[0]):
                found.add("all rows must have the same number of cells", f"{at}/{index}")
    items(_row, 101, 2)(value, at, found)
    if sum(len(part) for part in _written(value)) > CELLS_IN_ALL:
        found.add(f"must be less than {CELLS_IN_ALL + 1} characters in all cells", at)


def _row(value: Any, at: str, found: ValidationErrors) -> None:
    if not isinstance(value, list):
        found.add("must provide an array", at)


def _row_header_exists(value: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
    column, rows = value.get("row_header_column_index"), value.get("rows")
    if isinstance(column, int) and isinstance(rows, list) and rows and isinstance(rows[0], list):
        integer(0, len(rows[0]) - 1)(column, f"{at}/row_header_column_index", found)


DATA_TABLE = ObjectSchema(
    {"caption": text(3000), "rows": _data_rows},
    {"block_id": IDENTIFIER, "page_size": integer(1, 100), "row_header_column_index": integer(0, 19)},
    (_row_header_exists,),
)

_COLUMN = ObjectSchema({}, {"align": choice("left", "center", "right"), "is_wrapped": boolean}, typed=False)
TABLE = ObjectSchema(
    {"rows": items(items(CELL, 20), 100)},
    {"block_id": IDENTIFIER, "column_settings": items(_COLUMN, 20, 0)},
)


def _label(value: Any, at: str, found: ValidationErrors) -> None:
    """A label of at most twenty characters, however they are counted: an emoji may be two."""
    _shown(value, at, found)
    if isinstance(value, str) and len(value.encode("utf-16-le", "replace")) > 2 * 20:
        found.add("must be less than 21 characters", at)


LABEL = _label
POINT = ObjectSchema({"label": LABEL, "value": number}, typed=False)
SERIES = ObjectSchema({"name": LABEL, "data": items(POINT, 20)}, typed=False)
AXIS = ObjectSchema(
    {"categories": together(items(LABEL, 20), unique("category", lambda item: item))},
    {"x_label": text(50), "y_label": text(50)},
    typed=False,
)


def _points_match_categories(value: Mapping[str, Any], at: str, found: ValidationErrors) -> None:
    axis, series = value.get("axis_config"), value.get("series")
    wanted = axis.get("categories") if isinstance(axis, dict) else None
    if not isinstance(wanted, list) or not isinstance(series, list):
        return
    for index, entry in enumerate(series):
        data = entry.get("data") if isinstance(entry, dict) else None
        labels = [key("label")(point) for point in data] if isinstance(data, list) else []
        if sorted(map(str, labels)) != sorted(map(str, wanted)):
            found.add("each series must have exactly one point for each category", f"{at}/series/{index}/data")


def _positive(value: Any, at: str, found: ValidationErrors) -> None:
    number(value, at, found)
    if isinstance(value, int | float) and value <= 0:
        found.add("must be more than 0", at)


_AXED = ObjectSchema(
    {"series": together(items(SERIES, 6), unique("name", key("name"))), "axis_config": AXIS},
    checks=(_points_match_categories,),
)
_PIE = ObjectSchema({"segments": items(ObjectSchema({"label": LABEL, "value": _positive}, typed=False), 6)})
CHARTS: dict[str, Rule] = {"line": _AXED, "bar": _AXED, "area": _AXED, "pie": _PIE}

DATA_VISUALIZATION = ObjectSchema({"title": text(50), "chart": one_of(CHARTS)}, {"block_id": IDENTIFIER})
