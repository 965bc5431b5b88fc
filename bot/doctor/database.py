"""Checks of the database: its version, the subscribed channels, the last poll, waiting announcements."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime

from bot.applivery.rate_budget import RequestBudget
from bot.db import app_polls, outbox
from bot.db import subscriptions as stored_subscriptions
from bot.db.database import Database
from bot.db.migrate import HEAD
from bot.doctor.context import CheckContext
from bot.doctor.results import CheckResult, broken, skipped, warning, well
from bot.domain.health import LATE_SECONDS
from bot.domain.model import Subscription
from bot.domain.polling import PollPace, poll_pace
from bot.exceptions import BotError, ChannelUnavailable, DatabaseNotFound, SlackError, StartupError
from bot.observability.causes import cause
from bot.settings import Settings
from bot.slack.errors import NOT_GRANTED
from bot.web.readiness import late_after, overdue_after

LOOK_IN_THE_LOG = "Start the bot. If it runs, search its log for watch.away, applivery.away and slack.away."
DATABASE, CHANNELS, POLLING, OUTBOX = "database", "channels", "polling", "announcements"


async def database(case: CheckContext) -> list[CheckResult]:
    """Check that the database can be read, and its schema version."""
    if isinstance(case.store, StartupError):
        finding = warning if isinstance(case.store, DatabaseNotFound) else broken
        return [finding(DATABASE, str(case.store.sentence), str(case.store.step_for(admin=True)))]
    version = await case.store.version()
    if version == HEAD:
        return [well(DATABASE, f"{case.store}, version {version}.")]
    if version is None or version < HEAD:
        text = f"{case.store}, {f'version {version}' if version else 'no tables yet'}. The bot needs {HEAD}."
        return [warning(DATABASE, text, "Start the bot, or run `applivery-bot migrate`: both update it.")]
    text = f"{case.store}, version {version}, from a newer bot than this one ({HEAD})."
    return [broken(DATABASE, text, "Start the newer bot, or restore a backup from before the upgrade.")]


async def readable(case: CheckContext) -> Database | None:
    """Return the database if its schema is of this version."""
    store = case.store
    return store if isinstance(store, Database) and await store.version() == HEAD else None


async def channels(case: CheckContext) -> list[CheckResult]:
    """Check that the bot is in every subscribed channel."""
    store = await readable(case)
    if store is None:
        return [skipped(CHANNELS, "needs the database.")]
    subscribed: dict[str, list[Subscription]] = defaultdict(list)
    number = 0
    while page := await store.run(stored_subscriptions.list_subscriptions_after, number):
        for subscription in page:
            subscribed[subscription.channel_id].append(subscription)
        number = page[-1].id
    name = await case.poster.bot_name()
    results = [
        fault
        for channel_id, subscriptions in subscribed.items()
        if (fault := await _channel(case, channel_id, subscriptions, name))
    ]
    if results or not subscribed:
        return results or [well(CHANNELS, "none subscribed yet.")]
    return [well(CHANNELS, f"the bot is in {_all(len(subscribed), 'subscribed channel')}.")]


async def _channel(
    case: CheckContext, channel_id: str, subscriptions: list[Subscription], name: str
) -> CheckResult | None:
    apps = ", ".join(sorted({subscription.app_name for subscription in subscriptions}))
    invite = f"In that channel, type: /invite @{name}"
    try:
        channel = await case.poster.channel(channel_id)
    except ChannelUnavailable as problem:
        about = f"{channel_id} (subscribed to {apps})"
        return _removed(about) if problem.code in NOT_GRANTED else _unseen(about, invite)
    except SlackError as problem:
        return skipped(
            CHANNELS, f"{channel_id} (subscribed to {apps}): Slack shares nothing about it ({cause(problem)})."
        )
    if channel.is_archived:
        return warning(
            CHANNELS, f"#{channel.name} (subscribed to {apps}) is archived.", "Unarchive it, or unsubscribe it."
        )
    if channel.is_member is False:
        return broken(CHANNELS, f"the bot isn't in #{channel.name} (subscribed to {apps}).", invite)
    paused = next((subscription.paused for subscription in subscriptions if subscription.paused), None)
    if paused:
        fix = "It resumes once the reason is gone. Subscribe there again to resume now."
        return warning(CHANNELS, f"#{channel.name} (subscribed to {apps}) is paused: {paused}", fix)
    return None


def _unseen(about: str, invite: str) -> CheckResult:
    text = f"{about} was deleted, got another ID, or is private and the bot isn't in it."
    return broken(CHANNELS, text, f"{invite}. If it was converted or shared while the bot was off, subscribe again.")


def _removed(about: str) -> CheckResult:
    fix = "Ask an org admin to add it there again, or remove its subscriptions."
    return warning(CHANNELS, f"{about} is in a workspace that the app was removed from.", fix)


async def polling(case: CheckContext) -> list[CheckResult]:
    """Check the last successful polls of the apps."""
    store = await readable(case)
    if store is None:
        return [skipped(POLLING, "needs the database.")]
    idle = case.settings.poll_idle_seconds
    try:
        pace = _pace(case.settings, *await store.run(app_polls.count_apps))
        spans = {
            "behind_after_seconds": late_after(idle, pace.stretch),
            "overdue_after_seconds": overdue_after(idle, pace.stretch),
        }
        state = await store.run(app_polls.get_polling_stats, **spans)
    except BotError as problem:
        return [broken(POLLING, f"{problem.sentence} ({cause(problem)})", str(problem.step_for(admin=True)))]
    if not state.apps:
        return [well(POLLING, "no apps to poll: no channel is subscribed, and no build is watched.")]
    last = ago(state.oldest_poll, case.clock())
    if state.behind:
        text = f"{state.behind} of {_all(state.apps, 'app')} behind schedule. Oldest successful poll: {last}."
        return [broken(POLLING, text, LOOK_IN_THE_LOG)]
    if pace.stretch > 1:
        text = f"{_all(state.apps, 'app')}: each is polled every {_span(pace.idle)}, not every {_span(idle)}."
        fix = f"Set POLL_IDLE_SECONDS to {math.ceil(pace.idle)}, or raise APPLIVERY_REQUESTS_PER_HOUR."
        return [warning(POLLING, text, fix)]
    return [well(POLLING, f"{_all(state.apps, 'app')}, oldest successful poll {last}.")]


def _pace(settings: Settings, apps: int, running: int) -> PollPace:
    """Return how often the bot can poll the apps if there are few other requests."""
    budget = RequestBudget(settings.applivery_requests_per_hour)
    busy, idle = settings.poll_busy_seconds, settings.poll_idle_seconds
    return poll_pace(apps=apps, running=running, per_hour=budget.routine_per_hour, busy=busy, idle=idle, spent=0)


async def announcements(case: CheckContext) -> list[CheckResult]:
    """Check whether an announcement has been waiting for long."""
    store = await readable(case)
    if store is None:
        return [skipped(OUTBOX, "needs the database.")]
    try:
        waiting = await store.run(outbox.get_backlog)
    except BotError as problem:
        return [broken(OUTBOX, f"{problem.sentence} ({cause(problem)})", str(problem.step_for(admin=True)))]
    oldest = waiting.oldest_seconds or 0.0
    if oldest > LATE_SECONDS:
        text = f"{waiting.count} waiting, the oldest for {_span(oldest)}."
        return [broken(OUTBOX, text, LOOK_IN_THE_LOG)]
    return [well(OUTBOX, f"{waiting.count} waiting." if waiting.count else "none waiting.")]


def _all(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def ago(then: datetime | None, now: datetime) -> str:
    """Return how long ago `then` was, in words."""
    return "never" if then is None else f"{_span(max(0.0, (now - then).total_seconds()))} ago"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
