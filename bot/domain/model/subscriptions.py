"""Subscriptions: the events, filters and delivery options of a channel."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from bot.domain.model.builds import Stage
from bot.domain.model.described import DescribedEnum
from bot.i18n import gettext_noop


class EventDescription(Struct, frozen=True):
    """The properties of a build event; texts are translated where they are shown.

    `kind` names the announced builds in a sentence: `ready builds`. `choice` is its line in the subscription form;
    without one channels cannot subscribe to it, and only users who watch the build are notified. `none` is the
    preview's sentence if no build had it. `stage` is the stage of a build that causes it. `on_card`: it updates the
    build's card. `by_default`: a subscription without events includes it.
    """

    kind: str = ""
    choice: str = ""
    none: str = ""
    stage: Stage | None = None
    on_card: bool = False
    by_default: bool = False


class BuildEvent(DescribedEnum):
    """Events of a build: those that channels can subscribe to, and those only for users who watch it."""

    description: EventDescription

    UPLOADED = (
        "uploaded",
        EventDescription(
            kind=gettext_noop("uploaded builds"), choice=gettext_noop("A build is uploaded"), on_card=True
        ),
    )
    PROCESSED = (
        "processed",
        EventDescription(
            kind=gettext_noop("ready builds"),
            choice=gettext_noop("A build is ready"),
            none=gettext_noop("No recent build is ready."),
            stage=Stage.READY,
            on_card=True,
            by_default=True,
        ),
    )
    FAILED = (
        "failed",
        EventDescription(
            kind=gettext_noop("failed builds"),
            choice=gettext_noop("A build fails"),
            none=gettext_noop("No recent build failed."),
            stage=Stage.FAILED,
            on_card=True,
            by_default=True,
        ),
    )
    CERT = (
        "cert",
        EventDescription(
            kind=gettext_noop("expiring certificates"),
            choice=gettext_noop("A certificate or profile is about to expire"),
        ),
    )
    FEEDBACK = (
        "feedback",
        EventDescription(kind=gettext_noop("feedback"), choice=gettext_noop("Somebody sends feedback or a bug report")),
    )
    STUCK = "stuck", EventDescription()
    DELETED = "deleted", EventDescription()
    GIVEN_UP = "given_up", EventDescription()

    @property
    def personal(self) -> bool:
        """Whether only users who watch the build are notified, and never a channel."""
        return not self.description.choice

    @property
    def is_end(self) -> bool:
        """Return whether this event is the end of a watch."""
        return self.description.stage is not None and self.description.stage.final


EVENT_OF = {event.description.stage: event for event in BuildEvent if event.description.stage}


class SharedAs(StrEnum):
    """How much of the announcements another organisation may see in a channel that was shared with it."""

    UNDECIDED = ""
    FULL = "full"
    BARE = "bare"  # no changelog, no branch, no names


class DeliveryOptions(Struct, frozen=True):
    """How a subscription's announcements are delivered; `shared` is what its owner decided when the channel was shared.

    `mention` is a user group's id. `digest` (`daily@09:00`) and `quiet` (`22:00-08:00`) are as typed, in the IANA time
    zone `tz`; each is empty when it was not set.
    """

    compact: bool = False
    threads: bool = True
    grouped: bool = False
    label: str = ""
    mention: str = ""
    digest: str = ""
    quiet: str = ""
    tz: str = "UTC"
    shared: SharedAs = SharedAs.UNDECIDED


class Subscription(Struct, frozen=True):
    """A channel's subscription: the typed filter and options, its owner and time; `app_id` None means every app.

    `paused` is Slack's error for the channel, or a PauseReason; `muted_until` is aware UTC.
    """

    id: int
    team_id: str
    channel_id: str
    app_id: str | None
    app_name: str
    events: tuple[BuildEvent, ...]
    query: str
    created_by: str
    created_at: datetime
    paused: str | None = None
    manner: DeliveryOptions = DeliveryOptions()
    muted_until: datetime | None = None
