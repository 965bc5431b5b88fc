"""An outage that admins are told of: once, whatever replicas see, and its end once."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from bot.db import app_polls, builds, outages, outbox
from bot.db.database import Database
from bot.db.outages import OutageRecord, outage_of
from bot.domain.model import ChannelNotice
from tests.support.builders import subscribe

RECORD = OutageRecord(1_000.5, "PermissionMissing", "HTTP 403", "one", until=1_060.0)
ADMINS = ["UANA", "UBRUNO"]


async def said(store: Database) -> list[Any]:
    exchange = await store.run(outbox.commit_results_and_claim, [], 10, lease_seconds=60, pace_seconds=0)
    return [claim.announcement for claim in exchange.claims]


async def test_an_outage_and_its_end_are_told_once(store: Database) -> None:
    assert await store.run(outages.get_outage) is None
    assert await store.run(outages.begin_outage, RECORD, ADMINS)
    assert not await store.run(outages.begin_outage, replace(RECORD, owner="other"), ADMINS)
    assert await store.run(outages.get_outage) == RECORD
    told = await said(store)
    assert sorted(item.channel_id for item in told) == ADMINS
    assert {item.event for item in told} == {ChannelNotice.OUTAGE}
    assert {outage_of(item.fact) for item in told} == {RECORD}


async def test_outage_ended_only_by_replica_that_renewed_it(store: Database) -> None:
    await store.run(outages.begin_outage, RECORD, ADMINS)
    await store.run(outages.renew_outage, RECORD, 2_000.0, "other")
    assert not await store.run(outages.end_outage, RECORD, 1_100.0, ADMINS), "another replica sees to it by now"
    renewed = replace(RECORD, until=2_000.0, owner="other")
    await store.run(outages.renew_outage, RECORD, 3_000.0, "one")
    assert await store.run(outages.get_outage) == renewed
    assert await store.run(outages.end_outage, renewed, 1_100.0, ["UANA"])
    assert not await store.run(outages.end_outage, renewed, 1_100.0, ["UANA"])
    assert await store.run(outages.get_outage) is None


async def test_a_second_outage_is_told_again(store: Database) -> None:
    for began in (1.0, 2.0):
        record = replace(RECORD, began=began)
        assert await store.run(outages.begin_outage, record, ["UANA"])
        assert await store.run(outages.end_outage, record, began + 1, ["UANA"])
    assert (await store.run(outbox.get_backlog)).count == 4


async def test_an_app_is_behind_by_what_its_polls_brought(store: Database) -> None:
    for name in ("one", "two"):
        await subscribe(store, app=name)
    late = {"behind_after_seconds": 3600.0, "overdue_after_seconds": 3600.0}
    for failures in range(1, 4):
        claims = {
            claimed_app.app_id: claimed_app
            for claimed_app in await store.run(app_polls.claim_due_apps, 9, 60, only_due=False)
        }
        await store.run(app_polls.record_failure, "one", claims["one"].token, 3600.0)
        await store.run(builds.record_poll, "two", claims["two"].token, (), (), next_at_seconds=3600.0)
        state = await store.run(app_polls.get_polling_stats, **late)
        assert (state.apps, state.behind, state.never_polled) == (2, int(failures >= 1), 1), "never polled and failing"
    assert state.newest_poll
    await store.run(app_polls.retry_failing)
    assert (await store.run(app_polls.get_polling_stats, **late)).behind == 0
    assert await store.run(app_polls.poll_due_in) == 0
    [claim] = await store.run(app_polls.claim_due_apps, 9, 60)
    assert (claim.app_id, claim.failures) == ("one", 0)
    await store.run(builds.record_poll, "one", claim.token, (), (), next_at_seconds=0.0)
    for failures in range(1, 4):
        [claim] = await store.run(app_polls.claim_due_apps, 9, 60)
        await store.run(app_polls.record_failure, "one", claim.token, 0.0, failed=False)
        [claim] = await store.run(app_polls.claim_due_apps, 9, 60)
        await store.run(app_polls.record_failure, "one", claim.token, 0.0)
        assert (await store.run(app_polls.get_polling_stats, **late)).behind == int(failures == 3), (
            "what was broken off is not counted"
        )
