"""What differs between two versions of a subscription, and what is kept so that a change can be undone."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.domain import delivery_options, filters, grammar, lookup
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import Actor, Subscription
from bot.domain.states import PauseReason

KEYS = ("on", *lookup.FILTERS, *delivery_options.KEYS)
# The person who made it cannot keep it up, so nobody is asked before it is replaced.
_ABANDONED = frozenset({PauseReason.PERSON, PauseReason.ROLE})


class OptionChange(Struct, frozen=True):
    """One option that differs: how it was and is typed, empty where it is not set."""

    key: str
    before: str
    after: str


class HeldAnnouncement(Struct, frozen=True):
    """An announcement that was held when its subscription ended, and why it was held."""

    id: int
    reason: str | None


class SubscriptionChange(Struct, frozen=True):
    """A subscription as it was, and the version that took its place (None: it ended, and dropped what was `held`)."""

    before: Subscription
    after: datetime | None
    held: tuple[HeldAnnouncement, ...] = ()


def options(subscription: Subscription) -> tuple[KeyValue, ...]:
    """Return a subscription as the options one would type for it."""
    return grammar.parse(filters.typed(subscription.events, subscription.query, subscription.manner)).options


def changes(before: Subscription, after: Subscription) -> list[OptionChange]:
    """Return what differs, in the order in which it is typed."""
    pairs = ((key, _typed(before, key), _typed(after, key)) for key in KEYS)
    return [OptionChange(key, was, now) for key, was, now in pairs if was != now]


def is_protected(subscription: Subscription, actor: Actor, seen: str) -> bool:
    """Return whether a user has to be asked before they replace it: it is another's, and not what they have `seen`."""
    if actor.is_(subscription.created_by) or subscription.paused in _ABANDONED:
        return False
    return version(subscription) != seen


def version(subscription: Subscription) -> str:
    """Return what identifies a subscription as it was last saved."""
    return str(int(subscription.created_at.timestamp() * 1_000_000))


def _typed(subscription: Subscription, key: str) -> str:
    return grammar.readable(ParsedText((), tuple(option for option in options(subscription) if option.key == key)))
