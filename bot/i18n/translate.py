"""Sentences: translated at once by `_`, or kept as a Text and translated where they are read."""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

from bot.i18n.format import format_number
from bot.i18n.locale import ENGLISH, Localized, current_locale
from bot.i18n.verbatim import filled


def _(sentence: str | Localized, language: str | None = None, /, **values: object) -> str:
    """Return the sentence in a language, or in the current one, with `{names}` filled in.

    Text from outside is a value only. A value that is Localized is written in the same language.
    """
    if isinstance(sentence, Localized):
        return sentence.render(language)
    language = language or current_locale()
    said = _catalogue(language).gettext(sentence) if sentence else ""
    return filled(said, _rendered(values, language)) if values else said


def ngettext(singular: str, plural: str, number: int, language: str | None = None, /, **values: object) -> str:
    """Return one of two sentences by a number; it is `{number}` in them, as it is written in that language."""
    language = language or current_locale()
    said = _catalogue(language).ngettext(singular, plural, number)
    return filled(said, {"number": format_number(number, language), **_rendered(values, language)})


def gettext_noop(sentence: str, /) -> str:
    """Mark a sentence for translation by `_` at run time: for constants."""
    return sentence


@dataclass(frozen=True, slots=True, init=False)
class Text(Localized):
    """A sentence as data: its English words, by which the catalogue knows it, and its values. False when empty."""

    message_id: str
    values: tuple[tuple[str, object], ...]

    def __init__(self, message_id: str, /, **values: object) -> None:
        object.__setattr__(self, "message_id", message_id)
        object.__setattr__(self, "values", tuple(values.items()))

    def render(self, language: str | None = None) -> str:
        """Return it in the language, with what is from outside between marks."""
        return _(self.message_id, language, **dict(self.values))

    def __bool__(self) -> bool:
        return bool(self.message_id)

    __str__ = Localized.__str__


@dataclass(frozen=True, slots=True, init=False)
class Counted(Text):
    """One of two sentences by a number, which is `{number}` in them."""

    plural_id: str
    number: int

    def __init__(self, singular: str, plural: str, number: int, /, **values: object) -> None:
        Text.__init__(self, singular, **values)
        object.__setattr__(self, "plural_id", plural)
        object.__setattr__(self, "number", number)

    def render(self, language: str | None = None) -> str:
        """Return the one for the number."""
        return ngettext(self.message_id, self.plural_id, self.number, language, **dict(self.values))

    __str__ = Localized.__str__


NO_TEXT = Text("")


def english(words: str) -> Text:
    """Format for the CLI and the log, always in English."""
    return Text(words)


def joined(separator: str, parts: Iterable[str | Localized]) -> Text:
    """Several texts as one; those that are empty are left out."""
    kept = {f"part{number}": part for number, part in enumerate(part for part in parts if part)}
    return Text(separator.join(f"{{{name}}}" for name in kept), **kept)


def localize(value: object) -> str:
    """Return a value as text in the current language, when it is Localized; text from outside stays as it is."""
    if type(value) is str:  # almost always, and `isinstance` with an abstract class takes as long as all the rest
        return value
    return value.render() if isinstance(value, Localized) else str(value)


def _rendered(values: dict[str, object], language: str) -> dict[str, object]:
    return {name: value.render(language) if isinstance(value, Localized) else value for name, value in values.items()}


def is_loaded(language: str) -> bool:
    """Return whether this language is ready: `load_locale` reads its catalogue, which takes a tenth of a second."""
    return language in _READ


def load_locale(language: str) -> None:
    """Make this language ready; may be called in a thread."""
    if not is_loaded(language):
        _READ[language] = _read(language)


_READ = {ENGLISH: gettext.NullTranslations()}  # what is written in the code is English already


def _catalogue(language: str) -> gettext.NullTranslations:
    if language not in _READ:
        load_locale(language)
    return _READ[language]


def _read(language: str) -> gettext.NullTranslations:
    # Babel reads the catalogue, Python's own gettext looks texts up; neither is loaded for English.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = io.BytesIO()
    with resources.files(__package__).joinpath("locales", language, "LC_MESSAGES", "bot.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
