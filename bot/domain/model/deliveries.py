"""Messages that go to a channel: announcements, updates of cards, notices."""

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

    CHANGED = "changed"  # the card is to show the present state
    DETAILS = "details"  # a reply in the card's thread


class CardEntry(Struct, frozen=True):
    """One build on a card: its state, and what has happened to it since."""

    build: Build
    superseded_by: Build | None = None
    recall: Recall | None = None

    def without_details(self) -> CardEntry:
        """Return the same with nothing of either build that only this organisation should see."""
        newer = self.superseded_by.without_details() if self.superseded_by else None
        return replace(self, build=self.build.without_details(), superseded_by=newer)


class ChannelNotice(StrEnum):
    """Announcements to a channel or an admin that belong to no card of a build."""

    SUMMARY = "summary"
    WELCOME = "welcome"
    OUTAGE = "outage"
    RECOVERY = "recovery"
    GOAL = "goal"
    GOAL_ENDED = "goal_ended"
    GOAL_REQUEST = "goal_request"  # to a person who lacks the build
    BISECTION = "bisection"  # the state of a bisect, or of one of its steps


class ReportKind(StrEnum):
    """What a scheduled report is about."""

    DOWNLOADS = "downloads"
    FORECAST = "forecast"


class Delivery(Struct, frozen=True):
    """An announcement to a channel, once: unique per channel, build and event.

    `shown` are all builds on the card it belongs to, oldest first. `part` counts what may be posted several times. An
    announcement that is about no build has a `fact` instead: JSON text of its own.
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
        """Return the same with nothing of its builds that only this organisation should see."""
        shown = tuple(entry.without_details() for entry in self.shown)
        return replace(self, build=self.build.without_details(), shown=shown)


class NewDelivery(Struct, frozen=True):
    """The recipient and content of an announcement; the database makes a `Delivery` of it, once.

    `card` names the message in the channel that is to show it: all with the same name share one. Empty means a card of
    the build's own. It is held until `held_until` (aware UTC).
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
        """Whether it is for one person, in their direct messages."""
        return is_person(self.channel_id)
