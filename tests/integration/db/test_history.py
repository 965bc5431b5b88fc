"""What is deleted with age, and what stays however old it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.db import (
    access_requests,
    bisections,
    build_waiters,
    history,
    idempotency,
    install_failures,
    key_value,
    link_quota,
    nudges,
    recalls,
    seen_events,
    sent_builds,
)
from bot.db.column_types import metadata
from bot.db.database import Database
from bot.db.link_quota import LinkLimits
from bot.db.outbox_types import DeliveryResult
from bot.db.schema import builds as builds_table
from bot.db.transaction import Transaction
from bot.db.types import micros
from bot.domain import builds as decisions
from bot.domain.access_requests import RequestCopy
from bot.domain.bisection import Bisection, Vote
from bot.domain.model import Actor, BuildTransition, Role, Stage
from bot.domain.model.failures import FailureCause
from bot.domain.states import BisectVerdict, ResultKind
from tests.integration.db.test_build_watches import follow
from tests.integration.db.test_clock import clock_was_ahead
from tests.integration.db.test_tickets import issue
from tests.support.builders import build, exchange, fill, look
from tests.support.sqlalchemy_core import core

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
STAYS = {"subscriptions", "app_polls", "channel_leases", "recalls", "nudge_opt_outs", "grants"}


async def counts(store: Database) -> dict[str, int]:
    def work(tx: Transaction) -> dict[str, int]:
        tables = metadata.sorted_tables
        return {table.name: core(tx, sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables}

    return {name: count for name, count in (await store.run(work)).items() if count}


async def purge(store: Database, days: float = 365) -> int:
    deleted = 0
    while rows := await store.run(history.purge_history, days):
        deleted += rows
    announcement: int | None = 0
    while announcement is not None:
        rows, announcement = await store.run(history.purge_announcements, days, announcement)
        deleted += rows
    position: history.BuildPosition | None = history.BuildPosition()
    while position is not None:
        rows, position = await store.run(history.purge_builds, days, position)
        deleted += rows
    return deleted


async def post_all(store: Database) -> None:
    claims = list((await exchange(store)).claims)
    while claims:
        done = [DeliveryResult.of(claim, ResultKind.POSTED, ts="1.0") for claim in claims]
        claims = list((await exchange(store, done)).claims)


async def busy_year(store: Database) -> None:
    """Something in every table that grows by itself."""
    await fill(store, ["C1", "U1"], ["b1", "b2"])
    await post_all(store)
    await follow(store, build("b9"), "U2")
    await store.run(build_waiters.remove_waiter, "b9", "U2")
    ready = build("b1", Stage.READY)
    await store.run(sent_builds.add_sent_build, "T1", "U1", "U2", ready)
    await store.run(nudges.record_nudges, "b1", ["U3"], "U1", most=5)
    await store.run(nudges.opt_out_of_nudges, "U4")
    await store.run(install_failures.record_failure, "U1", "app", "b1", FailureCause.OTHER)
    number = await store.run(access_requests.record_refusal, "T1", "U5", Role.MANAGER, "app", "downloads", "C1")
    await store.run(access_requests.submit_request, number)
    await store.run(access_requests.add_copy, number, RequestCopy("U1", "D1", "1.0"))
    for _ in range(2):
        await bisect(store)
    await store.run(key_value.set_value, "choice:U1:C1", "app")
    await store.run(key_value.set_value_once, "withheld sent 1", "access:role")
    await store.run(key_value.set_value, "installation", "stays")
    await store.run(recalls.recall_build, build("b7", Stage.READY), "broken", "U1")
    await post_all(store)


async def bisect(store: Database) -> None:
    """One that was voted in and stopped."""
    builds = [build(f"b{number}", Stage.READY) for number in range(4)]
    new = Bisection.of(builds, Actor("T1", "U1"), "C1", None, NOW)
    begun, _ = await store.run(bisections.start_bisection, new)
    await store.run(bisections.vote, begun.id, Vote(begun.steps[0], "U2", BisectVerdict.UNCLEAR))
    await store.run(bisections.stop_bisection, begun.id)
    await post_all(store)


PASSING = {"seen_events", "idempotency_keys", "link_quota", "tickets", "role_requests"}


async def passing_day(store: Database) -> None:
    """Something in every table whose rows nothing asks for after a day."""
    await store.run(seen_events.record_event, "Ev1")
    await store.run(idempotency.acquire_once, "click", 2.0)
    await store.run(link_quota.consume_link_quota, LinkLimits("U1", 2, 3))
    await issue(store)
    await store.run(access_requests.record_refusal, "T1", "U5", Role.MANAGER, "app", "downloads", "C1")
    await store.run(access_requests.record_refusal, "T1", "U6", Role.MANAGER, "app", "downloads", "C1")


async def test_history_of_a_day_is_kept_for_the_day(store: Database) -> None:
    await passing_day(store)
    before = await counts(store)
    await clock_was_ahead(store, -timedelta(hours=23))
    assert await store.run(history.purge_day) == 0
    assert await counts(store) == before
    assert before.keys() >= PASSING


@pytest.mark.parametrize("by", [-timedelta(hours=25), timedelta(days=365)], ids=["older", "of a wrong clock"])
async def test_history_of_a_day_goes_after_the_day(store: Database, by: timedelta) -> None:
    await passing_day(store)
    await clock_was_ahead(store, by)
    assert await store.run(history.purge_day) == len(PASSING)
    left = await counts(store)
    assert left.keys() & PASSING == {"role_requests"}
    assert left["role_requests"] == 1, "the newest number is not given again"
    assert await store.run(history.purge_day) == 0


async def test_history_keeps_what_is_younger(store: Database) -> None:
    await busy_year(store)
    await clock_was_ahead(store, -timedelta(days=364))
    before = await counts(store)
    assert await purge(store) == 0
    assert await counts(store) == before


async def test_history_deletes_what_is_older_and_no_longer_needed(store: Database) -> None:
    await busy_year(store)
    await clock_was_ahead(store, -timedelta(days=366))
    assert await purge(store) > 8
    left = await counts(store)
    assert left.keys() <= STAYS | {
        "outbox",
        "builds",
        "key_value",
        "build_waiters",
        "build_watches",
        "audit",
        "bisections",
    }
    assert not left.keys() & {"sent_builds", "nudges", "install_failures", "bisection_verdicts"}
    assert not left.keys() & {"role_requests", "role_request_copies"}
    assert left["bisections"] == 1, "the newest number is not given again"
    assert await store.run(key_value.get_value, "installation") == "stays"
    assert await store.run(key_value.get_value, "choice:U1:C1") is None
    assert left["outbox"] == 1, "the newest card of the channel is still edited; the direct messages are over"


async def test_history_keeps_the_newest_builds_of_each_app(store: Database) -> None:
    """Applivery still lists them: without their rows they would look new."""
    made = datetime.now(UTC) - timedelta(days=2000)

    def work(tx: Transaction) -> None:
        rows = [
            {
                "build_id": f"{app}-{number}", "app_id": app, "stage": Stage.READY, "snapshot": "{}", "deleted": False,
                "content_hash": "",
                **dict.fromkeys(("changed_at", "made_at", "seen_at", "since"), made + timedelta(number)),
            }
            for app, count in (("large", history.NEWEST + history.ROWS + 30), ("small", 150))
            for number in range(count)
        ]  # fmt: skip
        raw = sa.table("builds", *(sa.column(c.name) for c in builds_table.c))
        stored = [{key: micros(v) if isinstance(v, datetime) else v for key, v in row.items()} for row in rows]
        for row in stored:
            core(tx, sa.insert(raw).values(row))

    await store.run(work)
    rows, position = await store.run(history.purge_builds, 365)
    assert rows == history.ROWS, "no more in one transaction"
    assert position
    assert await store.run(history.purge_builds, 365, position) == (30, None)
    assert await store.run(history.purge_builds, 365) == (0, None)
    assert (await counts(store))["builds"] == history.NEWEST + 150


async def test_history_of_a_waiting_announcement_stays(store: Database) -> None:
    await fill(store, ["C1"], ["b1", "b2"])
    await clock_was_ahead(store, -timedelta(days=400))
    await purge(store)
    claims = (await exchange(store)).claims
    assert [claim.announcement.build.id for claim in claims] == ["b1"]


async def test_a_value_that_is_written_again_is_kept(store: Database) -> None:
    await store.run(key_value.set_value, "choice:U1:C1", "app")
    await clock_was_ahead(store, -timedelta(days=364))
    await store.run(key_value.set_value, "choice:U1:C1", "app")
    await clock_was_ahead(store, -timedelta(days=300))
    await purge(store)
    assert await store.run(key_value.get_value, "choice:U1:C1") == "app"


def test_an_old_unknown_build_is_no_news() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    old, new = build("old", Stage.READY, minute=-600_000), build("new", Stage.READY, minute=0)
    for seen, known in (([new, old], {}), ([old], {})):
        found = decisions.changes(known, seen, baseline=False, now=now, forgotten=now - timedelta(days=365))
        assert {change.build.id: change.quiet for change in found} == {build.id: build is old for build in seen}


async def test_after_a_poll_only_new_builds_follow_a_deleted_history(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    await post_all(store)
    await clock_was_ahead(store, -timedelta(days=400))
    await purge(store)
    ready = build("b2", Stage.READY)
    await look(store, [BuildTransition(ready, None)])
    assert (await counts(store))["builds"] == 2
