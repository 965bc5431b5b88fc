"""What changed between what we knew and what we see, who cares, and when to look next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from bot.domain import filters
from bot.domain.model import Build, Change, Event, NewAnnouncement, Stage, Subscription


def changes(
    known: Mapping[str, Stage],
    seen: Sequence[Build],
    *,
    baseline: bool,
    since: datetime | None = None,
    awaited: Collection[str] = (),
) -> list[Change]:
    """Compare what was known of an app's builds with what its list says now, oldest first.

    At the baseline (the first look at an app) what is finished is history and stays quiet, except builds created
    after `since`, the moment from which the app is followed, and builds somebody waits for (`awaited`); builds still
    on their way are followed to their end (promise 6). Applivery may process a build again: an end it
    has not had before is news.
    """
    found = []
    for build in reversed(seen):
        before = known.get(build.id)
        if before is build.stage:
            continue
        history = baseline and before is None and not _after(build, since) and build.id not in awaited
        found.append(Change(build, before, quiet=history))
    return found


def _after(build: Build, since: datetime | None) -> bool:
    return since is not None and build.created_at is not None and build.created_at > since


EVENT_OF = {Stage.READY: Event.PROCESSED, Stage.FAILED: Event.FAILED}


def announcements(
    news: Sequence[Change],
    subscriptions: Sequence[Subscription],
    awaiting: Mapping[str, Sequence[str]] | None = None,
) -> list[NewAnnouncement]:
    """Which channel is to hear of which change: once per channel, build and event, in the order of the changes.

    `awaiting` has the people who wait for a build's end, by build id; they are told in their direct messages.
    """
    wanted: dict[tuple[str, str, Event], NewAnnouncement] = {}
    for change in news:
        if change.quiet:
            continue
        for event in _events(change):
            for subscription in subscriptions:
                if filters.wants(subscription, change.build, event):
                    new = NewAnnouncement(subscription.channel_id, change.build.id, event)
                    wanted.setdefault((new.channel_id, new.build_id, event), new)
            if event is not Event.UPLOADED:
                for person in (awaiting or {}).get(change.build.id, ()):
                    wanted.setdefault((person, change.build.id, event), NewAnnouncement(person, change.build.id, event))
    return list(wanted.values())


def _events(change: Change) -> list[Event]:
    events = [Event.UPLOADED] if change.before is None else []
    end = EVENT_OF.get(change.build.stage)
    return [*events, end] if end else events


def next_look(running: int, *, busy: float, idle: float, chance: float) -> float:
    """Seconds until an app is polled again: `busy` while a build is on its way, `idle` otherwise.

    `chance` in 0..1 spreads the apps by ±10 %, so that fifty of them do not ask in the same instant.
    """
    return (busy if running else idle) * (0.9 + 0.2 * chance)


def retry_look(failures: int, *, busy: float, idle: float) -> float:
    """Seconds until an app is polled again after `failures` failed looks in a row: doubling, five minutes at most."""
    return float(min(max(busy, 1.0) * 2 ** min(failures, 10), max(idle, 300.0)))
