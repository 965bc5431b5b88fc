"""Parse typed future times (`4h`, `18:00`, `friday`, `tomorrow 10:00`) in the user's time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from bot.domain.mutes import LONGEST
from bot.domain.spelling import bare
from bot.domain.time_zones import zone
from bot.domain.timeparse import time_words
from bot.domain.timeparse.time_words import weekday
from bot.exceptions import UserInputError
from bot.i18n import Text, gettext_noop

MORNING = time(9)  # the time of a day that was typed without one

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_UNIT = re.compile(r"minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w")
_AMOUNT = re.compile(rf"(\d{{1,6}})({_UNIT.pattern})", re.ASCII)
_AMOUNTS = re.compile(rf"(?:{_AMOUNT.pattern})+", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2})(?::([0-5]\d))?(am|pm)?", re.ASCII)
_AT_A_TIME = re.compile(r"@(?=\d)")
_HALF_APART = re.compile(r"(?<![\w.:])(\d{1,2}(?::[0-5]\d)?)\s+([ap])\.?m\b\.?", re.ASCII | re.IGNORECASE)  # `6:00 PM`
_FILLERS = frozenset({"until", "till", "til", "for", "at"})
_NEAR = ("today", "tomorrow")
_HINT = gettext_noop("Write it like `30m`, `until 18:00` or `until friday 10:00`.")
_USUAL = ("1h", "4h", "tomorrow", "monday")
_HINT_DAY = gettext_noop("Write it like `friday`, `tomorrow 18:00` or `7d`.")
_USUAL_DAYS = ("tomorrow", "friday", "7d")


def parse(text: str, *, now: datetime, tz: str, longest: timedelta = LONGEST, day_ends: time | None = None) -> datetime:
    """Return the typed time in UTC: after `now` (aware) and at most `longest` later.

    A day without a time means 9:00 in the zone `tz` (IANA), or `day_ends` (then the day can be today). A time without a
    day means its next occurrence. Raises UserInputError with examples.
    """
    spoken = [word.rstrip(",") for word in bare(_joined(text)).replace("@", " ").split()]
    words = [
        word for word in time_words.english(" ".join(spoken)).split() if word not in _FILLERS | time_words.ARTICLES
    ]
    try:
        found = _after(words, now) or _at(words, now.astimezone(zone(tz)), day_ends)
        too_far = found is not None and found - now > longest
    except OverflowError:
        found, too_far = None, True
    typed = text.strip()[:40]
    hint, usual = (Text(_HINT_DAY), _USUAL_DAYS) if day_ends else (Text(_HINT), _USUAL)
    if too_far:
        sentence = Text("“{typed}” is more than {days} days away.", typed=typed, days=longest.days)
        raise UserInputError(sentence, near=["30d"], replaces=text)
    if found is None:
        raise UserInputError(Text("I can't read the time “{typed}”.", typed=typed), hint, near=usual, replaces=text)
    if found <= now:
        raise UserInputError(Text("“{typed}” is in the past.", typed=typed), hint, near=usual, replaces=text)
    return found


def split(text: str) -> tuple[str, str]:
    """Split a text into the words of the time and the others: `("until friday", "courier")`."""
    typed = _AT_A_TIME.sub(" ", _joined(text)).split()
    when = [_says_when(typed, at) for at in range(len(typed))]
    return (
        " ".join(word for word, says in zip(typed, when, strict=True) if says),
        " ".join(word for word, says in zip(typed, when, strict=True) if not says),
    )


def _joined(text: str) -> str:
    """Return the text with `6:00 PM` as one word, and `5 December`, `dec 5th` and `5 de diciembre` as one each."""
    return time_words.with_dates_as_words(_HALF_APART.sub(r"\1\2m", text))


def _says_when(typed: list[str], at: int) -> bool:
    word = time_words.english(typed[at].casefold().rstrip(",."))
    if word.isdecimal():  # a bare number can be the name of an app, such as 2048
        return at + 1 < len(typed) and _is_unit(typed[at + 1])
    if _is_unit(word):
        return at > 0 and typed[at - 1].isdecimal()
    if word in time_words.ARTICLES:  # an article can begin the name of an app, such as El Tiempo
        return at + 1 < len(typed) and _says_when(typed, at + 1)
    if word in _FILLERS or word in _NEAR or _AMOUNTS.fullmatch(word):
        return True
    return bool(_clock(word) or _date(word) or time_words.day_and_month(word)) or weekday(word) is not None


def _is_unit(word: str) -> bool:
    return bool(_UNIT.fullmatch(word.casefold())) or time_words.is_unit(word)


def _after(words: list[str], now: datetime) -> datetime | None:
    """Parse a duration (`4h`, `1h 30m`, `2 days`) of elapsed time, independent of clock changes."""
    text = "".join(words)
    if not _AMOUNTS.fullmatch(text):
        return None
    much = sum((timedelta(**{_UNITS[unit[0]]: int(count)}) for count, unit in _AMOUNT.findall(text)), timedelta())
    return now.astimezone(UTC) + much


def _at(words: list[str], here: datetime, day_ends: time | None) -> datetime | None:
    """Parse a day, a time of day, or both in any order; return the first such instant in the future."""
    clocks = [clock for word in words if (clock := _clock(word))]
    days = [word for word in words if not _clock(word)]
    if not words or len(clocks) > 1 or len(days) > 1:
        return None
    today = here.date()
    named = _days(days[0], today, timed=bool(clocks or day_ends)) if days else [today, today + timedelta(days=1)]
    clock = clocks[0] if clocks else day_ends or MORNING
    # of a time that occurs twice because of a clock change, the second may still be in the future
    found = [
        datetime.combine(day, clock, here.tzinfo).replace(fold=fold).astimezone(UTC) for day in named for fold in (0, 1)
    ]
    return next((moment for moment in found if moment > here), found[-1] if found else None)


def _days(word: str, today: date, *, timed: bool) -> list[date]:
    """Return the possible days of a word, in order; today only with a time of day."""
    if word in _NEAR:
        return [today + timedelta(days=_NEAR.index(word))] if timed or word != "today" else []
    if (day := weekday(word)) is not None:
        away = (day - today.weekday()) % 7
        return [today + timedelta(days=number) for number in (away, away + 7) if number or timed]
    exact = _date(word)
    if exact is None and (named := time_words.day_and_month(word)):
        return time_words.next_dates(*named, today)
    return [exact] if exact else []


def _clock(word: str) -> time | None:
    """Parse `18:00`, `6pm` or `6:30pm`; a bare number is no time."""
    match = _CLOCK.fullmatch(word)
    if not match or not (match[2] or match[3]):
        return None
    hour = int(match[1])
    if match[3]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (match[3] == "pm")
    return time(hour, int(match[2] or 0)) if hour < 24 else None


def _date(word: str) -> date | None:
    try:
        return date.fromisoformat(word) if "-" in word else None
    except ValueError:
        return None
