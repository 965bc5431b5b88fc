"""The clock was ahead, and was set right: what it wrote meanwhile is far away then, and counts for nothing.

Nothing lives longer for it, and nobody waits longer, than without.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot import db as store_package
from bot.db import (
    access_requests,
    app_polls,
    build_watches,
    database_info,
    drafts,
    history,
    idempotency,
    link_expiries,
    link_quota,
    mutes,
    outbox,
    scheduled_reports,
    seen_events,
    tickets,
)
from bot.db.access_requests import RoleRequest
from bot.db.column_types import UtcMicros, metadata
from bot.db.database import Database
from bot.db.link_expiries import LinkExpiry
from bot.db.link_quota import LinkLimits
from bot.db.transaction import Transaction
from bot.domain import scheduled_reports as decisions
from bot.domain.model import Role, Stage
from bot.domain.tickets import Ticket, TicketStatus
from bot.domain.timeparse import schedule
from tests.integration.db.test_build_watches import follow, taken
from tests.integration.db.test_mutes import keep
from tests.integration.db.test_scheduled_reports import add
from tests.integration.db.test_tickets import issue, standing
from tests.support.builders import build, fill, said, subscribe, take
from tests.support.sqlalchemy_core import core

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SET_BACK = [3 * MINUTE, HOUR, DAY, 365 * DAY]
set_back = pytest.mark.parametrize("by", SET_BACK, ids=str)


async def clock_was_ahead(store: Database, by: timedelta) -> None:
    """Every time there is was written by a clock that was ahead by so much."""
    times = [
        (table, column) for table in metadata.sorted_tables for column in table.c if isinstance(column.type, UtcMicros)
    ]
    assert len(times) > 20

    def work(tx: Transaction) -> None:
        for table, column in times:
            number = sa.type_coerce(column, sa.BigInteger)
            later = sa.type_coerce(number + int(by.total_seconds() * 1e6), UtcMicros)
            core(tx, sa.update(table).where(number > 0).values({column.name: later}))

    await store.run(work)


STATEMENT = re.compile(r'(_[A-Z_]+) = written\(\s*f?("""|")(.*?)\2', re.DOTALL)
COMPARED = re.compile(r"(?:<=|>|<) \{\{?now\}\}?(?! [+])")
FURTHEST = re.compile(r"(?:<=|>) \{\{?now\}\}? \+ :|set_back|:skew")
# How long rows are kept (a clock that was behind must not delete what is there), mere counts, and moved leases.
NOT_BOUNDED = {
    *("audit_reports._OLD", "tickets._END", "app_polls._STATE", "channel_moves._MOVE_LEASE"),
    *("bisections._OLD", "goals._LEFT_OUT", "goals._RESUME"),  # of weeks, a day, and a time that a person named
    *(f"history.{name}" for name in vars(history)),
}


def test_every_time_that_is_compared_has_a_furthest() -> None:
    found = {
        f"{file.stem}.{name}": text
        for file in Path(store_package.__path__[0]).glob("*.py")
        for name, _, text in STATEMENT.findall(file.read_text())
    }
    assert len(found) > 50
    unbounded = {name for name, text in found.items() if COMPARED.search(text) and not FURTHEST.search(text)}
    assert unbounded <= NOT_BOUNDED


async def quota(store: Database) -> float:
    return await store.run(link_quota.consume_link_quota, LinkLimits("U1", 2, 3))


@set_back
async def test_links_of_a_wrong_clock_do_not_count(store: Database, by: timedelta) -> None:
    assert [await quota(store) for _ in range(2)] == [0, 0]
    assert 50 < await quota(store) <= 60
    await clock_was_ahead(store, by)
    assert await quota(store) == 0


