"""The languages of Applivery's emails have different names in each of our languages."""

from __future__ import annotations

import pytest

from bot.commands.upload import LANGUAGES
from bot.i18n import LANGUAGES as OURS
from bot.i18n import _, use_locale


@pytest.mark.parametrize("ours", OURS)
def test_email_languages_have_different_names(ours: str) -> None:
    with use_locale(ours):
        assert len({_(name) for name, _short in LANGUAGES}) == len(LANGUAGES)
