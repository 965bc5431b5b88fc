"""Grants, allow-lists and requests, as both databases keep them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.model import Role
from bot.store.store import Store


async def given(store: Store, team: str = "T1") -> list[tuple[str, Role, str | None]]:
    """Who was granted what for which app."""
    return [(one.grantee, one.role, one.app_id) for one in await store.grants(team)]


async def asked(store: Store, role: Role = Role.RELEASER, app: str | None = None, user: str = "U1") -> int:
    """The number of a request just made."""
    request = await store.ask_for_role("T1", user, role, app)
    assert request is not None
    return request.id


# ------------------------------------------------------------------ grants


async def test_a_grant_is_kept_with_who_gave_it_and_when(store: Store) -> None:
    before = await store.now()
    await store.grant("T1", "U1", Role.RELEASER, "a1", "U9")
    [one] = await store.grants("T1")
    assert (one.team_id, one.grantee, one.role, one.app_id, one.granted_by) == ("T1", "U1", Role.RELEASER, "a1", "U9")
    assert before <= one.granted_at <= await store.now()


async def test_a_grant_for_the_same_app_replaces_the_one_before(store: Store) -> None:
    await store.grant("T1", "U1", Role.ADMIN, None, "U9")
    await store.grant("T1", "U1", Role.MANAGER, None, "U8")
    assert await given(store) == [("U1", Role.MANAGER, None)]


async def test_every_app_and_one_app_and_people_and_groups_stand_side_by_side(store: Store) -> None:
    await store.grant("T1", "U1", Role.RELEASER, None, "U9")
    await store.grant("T1", "U1", Role.MANAGER, "a1", "U9")
    await store.grant("T1", "S1", Role.ADMIN, None, "U9")
    assert set(await given(store)) == {
        ("U1", Role.RELEASER, None),
        ("U1", Role.MANAGER, "a1"),
        ("S1", Role.ADMIN, None),
    }


async def test_a_grant_is_of_its_own_workspace(store: Store) -> None:
    await store.grant("T1", "U1", Role.ADMIN, None, "U9")
    assert await given(store, "T2") == []
    assert await store.revoke("T2", "U1", None) is None
    assert await given(store) == [("U1", Role.ADMIN, None)]


async def test_a_revoked_grant_is_gone_at_once_and_says_what_it_was(store: Store) -> None:
    await store.grant("T1", "U1", Role.MANAGER, "a1", "U9")
    await store.grant("T1", "U1", Role.RELEASER, None, "U9")
    assert await given(store)
    assert await store.revoke("T1", "U1", "a1") is Role.MANAGER
    assert await given(store) == [("U1", Role.RELEASER, None)]
    assert await store.revoke("T1", "U1", "a1") is None


async def test_grants_outlive_a_restart(address: str) -> None:
    store = await Store.open(address)
    await store.grant("T1", "U1", Role.MANAGER, None, "U9")
    await store.allow_in("a1", "C1", "U9")
    await store.close()
    store = await Store.open(address)
    assert await given(store) == [("U1", Role.MANAGER, None)]
    assert await store.allowed_channels() == {"a1": frozenset({"C1"})}
    await store.close()


@pytest.mark.postgres
async def test_what_one_process_grants_another_knows_at_once(postgres_url: str) -> None:
    here, there = await Store.open(postgres_url), await Store.open(postgres_url)
    assert await given(there) == []
    await here.grant("T1", "U1", Role.ADMIN, None, "U9")
    await here.allow_in("a1", "C1", "U9")
    assert await given(there) == [("U1", Role.ADMIN, None)]
    assert await there.allowed_channels() == {"a1": frozenset({"C1"})}
    await here.revoke("T1", "U1", None)
    assert await given(there) == []
    await here.close()
    await there.close()


# ------------------------------------------------------------------ allow-lists


async def test_an_app_without_a_list_is_in_no_list(store: Store) -> None:
    assert await store.allowed_channels() == {}
    await store.allow_in("a1", "C1", "U9")
    await store.allow_in("a1", "C2", "U9")
    await store.allow_in("a1", "C2", "U8")
    await store.allow_in("a2", "C3", "U9")
    assert await store.allowed_channels() == {"a1": frozenset({"C1", "C2"}), "a2": frozenset({"C3"})}


async def test_with_its_last_channel_the_list_of_an_app_goes(store: Store) -> None:
    await store.allow_in("a1", "C1", "U9")
    assert await store.allowed_channels()
    assert await store.disallow_in("a1", "C1") is True
    assert await store.allowed_channels() == {}
    assert await store.disallow_in("a1", "C1") is False


# ------------------------------------------------------------------ requests


async def test_a_request_is_undecided_until_somebody_decides(store: Store) -> None:
    request = await store.ask_for_role("T1", "U1", Role.RELEASER, "a1")
    assert request is not None
    assert (request.user_id, request.role, request.app_id) == ("U1", Role.RELEASER, "a1")
    assert (request.decided_by, request.allowed) == (None, None)
    decided = await store.decide(request.id, False, "U9")
    assert decided is not None
    assert (decided[0].decided_by, decided[0].allowed, decided[1]) == ("U9", False, True)
    assert await given(store) == []


async def test_the_same_question_is_open_once(store: Store) -> None:
    await asked(store)
    assert await store.ask_for_role("T1", "U1", Role.RELEASER, None) is None
    await asked(store, Role.MANAGER)
    await asked(store, app="a1")
    await asked(store, user="U2")


async def test_a_decided_question_may_be_asked_again(store: Store) -> None:
    await store.decide(await asked(store), False, "U9")
    await asked(store)


async def test_an_unanswered_question_may_be_asked_again_after_a_day(tmp_path: Path) -> None:
    ahead = [timedelta(0)]
    store = await Store.open(f"sqlite:///{tmp_path}/bot.db", clock=lambda: datetime.now(UTC) + ahead[0])
    await asked(store)
    ahead[0] = timedelta(hours=23)
    assert await store.ask_for_role("T1", "U1", Role.RELEASER, None) is None
    ahead[0] = timedelta(hours=25)
    await asked(store)
    await store.close()


async def test_an_allowed_request_grants_the_role_in_the_same_commit(store: Store) -> None:
    await given(store)  # what is remembered of it must not be in the way
    decided = await store.decide(await asked(store, app="a1"), True, "U9")
    assert decided is not None
    assert decided[0].allowed is True
    assert await given(store) == [("U1", Role.RELEASER, "a1")]


async def test_the_second_admin_changes_nothing_and_hears_who_was_first(store: Store) -> None:
    number = await asked(store)
    await store.decide(number, False, "U8")
    decided = await store.decide(number, True, "U9")
    assert decided is not None
    request, mine = decided
    assert (request.decided_by, request.allowed, mine) == ("U8", False, False)
    assert await given(store) == []


async def test_of_many_decisions_at_once_one_counts(store: Store) -> None:
    number = await asked(store)
    answers = [store.decide(number, admin % 2 == 0, f"U{admin}") for admin in range(10)]
    decided = [one for one in await asyncio.gather(*answers) if one is not None]
    assert sum(mine for _, mine in decided) == 1
    [outcome] = {(one.decided_by, one.allowed) for one, _ in decided}
    assert bool(await given(store)) is outcome[1]


async def test_a_request_nobody_made_cannot_be_decided(store: Store) -> None:
    assert await store.decide(4711, True, "U9") is None
    assert await given(store) == []


async def test_a_grant_is_lowered_by_no_request(store: Store) -> None:
    """An admin who allows the lesser role while somebody else granted the greater must not take that away."""
    number = await asked(store, Role.RELEASER)
    await store.grant("T1", "U1", Role.ADMIN, None, "U9")
    await store.decide(number, True, "U9")
    assert await given(store) == [("U1", Role.ADMIN, None)]
