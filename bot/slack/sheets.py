"""Tables as CSV files that a spreadsheet can open without being tricked."""

from __future__ import annotations

import csv
import io


class Sheet:
    """A CSV file that grows line by line."""

    def __init__(self) -> None:
        self.lines = 0
        self._out = io.StringIO()
        self._writer = csv.writer(self._out)

    def line(self, *cells: str | None) -> None:
        """Add a line."""
        self.lines += 1
        self._writer.writerow([_harmless(cell) for cell in cells])

    def content(self) -> bytes:
        """The file."""
        return self._out.getvalue().encode()


def _harmless(cell: str | None) -> str:
    """A cell that no spreadsheet takes for a formula. https://owasp.org/www-community/attacks/CSV_Injection"""
    text = cell or ""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
