"""Compare polled builds with the known ones, plan announcements, and decide when to poll next."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.domain import changelogs, delivery_options, filters, lookup
from bot.domain.model import (
    EVENT_OF,
    Build,
    BuildEvent,
    BuildTransition,
    CardUpdate,
    CurrentBuild,
    DeliveryOptions,
    KnownBuild,
    NewDelivery,
    Stage,
    Subscription,
)
from bot.domain.polling import PollPace

SPREAD_SECONDS = 6.0
EXPIRES_SOON = timedelta(days=14)
LISTED_WITHIN = timedelta(hours=1)  # the maximum age of a build that can be new in the list, even if polls are delayed
LOOK_CLOSELY = timedelta(hours=1)  # after which an unchanged list is completed with details all the same
HURRY = timedelta(minutes=30)  # for how long an unfinished build makes its app be polled fast


def changes(
    known: Mapping[str, Stage],
    seen: Sequence[Build],
    *,
    baseline: bool,
    since: datetime | None = None,
    awaited: Collection[str] = (),
    now: datetime | None = None,
    forgotten: datetime | None = None,
) -> list[BuildTransition]:
    """Compare the known states of an app's builds with its current list, oldest first.

    At the baseline (the first poll of an app) finished builds are history and not announced, except builds created
    after `since`, the time from which the app is polled, and watched builds (`awaited`); unfinished builds are followed
    to their end (guarantee 6). Applivery may process a build again: a different end is announced. After a newer build
    was deleted, the list has another old build at its end, which is history too, at any poll (`now` is aware). So is an
    unknown build from before `forgotten`, which was known and then deleted with the history.
    """
    transitions = []
    at_the_end = any(build.id in known for build in seen)
    for build in reversed(seen):
        before = known.get(build.id)
        at_the_end = at_the_end and before is None
        if before is build.stage:
            continue
        old = not _after(build, since) if baseline else at_the_end and _moved_up(build, now)
        old = old or (forgotten is not None and build.created_at is not None and build.created_at < forgotten)
        history = old and before is None and build.id not in awaited
        transitions.append(BuildTransition(build, before, quiet=history, mark=mark(build)))
    return transitions


def _after(build: Build, since: datetime | None) -> bool:
    return since is not None and build.created_at is not None and build.created_at > since


def _moved_up(build: Build, now: datetime | None) -> bool:
    """Return whether a build is so old that it only moved into the end of the list."""
    return now is not None and build.created_at is not None and build.created_at < now - LISTED_WITHIN


def mark(build: Build) -> str:
    """Return a hash of the listed fields that a card shows, which changes when the build is edited in Applivery."""
    said: tuple[object, ...]
    said = (build.version, build.number, build.size, build.tags, build.changelog, build.origin, build.uploader)
    if build.stage is Stage.UNKNOWN:  # this stage stands for several statuses of Applivery, and cards show the status
        said = (*said, build.status)
    return hashlib.blake2b(repr(said).encode("utf-8", "replace"), digest_size=8).hexdigest()


def announcements(
    transitions: Sequence[BuildTransition],
    subscriptions: Sequence[Subscription],
    awaiting: Mapping[str, Sequence[str]] | None = None,
    *,
    now: datetime,
) -> list[NewDelivery]:
    """Return the announcements for these changes, one per channel, build and event, in order."""
    said: dict[tuple[str, str, str, int], NewDelivery] = {}
    for change in transitions:
        if change.quiet:
            continue
        for event in _events(change):
            new = [
                each_delivery
                for subscription in subscriptions
                if filters.wants(subscription, change.build, event)
                for each_delivery in _told(subscription, change.build, event, now)
            ]
            if event.is_end:
                waiting = (awaiting or {}).get(change.build.id, ())
                new += [NewDelivery(person, change.build.id, event) for person in waiting]
            for delivery in new:
                said.setdefault((delivery.channel_id, delivery.build_id, delivery.event, delivery.part), delivery)
    return list(said.values())


def _events(change: BuildTransition) -> list[BuildEvent]:
    events = [BuildEvent.UPLOADED] if change.before is None else []
    end = EVENT_OF.get(change.build.stage)
    return [*events, end] if end else events


def _told(subscription: Subscription, build: Build, event: BuildEvent, now: datetime) -> list[NewDelivery]:
    """Return a channel's card and the replies in its thread; builds held until the same time share a card."""
    manner = subscription.manner
    until = delivery_options.held_until(subscription, now)
    first = NewDelivery(
        subscription.channel_id,
        build.id,
        event,
        card=f"held/{subscription.id}/{int(until.timestamp())}" if until else card_of(build, manner),
        manner=manner,
        subscription_id=subscription.id,
        held_until=until,
    )
    if until or event is not BuildEvent.PROCESSED or not manner.threads:
        return [first]
    pieces = len(changelogs.pieces(build.changelog)) or int(expires_soon(build, now))
    return [first, *(replace(first, event=CardUpdate.DETAILS, part=part, held_until=None) for part in range(pieces))]


def card_of(build: Build, manner: DeliveryOptions) -> str:
    """Return the key of a build's card: its own, or that of its version."""
    return f"{build.app.id}/{build.version}" if manner.grouped and build.version else build.id


def expires_soon(build: Build, now: datetime) -> bool:
    """Return whether a build's certificate or profile has expired or will within two weeks."""
    expiry = build.requirements.profile_expires_at
    return expiry is not None and expiry - now < EXPIRES_SOON


