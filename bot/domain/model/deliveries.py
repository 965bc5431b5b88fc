"""Messages to channels: announcements, updates of cards, notices."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.domain.model.builds import Build, Recall
from bot.domain.model.people import is_person
from bot.domain.model.subscriptions import BuildEvent, DeliveryOptions


class CardUpdate(StrEnum):
    """Updates of a build's card after its announcement; they cause no notification."""

    CHANGED = "changed"  # the card has to be updated to the current state
    DETAILS = "details"  # a reply in the card's thread


class CardEntry(Struct, frozen=True):
    """A build on a card: its state, recall and successor."""

    build: Build
    superseded_by: Build | None = None
    recall: Recall | None = None

    def without_details(self) -> CardEntry:
        """Return the entry without details that only this organisation should see."""
        newer = self.superseded_by.without_details() if self.superseded_by else None
        return replace(self, build=self.build.without_details(), superseded_by=newer)


class ChannelNotice(StrEnum):
    """Messages to a channel or an admin that are not about a build's card."""

    SUMMARY = "summary"
    WELCOME = "welcome"
    OUTAGE = "outage"
    RECOVERY = "recovery"
    GOAL = "goal"
    GOAL_ENDED = "goal_ended"
    GOAL_REQUEST = "goal_request"  # to a person who lacks the build
    BISECTION = "bisection"  # the state of a bisect, or of one of its steps


class ReportKind(StrEnum):
    """The kind of a scheduled report."""

    DOWNLOADS = "downloads"
    FORECAST = "forecast"


class Delivery(Struct, frozen=True):
    """An announcement to a channel, unique per channel, build and event.

    `shown` are all builds on its card, oldest first. `part` distinguishes announcements that may be posted several
    times. One that is not about a build has a `fact` instead, as JSON text.
    """

    id: int
    channel_id: str
    event: BuildEvent | CardUpdate | ChannelNotice
    build: Build
    key: str
    part: int = 0
    card: str = ""
    manner: DeliveryOptions = msgspec.field(default_factory=DeliveryOptions)
    shown: tuple[CardEntry, ...] = ()
    fact: str = ""
    subscription_id: int | None = None

    def without_details(self) -> Delivery:
        """Return the delivery without details of its builds that only this organisation should see."""
        shown = tuple(entry.without_details() for entry in self.shown)
        return replace(self, build=self.build.without_details(), shown=shown)


class NewDelivery(Struct, frozen=True):
    """The recipient and content of an announcement, which the database stores as a `Delivery` once.

    `card` is the key of the message in the channel that shows it; announcements with the same key share a message.
    Empty means the build's own card. It is held until `held_until` (aware UTC).
    """

    channel_id: str
    build_id: str
    event: BuildEvent | CardUpdate | ChannelNotice
    part: int = 0
    card: str = ""
    manner: DeliveryOptions = msgspec.field(default_factory=DeliveryOptions)
    subscription_id: int | None = None
    held_until: datetime | None = None
    fact: str = ""

    @property
    def to_person(self) -> bool:
        """Whether it is a direct message to one person."""
        return is_person(self.channel_id)
