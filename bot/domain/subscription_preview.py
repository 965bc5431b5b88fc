"""The preview of a subscription: which of the newest builds it would have posted, or their values if none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from bot.domain import filters, grammar, lookup
from bot.domain.model import Build, BuildEvent

LOOKED_AT = 20


class SubscriptionPreview(Struct, frozen=True):
    """The previewed builds, those that match the filter, and of these the ones that would have been posted.

    All are newest first. `there` has the values of the builds for each key of the filter.
    """

    looked: tuple[Build, ...] = ()
    fitting: tuple[Build, ...] = ()
    would: tuple[Build, ...] = ()
    there: tuple[tuple[str, tuple[str, ...]], ...] = ()


def rehearse(
    events: Sequence[BuildEvent], filter_text: str, builds: Iterable[Build], *, most: int = LOOKED_AT
) -> SubscriptionPreview | None:
    """Preview a subscription on the newest of these builds in their current states; None without build events."""
    if not any(event.description.on_card for event in events):
        return None
    looked = sorted(builds, key=_made, reverse=True)[:most]
    words = grammar.parse(filter_text)
    keys = [key for key in lookup.FILTERS if any(option.key == key for option in words.options)]
    return SubscriptionPreview(
        tuple(looked),
        tuple(build for build in looked if lookup.fits(build, words)),
        tuple(filters.would_post(events, filter_text, looked)),
        tuple((key, _values(key, looked)) for key in keys),
    )


def _values(key: str, builds: Sequence[Build]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fact for build in builds for fact in lookup.FILTERS[key](build) if fact))


def _made(build: Build) -> datetime:
    return build.created_at or datetime.min.replace(tzinfo=UTC)
