"""Subscriptions: the events, filters and delivery options of a channel."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from bot.domain.model.builds import Stage
from bot.domain.model.described import DescribedEnum
from bot.i18n import gettext_noop


class EventDescription(Struct, frozen=True):
    """What the product knows of a build event beside its message; texts are translated where they are shown.

    `kind` says in a sentence what is announced: `ready builds`. `choice` is its line in the
    subscription form; without one no channel can ask for it, and only users who wait for the build are told. `none`
    says in a preview that it happened to no build. `stage` is the one in which a build causes it. `on_card`: channels
    see it on the build's card. `by_default`: a subscription that names no event has it.
    """

    kind: str = ""
    choice: str = ""
    none: str = ""
    stage: Stage | None = None
    on_card: bool = False
    by_default: bool = False


class BuildEvent(DescribedEnum):
    """Events of a build: those a channel can subscribe to, and those only for users who wait for it."""

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
        """Whether it is said to people who wait for the build, and never to a channel."""
        return not self.description.choice

    @property
    def is_end(self) -> bool:
        """Return whether this event is an end, of which users who wait for the build are notified."""
        return self.description.stage is not None and self.description.stage.final


EVENT_OF = {event.description.stage: event for event in BuildEvent if event.description.stage}


class SharedAs(StrEnum):
    """What people of another organisation may see of the announcements in a channel that was shared with it."""

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
    """A channel's subscription: exactly what was typed, who typed it and when; `app_id` None means every app.

    `paused` is Slack's reason why the channel refuses messages; `muted_until` is aware UTC.
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
