"""What the bot says, in the reader's language: English is in the code, Spanish in `locales/`.

A sentence is translated by `_`, with its values by name; `make catalogue` collects the sentences for the translators:
https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from importlib import resources

from bot.i18n.verbatim import filled

ENGLISH = "en"
LANGUAGES = (ENGLISH, "es")
_SPOKEN: ContextVar[str] = ContextVar("spoken", default=ENGLISH)


def _(sentence: str, /, **values: object) -> str:
    """The sentence in the language of who is spoken with, `{names}` filled in. Text from outside is a value only."""
    text = _catalogue(current_locale()).gettext(sentence)
    return filled(text, values) if values else text


def ngettext(text: str, many: str, number: int, /, **values: object) -> str:
    """One of two sentences by a number; it is `{number}` in them, as it is written in that language."""
    said = _catalogue(current_locale()).ngettext(text, many, number)
    return filled(said, {"number": format_number(number), **values})


def gettext_noop(sentence: str, /) -> str:
    """Mark a sentence for the translators without translating it: `_` does that where a constant is used."""
    return sentence


def format_number(number: float) -> str:
    """A number as it is written in the language: `12,345.6`, `12.345,6`."""
    if current_locale() == ENGLISH:
        return f"{number:,}"
    from babel.numbers import format_decimal  # noqa: PLC0415 - 1 MB that only those need who speak another language

    return str(format_decimal(number, locale=current_locale()))


def format_day(when: date) -> str:
    """A day as it is written in the language: `3 Nov 2026`, `3 nov 2026`."""
    return _written(when, "d MMM y", english="%-d %b %Y")


def format_short_day(when: date) -> str:
    """A day without its year: `3 Nov`, `3 nov`."""
    return _written(when, "d MMM", english="%-d %b")


def format_month(when: date) -> str:
    """A month and its year: `Nov 2026`, `nov 2026`."""
    return _written(when, "MMM y", english="%b %Y")


def _written(when: date, pattern: str, *, english: str) -> str:
    """A date by CLDR's pattern; in English by strftime's, for which nothing has to be loaded."""
    if current_locale() == ENGLISH:
        return when.strftime(english)
    from babel.dates import format_date  # noqa: PLC0415

    return str(format_date(when, pattern, locale=current_locale()))


def current_locale() -> str:
    """The language spoken now: one of LANGUAGES."""
    return _SPOKEN.get()


def locale_of(locale: str | None) -> str | None:
    """The language of a locale (`es-ES`, `es_419`); None for one that is not spoken here."""
    language = (locale or "").replace("_", "-").partition("-")[0].casefold()
    return language if language in LANGUAGES else None


def set_locale(language: str) -> None:
    """Speak this language from here on: in the rest of this task, and in the tasks it starts."""
    _SPOKEN.set(language)


@contextmanager
def use_locale(language: str) -> Iterator[None]:
    """Speak this language inside the block, and after it what was spoken before."""
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def is_loaded(language: str) -> bool:
    """Whether this language can be spoken at once: `load_locale` reads its catalogue, which takes a tenth of a
    second.
    """
    return language in _READ


def load_locale(language: str) -> None:
    """Make this language ready; may be called in a thread."""
    if not is_loaded(language):
        _READ[language] = _read(language)


_READ = {ENGLISH: gettext.NullTranslations()}  # what is written in the code is English already


def _catalogue(language: str) -> gettext.NullTranslations:
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