@pytest.mark.parametrize("by", [SECOND, 30 * SECOND, 59 * SECOND, *SET_BACK], ids=str)
async def test_clock_change_link_wait_never_exceeds_window(store: Database, by: timedelta) -> None:
    """A clock that was ahead makes no user wait longer than the window of the quota."""
    for _ in range(3):
        await quota(store)
    await clock_was_ahead(store, by)
    assert await store.run(link_quota.consume_link_quota, LinkLimits("U1", 2, 100)) <= 60
    assert await store.run(link_quota.consume_link_quota, LinkLimits("U1", 100, 3)) <= 3600


@set_back
async def test_a_double_click_of_a_wrong_clock_is_none(store: Database, by: timedelta) -> None:
    assert await store.run(idempotency.acquire_once, "click", 2.0)
    assert not await store.run(idempotency.acquire_once, "click", 2.0)
    await clock_was_ahead(store, by)
    assert await store.run(idempotency.acquire_once, "click", 2.0)
    assert not await store.run(idempotency.acquire_once, "click", 2.0), "a double click still is one"


@set_back
async def test_a_ticket_does_not_live_longer(store: Database, by: timedelta) -> None:
    ticket = await issue(store)
    await clock_was_ahead(store, by)
    assert await standing(store, ticket) is TicketStatus.EXPIRED
    assert await store.run(tickets.claim_ticket, ticket) is TicketStatus.EXPIRED


async def test_a_clock_that_goes_back_by_a_moment_ends_no_ticket(store: Database) -> None:
    ticket = await issue(store)
    await clock_was_ahead(store, 5 * SECOND)
    assert await standing(store, ticket) is TicketStatus.OPEN
    assert isinstance(await store.run(tickets.claim_ticket, ticket), Ticket)


async def test_clock_change_event_of_other_year_is_forgotten(store: Database) -> None:
    assert await store.run(seen_events.record_event, "Ev1")
    await clock_was_ahead(store, HOUR)
    assert not await store.run(seen_events.record_event, "Ev1"), (
        "what Slack delivers again within the hour is not done again"
    )
    await clock_was_ahead(store, 365 * DAY)
    assert await store.run(seen_events.record_event, "Ev1")


async def test_tickets_of_another_year_are_thrown_away(store: Database) -> None:
    ticket = await issue(store)
    await clock_was_ahead(store, 365 * DAY)
    assert await store.run(history.purge_day) == 1
    assert await store.run(tickets.get_ticket, ticket) is None


@set_back
async def test_a_lease_on_an_app_is_over(store: Database, by: timedelta) -> None:
    await subscribe(store)
    assert len(await store.run(app_polls.claim_due_apps, 5, 60, furthest_seconds=120)) == 1
    await clock_was_ahead(store, by)
    assert await store.run(app_polls.poll_due_in, furthest_seconds=120) == 0
    assert len(await store.run(app_polls.claim_due_apps, 5, 60, furthest_seconds=120)) == 1


@set_back
async def test_a_lease_on_a_channel_is_over(store: Database, by: timedelta) -> None:
    await fill(store, ["C1"], ["b1"])
    assert said(await take(store, lease=30)) == [("C1", "b1")]
    await clock_was_ahead(store, by)
    assert await store.run(outbox.delivery_due_in) == 0
    assert said(await take(store, lease=30)) == [("C1", "b1")]


@set_back
async def test_a_lease_on_a_scheduled_report_is_over(store: Database, by: timedelta) -> None:
    await add(store, ago=2 * 365 * DAY)
    assert len(await store.run(scheduled_reports.lease_due_reports, 1, 60)) == 1
    await clock_was_ahead(store, by)
    assert await store.run(scheduled_reports.report_due_in) == 0
    assert len(await store.run(scheduled_reports.lease_due_reports, 1, 60)) == 1


