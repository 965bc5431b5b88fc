"""Differences between two versions of a subscription, and the data to undo a change."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.domain import delivery_options, filters, grammar, lookup
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import Actor, Subscription
from bot.domain.states import PauseReason

KEYS = ("on", *lookup.FILTERS, *delivery_options.KEYS)
# Its owner cannot keep it running, so it is replaced without a question.
_ABANDONED = frozenset({PauseReason.PERSON, PauseReason.ROLE})


class OptionChange(Struct, frozen=True):
    """An option that differs: its former and its new typed value, empty if not set."""

    key: str
    before: str
    after: str


class HeldAnnouncement(Struct, frozen=True):
    """An announcement that was held when its subscription ended, and why."""

    id: int
    reason: str | None


class SubscriptionChange(Struct, frozen=True):
    """A former subscription and the version that replaced it (None: it ended, and dropped what was `held`)."""

    before: Subscription
    after: datetime | None
    held: tuple[HeldAnnouncement, ...] = ()


def options(subscription: Subscription) -> tuple[KeyValue, ...]:
    """Return a subscription as typed options."""
    return grammar.parse(filters.typed(subscription.events, subscription.query, subscription.manner)).options


def changes(before: Subscription, after: Subscription) -> list[OptionChange]:
    """Return the differing options in the order in which they are typed."""
    pairs = ((key, _typed(before, key), _typed(after, key)) for key in KEYS)
    return [OptionChange(key, was, now) for key, was, now in pairs if was != now]


def is_protected(subscription: Subscription, actor: Actor, seen: str) -> bool:
    """Return whether the user has to confirm a replacement: it is another's, and changed since they have `seen` it."""
    if actor.is_(subscription.created_by) or subscription.paused in _ABANDONED:
        return False
    return version(subscription) != seen


def version(subscription: Subscription) -> str:
    """Return the version of a saved subscription."""
    return str(int(subscription.created_at.timestamp() * 1_000_000))


def _typed(subscription: Subscription, key: str) -> str:
    return grammar.readable(ParsedText((), tuple(option for option in options(subscription) if option.key == key)))
