"""What the bot asks its database of all the time, and a database with as many years in it as wanted.

Each question is one that a click, a command, a message or a periodic step asks. What has a row for every build,
message, link or event of the past is `times` as large; apps, channels, people and what is kept for a day are as many as
before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg

from bot.db import (
    access,
    app_polls,
    audit,
    audit_reports,
    build_waiters,
    build_watches,
    builds,
    channel_moves,
    goals,
    history,
    idempotency,
    key_value,
    known_builds,
    link_expiries,
    mutes,
    nudges,
    outages,
    outbox,
    recalls,
    request_counts,
    scheduled_reports,
    seen_events,
    slack_changes,
    subscriptions,
    tickets,
)
from bot.db.connect import DatabaseUrl
from bot.db.database import Database
from bot.db.link_quota import LinkLimits
from bot.domain.audit import AuditAction, AuditEntry, AuditOutcome, Entrypoint
from bot.domain.model import BuildEvent, FileKind, Role, Stage
from bot.domain.states import DeliveryState, GoalState
from bot.domain.tickets import TicketState

ROWS = 500  # of each table that grows, once
APPS, CHANNELS, PEOPLE = 5, 20, 20  # so that each list is as long as its limit from the start
Question = Callable[[Database], Awaitable[object]]
_numbers = count(1)

_BEFORE = "{now} - 60000000 * CAST(n AS bigint)"  # microseconds: one a minute, the newest first
_TODAY = "{now} - 1000000 * CAST(n AS bigint)"  # one a second: tickets are kept for a day
_FEW = f"""
    INSERT INTO subscriptions (team_id, channel_id, app_id, app_name, events, query, created_by, created_at, options)
        SELECT 'T1', 'C' || n, 'a' || (n % {APPS}), 'A', '{BuildEvent.PROCESSED}', '', 'U1', {_BEFORE}, ''
        FROM {{numbers}} WHERE n <= {CHANNELS};
    INSERT INTO app_polls (app_id, next_poll_at, lease_until, poll_requested, baseline_done, failures)
        SELECT 'a' || (n - 1), {{now}} + 600000000, 0, false, true, 0 FROM {{numbers}} WHERE n <= {APPS};
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until)
        SELECT 'C' || n, false, 0, 0 FROM {{numbers}} WHERE n <= {CHANNELS};
    INSERT INTO seen_events (event_id, seen_at) SELECT 'e' || n, {_BEFORE} FROM {{numbers}};
    INSERT INTO idempotency_keys (key, at) SELECT 'i' || n, {_BEFORE} FROM {{numbers}};
    INSERT INTO link_quota (user_id, at) SELECT 'U' || (n % {PEOPLE}), {_BEFORE} FROM {{numbers}};
    INSERT INTO grants (team_id, grantee, app_id, role, granted_by, granted_at)
        SELECT 'T1', 'U' || n, '*', '{Role.MEMBER.name}', 'U1', {_BEFORE} FROM {{numbers}} WHERE n <= {PEOPLE};