@set_back
async def test_a_report_comes_when_its_schedule_says(store: Database, by: timedelta) -> None:
    now = await store.run(database_info.current_time)
    report = await add(store, ago=-(schedule.next_after(schedule.parse("daily@09:00"), now, "UTC") - now))
    assert await store.run(scheduled_reports.list_reports_due_after, now + DAY) == []
    await clock_was_ahead(store, max(by, 25 * HOUR))
    [late] = await store.run(scheduled_reports.list_reports_due_after, now + DAY)
    due = decisions.set_right(late, now)
    assert due
    await store.run(scheduled_reports.reschedule_report, late.id, late.due_at, due)
    assert await store.run(scheduled_reports.list_reports_due_after, now + DAY) == []
    assert 0 < (await store.run(scheduled_reports.report_due_in) or 0) <= DAY.total_seconds()
    await store.run(scheduled_reports.reschedule_report, late.id, report.due_at - SECOND, now)
    assert (await store.run(scheduled_reports.report_due_in) or 0) > 0, "one that was moved meanwhile is left alone"


@set_back
async def test_a_progress_message_is_due(store: Database, by: timedelta) -> None:
    await follow(store)
    assert len(await taken(store, lease=90)) == 1
    await clock_was_ahead(store, max(by, HOUR))
    assert await store.run(build_watches.watch_due_in) == 0
    assert len(await taken(store, lease=90)) == 1


async def test_a_mute_of_another_year_is_over(store: Database) -> None:
    wish = await subscribe(store)
    await keep(store, wish, "b1")
    await store.run(mutes.mute_subscriptions, "C1", [wish.id], await store.run(database_info.current_time) + HOUR)
    assert (await store.run(mutes.release_held) or 0) > 0
    await clock_was_ahead(store, 365 * DAY)
    await store.run(mutes.release_held)
    assert said(await take(store)) == [("C1", "b1")]


async def test_a_message_that_was_to_expire_in_another_year_does_now(store: Database) -> None:
    await store.run(
        link_expiries.schedule_expiry,
        await store.run(database_info.current_time) + HOUR,
        LinkExpiry("C1", "1.1", "app", "b1", "t", "again", "en"),
    )
    assert (await store.run(link_expiries.expiry_due_in) or 0) > 0
    await clock_was_ahead(store, 365 * DAY)
    assert await store.run(link_expiries.expiry_due_in) == 0
    assert len(await store.run(link_expiries.take_due_expiries)) == 1


@set_back
async def test_a_role_may_be_asked_for_again(store: Database, by: timedelta) -> None:
    refused: Any = ("T1", "U1", Role.RELEASER, None, "subscribe courier", "C1")
    assert isinstance(
        await store.run(access_requests.submit_request, await store.run(access_requests.record_refusal, *refused)),
        RoleRequest,
    )
    assert not isinstance(
        await store.run(access_requests.submit_request, await store.run(access_requests.record_refusal, *refused)),
        RoleRequest,
    )
    await clock_was_ahead(store, by)
    assert isinstance(
        await store.run(access_requests.submit_request, await store.run(access_requests.record_refusal, *refused)),
        RoleRequest,
    )


@set_back
async def test_a_draft_does_not_live_longer(store: Database, by: timedelta) -> None:
    key = await store.run(drafts.save_draft, "typed")
    assert await store.run(drafts.get_draft, key) == "typed"
    await clock_was_ahead(store, by)
    assert await store.run(drafts.get_draft, key) is None


async def test_nothing_waits_for_a_clock_that_was_behind(store: Database) -> None:
    for _ in range(3):
        await quota(store)
    wish = await subscribe(store)
    await keep(store, wish, "b1")
    await store.run(app_polls.claim_due_apps, 5, 60)
    await add(store)
    await follow(store, build("b2", Stage.PENDING))
    ticket = await issue(store)
    await clock_was_ahead(store, -365 * DAY)
    assert await quota(store) == 0
    assert await store.run(app_polls.poll_due_in) == 0
    assert await store.run(scheduled_reports.report_due_in) == 0
    assert await store.run(build_watches.watch_due_in) == 0
    assert await standing(store, ticket) is TicketStatus.EXPIRED
    await store.run(mutes.release_held)
    assert said(await take(store)) == [("C1", "b1")]
