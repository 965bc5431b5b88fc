"""Links that were given, builds that are waited for or were sent, and messages that expire."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.db import app_polls, build_waiters, database_info, idempotency, link_expiries, link_quota, sent_builds
from bot.db.database import Database
from bot.db.link_expiries import LinkExpiry
from bot.db.link_quota import LinkLimits
from bot.db.wakeups import Topic
from bot.domain.model import Stage
from tests.support.builders import build, look, subscribe
from tests.support.waiting import busyness

SECOND = timedelta(seconds=1)


class Clock:
    """A clock that a test sets ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def timed(tmp_path: Path, clock: Clock) -> Any:
    """A store whose time can be set: SQLite, as PostgreSQL's time is its own."""
    store = await Database.open(f"sqlite:///{tmp_path}/bot.db", clock=clock)
    yield store
    await store.close()


async def link(store: Database, user: str = "U1", *, minute: int = 3, hour: int = 5) -> float:
    return await store.run(link_quota.consume_link_quota, LinkLimits(user, minute, hour))


# ------------------------------------------------------------------ so many links


async def test_so_many_links_a_minute_and_then_the_seconds_to_wait(store: Database) -> None:
    assert [await link(store) for _ in range(3)] == [0, 0, 0]
    assert 50 < await link(store) <= 60
    assert await link(store, "U2") == 0


async def test_a_refused_link_is_not_counted(timed: Database, clock: Clock) -> None:
    for _ in range(3):
        await link(timed)
    for _ in range(5):
        assert await link(timed) > 0
    clock.ahead = timedelta(seconds=61)
    assert await link(timed) == 0
    assert await link(timed) == 0
    assert await link(timed) > 3000  # the fifth of this hour was the last


async def test_the_hour_counts_what_the_minute_lets_through(timed: Database, clock: Clock) -> None:
    for number in range(5):
        clock.ahead = number * timedelta(minutes=2)
        assert await link(timed) == 0
    clock.ahead = timedelta(minutes=10)
    assert 49 * 60 < await link(timed) <= 50 * 60
    clock.ahead = timedelta(minutes=61)
    assert await link(timed) == 0


async def test_many_at_once_do_not_slip_through_together(store: Database) -> None:
    waits = await asyncio.gather(*(link(store, minute=10, hour=60) for _ in range(40)))
    assert sum(wait == 0 for wait in waits) == 10


async def test_a_link_is_measured_and_counted_in_one_statement(timed: Database, clock: Clock) -> None:
    statements: list[str] = []
    timed._runner._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    assert await link(timed, minute=1, hour=60) == 0
    assert sum("link_quota" in statement for statement in statements) == 1
    assert await link(timed, minute=1, hour=60) > 0
    clock.ahead = timedelta(minutes=59, seconds=59)
    assert 0 < await link(timed, minute=60, hour=1) <= 1, "a refusal counts nothing, and no limit stands for the other"


# ------------------------------------------------------------------ done just now


async def test_the_second_of_two_is_not_the_first(store: Database) -> None:
    assert await store.run(idempotency.acquire_once, "click", 30) is True
    assert await store.run(idempotency.acquire_once, "click", 30) is False
    assert await store.run(idempotency.acquire_once, "another", 30) is True


async def test_acquire_once_released_can_be_acquired_again(store: Database) -> None:
    await store.run(idempotency.acquire_once, "click", 30)
    await store.run(idempotency.release_once, "click")
    assert await store.run(idempotency.acquire_once, "click", 30) is True
    assert await store.run(idempotency.acquire_once, "click", 30) is False


async def test_of_many_at_once_one_is_the_first(store: Database) -> None:
    firsts = await asyncio.gather(*(store.run(idempotency.acquire_once, "click", 30) for _ in range(30)))
    assert sum(firsts) == 1


async def test_acquire_once_expired_can_be_acquired_again(timed: Database, clock: Clock) -> None:
    assert await timed.run(idempotency.acquire_once, "click", 2)
    clock.ahead = SECOND
    assert not await timed.run(idempotency.acquire_once, "click", 2)
    clock.ahead = 3 * SECOND
    assert await timed.run(idempotency.acquire_once, "click", 2)


@pytest.mark.postgres
async def test_acquire_once_has_one_winner_across_processes(postgres_url: str) -> None:
    here, there = await Database.open(postgres_url), await Database.open(postgres_url)
    firsts = await asyncio.gather(*(store.run(idempotency.acquire_once, "click", 30) for store in (here, there) * 10))
    assert sum(firsts) == 1
    waits = await asyncio.gather(*(link(store, minute=10, hour=60) for store in (here, there) * 20))
    assert sum(wait == 0 for wait in waits) == 10
    await here.close()
    await there.close()


# ------------------------------------------------------------------ waiting for a build


async def test_waiters_kept_by_build_in_order_of_request(store: Database) -> None:
    for user in ("U2", "U1"):
        await store.run(build_waiters.add_waiter, build("b1"), "T1", user)
    await store.run(build_waiters.add_waiter, build("b2"), "T1", "U1")
    await store.run(build_waiters.add_waiter, build("b3", app="other"), "T1", "U1")
    assert await store.run(build_waiters.list_waiters, "app") == {"b1": ["U2", "U1"], "b2": ["U1"]}


async def test_app_is_watched_only_while_user_waits(store: Database) -> None:
    assert await store.run(app_polls.claim_due_apps, 10, 60) == []
    await store.run(build_waiters.add_waiter, build("b1"), "T1", "U1")
    assert await store.run(app_polls.list_watched_apps) == {"app"}
    assert [claimed_app.app_id for claimed_app in await store.run(app_polls.claim_due_apps, 10, 0)] == ["app"]
    await store.run(build_waiters.remove_waiter, "b1")
    assert await store.run(app_polls.list_watched_apps) == set()
    assert await store.run(app_polls.claim_due_apps, 10, 0, only_due=False) == []