"""
_MANY = f"""
    INSERT INTO builds (build_id, app_id, stage, snapshot, deleted, changed_at, content_hash, made_at, seen_at, since)
        SELECT 'b' || n, 'a' || (n % {APPS}), '{Stage.READY}', '{{{{}}}}', false, {_BEFORE}, 'x', {_BEFORE}, {_BEFORE},
            {_BEFORE} FROM {{numbers}};
    INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, state, outcome_unknown, created_at, ts,
            posted_at, card_key, options, payload, superseded_by)
        SELECT 'C' || (n % {CHANNELS}), 'a' || (n % {APPS}), 'b' || n, '{BuildEvent.PROCESSED}', 'k' || n,
            '{DeliveryState.POSTED}', false, {_BEFORE}, '1.' || n, {_BEFORE}, 'c' || n, '', '',
            CASE WHEN n > 100 THEN 'b' || (n - 100) END FROM {{numbers}};
    INSERT INTO audit (at, team_id, user_id, action, outcome, entrypoint, channel_id, app_id, build_id)
        SELECT {_BEFORE}, 'T1', 'U' || (n % {PEOPLE}), '{AuditAction.GET}', '{AuditOutcome.MINTED}',
            '{Entrypoint.BUTTON}', 'C' || (n % {CHANNELS}), 'a' || (n % {APPS}), 'b' || n FROM {{numbers}};
    INSERT INTO tickets (hash, team_id, user_id, app_id, build_id, kind, file_id, created_at, expires_at, uses_left,
            state, channel_id)
        SELECT 't' || n, 'T1', 'U' || (n % {PEOPLE}), 'a' || (n % {APPS}), 'b' || n, '{FileKind.AUTO}', '', {_TODAY},
            {_TODAY}, 0, '{TicketState.OPEN}', 'C1' FROM {{numbers}};
    INSERT INTO build_waiters (build_id, user_id, team_id, app_id, asked_at, notified)
        SELECT 'b' || n, 'U' || (n % {PEOPLE}), 'T1', 'a' || (n % {APPS}), {_BEFORE}, true FROM {{numbers}};
    INSERT INTO sent_builds (team_id, sender, recipient, app_id, build_id, sent_at)
        SELECT 'T1', 'U' || (n % {PEOPLE}), 'U1', 'a' || (n % {APPS}), 'b' || n, {_BEFORE} FROM {{numbers}};
    INSERT INTO goals (team_id, channel_id, app_id, app_name, build_ref, what, group_id, members_of, place_name,
            percent, people, deadline, tz, asks, created_by, created_at, state, ended_at, frozen, due_at, lease_until)
        SELECT 'T1', 'C' || (n % {CHANNELS}), 'a' || (n % {APPS}), 'A', '1', 'A', 'S1', '', '', 90, 0, {_BEFORE}, 'UTC',
            true, 'U1', {_BEFORE}, '{GoalState.REACHED}', {_BEFORE}, true, {_BEFORE}, 0 FROM {{numbers}};
