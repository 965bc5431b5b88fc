"""Delivery options of a subscription: format, threads, grouping by version, digests, quiet hours, and the due time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

from bot.domain import grammar, lookup
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import DeliveryOptions, Subscription
from bot.domain.mutes import mute_ends
from bot.domain.spelling import bare, fold
from bot.domain.text_limits import within
from bot.domain.time_zones import first_from, zone
from bot.domain.timeparse import schedule as timeparse_schedule
from bot.exceptions import UserInputError
from bot.i18n import Text, gettext_noop

KEYS = ("format", "threads", "group", "mention", "label", "digest", "quiet", "tz")
LABEL = 40  # characters

_QUIET_HINT = gettext_noop("Write them like `quiet:22:00-08:00`.")
_USUAL_QUIET = ("22:00-08:00", "20:00-08:00", "18:00-09:00")
_QUIET = re.compile(r"([01]?\d|2[0-3])(?::([0-5]\d))?-([01]?\d|2[0-3])(?::([0-5]\d))?", re.ASCII)
_OFF = frozenset({"off", "no", "none", "never"})
_ON = frozenset({"on", "yes"})


def manner(words: ParsedText, tz: str) -> DeliveryOptions:
    """Return the typed delivery options; the zone is `tz` (IANA) unless `tz:` names another.

    `mention` is as typed, to be looked up in Slack. Raises UserInputError with an example.
    """
    if wrong := [option for option in words.options if option.key in KEYS and option.no]:
        raise UserInputError(
            Text("`-{key}:` doesn't work here.", key=wrong[0].key),
            near=[f"{wrong[0].key}:off"],
            replaces=f"-{wrong[0].key}:{wrong[0].value}",
        )
    given = {key: _single(words, key) for key in KEYS}
    return DeliveryOptions(
        compact=_one_of("format", given["format"], {"compact": True, "full": False}, usual=False),
        threads=_one_of("threads", given["threads"], _switch(), usual=True),
        grouped=_one_of("group", given["group"], {"version": True, **_switch(on=())}, usual=False),
        mention="" if given["mention"].casefold() in _OFF else given["mention"],
        label=within(Text("The label"), given["label"].strip(), LABEL),
        digest=_digest(given["digest"]),
        quiet=_quiet(given["quiet"]),
        tz=_zone(given["tz"]) if given["tz"] else tz,
    )


def options(options: DeliveryOptions) -> tuple[KeyValue, ...]:
    """Return the options as they are typed, without those that have their default."""
    typed = {
        "format": "compact" if options.compact else "",
        "threads": "" if options.threads else "off",
        "group": "version" if options.grouped else "",
        "mention": options.mention,
        "label": options.label,
        "digest": options.digest,
        "quiet": options.quiet,
        "tz": options.tz if options.digest or options.quiet else "",
    }
    return tuple(KeyValue(key, value) for key, value in typed.items() if value)


def held_until(subscription: Subscription, now: datetime) -> datetime | None:
    """Return until when (UTC) an event of now is held by a mute, the next digest or quiet hours; None if it is not."""
    manner = subscription.manner
    until = mute_ends(subscription, now)
    after = until or now
    if manner.digest:
        return timeparse_schedule.next_after(timeparse_schedule.parse(manner.digest), after, manner.tz)
    if manner.quiet and (end := quiet_ends(manner, after)):
        return end
    return until


def quiet_ends(manner: DeliveryOptions, now: datetime) -> datetime | None:
    """Return when the quiet hours that include `now` end (UTC); None outside of them."""
    start, end = ((int(clock[:2]), int(clock[3:])) for clock in manner.quiet.split("-"))
    here = now.astimezone(zone(manner.tz))
    clock = (here.hour, here.minute)
    inside = start <= clock < end if start < end else clock >= start or clock < end
    if not inside:
        return None
    day = here if clock < end else here + timedelta(days=1)
    over = day.replace(hour=end[0], minute=end[1], second=0, microsecond=0, fold=0)
    first = first_from(over)
    # in an hour that clocks show twice, the first end may have passed
    return first if first > now else over.replace(fold=1).astimezone(UTC)


def _single(words: ParsedText, key: str) -> str:
    values = words.values(key)
    if len(values) > 1:
        every = [grammar.readable(ParsedText((), (KeyValue(key, value),))) for value in values]
        raise UserInputError(Text("Use `{key}:` only once.", key=key), every=every, replaces=f"{key}:*")
    return values[0].strip() if values else ""


def _switch(on: frozenset[str] | tuple[()] = _ON) -> dict[str, bool]:
    return dict.fromkeys(on, True) | dict.fromkeys(_OFF, False)


def _one_of(key: str, typed: str, meanings: dict[str, bool], *, usual: bool) -> bool:
    if not typed:
        return usual
    if bare(typed) not in meanings:
        raise UserInputError(
            Text("`{key}:` can't be “{value}”.", key=key, value=typed[:40]),
            every=[f"{key}:{word}" for word in [*meanings][:2]],
            replaces=f"{key}:{typed}",
        )
    return meanings[bare(typed)]


def _digest(typed: str) -> str:
    if not typed or typed.casefold() in _OFF:
        return ""
    try:
        return str(timeparse_schedule.parse(typed if "@" in typed else f"{typed}@09:00"))
    except UserInputError as error:
        error.replaces = typed
        raise


def _quiet(typed: str) -> str:
    if not typed or typed.casefold() in _OFF:
        return ""
    match = _QUIET.fullmatch("".join(bare(typed).split()))
    if not match:
        raise UserInputError(
            Text("I can't read the quiet hours “{typed}”.", typed=typed[:40]),
            Text(_QUIET_HINT),
            near=[f"quiet:{hours}" for hours in _USUAL_QUIET],
            replaces=f"quiet:{typed}",
        )
    start, end = (f"{int(match[hour]):02}:{match[hour + 1] or '00'}" for hour in (1, 3))
    if start == end:
        raise UserInputError(
            Text("Quiet hours can't start and end at the same time."),
            Text(_QUIET_HINT),
            near=[f"quiet:{hours}" for hours in _USUAL_QUIET],
            replaces=f"quiet:{typed}",
        )
    return f"{start}-{end}"


@cache
def _zones() -> dict[str, str]:
    return {fold(name): name for name in available_timezones()}


def _zone(typed: str) -> str:
    names = _zones()
    wanted = bare(typed).replace(" ", "_")
    if wanted in names:
        return names[wanted]
    near = lookup.closest(wanted, names.values(), alike=0.75)
    raise UserInputError(
        Text("There is no time zone “{typed}”.", typed=typed[:40]),
        None if near else Text("Write it like `tz:Europe/Madrid`."),
        near=[f"tz:{zone}" for zone in near],
        replaces=f"tz:{typed}",
    )


_NOT_TYPED = {"compact", "grouped", "shared"}
assert set(KEYS) == {"format", "group"} | set(DeliveryOptions.__struct_fields__) - _NOT_TYPED