async def test_a_wish_makes_a_watched_app_due_at_once(store: Database) -> None:
    await subscribe(store)
    await look(store, again_in=3600)
    assert await store.run(app_polls.claim_due_apps, 10, 60) == []
    await store.run(build_waiters.add_waiter, build("b1", Stage.RUNNING), "T1", "U1")
    assert [claimed_app.app_id for claimed_app in await store.run(app_polls.claim_due_apps, 10, 60)] == ["app"]


async def test_a_wish_wakes_the_watch(store: Database) -> None:
    waiting = asyncio.create_task(store.wait(Topic.APP_POLLS, 30))
    await asyncio.sleep(0)
    await store.run(build_waiters.add_waiter, build("b1"), "T1", "U1")
    await asyncio.wait_for(waiting, 5 * busyness())


async def test_a_wish_ends_once_for_one_person_or_for_all(store: Database) -> None:
    for user in ("U1", "U2"):
        await store.run(build_waiters.add_waiter, build("b1"), "T1", user)
    assert await store.run(build_waiters.remove_waiter, "b1", "U1") is True
    assert await store.run(build_waiters.remove_waiter, "b1", "U1") is False
    assert await store.run(build_waiters.list_waiters, "app") == {"b1": ["U2"]}
    assert await store.run(build_waiters.remove_waiter, "b1") is True
    assert await store.run(build_waiters.remove_waiter, "b1") is False


async def test_await_twice_waits_once_and_later_waits_again(store: Database) -> None:
    for _ in range(2):
        await store.run(build_waiters.add_waiter, build("b1"), "T1", "U1")
    assert await store.run(build_waiters.list_waiters, "app") == {"b1": ["U1"]}
    await store.run(build_waiters.remove_waiter, "b1")
    await store.run(build_waiters.add_waiter, build("b1"), "T1", "U1")
    assert await store.run(build_waiters.list_waiters, "app") == {"b1": ["U1"]}


# ------------------------------------------------------------------ sent to somebody


async def test_sent_build_found_by_number_and_used_once(store: Database) -> None:
    sent = await store.run(sent_builds.add_sent_build, "T1", "U1", "U2", build("b1"))
    assert await store.run(sent_builds.get_sent_build, sent.id) == sent
    assert (sent.sender, sent.recipient, sent.app_id, sent.build_id) == ("U1", "U2", "app", "b1")
    assert await store.run(sent_builds.mark_sent_build_used, sent.id) is True
    assert await store.run(sent_builds.mark_sent_build_used, sent.id) is False
    assert await store.run(sent_builds.get_sent_build, sent.id) == sent  # it can be had again, and nobody is told again
    assert await store.run(sent_builds.get_sent_build, 4711) is None
    assert await store.run(sent_builds.mark_sent_build_used, 4711) is False


# ------------------------------------------------------------------ messages that expire


def message(ts: str | None, address: str = "D1", title: str = "Courier") -> LinkExpiry:
    return LinkExpiry(address, ts, "a1", "b1", title, "a1/b1/file", "es")


async def test_a_message_expires_when_its_time_has_come_and_once(store: Database) -> None:
    now = await store.run(database_info.current_time)
    await store.run(link_expiries.schedule_expiry, now + timedelta(hours=1), message("2"))
    await store.run(link_expiries.schedule_expiry, now - SECOND, message("1"))
    assert await store.run(link_expiries.take_due_expiries) == [message("1")]
    assert await store.run(link_expiries.take_due_expiries) == []
    wait = await store.run(link_expiries.expiry_due_in)
    assert wait is not None
    assert 3590 < wait <= 3600


async def test_with_nothing_to_expire_there_is_nothing_to_wait_for(store: Database) -> None:
    assert await store.run(link_expiries.expiry_due_in) is None
    await store.run(link_expiries.schedule_expiry, await store.run(database_info.current_time) - SECOND, message("1"))
    assert await store.run(link_expiries.expiry_due_in) == 0


async def test_a_message_that_says_something_else_by_now_is_left_alone(store: Database) -> None:
    now = await store.run(database_info.current_time)
    await store.run(link_expiries.schedule_expiry, now - SECOND, message("1"))
    await store.run(
        link_expiries.schedule_expiry, now - SECOND, message("1", "https://hooks.slack.test/actions/T1/2/3")
    )
    await store.run(link_expiries.schedule_expiry, now - SECOND, message("2"))
    await store.run(link_expiries.cancel_expiry, "1")
    assert await store.run(link_expiries.take_due_expiries) == [message("2")]


async def test_of_two_processes_one_gets_each_message(store: Database) -> None:
    now = await store.run(database_info.current_time)
    for number in range(30):
        await store.run(link_expiries.schedule_expiry, now - SECOND, message(str(number)))
    taken = await asyncio.gather(*(store.run(link_expiries.take_due_expiries, 4) for _ in range(12)))
    found = [expiry.ts for some in taken for expiry in some]
    assert len(found) == len(set(found))
    found += [expiry.ts for expiry in await store.run(link_expiries.take_due_expiries, 30)]
    assert sorted(found, key=lambda ts: int(ts or 0)) == [str(number) for number in range(30)]


async def test_a_new_one_wakes_the_job(store: Database) -> None:
    waiting = asyncio.create_task(store.wait(Topic.LINK_EXPIRIES, 30))
    await asyncio.sleep(0)
    await store.run(link_expiries.schedule_expiry, await store.run(database_info.current_time), message("1"))
    await asyncio.wait_for(waiting, 5 * busyness())
