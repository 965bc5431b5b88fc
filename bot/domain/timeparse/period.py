"""Parse typed periods (`7d`, `friday`, `last month`, `2026-11-01..`) in the user's time zone, ends included."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from bot.domain.spelling import plainly
from bot.domain.time_zones import zone
from bot.domain.timeparse import time_words
from bot.domain.timeparse.time_words import weekday
from bot.exceptions import UserInputError
from bot.i18n import Clock, Counted, Day, Text, gettext_noop, joined
from bot.i18n.verbatim import verbatim

_AGO = re.compile(r"(\d{1,4})\s*(h|d|w|m)", re.IGNORECASE)
_ELLIPSIS = re.compile(r"(?<=\w)…")  # some keyboards replace dots by an ellipsis
_HINT = gettext_noop("Write it like `since:7d`, `since:2026-11-01` or `since:2026-11-01..2026-11-07`.")
_USUAL = ("today", "7d", "30d", "last-month")


@dataclass(frozen=True, slots=True)
class Period:
    """A period between aware instants; `end` is included. `words` describes it for the user.

    `open` means without a beginning: `start` is then a time before all data.
    """

    start: datetime
    end: datetime
    words: Text = field(repr=False, compare=False)
    open: bool = False


def parse(since: str | None, until: str | None, *, now: datetime, tz: str) -> Period | None:
    """Return the period of `since:` and `until:`; None without them. Raises UserInputError with an example."""
    if since is None and until is None:
        return None
    if since and ".." in (both := _ELLIPSIS.sub("..", since)):
        since, _separator, after = both.partition("..")
        until = after or until
    since, until = since and _bounded(since), until and _bounded(until)
    if not since and not until:
        raise UserInputError(Text("That period has no start and no end."), Text(_HINT), near=_USUAL, replaces="..")
    here = now.astimezone(zone(tz))
    try:
        start = _start(since, here) if since else datetime(2000, 1, 1, tzinfo=here.tzinfo)
        end = _end(until, here) if until else here
    except OverflowError:
        typed = since or until or ""
        raise UserInputError(
            Text("“{typed}” is too far in the past or future.", typed=typed[:40]),
            Text(_HINT),
            near=_USUAL,
            replaces=typed,
        ) from None
    # in UTC, since Python compares times of the same zone by local time, in which an hour can occur twice
    is_backwards = end.astimezone(UTC) < start.astimezone(UTC)
    if is_backwards and since and not until:
        raise UserInputError(Text("That period is in the future."), Text(_HINT), near=_USUAL, replaces=since)
    if is_backwards:
        raise UserInputError(
            Text("That period ends before it starts."), Text(_HINT), near=_USUAL, replaces=since or until
        )
    return Period(start, end, _words(start if since else None, end, here), open=not since)


def _bounded(typed: str) -> str:
    """Return a typed time without formatting, quotation marks and final punctuation."""
    words = time_words.english(plainly(typed).strip(" *_~`\"',;.!?"), time_words.PERIOD_UNITS)
    return words.removeprefix(time_words.AGO) or typed


def _words(start: datetime | None, end: datetime, here: datetime) -> Text:
    """Describe a period for a user whose local time is `here`; `start` None: it has no beginning."""
    first, last, zone_name = _moment(start) if start else None, _moment(end), verbatim(here.tzinfo)
    if end.date() == here.date():
        if first is None:
            return Text("from the beginning to today ({zone})", zone=zone_name)
        return Text("from {first} to today ({zone})", first=first, zone=zone_name)
    if first is None:
        return Text("from the beginning to {last} ({zone})", last=last, zone=zone_name)
    if first == last:
        return Text("on {day} ({zone})", day=first, zone=zone_name)
    return Text("from {first} to {last} ({zone})", first=first, last=last, zone=zone_name)


def _moment(moment: datetime) -> Text:
    """Format the day, with the time of day unless the whole day is meant."""
    whole = (time.min, time(23, 59, 59, 999_000))
    return joined(" ", (Day(moment.date()), "" if moment.time() in whole else Clock(moment.time())))


def typed(period: Period) -> tuple[tuple[str, str], ...]:
    """Return the options for exactly this period at any later time, with times and offsets."""
    until = ("until", period.end.isoformat(timespec="milliseconds"))
    return (until,) if period.open else (("since", period.start.isoformat(timespec="milliseconds")), until)


def between(start: datetime, end: datetime, tz: str) -> Period:
    """Return the period from one instant (aware) up to another, exclusive, described in the time zone `tz`."""
    first, last = start.astimezone(zone(tz)), end.astimezone(zone(tz))
    return Period(start, end - timedelta(milliseconds=1), _between(first, last))


def _between(first: datetime, last: datetime) -> Text:
    return Text(
        "from {first} to {last} ({zone})",
        first=joined(" ", (Day(first), Clock(first.time()))),
        last=joined(" ", (Day(last), Clock(last.time()))),
        zone=verbatim(last.tzinfo),
    )


def before(period: Period) -> Period:
    """Return the previous period of the same length in local time.

    Raises OverflowError if it would begin before the range of datetime.
    """
    start, after = period.start, period.end + timedelta(milliseconds=1)
    length = after.replace(tzinfo=None) - start.replace(tzinfo=None)
    if length % timedelta(days=1):
        # in UTC, so that clock changes don't affect the length
        length = after.astimezone(UTC) - start.astimezone(UTC)
        first = (start.astimezone(UTC) - length).astimezone(start.tzinfo)
        words = Text("the period before")
    else:
        first = _midnight(start.date() - length, start)
        words = _days_before(length.days)
    last = (start.astimezone(UTC) - timedelta(milliseconds=1)).astimezone(start.tzinfo)
    return Period(first, last, words)


def _days_before(days: int) -> Text:
    return Counted("the day before", "the {number} days before", days)


def _instant(text: str, here: datetime) -> datetime | None:
    """Parse a date and time; without an offset it is in the user's time zone."""
    if "T" not in text.upper() or not text[:4].isdecimal():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=here.tzinfo)).astimezone(UTC).astimezone(here.tzinfo)
    except (ValueError, OverflowError):
        return None


