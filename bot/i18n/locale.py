"""The current language, the supported ones, and values that are formatted when they are rendered in one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from bot.i18n.verbatim import unmarked

ENGLISH = "en"
OWN_NAMES = {ENGLISH: "English", "es": "Español"}  # of each language, as its speakers call it
LANGUAGES = tuple(OWN_NAMES)
_SPOKEN: ContextVar[str] = ContextVar("spoken", default=ENGLISH)


def current_locale() -> str:
    """Return the current language: one of LANGUAGES."""
    return _SPOKEN.get()


def locale_of(locale: str | None) -> str | None:
    """Return the language of a locale (`es-ES`, `es_419`); None for one that is not supported."""
    language = (locale or "").replace("_", "-").partition("-")[0].casefold()
    return language if language in LANGUAGES else None


def set_locale(language: str) -> None:
    """Speak this language from here on: in the rest of this task, and in the tasks it starts."""
    _SPOKEN.set(language)


@contextmanager
def use_locale(language: str) -> Iterator[None]:
    """Use this language inside the block, and the previous one after it."""
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


class Localized(ABC):
    """What is written differently in each language; its `str()` is in English, for the log and the shell."""

    __slots__ = ()

    @abstractmethod
    def render(self, language: str | None = None) -> str:
        """Return it in a language; in the current one when none is named."""

    def __str__(self) -> str:
        return unmarked(self.render(ENGLISH))
