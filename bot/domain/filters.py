"""The subscription filter language: what was typed, checked, matched against a build and put into a sentence."""

from __future__ import annotations

from bot.domain import choice, grammar
from bot.domain.grammar import Words
from bot.domain.model import Build, Event, Subscription
from bot.errors import BadInput

EVENTS = tuple(event for event in Event if not event.personal)
DEFAULT_EVENTS = (Event.PROCESSED, Event.FAILED)
KEYS = ("on", *choice.FILTERS)


def events(words: Words) -> tuple[Event, ...]:
    """The events of `on:processed,failed` (comma lists and repeats), or the default: processed and failed.

    Raises BadInput for an event that does not exist or cannot be asked for.
    """
    if any(option.key == "on" and option.no for option in words.options):
        raise BadInput("I cannot take an event away with `-on:`.", "Name the ones you want, e.g. `on:processed`.")
    names = [name.strip().casefold() for value in words.values("on") for name in value.split(",") if name.strip()]
    unknown = [name for name in names if name not in EVENTS]
    if unknown:
        near = choice.closest(unknown[0], [event.value for event in EVENTS])
        every = ", ".join(f"`on:{event}`" for event in EVENTS)
        hint = f"Did you mean `on:{near[0]}`?" if near else f"There are: {every}."
        raise BadInput(f"There is no event “{unknown[0][:40]}”.", hint)
    return tuple(event for event in EVENTS if event in names) or DEFAULT_EVENTS


def query(words: Words) -> str:
    """The filter as canonical text, without `on:`; this is what is stored."""
    return grammar.explain(Words((), tuple(option for option in words.options if option.key != "on")))


def wants(subscription: Subscription, build: Build, event: Event) -> bool:
    """Whether a subscription is to hear of this event of this build; a paused one hears of nothing."""
    if subscription.paused is not None:
        return False
    if subscription.app_id is not None and subscription.app_id != build.app.id:
        return False
    return event in subscription.events and choice.fits(build, grammar.parse(subscription.query))


def explain(app_name: str | None, wanted: tuple[Event, ...], filter_text: str) -> str:
    """A subscription as one sentence; `app_name` None means every app."""
    what = f"builds of {app_name}" if app_name else "builds of every app"
    words = grammar.parse(filter_text)
    limits = []
    for key in choice.FILTERS:
        yes = [option.value for option in words.options if option.key == key and not option.no]
        no = [option.value for option in words.options if option.key == key and option.no]
        if yes:
            limits.append(f"{key} {' or '.join(yes)}")
        if no:
            limits.append(f"{key} not {' nor '.join(no)}")
    where = f" with {' and '.join(limits)}" if limits else ""
    return f"{what}{where}, when {' or '.join(wanted)}"
