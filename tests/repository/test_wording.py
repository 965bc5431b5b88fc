"""make check: banned phrases are found wherever people read them, and the report says what to say instead."""

from __future__ import annotations

import io
import re

import pytest

from tools import wording
from tools.wording import Passage, Phrase

HEARS = Phrase("en", re.compile("hears? of", re.IGNORECASE), "announce", "a channel does not hear")


def message(text: str, language: str = "en") -> Passage:
    return Passage("somewhere", language, text)


def report(monkeypatch: pytest.MonkeyPatch, passage: Passage) -> str:
    monkeypatch.setattr(wording, "_all_passages", lambda: (passage,))
    monkeypatch.setattr(wording, "_listed", lambda: list(wording.phrases("en  dry run  preview")))
    out = io.StringIO()
    return f"{wording.main(out)} {out.getvalue()}"


def test_a_line_of_the_list_has_three_or_four_columns() -> None:
    text = "# a comment\n\nen  door(bell)?s?  webhook\nes  libro\tregistro  una palabra\n"
    first, second = wording.phrases(text)
    assert (first.language, first.pattern.pattern, first.instead, first.why) == ("en", "door(bell)?s?", "webhook", "")
    assert (second.instead, second.why) == ("registro", "una palabra")


@pytest.mark.parametrize("line", ["en  no replacement", "en", "en  ((  announce", "en  a  b  c  d"])
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2: "):
        list(wording.phrases(f"\n{line}"))


def test_the_list_can_be_read_and_names_known_languages() -> None:
    listed = list(wording.phrases(wording.PHRASES.read_text()))
    assert {phrase.language for phrase in listed} == {"en", "es"}


def test_a_banned_phrase_is_found_in_its_language_only() -> None:
    checked = [message("This channel HEARS of it"), message("hears of", "es"), message("all is well")]
    [finding] = wording.banned(HEARS, checked)
    assert str(finding) == "somewhere: “HEARS of”; say instead: announce (a channel does not hear)"


def test_a_finding_is_printed_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert report(monkeypatch, message("A dry run")) == "1 wording: somewhere: “dry run”; say instead: preview\n"
    assert report(monkeypatch, message("A preview")) == "0 "


def test_catalogue_has_sentences_and_translations() -> None:
    languages = {passage.language for passage in wording.catalogued("es")}
    assert languages == {"en", "es"}
    assert all(passage.place.startswith(("msgid “", "es of “")) for passage in wording.catalogued("es"))


def test_document_lines_have_numbers_and_no_code() -> None:
    text = "# Title\n\nA line\n\n    make demo\n\n```sh\nrm -rf it\n```\nthe end"
    found = {passage.place: passage.text for passage in wording.document("a.md", text) if passage.text}
    assert found == {"a.md:1": "# Title", "a.md:3": "A line", "a.md:10": "the end"}


def test_shell_texts_have_their_values_left_out() -> None:
    code = 'say(f"{name} hears of {app}")\nkey = "word"\n'
    assert [(passage.place, passage.text) for passage in wording.literals("a.py", code)] == [
        ("a.py:1", "{…} hears of {…}")
    ]


def test_a_value_or_a_command_counts_as_one_word() -> None:
    assert wording.words("*{number}* downloads: `get courier latest` by <@{user}> — it's done") == 7


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two? Three…", 3),
        ("Type it, e.g. `a b`.", 1),
        ("Version 2.4.1 is ready", 1),
        ("*Bold.* More", 2),
        ("Elige uno, p. ej. `a`.", 1),
    ],
)
def test_a_message_is_split_into_its_sentences(text: str, count: int) -> None:
    assert len(wording.sentences(text)) == count


def test_long_sentences_and_messages_are_reported() -> None:
    longest = "word " * 21
    assert [str(finding) for finding in wording.too_long([message(longest), message("short")])] == [
        "somewhere: a sentence of 21 words; at most 20"
    ]
    assert wording.too_long([message(longest, "es")]) == []
    assert [str(finding) for finding in wording.too_many([message("One. Two. Three."), message("One. Two.")])] == [
        "somewhere: 3 sentences; at most 2"
    ]
