"""Messages that go to a channel: announcements, updates of cards, notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.model.builds import Build, Recall
from bot.domain.model.people import is_person
from bot.domain.model.subscriptions import BuildEvent, DeliveryOptions


class CardUpdate(StrEnum):
    """What a channel is told after it has heard of a build: nothing that makes a sound."""

    CHANGED = "changed"  # the card is to show how things stand now
    DETAILS = "details"  # a reply in the card's thread


@dataclass(frozen=True, slots=True)
class CardEntry:
    """One build as a card shows it: how it stands, and what has become of it."""

    build: Build
    superseded_by: Build | None = None
    recall: Recall | None = None


class ChannelNotice(StrEnum):
    """What a channel or an admin is told that is about no single build."""

    SUMMARY = "summary"
    WELCOME = "welcome"
    OUTAGE = "outage"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A fact a channel is to hear once: unique per channel, build and event.

    `shown` is all that stands on the card it belongs to, oldest first. `part` counts what may be said several times.
    A saying that is about no build has a `fact` instead: JSON text of its own.
    """

    id: int
    channel_id: str
    event: BuildEvent | CardUpdate | ChannelNotice
    build: Build
    key: str
    part: int = 0
    card: str = ""
    manner: DeliveryOptions = field(default_factory=DeliveryOptions)
    shown: tuple[CardEntry, ...] = ()
    fact: str = ""
    subscription_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Who is to hear what about a build; the store makes a `Delivery` of it, once.

    `card` names the message in the channel that is to show it: everything with the same name shares one. Empty stands
    for a card of the build's own. `held_until` (aware UTC) keeps it back until then.
    """

    channel_id: str
    build_id: str
    event: BuildEvent | CardUpdate
    part: int = 0
    card: str = ""
    manner: DeliveryOptions = field(default_factory=DeliveryOptions)
    subscription_id: int | None = None
    held_until: datetime | None = None
    fact: str = ""

    @property
    def to_person(self) -> bool:
        """Whether it is for one person, in their direct messages."""
        return is_person(self.channel_id)
