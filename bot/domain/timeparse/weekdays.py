"""The days of the week, 0 is Monday: how they are typed and how they are shown."""

from __future__ import annotations

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
    """Return the day that a word in small letters means: its name, or three letters or more that begin one only."""
    fitting = [day for day, name in enumerate(NAMES) if len(word) >= 3 and name.startswith(word)]
    return fitting[0] if len(fitting) == 1 else None
