"""A right answer goes to the place of what was wrong, and everything else stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.corrections import corrected


@pytest.mark.parametrize(
    ("text", "replaces", "typed", "expected"),
    [
        ("couriet 2.4.0", "couriet", "courier", "courier 2.4.0"),
        ("*Couriet* 2.4.0", "couriet", "courier", "*courier* 2.4.0"),
        ("kiosk ios", "ios", "android", "kiosk android"),
        ("courier on:procesd,failed", "procesd", "processed", "courier on:processed,failed"),
        ("courier foo:x", "foo:", "os:", "courier os:x"),
        ("courier -foo:x", "foo:", "os:", "courier -os:x"),
        ("courier type:zip", "type:zip", "type:file", "courier type:file"),
        ("courier app:couriet", "couriet", "courier", "courier app:courier"),
        ('courier since:"last moth"', "last moth", "7d", 'courier since:"7d"'),
        ("field  notse main", "field notse", "field-notes", "field-notes main"),
        ("@bruno", "", "releaser", "@bruno releaser"),
        ("", "", "releaser", "releaser"),
        ('courier label:a label:"b c" os:ios', "label:*", "label:a", "courier os:ios label:a"),
        ("courier", "gone", "there", None),
    ],
)
def test_answer_replaces_only_what_was_wrong(text: str, replaces: str, typed: str, expected: str | None) -> None:
    assert corrected(text, replaces, typed) == expected


@given(st.text(max_size=40), st.text(max_size=10), st.text(max_size=10))
def test_any_text_can_be_corrected(text: str, replaces: str, typed: str) -> None:
    found = corrected(text, replaces, typed)
    assert found is None or typed.strip() in found
