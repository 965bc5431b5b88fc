"""Write all CSV files of the bot.

Excel reads a double-clicked file as UTF-8 only if it starts with a byte order mark, and splits cells at the list
separator of the user's region, so the file follows the user's locale. There is no `sep=` line: Excel ignores the
mark after one, and other programs read it as the first row. Quotes do not stop a spreadsheet from evaluating a
formula, and a program that splits elsewhere ignores them, so every position where any program may start a cell is
escaped.
"""

from __future__ import annotations

import csv
import io
import re

MARK = "\ufeff"

# The characters that begin a formula, also in their full-width and small forms, which Excel treats alike.
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
_LINE = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
# Characters that a program may ignore at the start of a cell: quotes, blanks and invisible characters.
_DROPPED = '[" \xa0\u1680\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff\xad\u180e\x00-\x08\x0e-\x1b\x1f\x7f]*'
_STARTS = re.compile(
    f"(?:\\A|(?<=[,;]))(?={_DROPPED}[{_FORMULA}\t{_LINE}])"
    f"|(?<=[,;\t{_LINE}])(?={_DROPPED}\\Z)"  # there our closing quote would open a cell that begins with a line break
    f"|(?<=\t)(?={_DROPPED}[{_FORMULA}{_LINE}])"
    f"|(?<=[{_LINE}])(?={_DROPPED}[{_FORMULA}\t])"
)


class CsvWriter:
    """A CSV file in the making; `separator` is the result of `separator_for`."""

    def __init__(self, separator: str) -> None:
        self.row_count = 0
        self._out = io.StringIO()
        self._writer = csv.writer(self._out, delimiter=separator, quoting=csv.QUOTE_ALL)

    def write_row(self, *cells: str | int | None) -> None:
        """Add a row. Numbers, also negative ones, stay numbers; a text never becomes a formula."""
        self.row_count += 1
        self._writer.writerow([_escape_formula(cell) if isinstance(cell, str) else cell for cell in cells])

    def to_bytes(self, *more: CsvWriter) -> bytes:
        """Return the file: the rows of this table, then those of the other tables."""
        return "".join([MARK, *(sheet._out.getvalue() for sheet in (self, *more))]).encode(errors="replace")


def separator_for(locale: str) -> str:
    """Return the list separator of a locale (such as `es-ES`): `;` if its decimal separator is a comma.

    For a region unknown to CLDR (Slack's `es-LA`) only the language counts. The first call takes 0.1 s.
    """
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 - 1 MB that only those need who want a file
    from babel.numbers import get_decimal_symbol  # noqa: PLC0415

    locale = locale.replace("_", "-")
    for name in (locale, locale.partition("-")[0]):
        try:
            return ";" if get_decimal_symbol(Locale.parse(name, sep="-")) == "," else ","
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return ","


def _escape_formula(text: str) -> str:
    """Return the text with `'` before everything that a spreadsheet could evaluate as a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return _STARTS.sub("'", text)
