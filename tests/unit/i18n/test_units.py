"""Figures as each language writes them."""

from __future__ import annotations

from bot.i18n import use_locale
from bot.i18n.units import format_percent


def test_a_share_is_written_as_the_language_writes_it() -> None:
    assert format_percent(33) == "33%"
    with use_locale("es"):
        assert format_percent(33) == "33\N{NO-BREAK SPACE}%"
