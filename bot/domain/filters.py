"""The subscription filter language: what was typed, checked, matched against a build and put into a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from bot.domain import delivery_options, grammar, lookup
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import EVENT_OF, Build, BuildEvent, DeliveryOptions, Subscription
from bot.domain.spelling import bare
from bot.domain.text_limits import within
from bot.exceptions import UserInputError
from bot.i18n import NO_TEXT, Text, gettext_noop, joined
from bot.i18n.verbatim import verbatim

EVENTS = tuple(event for event in BuildEvent if not event.personal)
DEFAULT_EVENTS = tuple(event for event in BuildEvent if event.description.by_default)
KEYS = ("on", *lookup.FILTERS)
LONGEST = 1000  # characters of a filter; with all the quotes it may need, it still fits into an input of a form

# How a sentence says what a filter lets through, and what it does not.
_LIMITS = {
    "os": (gettext_noop("os {values}"), gettext_noop("os not {values}")),
    "branch": (gettext_noop("branch {values}"), gettext_noop("branch not {values}")),
    "tag": (gettext_noop("tag {values}"), gettext_noop("tag not {values}")),
    "version": (gettext_noop("version {values}"), gettext_noop("version not {values}")),
    "by": (gettext_noop("by {values}"), gettext_noop("by not {values}")),
}
assert set(_LIMITS) == set(lookup.FILTERS)


def events(words: ParsedText) -> tuple[BuildEvent, ...]:
    """Return the events of `on:processed,failed` (comma lists and repeats), or the default: processed and failed.

    Raises UserInputError for an event that does not exist or cannot be asked for.
    """
    if any(option.key == "on" and option.no for option in words.options):
        minus = next(option for option in words.options if option.key == "on" and option.no)
        raise UserInputError(
            Text("`-on:` doesn't work here."),
            every=[f"on:{event}" for event in EVENTS if event != minus.value],
            replaces=f"-on:{minus.value}",
        )
    names = [bare(name) for value in words.values("on") for name in value.split(",") if name.strip()]
    unknown = [name for name in names if name not in EVENTS]
    if unknown:
        raise UserInputError(
            Text("There is no event “{typed}”.", typed=unknown[0][:40]),
            near=[(f"on:{event}", event) for event in lookup.closest(unknown[0], EVENTS)],
            every=[(f"on:{event}", event.value) for event in EVENTS],
            replaces=unknown[0],
        )
    return tuple(event for event in EVENTS if event in names) or DEFAULT_EVENTS


def query(words: ParsedText) -> str:
    """Return the filter as canonical text, without `on:` and delivery options; this is what is stored.

    Raises TextTooLong when a form could not show it.
    """
    typed = ParsedText((), tuple(option for option in words.options if option.key in lookup.FILTERS))
    bare = " ".join(
        f"{'-' * option.no}{option.key}:{option.value}" for option in typed.options
    )  # quotes make it longer
    within(Text("The filter"), bare, LONGEST)
    return grammar.explain(typed)


def typed(wanted_events: Sequence[BuildEvent], filter_text: str, manner: DeliveryOptions) -> str:
    """Return a subscription as the options one would type for it, escaped as Slack sends them."""
    events = (KeyValue("on", ",".join(wanted_events)),)
    return grammar.explain(
        ParsedText((), (*events, *grammar.parse(filter_text).options, *delivery_options.options(manner)))
    )


def would_post(events: Sequence[BuildEvent], filter_text: str, builds: Sequence[Build]) -> list[Build]:
    """Preview: return which of these builds a subscription would have posted, in their present states."""
    words = grammar.parse(filter_text)
    return [build for build in builds if _happened(build) & set(events) and lookup.fits(build, words)]


def _happened(build: Build) -> set[BuildEvent]:
    return {BuildEvent.UPLOADED, EVENT_OF.get(build.stage, BuildEvent.UPLOADED)}


def wants(subscription: Subscription, build: Build, event: BuildEvent) -> bool:
    """Return whether a subscription includes this event of this build; one that is paused holds it."""
    if subscription.app_id is not None and subscription.app_id != build.app.id:
        return False
    return event in subscription.events and lookup.fits(build, grammar.parse(subscription.query))


def explain(
    app_name: str | None, events: Sequence[BuildEvent], filter_text: str, manner: DeliveryOptions | None = None
) -> Text:
    """Return a subscription as one sentence; `app_name` None means every app."""
    what = Text("builds of {app}", app=verbatim(app_name)) if app_name else Text("builds of every app")
    if limits := _limits(grammar.parse(filter_text)):
        what = Text("{builds} with {limits}", builds=what, limits=reduce(_and, limits))
    how = delivery_options.explain(manner) if manner else NO_TEXT
    return joined("; ", (joined(", ", (what, _when(events))), how))


def _limits(words: ParsedText) -> list[Text]:
    limits = []
    for key, (with_, without) in _LIMITS.items():
        yes: list[str | Text] = [
            verbatim(option.value) for option in words.options if option.key == key and not option.no
        ]
        no: list[str | Text] = [verbatim(option.value) for option in words.options if option.key == key and option.no]
        if yes:
            limits.append(Text(with_, values=reduce(_or, yes)))
        if no:
            limits.append(Text(without, values=reduce(_nor, no)))
    return limits


def _and(first: Text, other: Text) -> Text:
    return Text("{one} and {other}", one=first, other=other)


def _or(first: str | Text, other: str | Text) -> str | Text:
    return Text("{one} or {other}", one=first, other=other)


def _nor(first: str | Text, other: str | Text) -> str | Text:
    return Text("{one} nor {other}", one=first, other=other)


def _when(events: Sequence[BuildEvent]) -> Text:
    if not events:  # only events that a newer version knows
        return Text("for events I do not know")
    first, *others = events
    begun = Text(first.description.when)
    return reduce(lambda text, event: Text(event.description.or_when, before=text), others, begun)
