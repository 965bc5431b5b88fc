"""Applivery's own Slack integration: its channels and events, and which of them can become subscriptions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum

from msgspec import Struct

from bot.domain.model import BuildEvent

# https://docs.applivery.com/en/api/workspace/organization-notifications/ lists others, which are not about builds
EVENTS = {
    "buildCreated": BuildEvent.UPLOADED,
    "buildProcessed": BuildEvent.PROCESSED,
    "certificateWillExpire": BuildEvent.CERT,
    "feedbackCreated": BuildEvent.FEEDBACK,
}


class SlackAnnouncement(Struct, frozen=True):
    """A Slack channel that Applivery itself notifies, with its name at installation; None if unknown.

    `events` are Applivery's names of the enabled events. It is about every app: Applivery lists no others.
    """

    channel: str | None
    team: str | None
    events: frozenset[str]

    @property
    def name(self) -> str:
        """The channel's name without `#`; empty for a person, and if unknown."""
        return "" if (self.channel or "").startswith("@") else (self.channel or "").strip().removeprefix("#")

    @property
    def build_events(self) -> tuple[BuildEvent, ...]:
        """The events that a subscription can announce too, in the order of BuildEvent."""
        wanted = {EVENTS[name] for name in self.events if name in EVENTS}
        return tuple(event for event in BuildEvent if event in wanted)


class Obstacle(Enum):
    """Why a channel cannot be imported."""

    UNNAMED = "unnamed"
    PERSON = "person"
    ELSEWHERE = "elsewhere"  # in another Slack workspace
    NO_EVENTS = "no events"
    NOT_IN_IT = "not in it"
    AMBIGUOUS = "ambiguous"
    SUBSCRIBED = "subscribed"


class ImportCandidate(Struct, frozen=True):
    """A channel of Applivery's integration with its id, or with the obstacle to its import."""

    announcement: SlackAnnouncement
    channel_id: str = ""
    obstacle: Obstacle | None = None


class Here(Struct, frozen=True):
    """Facts from Slack: the workspace's names, the bot's channels by name, those with a subscription to all apps."""

    teams: Collection[str]
    channels: Mapping[str, Sequence[str]]
    subscribed: Collection[str] = ()


def candidates(found: Sequence[SlackAnnouncement], here: Here) -> list[ImportCandidate]:
    """Return each of Applivery's channels, with an id only if it is certain."""
    return [_candidate(announcement, here) for announcement in dict.fromkeys(found)]


def _candidate(announcement: SlackAnnouncement, here: Here) -> ImportCandidate:
    known = here.channels.get(announcement.name.casefold(), ())
    channel_id = announcement.name if announcement.name in _ids(here) else next(iter(known), "")
    checks = {
        Obstacle.UNNAMED: not (announcement.channel or "").strip("#@ "),
        Obstacle.PERSON: (announcement.channel or "").startswith("@"),
        Obstacle.ELSEWHERE: _is_elsewhere(announcement.team, here.teams),
        Obstacle.NO_EVENTS: not announcement.build_events,
        Obstacle.NOT_IN_IT: not channel_id,
        Obstacle.AMBIGUOUS: len(known) > 1,
        Obstacle.SUBSCRIBED: channel_id in here.subscribed,
    }
    obstacle = next((obstacle for obstacle, holds in checks.items() if holds), None)
    return ImportCandidate(announcement, channel_id, obstacle)


def _ids(here: Here) -> set[str]:
    return {channel_id for ids in here.channels.values() for channel_id in ids}


def _is_elsewhere(team: str | None, own: Collection[str]) -> bool:
    return bool(team) and str(team).casefold() not in {name.casefold() for name in own}
