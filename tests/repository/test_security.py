"""SECURITY.md: every threat has tests, and they exist."""

from __future__ import annotations

import re

from tests.repository.shell import ROOT

ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "SECURITY.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| who |")
]
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text(), re.MULTILINE)
}


def test_security_threat_rows_are_complete_and_name_tests() -> None:
    """Every threat says who, what, how it is stopped and by which tests."""
    assert len(ROWS) > 10
    for row in ROWS:
        assert len(row) == 4, row
        assert all(row), row
        assert re.fullmatch(r"`test_\w+`( `test_\w+`)*", row[3]), row


def test_every_test_that_is_named_exists() -> None:
    named = {name for row in ROWS for name in re.findall(r"`(test_\w+)`", row[3])}
    assert named - TESTS == set()