def expiring(
    seen: Sequence[Build], subscriptions: Sequence[Subscription], now: datetime
) -> list[tuple[NewDelivery, Build]]:
    """Return an announcement for each subscription to `cert` with a newest ready build that soon cannot be installed.

    One per build; the newest build of each platform counts.
    """
    return [
        (
            NewDelivery(
                subscription.channel_id,
                build.id,
                BuildEvent.CERT,
                card=f"{BuildEvent.CERT}/{build.id}",
                manner=subscription.manner,
                subscription_id=subscription.id,
                held_until=delivery_options.held_until(subscription, now),
            ),
            build,
        )
        for build in lookup.newest_of_each_platform(seen)
        if expires_soon(build, now)
        for subscription in subscriptions
        if filters.wants(subscription, build, BuildEvent.CERT)
    ]


def successors(standing: Iterable[CurrentBuild]) -> dict[tuple[str, str], str]:
    """Return, by channel and build, the id of the newer build of the same line that supersedes it in that channel.

    `standing` are all available builds that were announced in a channel; builds that are not superseded are left out.
    """
    found = {}
    newest: dict[tuple[str, tuple[str, str, str]], str] = {}
    for current_build in sorted(standing, key=lambda other_build: other_build.place, reverse=True):
        line = (current_build.channel_id, line_of(current_build.build))
        newer = newest.get(line, current_build.build.id)
        if newer != current_build.build.id:
            found[(current_build.channel_id, current_build.build.id)] = newer
        newest[line] = current_build.build.id
    return found


def in_place_of(build: Build, builds: Sequence[Build], recalled: Collection[str]) -> Build | None:
    """Return the replacement for an unavailable build: the newest ready build of its line, or else of its platform.

    `builds` come newest first, `recalled` has ids.
    """
    fitting = [other_build for other_build in builds if can_replace(other_build, build, recalled)]
    same_line = [other_build for other_build in fitting if line_of(other_build) == line_of(build)]
    return next(iter(same_line or fitting), None)


def can_replace(other_build: Build, build: Build, recalled: Collection[str]) -> bool:
    """Return whether this build can replace `build`: it is available, and of the same platform."""
    same = other_build.platform.casefold() == build.platform.casefold()
    return same and other_build.id != build.id and can_be_had(other_build, recalled)


def line_of(build: Build) -> tuple[str, str, str]:
    """Return the line of a build: app, platform, and branch without its numbers.

    A newer build of the same line supersedes it: `release/2.5` supersedes `release/2.4`, `feature/cart` does not
    supersede `feature/login`.
    """
    return (build.app.id, build.platform.casefold(), re.sub(r"[\d.]+", "#", build.origin.branch or ""))


def can_be_had(build: Build, recalled: Collection[str] = ()) -> bool:
    """Return whether this build is available: it is ready and not recalled (`recalled` has ids)."""
    return build.stage is Stage.READY and build.id not in recalled


def unfinished_since(build: Build, known: KnownBuild | None, now: datetime) -> datetime:
    """Return since when a build has been in progress; all aware UTC.

    That is its upload or, if Applivery processes it again, now. An unknown status does not restart it.
    """
    if known is not None and not known.stage.final:
        return known.since
    if known is not None and build.stage.under_way:
        return now
    return min(build.created_at or now, now)


def in_a_hurry(build: Build, since: datetime, now: datetime) -> bool:
    """Return whether a build that has been in progress `since` is a reason to poll its app fast."""
    return not build.stage.final and now - since < HURRY


def is_endless(build: Build, since: datetime, now: datetime, deadline: timedelta) -> bool:
    """Return whether a build has been in progress (`since`) for so long that it cannot be watched."""
    return not build.stage.final and (not build.stage.under_way or now - since >= deadline)


def same_for(builds: Iterable[Build], since: Mapping[str, datetime], now: datetime, deadline: timedelta) -> timedelta:
    """Return for how long an unchanged list needs no further processing; `since` is when its builds were started.

    That is until a build in progress has taken too long to poll fast for it, or to be watched.
    """
    ends = [since[build.id] + limit - now for build in builds if not build.stage.final for limit in (HURRY, deadline)]
    return min([LOOK_CLOSELY, *(end for end in ends if end > timedelta())])


def can_be_awaited(build: Build, now: datetime, deadline: timedelta) -> bool:
    """Return whether a build can be watched: it is in progress, and Applivery has updated it within the deadline."""
    touched = [moment for moment in (build.created_at, build.updated_at) if moment is not None]
    return build.stage.under_way and (not touched or now - max(touched) < deadline)


def next_look(running: int, pace: PollPace, *, rng: float) -> float:
    """Return the seconds until an app is polled again, given the number of its builds in progress (`running`).

    `rng` in 0..1 adds a jitter of ±10 %, but of a few seconds at most, so that apps are not polled all at once.
    """
    usual = pace.busy if running else pace.idle
    return usual + (2 * rng - 1) * min(0.1 * usual, SPREAD_SECONDS)


def furthest_look(pace: PollPace) -> float:
    """Return an upper bound in seconds for `next_look` and `retry_look`.

    It is ten times the current interval, because the budget of requests may have been smaller before.
    """
    return max(11.1 * max(pace.busy, pace.idle), 303.0)


def retry_look(failures: int, *, busy: float, idle: float, own: bool = False) -> float:
    """Return the seconds until the next poll after `failures` in a row: doubling, up to a minute.

    Up to five minutes if the error is the app's `own`, and not an outage whose end should be noticed soon.
    """
    longest = 300.0 if own else 60.0
    return float(min(max(busy, 1.0) * 2 ** min(failures, 10), max(idle, longest)))
