"""Parse typed schedules (`daily@09:00`, `mon,thu@17:30`), and find their next time, also across clock changes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time

from cronsim import CronSim
from msgspec import Struct

from bot.domain.spelling import bare
from bot.domain.time_zones import zone
from bot.domain.timeparse import time_words
from bot.exceptions import UserInputError
from bot.i18n import Clock, Text, gettext_noop, joined

_EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
_WEEKDAYS = (0, 1, 2, 3, 4)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_USUAL = ("daily@09:00", "weekdays@09:00", "monday@09:00")
_HINT = gettext_noop("Write it like `daily@09:00`, `weekdays@18:30` or `mon,thu@17:30`.")


class Schedule(Struct, frozen=True):
    """Days of the week (0 is Monday, sorted, unique) and a local time of day; `str()` returns it as it is typed."""

    days: tuple[int, ...]
    at: time

    def __str__(self) -> str:
        if self.days == _EVERY_DAY:
            days = "daily"
        elif self.days == _WEEKDAYS:
            days = "weekdays"
        elif len(self.days) == 1:
            days = time_words.NAMES[self.days[0]]
        else:
            days = ",".join(time_words.NAMES[day][:3] for day in self.days)
        return f"{days}@{self.at:%H:%M}"


def parse(text: str) -> Schedule:
    """Parse a typed schedule, in any case and with blanks at usual places.

    Raises UserInputError with examples.
    """
    days, at, clock = _at_sign(bare(text)).partition("@")
    match = _TIME.fullmatch(clock.strip())
    if not at or not match:
        raise _not_a_schedule(text)
    chosen = {day for word in re.split(r",| y ", days) for day in _days(word.strip().casefold(), text)}
    return Schedule(tuple(sorted(chosen)), time(int(match[1]), int(match[2])))


def _at_sign(text: str) -> str:
    """Return `lunes@9:00` for `cada lunes a las 9`."""
    spoken = time_words.english(text)
    words = re.sub(r"(?<!\w)(?:cada|los|el)\s+", "", spoken)
    written_out = re.fullmatch(r"([^@]+?)\s+at\s+(\d{1,2})(:[0-5]\d)?", words)
    if written_out:
        return f"{written_out[1]}@{written_out[2]}{written_out[3] or ':00'}"
    return words


def explain(schedule: Schedule) -> Text:
    """Describe a schedule: `every Monday and Thursday at 5:30 PM`."""
    at = Clock(schedule.at)
    if schedule.days == _EVERY_DAY:
        return Text("every day at {time}", time=at)
    if schedule.days == _WEEKDAYS:
        return Text("every weekday at {time}", time=at)
    *names, last = (Text(time_words.LABELS[day]) for day in schedule.days)
    days = Text("{some} and {last}", some=joined(", ", names), last=last) if names else last
    return Text("every {days} at {time}", days=days, time=at)


def next_after(schedule: Schedule, after: datetime, tz: str) -> datetime:
    """Return the first time after `after` (aware) at which the schedule is due in the zone `tz`, in UTC.

    A time that a clock change skips is due right after the change; one that occurs twice is due only the first time.
    """
    cron_days = ",".join(str(day + 1) for day in schedule.days)
    ticks = CronSim(f"{schedule.at.minute} {schedule.at.hour} * * {cron_days}", after.astimezone(zone(tz)))
    # cronsim counts in local time, so within a repeated hour it may return a time in the past
    return next(moment for tick in ticks if (moment := tick.astimezone(UTC)) > after)


def _days(word: str, text: str) -> tuple[int, ...]:
    if word in ("daily", "weekdays"):
        return _EVERY_DAY if word == "daily" else _WEEKDAYS
    day = time_words.weekday(word)
    if day is None:
        raise _not_a_schedule(text)
    return (day,)


def _not_a_schedule(typed: str) -> UserInputError:
    sentence = Text("I can't read the schedule “{typed}”.", typed=typed[:40])
    return UserInputError(sentence, Text(_HINT), near=_USUAL, replaces=typed)
