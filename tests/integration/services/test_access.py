from __future__ import annotations

import asyncio
import gc
import io
import time
import weakref
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

import aiohttp
import pytest

from bot.db.access import grant_role
from bot.db.connect import IN_MEMORY
from bot.db.database import Database
from bot.domain.model import Role
from bot.exceptions import PermissionDenied, PermissionUnverified, SlackError
from bot.services import access
from bot.services.access import REMEMBER_SECONDS, STALE_SECONDS, AccessResolver, TtlCache
from bot.slack.client import SlackClient
from bot.timeouts import for_a_person
from sandbox.faults import Fault
from sandbox.slack import FakeSlack
from sandbox.slack.people import FakeMembership
from tests.support.waiting import busyness

CARRIED: ContextVar[AccessResolver] = ContextVar("carried")  # as the dispatcher's, for a request


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    it = FakeSlack()
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store() -> AsyncIterator[Database]:
    it = await Database.open(IN_MEMORY)
    yield it
    await it.close()


@pytest.fixture
async def people(slack: FakeSlack, clock: Clock, store: Database) -> AsyncIterator[AccessResolver]:
    async with aiohttp.ClientSession() as session:
        poster = SlackClient(token=slack.bot_token, base_url=slack.api_url, session=session, pace=0)
        yield AccessResolver(poster, store, admins=("U0S000009",), default=Role.RELEASER, clock=clock)


async def test_a_person_has_the_role_their_time_zone_and_their_place(slack: FakeSlack, people: AccessResolver) -> None:
    bruno = slack.user("bruno", tz="America/Bogota")
    asker = await people.resolve_actor(bruno.id, "C1")
    assert (asker.user_id, asker.team_id, asker.channel_id) == (bruno.id, slack.team_id, "C1")
    assert (asker.role, asker.tz) == (Role.RELEASER, "America/Bogota")


async def test_workspace_admins_owners_and_named_ones_are_admins(slack: FakeSlack, people: AccessResolver) -> None:
    for user in (slack.user("ana", admin=True), slack.user("olga", owner=True)):
        assert (await people.resolve_actor(user.id, None)).role is Role.ADMIN
    while (named := slack.user(f"u{len(slack.users)}")).id != "U0S000009":
        assert (await people.resolve_actor(named.id, None)).role is Role.RELEASER
    assert (await people.resolve_actor(named.id, None)).role is Role.ADMIN


async def test_slack_s_word_counts_and_not_the_payload_s(slack: FakeSlack, people: AccessResolver) -> None:
    stranger = slack.user("stranger", team_id="T0ELSEWHERE", admin=True)
    with pytest.raises(PermissionDenied, match="another organisation"):
        await people.resolve_actor(stranger.id, None)


@pytest.mark.parametrize("fault", [Fault(error="internal_error"), Fault(body="nonsense")])
async def test_access_uncheckable_user_refused_and_rechecked(
    slack: FakeSlack, people: AccessResolver, fault: Fault
) -> None:
    ana = slack.user("ana", admin=True)
    slack.faults.add("users.info", fault, times=None)
    for _ in range(2):
        with pytest.raises(PermissionDenied, match=r"isn't answering right now\. I can't check who you are until"):
            await people.resolve_actor(ana.id, None)
    slack.faults.clear()
    assert (await people.resolve_actor(ana.id, None)).role is Role.ADMIN


@pytest.mark.parametrize("code", ["user_not_found", "user_not_visible"])
async def test_user_whom_slack_hides_is_told_so(slack: FakeSlack, people: AccessResolver, code: str) -> None:
    """Trying again never helps them, and Slack's own code says nothing to them."""
    ana = slack.user("ana", admin=True)
    slack.faults.add("users.info", Fault(error=code))
    with pytest.raises(PermissionDenied) as refused:
        await people.resolve_actor(ana.id, None)
    assert not isinstance(refused.value, PermissionUnverified)
    assert str(refused.value) == "Slack doesn't show me who you are. Only members of this workspace can use this bot."
    assert (await people.resolve_actor(ana.id, None)).role is Role.ADMIN


async def test_a_record_without_workspace_is_said(slack: FakeSlack, people: AccessResolver) -> None:
    ana = slack.user("ana", admin=True)
    ana.grid = FakeMembership(ana.id, "", "", [])
    with pytest.raises(PermissionDenied, match=r"Slack's record of you is incomplete\. I can't check who you are"):
        await people.resolve_actor(ana.id, None)


async def test_access_without_own_workspace_refuses_all(slack: FakeSlack, people: AccessResolver) -> None:
    ana = slack.user("ana", admin=True)
    slack.faults.add("auth.test", Fault(error="invalid_auth"))
    with pytest.raises(PermissionDenied):
        await people.resolve_actor(ana.id, None)


async def test_an_unknown_id_is_refused(slack: FakeSlack, people: AccessResolver) -> None:
    with pytest.raises(PermissionDenied):
        await people.resolve_actor("U0NOBODY", None)


async def test_access_slack_asked_once_in_five_minutes_then_by_events(
    slack: FakeSlack, people: AccessResolver, clock: Clock
) -> None:
    ana = slack.user("ana", admin=True)
    for _ in range(3):
        await people.resolve_actor(ana.id, None)
    assert len(slack.calls_of("users.info")) == 1
    ana.admin, ana.guest = False, True
    clock.now += REMEMBER_SECONDS - 1
    assert (await people.resolve_actor(ana.id, None)).role is Role.ADMIN
    clock.now += 2
    with pytest.raises(PermissionDenied, match="Guests"):
        await people.resolve_actor(ana.id, None)
    assert REMEMBER_SECONDS <= 300


