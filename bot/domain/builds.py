"""What changed between what we knew and what we see, who cares, and when to look next."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.domain import changelogs, choice, filters, manners
from bot.domain.model import (
    EVENT_OF,
    Build,
    Change,
    Event,
    Follow,
    Manner,
    NewAnnouncement,
    Stage,
    Standing,
    Subscription,
    Superseded,
)

EXPIRES_SOON = timedelta(days=14)


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
        found.append(Change(build, before, quiet=history, mark=mark(build)))
    return found


def _after(build: Build, since: datetime | None) -> bool:
    return since is not None and build.created_at is not None and build.created_at > since


def mark(build: Build) -> str:
    """A fingerprint of what a card says of a listed build: it changes when somebody edits the build in Applivery."""
    said = (build.version, build.number, build.size, build.tags, build.changelog, build.origin, build.uploader)
    return hashlib.blake2b(repr(said).encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be said about some news, in order, and which builds they take the place of."""

    announcements: tuple[NewAnnouncement, ...] = ()
    superseded: tuple[Superseded, ...] = ()


NOTHING = Wanted()


def wanted(
    news: Sequence[Change],
    subscriptions: Sequence[Subscription],
    *,
    now: datetime,
    standing: Sequence[Standing] = (),
    awaiting: Mapping[str, Sequence[str]] | None = None,
) -> Wanted:
    """Which channel is to hear of which change, and which builds that makes old there.

    `standing` has the builds these channels know as ready, `awaiting` the people who wait for a build's end, by build
    id; they are told in their direct messages. `now` is aware.
    """
    said = announcements(news, subscriptions, awaiting, now=now)
    ready = {change.build.id: change.build for change in news if change.build.stage is Stage.READY}
    new = [
        Standing(one.channel_id, ready[one.build_id])
        for one in said
        if one.event is Event.PROCESSED and one.build_id in ready and one.card
    ]
    return Wanted(tuple(said), tuple(superseded(new, standing)))


def announcements(
    news: Sequence[Change],
    subscriptions: Sequence[Subscription],
    awaiting: Mapping[str, Sequence[str]] | None = None,
    *,
    now: datetime,
) -> list[NewAnnouncement]:
    """Which channel is to hear of which change: once per channel, build and event, in the order of the changes."""
    said: dict[tuple[str, str, str, int], NewAnnouncement] = {}
    for change in news:
        if change.quiet:
            continue
        for event in _events(change):
            new = [
                one
                for subscription in subscriptions
                if filters.wants(subscription, change.build, event)
                for one in _told(subscription, change.build, event, now)
            ]
            if event is not Event.UPLOADED:
                waiting = (awaiting or {}).get(change.build.id, ())
                new += [NewAnnouncement(person, change.build.id, event) for person in waiting]
            for one in new:
                said.setdefault((one.channel_id, one.build_id, one.event, one.part), one)
    return list(said.values())


def _events(change: Change) -> list[Event]:
    events = [Event.UPLOADED] if change.before is None else []
    end = EVENT_OF.get(change.build.stage)
    return [*events, end] if end else events


def _told(subscription: Subscription, build: Build, event: Event, now: datetime) -> list[NewAnnouncement]:
    """A channel's card, and what belongs into its thread; what is kept back until the same time shares a card."""
    manner = subscription.manner
    until = manners.held_until(subscription, now)
    first = NewAnnouncement(
        subscription.channel_id,
        build.id,
        event,
        card=f"held/{subscription.id}/{int(until.timestamp())}" if until else card_of(build, manner),
        manner=manner,
        subscription_id=subscription.id,
        held_until=until,
    )
    if until or event is not Event.PROCESSED or not manner.threads:
        return [first]
    pieces = len(changelogs.pieces(build.changelog)) or int(expires_soon(build, now))
    return [first, *(replace(first, event=Follow.DETAILS, part=part, held_until=None) for part in range(pieces))]


def card_of(build: Build, manner: Manner) -> str:
    """The name of the card a build is shown on: its own, or its version's."""
    return f"{build.app.id}/{build.version}" if manner.grouped and build.version else build.id


def expires_soon(build: Build, now: datetime) -> bool:
    """Whether a build's certificate or profile has expired or will within two weeks."""
    expiry = build.requirements.profile_expires_at
    return expiry is not None and expiry - now < EXPIRES_SOON


def expiring(
    seen: Sequence[Build], subscriptions: Sequence[Subscription], now: datetime
) -> list[tuple[NewAnnouncement, Build]]:
    """Who asked to hear that the newest ready build of a platform will soon install nowhere: once for each build."""
    return [
        (
            NewAnnouncement(
                one.channel_id,
                build.id,
                Event.CERT,
                card=f"{Event.CERT}/{build.id}",
                manner=one.manner,
                subscription_id=one.id,
                held_until=manners.held_until(one, now),
            ),
            build,
        )
        for build in choice.newest_of_each_platform(seen)
        if expires_soon(build, now)
        for one in subscriptions
        if filters.wants(one, build, Event.CERT)
    ]


def superseded(new: Sequence[Standing], standing: Sequence[Standing]) -> list[Superseded]:
    """Which ready builds a channel knows were followed there by a newer one of the same line."""
    found = []
    newest: dict[tuple[str, tuple[str, str, str]], Build] = {}
    for one in sorted([*standing, *new], key=lambda one: _made(one.build)):
        line = (one.channel_id, line_of(one.build))
        before = newest.get(line)
        if before is not None and before.id != one.build.id:
            found.append(Superseded(one.channel_id, before.id, one.build.id))
        newest[line] = one.build
    return found


def in_place_of(build: Build, builds: Sequence[Build], recalled: Collection[str]) -> Build | None:
    """What to take when this one was recalled: the newest ready build of its line, else of its platform.

    `builds` come newest first, `recalled` has ids.
    """
    fitting = [
        one
        for one in builds
        if one.stage is Stage.READY and one.id not in recalled and one.platform.casefold() == build.platform.casefold()
    ]
    same_line = [one for one in fitting if line_of(one) == line_of(build)]
    return next(iter(same_line or fitting), None)


def _made(build: Build) -> datetime:
    return build.created_at or datetime.min.replace(tzinfo=UTC)


def line_of(build: Build) -> tuple[str, str, str]:
    """What a newer build must share to take a build's place: app, platform, and branch but for the numbers in it.

    So `release/2.5` follows `release/2.4`, and `feature/cart` leaves `feature/login` alone.
    """
    return (build.app.id, build.platform.casefold(), re.sub(r"[\d.]+", "#", build.origin.branch or ""))


def next_look(running: int, *, busy: float, idle: float, chance: float, stretch: float = 1.0) -> float:
    """Seconds until an app is polled again: `busy` while a build is on its way, `idle` otherwise.

    `chance` in 0..1 spreads the apps by ±10 %, so that fifty of them do not ask in the same instant; `stretch` makes
    it longer while requests are short.
    """
    return (busy if running else idle) * (0.9 + 0.2 * chance) * stretch


def furthest_look(busy: float, idle: float) -> float:
    """The most seconds until an app is polled again, whatever `next_look` and `retry_look` are given."""
    return max(next_look(0, busy=busy, idle=max(busy, idle), chance=1.0, stretch=10.0), 300.0) * 1.01


def retry_look(failures: int, *, busy: float, idle: float) -> float:
    """Seconds until an app is polled again after `failures` failed looks in a row: doubling, five minutes at most."""
    return float(min(max(busy, 1.0) * 2 ** min(failures, 10), max(idle, 300.0)))
