"""Tables as CSV files: every CSV that leaves the bot is written here.

Excel reads a double-clicked file as UTF-8 only behind a byte order mark, and parts it at the list separator of the
reader's region, so the file follows the reader's locale. There is no `sep=` line: Excel ignores the mark behind one,
and every other program takes it for the first row. Quotes do not keep a spreadsheet from reading a formula, and a
reader that parts elsewhere does not see them, so each place where a cell can begin for any reader is made harmless.
"""

from __future__ import annotations

import csv
import io
import re

MARK = "\ufeff"

# What begins a formula, in its wide and small forms too: Excel reads those alike.
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
_LINE = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
# What a reader may drop at the start of a cell: quotes, blanks that part nothing, and what cannot be seen.
_DROPPED = '[" \xa0\u1680\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff\xad\u180e\x00-\x08\x0e-\x1b\x1f\x7f]*'
_STARTS = re.compile(
    f"(?:\\A|(?<=[,;]))(?={_DROPPED}[{_FORMULA}\t{_LINE}])"
    f"|(?<=[,;\t{_LINE}])(?={_DROPPED}\\Z)"  # our closing quote would open a cell there, and begin it with a line's end
    f"|(?<=\t)(?={_DROPPED}[{_FORMULA}{_LINE}])"
    f"|(?<=[{_LINE}])(?={_DROPPED}[{_FORMULA}\t])"
)


class CsvWriter:
    """The lines of a CSV file, growing one by one; `separator` is what `separator_of` gives."""

    def __init__(self, separator: str) -> None:
        self.row_count = 0
        self._out = io.StringIO()
        self._writer = csv.writer(self._out, delimiter=separator, quoting=csv.QUOTE_ALL)

    def write_row(self, *cells: str | int | None) -> None:
        """Add a line. A number stays one, below zero too; a text never becomes a formula."""
        self.row_count += 1
        self._writer.writerow([_escape_formula(cell) if isinstance(cell, str) else cell for cell in cells])

    def to_bytes(self, *more: CsvWriter) -> bytes:
        """Return the file: these lines, and then those of other sheets."""
        return "".join([MARK, *(sheet._out.getvalue() for sheet in (self, *more))]).encode(errors="replace")


def separator_for(locale: str) -> str:
    """Return what parts the cells where `locale` (such as `es-ES`) is read: `;` where a comma parts decimals.

    A region that CLDR does not know (Slack's `es-LA`) counts as its language alone. Takes 0.1 s the first time.
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
    """Return the text with `'` before everything that a spreadsheet could take for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return _STARTS.sub("'", text)