"""


def fill(url: str, times: int) -> None:
    """Put the rows of so many times a while into an empty database that has its tables."""
    rows, now = ROWS * times, int(datetime.now(UTC).timestamp() * 1_000_000)
    place = DatabaseUrl.parse(url)
    if place.file:
        numbers = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT n FROM s)"
        with closing(sqlite3.connect(place.file)) as file:
            for text, most in ((_FEW, ROWS), (_MANY, rows)):
                file.executescript("BEGIN;" + text.format(now=now, numbers=numbers.format(most)) + "COMMIT; ANALYZE;")
        return
    with psycopg.connect(**place.libpq(), autocommit=True) as connection:
        for text, most in ((_FEW, ROWS), (_MANY, rows)):
            connection.execute(text.format(now=now, numbers=f"generate_series(1, {most}) n").encode())
        connection.execute("ANALYZE")


def _asks(function: Callable[..., Any], *given: Any, **named: Any) -> Question:
    return lambda store: store.run(function, *given, **named)


async def _arrival(store: Database) -> object:
    """A click that asks for a link, as none before it."""
    number = next(_numbers)
    limits = LinkLimits(f"U{number % PEOPLE}", 10**8, 10**8)
    return await store.run(idempotency.record_arrival, [f"new-e{number}"], [f"new-i{number}"], limits)


async def _entry(store: Database) -> object:
    entry = AuditEntry(datetime.now(UTC), "T1", "U7", AuditAction.GET, AuditOutcome.MINTED, app_id="a2", build_id="b7")
    return await store.run(audit.add_entry, entry)


async def _event(store: Database) -> object:
    return await store.run(seen_events.record_event, f"new-s{next(_numbers)}")


async def _too_old(store: Database) -> object:
    """Nothing is; a version that does all of it in one transaction has no other function for it."""
    found = [getattr(history, name, None) for name in ("purge_history", "purge_announcements", "purge_builds")]
    return [await store.run(purge, 3650.0) for purge in found if purge]


LISTED = [f"b{2 + APPS * number}" for number in range(50)]  # what one page of an app's list shows
QUESTIONS: dict[str, Question] = {
    "a click's arrival": _arrival,
    "an audit entry": _entry,
    "an event's arrival": _event,
    "builds someone received": _asks(audit.list_builds_received, "U7", "a2", 5),
    "who received a build": _asks(audit.count_receivers, "a2", "b7"),
    "someone's links": _asks(audit.list_links_received, "U7", 20),
    "the newest audit entries": _asks(audit.list_entries, app_id="a2"),
    "someone's audit entries": _asks(audit.list_entries, {"U7"}, limit=ROWS // PEOPLE),  # as many as from the start
    "links of some builds": _asks(audit_reports.count_links, "a2", ["b2", "b7"]),
    "facts of some builds": _asks(known_builds.find_builds, LISTED),
    "all recalls": _asks(recalls.list_recalls),
    "cards of a build": _asks(recalls.count_cards, "b7"),
    "roles": _asks(access.list_grants, "T1"),
    "channels of apps": _asks(access.list_allowed_channels),
    "channels of managers": _asks(access.list_manager_channels),
    "a channel's subscriptions": _asks(subscriptions.list_subscriptions, "C7"),
    "an app's subscriptions": _asks(subscriptions.list_subscriptions, about="a2"),
    "a channel's subscriptions with their last post": _asks(subscriptions.list_page, "C7", 0, 10),
    "a page of all subscriptions with their last post": _asks(subscriptions.list_page, None, 1, 10),
    "a subscription to every app": _asks(subscriptions.has_every_app_subscription),
    "a ticket": _asks(tickets.get_ticket, "t7"),
    "a stored value": _asks(key_value.get_value, "nothing"),
    "who waits for an app's builds": _asks(build_waiters.list_waiters, "a2"),
    "builds someone watches": _asks(build_watches.list_watched_builds, "U7"),
    "people who may be asked": _asks(nudges.list_askable, "b7", ["U1", "U2"]),
    "a channel's goals": _asks(goals.list_goals, "C7"),
    "apps to poll": _asks(app_polls.claim_due_apps, 8, 10.0),
    "the next poll": _asks(app_polls.poll_due_in),
    "apps that are polled": _asks(app_polls.count_apps),
    "watched apps": _asks(app_polls.find_watched_apps, ["a2"]),
    "how polling goes": _asks(app_polls.get_polling_stats),
    "known builds of a page": _asks(builds.list_known, "a2", LISTED),
    "edited builds of a page": _asks(builds.find_edited, "a2", dict.fromkeys(LISTED, "x")),
    "builds a page lacks": _asks(builds.find_unlisted, "a2", LISTED, whole=False, most=10),
    "messages to send": _asks(outbox.commit_results_and_claim, [], 4, lease_seconds=60.0, pace_seconds=1.0),
    "the next message": _asks(outbox.delivery_due_in),
    "messages that wait": _asks(outbox.get_backlog),
    "what is held no longer": _asks(mutes.release_held),
    "paused channels": _asks(mutes.list_paused_channels),
    "reports to send": _asks(scheduled_reports.lease_due_reports, 4, 60.0),
    "the next report": _asks(scheduled_reports.report_due_in),
    "goals to count": _asks(goals.lease_due_goals, 4, 60.0),
    "the next goal": _asks(goals.goal_due_in),
    "progress to show": _asks(build_watches.lease_due_watches, 4, 60.0),
    "the next progress": _asks(build_watches.watch_due_in),
    "links that expire": _asks(link_expiries.take_due_expiries),
    "the next link that expires": _asks(link_expiries.expiry_due_in),
    "requests of the replicas": _asks(request_counts.exchange_counts, "r1", {}),
    "an outage": _asks(outages.get_outage),
    "changes in Slack": _asks(slack_changes.list_changes),
    "channels with another id": _asks(channel_moves.list_moves),
    "what is too old": _too_old,
    "audit entries that are too old": _asks(audit_reports.purge_audit, 3650.0),
    "what a day has outdated": _asks(history.purge_day),
}
