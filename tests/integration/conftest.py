"""What the tests of parts together share."""

from __future__ import annotations

import pytest

from bot.domain import forecasts


@pytest.fixture(autouse=True)
def no_dated_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no platform change on a date: each such change is in every forecast from a month before it."""
    monkeypatch.setattr(forecasts, "RULES", ())
