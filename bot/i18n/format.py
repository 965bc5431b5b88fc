"""Numbers and dates as they are written in a language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from bot.i18n.locale import ENGLISH, Localized, current_locale


def format_number(number: float, language: str | None = None) -> str:
    """A number as it is written in the language: `12,345.6`, `12.345,6`."""
    language = language or current_locale()
    if language == ENGLISH:
        return f"{number:,}"
    from babel.numbers import format_decimal  # noqa: PLC0415 - 1 MB that only those need who speak another language

    return str(format_decimal(number, locale=language))


def format_day(when: date, language: str | None = None) -> str:
    """A day as it is written in the language: `3 Nov 2026`, `3 nov 2026`."""
    return _written(when, "d MMM y", english="%-d %b %Y", language=language)


def format_short_day(when: date, language: str | None = None) -> str:
    """Return a day without its year: `3 Nov`, `3 nov`."""
    return _written(when, "d MMM", english="%-d %b", language=language)


def format_month(when: date) -> str:
    """Return a month and its year: `Nov 2026`, `nov 2026`."""
    return _written(when, "MMM y", english="%b %Y")


def format_clock(when: time, language: str | None = None) -> str:
    """Return a time of day as Slack shows it in the language: `9:00 AM`, `9:00`."""
    language = language or current_locale()
    if language == ENGLISH:
        return f"{when:%I:%M %p}".removeprefix("0")
    from babel.dates import format_time  # noqa: PLC0415

    return str(format_time(when, "short", locale=language))


def _written(when: date, pattern: str, *, english: str, language: str | None = None) -> str:
    """Return a date by CLDR's pattern; in English by strftime's, for which nothing has to be loaded."""
    language = language or current_locale()
    if language == ENGLISH:
        return when.strftime(english)
    from babel.dates import format_date  # noqa: PLC0415

    return str(format_date(when, pattern, locale=language))


@dataclass(frozen=True, slots=True)
class Number(Localized):
    """A number that is written where it is read."""

    value: float

    def render(self, language: str | None = None) -> str:
        """Return it with the separators of the language."""
        return format_number(self.value, language)

    __str__ = Localized.__str__


@dataclass(frozen=True, slots=True)
class Day(Localized):
    """A day that is written where it is read."""

    when: date

    def render(self, language: str | None = None) -> str:
        """Return it as `format_day` writes it."""
        return format_day(self.when, language)

    __str__ = Localized.__str__


@dataclass(frozen=True, slots=True)
class ShortDay(Localized):
    """A day of this year that is written where it is read."""

    when: date

    def render(self, language: str | None = None) -> str:
        """Return it as `format_short_day` writes it."""
        return format_short_day(self.when, language)

    __str__ = Localized.__str__


@dataclass(frozen=True, slots=True)
class Clock(Localized):
    """A time of day that is written where it is read."""

    when: time

    def render(self, language: str | None = None) -> str:
        """Return it as `format_clock` writes it."""
        return format_clock(self.when, language)

    __str__ = Localized.__str__
