"""Grants, allow-lists and requests, as both databases keep them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.db import access, access_requests, database_info, history
from bot.db.database import Database
from bot.domain.access_requests import RequestCopy, RequestDecision, RoleRequest
from bot.domain.model import Role


async def given(store: Database, team: str = "T1") -> list[tuple[str, Role, str | None]]:
    """Who was granted what for which app."""
    return [(grant.grantee, grant.role, grant.app_id) for grant in await store.cached(access.list_grants, team)]


async def asked(store: Database, role: Role = Role.RELEASER, app: str | None = "a1", user: str = "U1") -> int:
    """The number of a request just made."""
    request = await store.run(access_requests.submit_request, await refused(store, role, app, user))
    assert isinstance(request, RoleRequest), request
    return request.id


async def refused(store: Database, role: Role = Role.RELEASER, app: str | None = "a1", user: str = "U1") -> int:
    """The number of a refusal just noted."""
    return await store.run(access_requests.record_refusal, "T1", user, role, app, "subscribe courier", "C1")


# ------------------------------------------------------------------ grants


async def test_a_grant_is_kept_with_who_gave_it_and_when(store: Database) -> None:
    before = await store.run(database_info.current_time)
    await store.run(access.grant_role, "T1", "U1", Role.RELEASER, "a1", "U9")
    [grant] = await store.cached(access.list_grants, "T1")
    assert (grant.team_id, grant.grantee, grant.role, grant.app_id, grant.granted_by) == (
        "T1",
        "U1",
        Role.RELEASER,
        "a1",
        "U9",
    )
    assert before <= grant.granted_at <= await store.run(database_info.current_time)


async def test_a_grant_for_the_same_app_replaces_the_one_before(store: Database) -> None:
    await store.run(access.grant_role, "T1", "U1", Role.ADMIN, None, "U9")
    await store.run(access.grant_role, "T1", "U1", Role.MANAGER, None, "U8")
    assert await given(store) == [("U1", Role.MANAGER, None)]


async def test_access_app_user_and_group_roles_coexist(store: Database) -> None:
    await store.run(access.grant_role, "T1", "U1", Role.RELEASER, None, "U9")
    await store.run(access.grant_role, "T1", "U1", Role.MANAGER, "a1", "U9")
    await store.run(access.grant_role, "T1", "S1", Role.ADMIN, None, "U9")
    assert set(await given(store)) == {
        ("U1", Role.RELEASER, None),
        ("U1", Role.MANAGER, "a1"),
        ("S1", Role.ADMIN, None),
    }


async def test_a_grant_is_of_its_own_workspace(store: Database) -> None:
    await store.run(access.grant_role, "T1", "U1", Role.ADMIN, None, "U9")
    assert await given(store, "T2") == []
    assert await store.run(access.revoke_role, "T2", "U1", None) is None
    assert await given(store) == [("U1", Role.ADMIN, None)]


async def test_a_revoked_grant_is_gone_at_once_and_says_what_it_was(store: Database) -> None:
    await store.run(access.grant_role, "T1", "U1", Role.MANAGER, "a1", "U9")
    await store.run(access.grant_role, "T1", "U1", Role.RELEASER, None, "U9")
    assert await given(store)
    assert await store.run(access.revoke_role, "T1", "U1", "a1") is Role.MANAGER
    assert await given(store) == [("U1", Role.RELEASER, None)]
    assert await store.run(access.revoke_role, "T1", "U1", "a1") is None


async def test_grants_outlive_a_restart(address: str) -> None:
    store = await Database.open(address)
    await store.run(access.grant_role, "T1", "U1", Role.MANAGER, None, "U9")
    await store.run(access.allow_channel, "a1", "C1", "U9")
    await store.close()
    store = await Database.open(address)
    assert await given(store) == [("U1", Role.MANAGER, None)]
    assert await store.cached(access.list_allowed_channels) == {"a1": frozenset({"C1"})}
    await store.close()


@pytest.mark.postgres
async def test_access_grant_is_known_to_other_process_at_once(postgres_url: str) -> None:
    here, there = await Database.open(postgres_url), await Database.open(postgres_url)
    assert await given(there) == []
    await here.run(access.grant_role, "T1", "U1", Role.ADMIN, None, "U9")
    await here.run(access.allow_channel, "a1", "C1", "U9")
    assert await given(there) == [("U1", Role.ADMIN, None)]
    assert await there.cached(access.list_allowed_channels) == {"a1": frozenset({"C1"})}
    await here.run(access.revoke_role, "T1", "U1", None)
    assert await given(there) == []
    await here.close()
    await there.close()


# ------------------------------------------------------------------ allow-lists


async def test_an_app_without_a_list_is_in_no_list(store: Database) -> None:
    assert await store.cached(access.list_allowed_channels) == {}
    await store.run(access.allow_channel, "a1", "C1", "U9")
    await store.run(access.allow_channel, "a1", "C2", "U9")
    await store.run(access.allow_channel, "a1", "C2", "U8")
    await store.run(access.allow_channel, "a2", "C3", "U9")
    assert await store.cached(access.list_allowed_channels) == {"a1": frozenset({"C1", "C2"}), "a2": frozenset({"C3"})}


async def test_with_its_last_channel_the_list_of_an_app_goes(store: Database) -> None:
    await store.run(access.allow_channel, "a1", "C1", "U9")
    assert await store.cached(access.list_allowed_channels)
    assert await store.run(access.disallow_channel, "a1", "C1") is True
    assert await store.cached(access.list_allowed_channels) == {}
    assert await store.run(access.disallow_channel, "a1", "C1") is False


# ------------------------------------------------------------------ requests


async def test_a_request_carries_what_was_refused_and_where(store: Database) -> None:
    number = await asked(store)
    request = await store.run(access_requests.get_request, number)
    assert request is not None
    assert (request.user_id, request.role, request.app_id) == ("U1", Role.RELEASER, "a1")
    assert (request.command, request.channel_id) == ("subscribe courier", "C1")
    assert (request.decided_by, request.decision) == (None, None)


async def test_the_same_is_asked_once_an_hour(store: Database) -> None:
    await asked(store)
    assert isinstance(await store.run(access_requests.submit_request, await refused(store)), datetime)
    await asked(store, Role.MANAGER)
    await asked(store, app=None)
    await asked(store, user="U2")


async def test_of_many_presses_at_once_one_asks(store: Database) -> None:
    number = await refused(store)
    answers = await asyncio.gather(*(store.run(access_requests.submit_request, number) for _ in range(10)))
    assert sum(isinstance(answer, RoleRequest) for answer in answers) == 1


@pytest.mark.parametrize("decision", [None, RequestDecision.DENIED])
async def test_after_an_hour_the_same_may_be_asked_again(tmp_path: Path, decision: RequestDecision | None) -> None:
    ahead = [timedelta(0)]
    store = await Database.open(f"sqlite:///{tmp_path}/bot.db", clock=lambda: datetime.now(UTC) + ahead[0])
    number = await asked(store)
    if decision:
        await store.run(access_requests.decide_request, number, decision, "U9")
    ahead[0] = timedelta(minutes=59)
    assert isinstance(await store.run(access_requests.submit_request, number), datetime)
    ahead[0] = timedelta(minutes=61)
    assert await asked(store) != number
    ahead[0] = timedelta(minutes=122)
    anew = await store.run(access_requests.submit_request, number)
    assert isinstance(anew, RoleRequest), "the old button asks as well"
    assert anew.decision is None
    await store.close()


async def test_a_request_that_reached_no_admin_may_be_asked_again(store: Database) -> None:
    number = await asked(store)
    await store.run(access_requests.reopen_request, number)
    assert await asked(store) == number


async def test_old_refusals_are_forgotten_and_requests_are_not(tmp_path: Path) -> None:
    ahead = [timedelta(0)]
    store = await Database.open(f"sqlite:///{tmp_path}/bot.db", clock=lambda: datetime.now(UTC) + ahead[0])
    sent, never, newest = await asked(store), await refused(store, user="U2"), await refused(store, user="U3")
    await store.close()
    ahead[0] = timedelta(hours=25)
    store = await Database.open(f"sqlite:///{tmp_path}/bot.db", clock=lambda: datetime.now(UTC) + ahead[0])
    assert await store.run(history.purge_day) == 1
    assert await refused(store, user="U4") > newest, "no number is given twice"
    assert await store.run(access_requests.get_request, never) is None
    assert await store.run(access_requests.get_request, sent) is not None
    await store.close()


@pytest.mark.parametrize(("decision", "app"), [(RequestDecision.APP, "a1"), (RequestDecision.ALL, None)])
async def test_an_allowed_request_grants_the_role_in_the_same_commit(
    store: Database, decision: RequestDecision, app: str | None
) -> None:
    await given(store)  # what is remembered of it must not be in the way
    decided = await store.run(access_requests.decide_request, await asked(store), decision, "U9")
    assert decided is not None
    assert decided[0].decision is decision
    assert await given(store) == [("U1", Role.RELEASER, app)]


async def test_a_request_without_an_app_is_not_allowed_for_one(store: Database) -> None:
    number = await asked(store, app=None)
    assert await store.run(access_requests.decide_request, number, RequestDecision.APP, "U9") is None
    assert await given(store) == []
    assert await store.run(access_requests.decide_request, number, RequestDecision.ALL, "U9") is not None
    assert await given(store) == [("U1", Role.RELEASER, None)]


async def test_access_second_admin_changes_nothing_and_learns_first(store: Database) -> None:
    number = await asked(store)
    await store.run(access_requests.decide_request, number, RequestDecision.DENIED, "U8")
    decided = await store.run(access_requests.decide_request, number, RequestDecision.ALL, "U9")
    assert decided is not None
    request, mine = decided
    assert (request.decided_by, request.decision, mine) == ("U8", RequestDecision.DENIED, False)
    assert await given(store) == []


async def test_of_many_decisions_at_once_one_counts(store: Database) -> None:
    number = await asked(store)
    choices = list(RequestDecision)
    answers = [
        store.run(access_requests.decide_request, number, choices[admin % 3], f"U{admin}") for admin in range(10)
    ]
    decided = [pair for pair in await asyncio.gather(*answers) if pair is not None]
    assert sum(mine for _, mine in decided) == 1
    [outcome] = {(request.decided_by, request.decision) for request, _ in decided}
    right = {RequestDecision.DENIED: [], RequestDecision.APP: ["a1"], RequestDecision.ALL: [None]}
    assert [app for _, _, app in await given(store)] == right[outcome[1] or RequestDecision.DENIED]


async def test_access_unsubmitted_request_cannot_be_decided(store: Database) -> None:
    number = await refused(store)
    for each_number in (number, 4711):
        assert await store.run(access_requests.decide_request, each_number, RequestDecision.ALL, "U9") is None
    assert await given(store) == []


async def test_a_grant_is_lowered_by_no_request(store: Database) -> None:
    """An admin who allows the lesser role while another granted the greater must not take that away."""
    number = await asked(store, Role.RELEASER)
    await store.run(access.grant_role, "T1", "U1", Role.ADMIN, None, "U9")
    await store.run(access_requests.decide_request, number, RequestDecision.ALL, "U9")
    assert await given(store) == [("U1", Role.ADMIN, None)]


async def test_the_admins_messages_are_known(store: Database) -> None:
    number = await asked(store)
    copies = [RequestCopy("U8", "D8", "1.1"), RequestCopy("U9", "D9", "1.2")]
    for copy in copies:
        await store.run(access_requests.add_copy, number, copy)
    assert await store.run(access_requests.list_copies, number) == copies
