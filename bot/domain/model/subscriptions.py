"""Subscriptions: the events, filters and delivery options of a channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.model.builds import Stage
from bot.domain.model.described import DescribedEnum
from bot.i18n import gettext_noop


@dataclass(frozen=True, slots=True)
class EventDescription:
    """What the product knows of a build event beside its message; texts are translated where they are shown.

    `when` is the first event in the sentence about a subscription, `or_when` each one after it. `choice` is its line in
    the subscription form; without one no channel can ask for it, and only users who wait for the build are told.
    `none` says in a preview that it happened to no build. `stage` is the one in which a build causes it. `on_card`:
    channels see it on the build's card. `by_default`: a subscription that names no event has it.
    """

    when: str
    or_when: str
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
            when=gettext_noop("when uploaded"),
            or_when=gettext_noop("{before} or uploaded"),
            choice=gettext_noop("was uploaded"),
            on_card=True,
        ),
    )
    PROCESSED = (
        "processed",
        EventDescription(
            when=gettext_noop("when processed"),
            or_when=gettext_noop("{before} or processed"),
            choice=gettext_noop("was processed and can be had"),
            none=gettext_noop("none of them was processed"),
            stage=Stage.READY,
            on_card=True,
            by_default=True,
        ),
    )
    FAILED = (
        "failed",
        EventDescription(
            when=gettext_noop("when failed"),
            or_when=gettext_noop("{before} or failed"),
            choice=gettext_noop("failed to be processed"),
            none=gettext_noop("none of them has failed"),
            stage=Stage.FAILED,
            on_card=True,
            by_default=True,
        ),
    )
    CERT = (
        "cert",
        EventDescription(
            when=gettext_noop("when a certificate expires"),
            or_when=gettext_noop("{before} or a certificate expires"),
            choice=gettext_noop("has a certificate or profile that runs out"),
        ),
    )
    FEEDBACK = (
        "feedback",
        EventDescription(
            when=gettext_noop("when feedback is sent"),
            or_when=gettext_noop("{before} or feedback is sent"),
            choice=gettext_noop("got feedback or a bug report"),
        ),
    )
    STUCK = "stuck", EventDescription(when=gettext_noop("when stuck"), or_when=gettext_noop("{before} or stuck"))
    DELETED = (
        "deleted",
        EventDescription(when=gettext_noop("when deleted"), or_when=gettext_noop("{before} or deleted")),
    )
    GIVEN_UP = (
        "given_up",
        EventDescription(when=gettext_noop("when given up"), or_when=gettext_noop("{before} or given up")),
    )

    @property
    def personal(self) -> bool:
        """Whether it is said to people who wait for the build, and never to a channel."""
        return not self.description.choice

    @property
    def is_end(self) -> bool:
        """Return whether this event is an end, of which users who wait for the build are notified."""
        return self.description.stage is not None and self.description.stage.final


EVENT_OF = {event.description.stage: event for event in BuildEvent if event.description.stage}


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """How a subscription's announcements are delivered.

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


@dataclass(frozen=True, slots=True)
class Subscription:
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
