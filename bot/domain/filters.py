"""The filter language of subscriptions: check typed filters, and match them against builds."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import delivery_options, grammar, lookup
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import EVENT_OF, Build, BuildEvent, DeliveryOptions, Subscription
from bot.domain.spelling import bare
from bot.domain.text_limits import within
from bot.exceptions import UserInputError
from bot.i18n import Text

EVENTS = tuple(event for event in BuildEvent if not event.personal)
DEFAULT_EVENTS = tuple(event for event in BuildEvent if event.description.by_default)
KEYS = ("on", *lookup.FILTERS)
LONGEST = 1000  # characters of a filter; with added quotes it still fits into an input of a form


def events(words: ParsedText) -> tuple[BuildEvent, ...]:
    """Return the events of `on:processed,failed` (comma lists and repeats), or the default: processed and failed.

    Raises UserInputError for an event that does not exist or cannot be subscribed to.
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
    """Return the filter as canonical text, as it is stored: without `on:` and delivery options.

    Raises TextTooLong if a form could not show it.
    """
    typed = ParsedText((), tuple(option for option in words.options if option.key in lookup.FILTERS))
    bare = " ".join(
        f"{'-' * option.no}{option.key}:{option.value}" for option in typed.options
    )  # checked on the canonical text, as added quotes make it longer
    within(Text("The filter"), bare, LONGEST)
    return grammar.explain(typed)


def typed(wanted_events: Sequence[BuildEvent], filter_text: str, manner: DeliveryOptions) -> str:
    """Return a subscription as typed options, escaped as Slack sends them."""
    events = (KeyValue("on", ",".join(wanted_events)),)
    return grammar.explain(
        ParsedText((), (*events, *grammar.parse(filter_text).options, *delivery_options.options(manner)))
    )


def would_post(events: Sequence[BuildEvent], filter_text: str, builds: Sequence[Build]) -> list[Build]:
    """Return which of these builds a subscription would have posted, by their current states."""
    words = grammar.parse(filter_text)
    return [build for build in builds if _happened(build) & set(events) and lookup.fits(build, words)]


def _happened(build: Build) -> set[BuildEvent]:
    return {BuildEvent.UPLOADED, EVENT_OF.get(build.stage, BuildEvent.UPLOADED)}


def wants(subscription: Subscription, build: Build, event: BuildEvent) -> bool:
    """Return whether a subscription includes this event of this build, also while it is paused."""
    if subscription.app_id is not None and subscription.app_id != build.app.id:
        return False
    return event in subscription.events and lookup.fits(build, grammar.parse(subscription.query))