def _start(text: str, here: datetime) -> datetime:
    if (exactly := _instant(text, here)) is not None:
        return exactly
    ago = _AGO.fullmatch(text.strip())
    if ago and ago[2].lower() == "h":
        # in UTC, so that clock changes don't affect the length
        return (here.astimezone(UTC) - timedelta(hours=int(ago[1]))).astimezone(here.tzinfo)
    if ago:
        days = {"d": 1, "w": 7, "m": 30}[ago[2].lower()] * int(ago[1])
        return _midnight(here.date() - timedelta(days=days), here)
    return _midnight(_day(text, here), here)


def _end(text: str, here: datetime) -> datetime:
    if (exactly := _instant(text, here)) is not None:
        return exactly
    today = here.date()
    last = {
        "this week": today,
        "last week": today - timedelta(days=today.weekday() + 1),
        "this month": today,
        "last month": today.replace(day=1) - timedelta(days=1),
    }
    day = last.get(_word(text)) or _day(text, here)
    # in UTC, since the last hour of the day occurs twice if clocks are set back at midnight
    return (_midnight(day + timedelta(days=1), here).astimezone(UTC) - timedelta(milliseconds=1)).astimezone(
        here.tzinfo
    )


def _midnight(day: date, here: datetime) -> datetime:
    """Return the day's first instant. Raises OverflowError if it is out of range in UTC, which Applivery uses."""
    return datetime.combine(day, time.min, tzinfo=here.tzinfo).astimezone(UTC).astimezone(here.tzinfo)


def _word(text: str) -> str:
    return " ".join(text.replace("-", " ").replace("_", " ").split()).casefold()


def _day(text: str, here: datetime) -> date:
    word = _word(text)
    today = here.date()
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    named = {
        "today": today,
        "now": today,
        "yesterday": today - timedelta(days=1),
        "this week": monday,
        "last week": monday - timedelta(days=7),
        "this month": first,
        "last month": (first - timedelta(days=1)).replace(day=1),
    }
    if word in named:
        return named[word]
    if (day := weekday(word.removeprefix("el "))) is not None:
        return today - timedelta(days=(today.weekday() - day) % 7 or 7)
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UserInputError(
            Text("I can't read the time “{typed}”.", typed=text[:40]), Text(_HINT), near=_USUAL, replaces=text
        ) from None
