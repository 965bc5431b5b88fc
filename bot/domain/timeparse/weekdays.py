"""The days of the week, 0 is Monday: how they are typed and how they are shown."""

from __future__ import annotations

from bot.domain.timeparse import spanish
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


def weekday(word: str) -> int | None:
    """Return the day that a word in small letters means: its English or Spanish name, or three letters or more that
    begin one only.
    """
    plain = spanish.plain(word)
    named = [*enumerate(NAMES), *enumerate(spanish.DAYS)]
    fitting = {day for day, name in named if len(plain) >= 3 and name.startswith(plain)}
    return fitting.pop() if len(fitting) == 1 else None
