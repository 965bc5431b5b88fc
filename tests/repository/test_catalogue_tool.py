"""What the translators are given: each sentence the code says, wherever in the code it stands."""

from __future__ import annotations

from io import BytesIO

import pytest
from babel.messages.extract import extract

from tools.catalogue import KEYWORDS


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('_("One {name}.", name=who)', ["One {name}."]),
        ("text = f\"*{_('Inside {what}', what=1)}*\"", ["Inside {what}"]),
        ('_("one " "sentence")', ["one sentence"]),
        ('LABELS = {"a": gettext_noop("Label")}', ["Label"]),
        ('ngettext("{number} build", "{number} builds", n, app=app)', [("{number} build", "{number} builds")]),
        ("_(CONSTANT)", []),
        ('poster.say("not ours")', []),
        ('log.info("not said")', []),
    ],
)
def test_a_sentence_is_collected_wherever_it_stands(code: str, found: list[object]) -> None:
    method = "tools.catalogue:calls"
    assert [message for _, message, _, _ in extract(method, BytesIO(code.encode()), keywords=KEYWORDS)] == found
