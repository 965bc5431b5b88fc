"""Digests, nudges and the ledger, as rows: leased once, moved on once, kept as long as meant."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.db import audit, audit_reports, database_info, nudges, outbox, scheduled_reports
from bot.db.database import Database
from bot.db.transaction import Transaction
from bot.domain.audit import CLAIM_PAGE_STORED, AuditAction, AuditEntry, AuditOutcome, Entrypoint
from bot.domain.downloads import GroupBy
from bot.domain.scheduled_reports import ScheduledReport
from tests.support.sqlalchemy_core import core, run_core

MINUTE = timedelta(minutes=1)


async def add(
    store: Database, place: str = "C1", *, ago: timedelta = MINUTE, schedule: str = "daily@09:00"
) -> ScheduledReport:
    """A digest that has been due for so long."""
    return await store.run(
        scheduled_reports.add_report,
        team_id="T1",
        place=place,
        app_id="app",
        app_name="App",
        which="",
        by=GroupBy.PERSON,
        schedule=schedule,
        tz="UTC",
        quiet=False,
        created_by="U1",
        due_at=await store.run(database_info.current_time) - ago,
    )


async def test_report_longest_waiting_leased_first_by_one_only(store: Database) -> None:
    young, old = await add(store, "C1"), await add(store, "C2", ago=5 * MINUTE)
    taken = await asyncio.gather(*(store.run(scheduled_reports.lease_due_reports, 1, 60) for _ in range(3)))
    assert sorted(digest.id for group in taken for digest, _ in group) == [young.id, old.id]
    assert await store.run(scheduled_reports.lease_due_reports, 1, 60) == []


async def test_report_expired_or_released_lease_is_available(store: Database) -> None:
    report = await add(store)
    await store.run(scheduled_reports.lease_due_reports, 1, 0)
    [(again, _)] = await store.run(scheduled_reports.lease_due_reports, 1, 60)
    assert again.id == report.id
    await store.run(scheduled_reports.release_report_leases)
    assert len(await store.run(scheduled_reports.lease_due_reports, 1, 60)) == 1


async def test_report_paused_is_not_due_until_requested_again(store: Database) -> None:
    report = await add(store)
    assert [each.id for each in await store.run(scheduled_reports.pause_reports, "away", place="C1")] == [report.id]
    assert await store.run(scheduled_reports.pause_reports, "away", number=report.id) == []
    assert (
        await store.run(scheduled_reports.lease_due_reports, 5, 60),
        await store.run(scheduled_reports.report_due_in),
    ) == ([], None)
    again = await add(store)
    assert (again.id, again.paused) == (report.id, None)
    assert await store.run(scheduled_reports.report_due_in) == 0


@pytest.mark.parametrize("column", ["kind", "group_by"])
async def test_report_of_newer_version_is_left_to_it(store: Database, column: str) -> None:
    """An older replica that runs beside the new one does not take it for a report that it knows."""
    theirs, ours = await add(store, ago=5 * MINUTE), await add(store, schedule="daily@10:00")
    rewrite = sa.text(f"UPDATE scheduled_reports SET {column} = 'install_times' WHERE id = :id")
    await run_core(store._runner, lambda connection: connection.execute(rewrite, {"id": theirs.id}))
    [(leased, token)] = await store.run(scheduled_reports.lease_due_reports, 5, 60)
    assert leased.id == ours.id
    told = {"until": ours.due_at, "next_at": ours.due_at + timedelta(days=1), "fact": None}
    assert await store.run(scheduled_reports.enqueue_report, leased, token, **told)
    assert (await store.run(scheduled_reports.report_due_in) or 0) > 3600
    assert [each.id for each in await store.run(scheduled_reports.list_reports, ["C1"])] == [ours.id]
    assert await store.run(scheduled_reports.get_report, theirs.id) is None
    assert await store.run(scheduled_reports.end_report, theirs.id) is None
    await store.run(scheduled_reports.pause_reports, "away", place="C1")
    assert [each.id for each in await store.run(scheduled_reports.list_paused_reports)] == [ours.id]


async def test_posted_report_of_newer_version_is_left_to_it(store: Database) -> None:
    await add(store)
    [(digest, token)] = await store.run(scheduled_reports.lease_due_reports, 1, 60)
    told = {"until": digest.due_at, "next_at": digest.due_at + timedelta(days=1), "fact": "{}"}
    assert await store.run(scheduled_reports.enqueue_report, digest, token, **told)
    rewrite = sa.text("UPDATE outbox SET dedup_key = replace(dedup_key, 'downloads/', 'install_times/')")
    await run_core(store._runner, lambda connection: connection.execute(rewrite))
    assert not (await store.run(outbox.commit_results_and_claim, [], 5, lease_seconds=60, pace_seconds=0)).claims
    assert (await store.run(outbox.get_backlog)).count == 1


async def test_report_messages_in_outbox_in_same_commit_once(store: Database) -> None:
    await add(store)
    [(digest, token)] = await store.run(scheduled_reports.lease_due_reports, 1, 60)
    told = {"until": digest.due_at, "next_at": digest.due_at + timedelta(days=1)}
    assert await store.run(scheduled_reports.enqueue_report, digest, token, **told, fact='{"a": "\\u0000"}')
    [claim] = (await store.run(outbox.commit_results_and_claim, [], 5, lease_seconds=60, pace_seconds=0)).claims
    assert claim.announcement.channel_id == "C1"
    assert claim.announcement.key.startswith(f"C1:downloads/{digest.id}/")
    assert not await store.run(scheduled_reports.enqueue_report, digest, token, **told, fact="{}")
    assert (await store.run(outbox.get_backlog)).count == 1
    wait = await store.run(scheduled_reports.report_due_in)
    assert wait is not None
    assert 23 * 3600 < wait < 25 * 3600


async def test_a_report_that_ended_is_restored_as_it_was(store: Database) -> None:
    report = await add(store)
    assert await store.run(scheduled_reports.list_reports, ["C2"]) == []
    ended = await store.run(scheduled_reports.end_report, report.id)
    assert ended
    assert await store.run(scheduled_reports.list_reports, ["C1"]) == []
    assert await store.run(scheduled_reports.end_report, report.id) is None
    saved = await store.run(scheduled_reports.get_ended_report, ended[1])
    assert saved == report
    assert await store.run(scheduled_reports.restore_report, saved, report.due_at) == report
    assert await store.run(scheduled_reports.restore_report, saved, report.due_at) is None


async def test_reminder_once_per_user_and_build_unless_declined(store: Database) -> None:
    await store.run(nudges.opt_out_of_nudges, "U2")
    await store.run(nudges.opt_out_of_nudges, "U2")
    asked = await asyncio.gather(
        *(store.run(nudges.record_nudges, "b1", ["U1", "U2", "U3"], "U9", most=9) for _ in range(4))
    )
    assert sorted(person for group in asked for person in group) == ["U1", "U3"]
    assert await store.run(nudges.record_nudges, "b2", ["U1", "U2"], "U9", most=9) == ["U1"]
    every = ["U1", "U4", "U5", "U6"]
    assert await store.run(nudges.record_nudges, "b2", every, "U9", most=2) == ["U4", "U5"]
    assert await store.run(nudges.record_nudges, "b2", every, "U9", most=2) == ["U6"], (
        "who was asked takes nobody's place"
    )


async def test_links_counted_by_app_build_time_and_used_ticket_is_one(store: Database) -> None:
    now = await store.run(database_info.current_time)
    for build, outcome, door, ago in (
        ("b1", AuditOutcome.MINTED, Entrypoint.COMMAND, 1),
        ("b1", AuditOutcome.TICKET, Entrypoint.BUTTON, 2),
        ("b1", AuditOutcome.MINTED, Entrypoint.CLAIM_PAGE, 2),
        ("b1", "Gone", Entrypoint.COMMAND, 2),
        ("b2", AuditOutcome.TICKET, Entrypoint.COMMAND, 90),
    ):
        at = now - ago * MINUTE
        await store.run(
            audit.add_entry, AuditEntry(at, "T1", "U1", AuditAction.GET, outcome, door, app_id="app", build_id=build)
        )
    await store.run(
        audit.add_entry,
        AuditEntry(now, "T1", "U1", AuditAction.SHARE, AuditOutcome.MINTED, app_id="app", build_id="b1"),
    )
    assert await store.run(audit_reports.count_links, "app") == 3
    assert await store.run(audit_reports.count_links, "app", ["b1"]) == 2
    assert await store.run(audit_reports.count_links, "app", since=now - 60 * MINUTE, until=now - 1.5 * MINUTE) == 1
    assert await store.run(audit_reports.count_links, "other") == 0


@pytest.mark.parametrize("door", sorted(CLAIM_PAGE_STORED))
async def test_a_claim_is_no_second_link_by_any_name(store: Database, door: str) -> None:
    about = {"app_id": "app", "build_id": "b1"}
    now = await store.run(database_info.current_time)
    await store.run(audit.add_entry, AuditEntry(now, "T1", "U1", AuditAction.GET, AuditOutcome.TICKET, **about))
    await store.run(
        audit.add_entry,
        AuditEntry(now, "T1", "U1", AuditAction.GET, AuditOutcome.MINTED, Entrypoint.CLAIM_PAGE, **about),
    )

    def work(tx: Transaction) -> None:
        page = {"page": Entrypoint.CLAIM_PAGE.value, "door": door}
        core(tx, sa.text("UPDATE audit SET entrypoint = :door WHERE entrypoint = :page"), **page)

    await store.run(work)
    assert await store.run(audit_reports.count_links, "app") == 1
    assert {entry.entrypoint for entry in await store.run(audit.list_entries)} == {
        Entrypoint.COMMAND,
        Entrypoint.CLAIM_PAGE,
    }