@pytest.mark.parametrize("email", [True, -1, 10**29, ["x"], {"a": 1}])
async def test_access_email_of_another_type_is_none(slack: FakeSlack, people: AccessResolver, email: Any) -> None:
    ana = slack.user("ana")
    ana.email = email
    assert (await people.person(ana.id)).email is None


async def test_access_learned_by_workers_counts_for_users(
    slack: FakeSlack, people: AccessResolver, store: Database
) -> None:
    """An event may be missed, or not be subscribed to: who lost their subscription gets no link either."""
    ana, bob, old = slack.user("ana"), slack.user("bob"), slack.user("old")
    group = slack.usergroup("qa", [bob])
    await store.run(grant_role, slack.team_id, group.id, Role.ADMIN, None, ana.id)
    acting = people.uncached()
    for person in (ana, bob, old):
        await people.resolve_actor(person.id, None)
    assert (await people.resolve_actor(bob.id, None)).role is Role.ADMIN
    ana.deleted, old.guest = True, True
    group.users.clear()
    for person in (ana, old):
        with pytest.raises(PermissionDenied):
            await acting.resolve_actor(person.id, None)
        with pytest.raises(PermissionDenied):
            await people.resolve_actor(person.id, None)
    assert (await acting.resolve_actor(bob.id, None)).role is Role.RELEASER
    assert (await people.resolve_actor(bob.id, None)).role is Role.RELEASER


async def test_known_people_stay_known_while_slack_is_busy(
    slack: FakeSlack, people: AccessResolver, clock: Clock
) -> None:
    ana = slack.user("ana", admin=True)
    await people.resolve_actor(ana.id, None)
    slack.faults.add("users.info", Fault(status=429, retry_after=7200), times=None)
    clock.now += STALE_SECONDS - 1
    assert (await people.resolve_actor(ana.id, None)).role is Role.ADMIN
    with pytest.raises(PermissionDenied):
        await people.uncached().resolve_actor(ana.id, None)  # what acts by itself can wait
    clock.now += 2
    with pytest.raises(PermissionDenied, match="Slack is busy"):
        await people.resolve_actor(ana.id, None)
    assert STALE_SECONDS <= 3600


async def test_access_known_user_refused_when_check_expires(
    slack: FakeSlack, people: AccessResolver, clock: Clock
) -> None:
    ana = slack.user("ana", admin=True)
    await people.resolve_actor(ana.id, None)
    slack.faults.add("users.info", Fault(error="internal_error"), times=None)
    clock.now += REMEMBER_SECONDS + 1
    with pytest.raises(PermissionDenied):
        await people.resolve_actor(ana.id, None)


async def test_a_person_waits_for_no_job_s_question(slack: FakeSlack, people: AccessResolver) -> None:
    ana = slack.user("ana")
    slack.faults.add("users.info", Fault(latency=30))
    job = asyncio.create_task(people.display_name(ana.id))
    await asyncio.sleep(0)
    with for_a_person():
        async with asyncio.timeout(5 * busyness()):
            assert await people.display_name(ana.id) == "ana"
    job.cancel()


async def test_many_at_once_share_one_question(slack: FakeSlack, people: AccessResolver) -> None:
    ana = slack.user("ana")
    await asyncio.gather(*(people.resolve_actor(ana.id, None) for _ in range(20)))
    assert len(slack.calls_of("users.info")) == 1


async def test_access_cancelled_caller_keeps_answer_for_others(slack: FakeSlack, people: AccessResolver) -> None:
    ana = slack.user("ana")
    await people.resolve_actor(slack.user("bruno").id, None)  # our own identity is known from here on
    slack.faults.add("users.info", Fault(latency=0.2))
    impatient = asyncio.create_task(people.resolve_actor(ana.id, None))
    patient = asyncio.create_task(people.resolve_actor(ana.id, None))
    await asyncio.sleep(0)  # both begin, and wait for the one question
    impatient.cancel()
    assert (await patient).user_id == ana.id
    assert len(slack.calls_of("users.info")) == 2


async def test_access_lookup_failing_without_waiters_is_no_error(log: io.StringIO) -> None:
    async def fail(_: str) -> None:
        await asyncio.sleep(0.02)
        raise SlackError

    people = TtlCache(fail, time.monotonic)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await people.get("U1")
    await asyncio.sleep(0.03)
    del people
    gc.collect()
    assert "never retrieved" not in log.getvalue()


async def ask(user_id: str) -> str:
    return user_id


async def test_access_answer_keeps_nothing_of_its_request() -> None:
    """Else each known user would hold the request, the click and the build of whoever asked first."""
    people = TtlCache(ask, time.monotonic)

    async def request() -> weakref.ref[AccessResolver]:
        carried = AccessResolver.__new__(AccessResolver)
        CARRIED.set(carried)
        await people.get("U1")
        return weakref.ref(carried)

    carried = await asyncio.create_task(request())
    await asyncio.sleep(0)  # the event loop holds what it has just run
    gc.collect()
    assert people.known("U1") == "U1"
    assert carried() is None


async def test_access_drops_answers_too_old_for_any_use(clock: Clock) -> None:
    people = TtlCache(ask, clock)
    for number in range(3):
        await people.get(f"U{number}")
        clock.now += STALE_SECONDS / 2
    assert list(people._entries) == ["U1", "U2"]


async def test_access_drops_oldest_answer_when_full(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MOST", 2)
    people = TtlCache(ask, clock)
    for user_id in ("U1", "U2", "U3"):
        await people.get(user_id)
    assert list(people._entries) == ["U2", "U3"]
