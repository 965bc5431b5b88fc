"""What is asked of the database: whether it is there and up to date, who subscribed where, and the last poll."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from bot.db import app_polls, outbox
from bot.db import subscriptions as stored_subscriptions
from bot.db.database import Database
from bot.db.migrate import HEAD
from bot.doctor.context import CheckContext
from bot.doctor.results import CheckResult, broken, skipped, warning, well
from bot.domain.health import LATE_SECONDS
from bot.domain.model import Subscription
from bot.exceptions import BotError, ChannelUnavailable, DatabaseNotFound, SlackError, StartupError
from bot.observability.causes import cause
from bot.web.readiness import late_after, overdue_after

LOOK_IN_THE_LOG = "Start the bot; if it runs, look in its log for watch.away, applivery.away and slack.away."
DATABASE, CHANNELS, POLLING, OUTBOX = "database", "channels", "polling", "announcements"


async def database(case: CheckContext) -> list[CheckResult]:
    """Whether it can be read, and at which version its tables are."""
    if isinstance(case.store, StartupError):
        finding = warning if isinstance(case.store, DatabaseNotFound) else broken
        return [finding(DATABASE, str(case.store.sentence), str(case.store.next_step))]
    version = await case.store.version()
    if version == HEAD:
        return [well(DATABASE, f"{case.store}, version {version}.")]
    if version is None or version < HEAD:
        text = f"{case.store}, {f'version {version}' if version else 'no tables yet'}; this program wants {HEAD}."
        return [warning(DATABASE, text, "`applivery-bot migrate` brings it up to date; the next start does, too.")]
    text = f"{case.store}, version {version}, made by a newer program than this one ({HEAD})."
    return [broken(DATABASE, text, "Start that version again, or go back to a copy of the database from before.")]


async def readable(case: CheckContext) -> Database | None:
    """The store when its tables are the ones we know."""
    store = case.store
    return store if isinstance(store, Database) and await store.version() == HEAD else None


async def channels(case: CheckContext) -> list[CheckResult]:
    """Check that the bot is in every subscribed channel."""
    store = await readable(case)
    if store is None:
        return [skipped(CHANNELS, "the subscriptions are in the database.")]
    wishes: dict[str, list[Subscription]] = defaultdict(list)
    for subscription in await store.run(stored_subscriptions.list_subscriptions):
        wishes[subscription.channel_id].append(subscription)
    name = await case.poster.bot_name()
    results = [
        fault
        for channel_id, subscriptions in wishes.items()
        if (fault := await _channel(case, channel_id, subscriptions, name))
    ]
    return results or [well(CHANNELS, f"the bot is in all {len(wishes)} that subscribed to something.")]


async def _channel(case: CheckContext, channel_id: str, wishes: list[Subscription], name: str) -> CheckResult | None:
    apps = ", ".join(sorted({subscription.app_name for subscription in wishes}))
    invite = f"In Slack, in that channel: /invite @{name}"
    try:
        channel = await case.poster.channel(channel_id)
    except ChannelUnavailable:
        text = f"{channel_id} (hears of {apps}) is gone, or private and the bot is not in it."
        return broken(CHANNELS, text, f"{invite}, or remove its subscriptions.")
    except SlackError as problem:
        return skipped(CHANNELS, f"{channel_id} (hears of {apps}): Slack did not say ({cause(problem)}).")
    if channel.is_archived:
        return warning(
            CHANNELS, f"#{channel.name} (hears of {apps}) is archived.", "Unarchive it, or unsubscribe there."
        )
    if channel.is_member is False:
        return broken(CHANNELS, f"#{channel.name} (hears of {apps}) does not have the bot.", invite)
    paused = next((subscription.paused for subscription in wishes if subscription.paused), None)
    if paused:
        fix = "It speaks again when the reason is gone and a user subscribes there again."
        return warning(CHANNELS, f"#{channel.name} (hears of {apps}) is paused: {paused}", fix)
    return None


async def polling(case: CheckContext) -> list[CheckResult]:
    """When the watched apps were looked at last, with an answer."""
    store = await readable(case)
    if store is None:
        return [skipped(POLLING, "its times are in the database.")]
    idle = case.settings.poll_idle_seconds
    spans = {"behind_after_seconds": late_after(idle), "overdue_after_seconds": overdue_after(idle)}
    try:
        state = await store.run(app_polls.get_polling_stats, **spans)
    except BotError as problem:
        return [broken(POLLING, f"{problem.sentence} ({cause(problem)})", str(problem.next_step))]
    if not state.apps:
        return [well(POLLING, "no app is watched.")]
    last = _ago(state.oldest_poll, case.clock())
    if state.behind:
        text = f"{state.behind} of {state.apps} apps are behind; the oldest look that brought something was {last}."
        return [broken(POLLING, text, LOOK_IN_THE_LOG)]
    return [well(POLLING, f"{state.apps} apps; the oldest look was {last}.")]


async def announcements(case: CheckContext) -> list[CheckResult]:
    """Whether something waits to be said for long."""
    store = await readable(case)
    if store is None:
        return [skipped(OUTBOX, "what waits is in the database.")]
    try:
        waiting = await store.run(outbox.get_backlog)
    except BotError as problem:
        return [broken(OUTBOX, f"{problem.sentence} ({cause(problem)})", str(problem.next_step))]
    oldest = waiting.oldest_seconds or 0.0
    if oldest > LATE_SECONDS:
        text = f"{waiting.count} wait to be said, the oldest for {_span(oldest)}."
        return [broken(OUTBOX, text, LOOK_IN_THE_LOG)]
    return [well(OUTBOX, f"{waiting.count} wait to be said." if waiting.count else "none waits to be said.")]


def _ago(then: datetime | None, now: datetime) -> str:
    return "never" if then is None else f"{_span(max(0.0, (now - then).total_seconds()))} ago"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
