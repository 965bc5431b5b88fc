"""Every sentence has its Spanish, with the same values, marks and commands in it."""

from __future__ import annotations

import re
from collections import Counter
from string import Formatter

import pytest
from babel.messages.catalog import Message

from bot.i18n import ENGLISH, LANGUAGES
from tools import catalogue

# What has to come out the same in any language: values, code, links of Slack, and emoji by name.
KEPT = re.compile(r"`[^`]*`|<[^<>]*>|:[a-z_]+:")
WORDS = re.compile(r"[^\W\d_]{2,}")


TRANSLATED = [language for language in LANGUAGES if language != ENGLISH]


def pairs() -> list[tuple[str, str, Message]]:
    """Each sentence with what stands for it in each language; each plural form with the English one or many."""
    found = []
    for message in (message for language in TRANSLATED for message in catalogue.read(language) if message.id):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        found += [(ids[min(form, len(ids) - 1)], text or "", message) for form, text in enumerate(strings)]
    return found


def values(sentence: str) -> Counter[str]:
    """The names in braces."""
    return Counter(name for _, name, _, _ in Formatter().parse(sentence) if name is not None)


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_holds_what_the_code_says_and_nothing_else(language: str) -> None:
    said = {(message,) if isinstance(message, str) else message for message in catalogue.messages()}
    known = {
        message.id if isinstance(message.id, tuple) else (message.id,)
        for message in catalogue.read(language)
        if message.id
    }
    assert said - known == set(), "run `make catalogue`, then translate what is new"
    assert known - said == set(), "run `make catalogue`: nobody says this any more"


def test_every_sentence_has_a_translation() -> None:
    assert [english for english, spanish, _ in pairs() if not spanish.strip()] == []


def test_no_translation_is_only_a_guess() -> None:
    assert [message.id for *_, message in pairs() if message.fuzzy] == []


def test_a_translation_has_the_same_values_in_it() -> None:
    # a "one" may leave its number out, as English does: "one build"
    wrong = [
        (english, spanish)
        for english, spanish, message in pairs()
        if set(values(english)) - {"number"} != set(values(spanish)) - {"number"}
        or (not isinstance(message.id, tuple) and values(english) != values(spanish))
    ]
    assert wrong == []


@pytest.mark.parametrize("mark", ["*", "_", "~", "\n", "•"])
def test_a_translation_has_the_same_marks_in_it(mark: str) -> None:
    def marks(sentence: str) -> int:
        return KEPT.sub("", re.sub(r"\{[^}]*\}", "", sentence)).count(mark)

    assert [(english, spanish) for english, spanish, _ in pairs() if marks(english) != marks(spanish)] == []


def test_a_translation_has_the_same_commands_and_addresses_in_it() -> None:
    wrong = [
        (english, spanish)
        for english, spanish, _ in pairs()
        if Counter(KEPT.findall(english)) != Counter(KEPT.findall(spanish))
    ]
    assert wrong == []


def test_a_translation_begins_and_ends_as_the_sentence_does() -> None:
    def shape(sentence: str) -> tuple[bool, bool, bool]:
        return sentence[:1].isspace(), sentence[-1:].isspace(), sentence.rstrip().endswith(".")

    assert [(english, spanish) for english, spanish, _ in pairs() if shape(english) != shape(spanish)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogue_file_is_the_output_of_the_tool(language: str) -> None:
    file = catalogue.path(language)
    assert file.read_text("utf-8") == catalogue.as_text(catalogue.updated(language))


def test_a_new_language_begins_with_every_sentence() -> None:
    catalog = catalogue.updated("cy")
    assert not catalogue.path("cy").exists()
    assert {message.id for message in catalog if message.id} == {
        message.id for message in catalogue.read("es") if message.id
    }
    assert not any(catalogue.translated(message) for message in catalog if message.id)
    assert "nplurals=5; plural=(n==1 ? 1 : n==2 ? 2 : n==3 ? 3 : n==6 ? 4 : 0)" in catalogue.as_text(catalog)


# A number before a noun in the plural, in a sentence without a form for one; those whose number is never one are named.
COUNTED = re.compile(r"\{(?:number|count|times|total|days|hours|minutes|most)\}\s+(?:[a-z]+s|people)\b")
NEVER_ONE = {
    "The limit is {number} characters.": "a limit",
    "{what} is too long: it has {number} characters.": "above a limit",
    "{place} has {number} people. The limit is {most}.": "above a limit",
    "I can't tell which of {number} apps that build id belongs to.": "ambiguous",
    "“{typed}” is more than {days} days away.": "a limit",
}


def test_counted_messages_have_a_singular() -> None:
    alone = {message.id for *_, message in pairs() if isinstance(message.id, str)}
    counted = {sentence for sentence in alone if COUNTED.search(sentence)}
    assert counted - set(NEVER_ONE) == set(), "use ngettext or Counted"


def test_no_plural_is_in_brackets_or_behind_a_one() -> None:
    nouns = "builds|apps|downloads|people|days|hours|minutes|links|channels|connections"
    wrong = re.compile(rf"\w\(e?s\)|(?<![\d.,])1 (?:{nouns})\b")
    sentences = {text for english, translated, _ in pairs() for text in (english, translated)}
    assert [sentence for sentence in sentences if wrong.search(sentence)] == []
