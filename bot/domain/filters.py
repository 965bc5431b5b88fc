"""The subscription filter language: what was typed, checked, matched against a build and put into a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import choice, grammar, manners
from bot.domain.grammar import Option, Words
from bot.domain.model import EVENT_OF, Build, Event, Manner, Subscription
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
    """The filter as canonical text, without `on:` and how it is to be told; this is what is stored."""
    return grammar.explain(Words((), tuple(option for option in words.options if option.key in choice.FILTERS)))


def typed(wanted: Sequence[Event], filter_text: str, manner: Manner) -> str:
    """A subscription as the options one would type for it, escaped as Slack sends them."""
    events = (Option("on", ",".join(wanted)),)
    return grammar.explain(Words((), (*events, *grammar.parse(filter_text).options, *manners.options(manner))))


def would_post(wanted: Sequence[Event], filter_text: str, builds: Sequence[Build]) -> list[Build]:
    """The dry run: which of these builds a subscription would have posted, as they stand now."""
    words = grammar.parse(filter_text)
    return [one for one in builds if _happened(one) & set(wanted) and choice.fits(one, words)]


def _happened(build: Build) -> set[Event]:
    return {Event.UPLOADED, EVENT_OF.get(build.stage, Event.UPLOADED)}


def wants(subscription: Subscription, build: Build, event: Event) -> bool:
    """Whether a subscription is to hear of this event of this build; for one that is paused it is kept."""
    if subscription.app_id is not None and subscription.app_id != build.app.id:
        return False
    return event in subscription.events and choice.fits(build, grammar.parse(subscription.query))


def explain(app_name: str | None, wanted: Sequence[Event], filter_text: str, manner: Manner | None = None) -> str:
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
    how = manners.explain(manner) if manner else ""
    return f"{what}{where}, when {' or '.join(map(_in_words, wanted))}{f'; {how}' if how else ''}"


def _in_words(event: Event) -> str:
    return {Event.CERT: "a certificate expires", Event.FEEDBACK: "somebody sends feedback"}.get(event, event.value)
