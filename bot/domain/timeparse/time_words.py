"""Words for times: days of the week (0 is Monday), and English words for Spanish ones; pure.

`ayer`, `2 semanas` and `hasta el viernes a las 10:00` are understood in every locale, also without accents.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Mapping
from contextlib import suppress
from datetime import date

from bot.i18n import gettext_noop

NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LABELS = (
    gettext_noop("Monday"),
    gettext_noop("Tuesday"),
    gettext_noop("Wednesday"),
    gettext_noop("Thursday"),
    gettext_noop("Friday"),
    gettext_noop("Saturday"),
    gettext_noop("Sunday"),
)
SPANISH_NAMES = ("lunes", "martes", "miercoles", "jueves", "viernes", "sabados", "domingos")
WORDS = {
    "hoy": "today",
    "ahora": "now",
    "ayer": "yesterday",
    "mañana": "tomorrow",
    "esta semana": "this week",
    "semana pasada": "last week",
    "la semana pasada": "last week",
    "este mes": "this month",
    "mes pasado": "last month",
    "el mes pasado": "last month",
    "hasta": "until",
    "durante": "for",
    "a las": "at",
    "a la": "at",
    "diario": "daily",
    "cada día": "daily",
    "todos los días": "daily",
    "laborables": "weekdays",
    "días laborables": "weekdays",
}
# Units, by their letters in the English grammar. Months are for periods only, minutes for deadlines only.
UNITS = {"minuto": "m", "hora": "h", "día": "d", "semana": "w"}
PERIOD_UNITS = {"hora": "h", "día": "d", "semana": "w", "mes": "m"}
AGO = "hace "  # before an amount of time
_PLURALS = {"mes": "meses"}
MONTHS = (
    ("january", "enero"),
    ("february", "febrero"),
    ("march", "marzo"),
    ("april", "abril"),
    ("may", "mayo"),
    ("june", "junio"),
    ("july", "julio"),
    ("august", "agosto"),
    ("september", "septiembre", "setiembre"),
    ("october", "octubre"),
    ("november", "noviembre"),
    ("december", "diciembre"),
)
# Articles and prepositions around a day or a time, which are ignored.
ARTICLES = frozenset({"el", "la", "los", "las", "a", "en", "dentro", "de", "cada"})


LEAP_YEAR = 2028
_NUMBERS = {form: number for number, names in enumerate(MONTHS, 1) for name in names for form in (name, name[:3])}
_NUMBERS |= {"sept": 9}
_MONTH = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_YEAR = r"(?:,?\s+(?:de\s+|del\s+)?(\d{4}))?"
_DAY_FIRST = re.compile(
    rf"(?<![\w.:/-])(\d{{1,2}})(?:st|nd|rd|th|º)?\s+(?:de\s+|of\s+)?({_MONTH})\b\.?{_YEAR}", re.IGNORECASE
)
_MONTH_FIRST = re.compile(
    rf"(?<![\w.:/-])({_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?(?![\w.:/%-]){_YEAR}", re.IGNORECASE
)
_AS_WORD = re.compile(rf"(\d{{1,2}})-({_MONTH})(?:-(\d{{4}}))?", re.ASCII)


def with_dates_as_words(text: str) -> str:
    """Return the text with each date as one word with the month in English: `5-december`, `5-december-2027`.

    An invalid date such as `31 feb` stays as it was typed.
    """

    def as_word(typed: str, day: str, month: str, year: str | None) -> str:
        number = _NUMBERS[month.casefold()]
        if not 1 <= int(day) <= monthrange(LEAP_YEAR, number)[1]:
            return typed
        return "-".join(filter(None, (day, MONTHS[number - 1][0], year)))

    text = _DAY_FIRST.sub(lambda match: as_word(match[0], match[1], match[2], match[3]), text)
    return _MONTH_FIRST.sub(lambda match: as_word(match[0], match[2], match[1], match[3]), text)


def day_and_month(word: str) -> tuple[int, int, int | None] | None:
    """Return the day, the month and the optional year of such a word."""
    match = _AS_WORD.fullmatch(word)
    return (int(match[1]), _NUMBERS[match[2]], int(match[3]) if match[3] else None) if match else None


def next_dates(day: int, month: int, year: int | None, today: date) -> list[date]:
    """Return the possible dates of a day and month, in order: without a year, those of this year and the next."""
    found = []
    for each in (year,) if year else (today.year, today.year + 1):
        with suppress(ValueError):  # 29 February
            found.append(date(each, month, day))
    return found


def plain(text: str) -> str:
    """Return the text in lower case and without accents, including that of `ñ`."""
    parts = unicodedata.normalize("NFD", text.casefold())
    return "".join(character for character in parts if not unicodedata.combining(character))


_PLAIN = {plain(word): english for word, english in WORDS.items()}
_WORD = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(map(re.escape, _PLAIN), key=len, reverse=True))})(?!\w)")


def english(text: str, units: Mapping[str, str] = UNITS) -> str:
    """Return the text with Spanish words replaced by English ones; unchanged if it has none."""
    folded = plain(" ".join(text.replace("_", " ").split()))
    found = _WORD.sub(lambda match: _PLAIN[match[0]], folded)
    for unit, letter in units.items():
        found = re.sub(rf"(\d+)\s*(?:{_forms(unit)})(?!\w)", rf"\1{letter}", found)
    return text if found == folded else found


def is_unit(word: str) -> bool:
    """Return whether a word is a unit of time after a number."""
    return any(re.fullmatch(_forms(unit), plain(word)) for unit in UNITS)


def _forms(unit: str) -> str:
    return rf"{plain(unit)}|{plain(_PLURALS.get(unit, f'{unit}s'))}"


def weekday(word: str) -> int | None:
    """Return the day of the week of a lower-case word: an English or Spanish name, or its unique start (3+ letters)."""
    typed = plain(word)
    named = [*enumerate(NAMES), *enumerate(SPANISH_NAMES)]
    fitting = {day for day, name in named if len(typed) >= 3 and name.startswith(typed)}
    return fitting.pop() if len(fitting) == 1 else None
