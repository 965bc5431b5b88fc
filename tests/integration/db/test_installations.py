"""Whose rows they are when an installation is replaced, and which workspaces the app was in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.db import access, download_schema, installations, schema, subscriptions  # noqa: F401 - all tables
from bot.db import audit as stored_audit
from bot.db.column_types import metadata
from bot.db.database import Database
from bot.domain.model import BuildEvent, Role
from bot.domain.workspaces import RemovedWorkspace

ORGANIZATION, FIRST, SECOND = "E1", "T1", "T2"
NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)


async def roles(store: Database, installation: str) -> dict[tuple[str, str | None], Role]:
    found = await store.run(access.list_grants, installation)
    return {(grant.grantee, grant.app_id): grant.role for grant in found}


def test_rows_of_every_table_with_a_workspace_are_moved() -> None:
    named = {table.name for table in (*metadata.tables.values(),) if "team_id" in table.c}
    assert {*installations.TABLES, "grants"} == named


async def test_roles_of_a_workspace_become_the_organisations(store: Database) -> None:
    await store.run(access.grant_role, FIRST, "U1", Role.MANAGER, None, "U9")
    await store.run(access.grant_role, SECOND, "S1", Role.MEMBER, "courier", "U9")
    await store.run(access.grant_role, "T3", "U1", Role.ADMIN, None, "U9")
    assert await store.run(installations.adopt_rows, ORGANIZATION, [FIRST, SECOND]) == 2
    assert await roles(store, ORGANIZATION) == {("U1", None): Role.MANAGER, ("S1", "courier"): Role.MEMBER}
    assert await roles(store, FIRST) == {}
    assert await roles(store, "T3") == {("U1", None): Role.ADMIN}, "another organisation's"
    assert await store.run(installations.adopt_rows, FIRST, [ORGANIZATION]) == 2, "and back"


async def test_present_role_is_not_replaced(store: Database) -> None:
    await store.run(access.grant_role, FIRST, "U1", Role.ADMIN, None, "U9")
    await store.run(access.grant_role, ORGANIZATION, "U1", Role.MEMBER, None, "U9")
    await store.run(installations.adopt_rows, ORGANIZATION, [FIRST])
    assert await roles(store, ORGANIZATION) == {("U1", None): Role.MEMBER}


async def test_cached_roles_are_read_again(store: Database) -> None:
    await store.run(access.grant_role, FIRST, "U1", Role.MANAGER, None, "U9")
    assert await store.cached(access.list_grants, ORGANIZATION) == []
    await store.run(installations.adopt_rows, ORGANIZATION, [FIRST])
    assert len(await store.cached(access.list_grants, ORGANIZATION)) == 1


async def test_subscriptions_are_adopted(store: Database) -> None:
    await store.run(subscriptions.add_subscription, FIRST, "C1", "a", "Courier", [BuildEvent.PROCESSED], "", "U1")
    assert await store.run(installations.adopt_rows, ORGANIZATION, [FIRST]) == 1
    (found,) = await store.run(subscriptions.list_subscriptions)
    assert found.team_id == ORGANIZATION


@pytest.mark.parametrize("formerly", [[], ["T9"]])
async def test_nothing_is_adopted_twice(store: Database, formerly: list[str]) -> None:
    await store.run(access.grant_role, FIRST, "U1", Role.MANAGER, None, "U9")
    assert await store.run(installations.adopt_rows, ORGANIZATION, formerly) == 0
    assert await store.run(stored_audit.list_entries) == []


async def test_removed_workspace_is_reported_once(store: Database) -> None:
    both = {FIRST: "First", SECOND: "Second"}
    assert await store.run(installations.record_workspaces, both, NOW) == []
    removed = RemovedWorkspace(SECOND, "Second", NOW)
    assert await store.run(installations.record_workspaces, {FIRST: "First"}, NOW) == [removed]
    assert await store.run(installations.record_workspaces, {FIRST: "First"}, NOW) == []
    assert await store.run(installations.list_removed, [FIRST], NOW) == [removed]
    assert await store.run(installations.record_workspaces, both, NOW) == []
    assert await store.run(installations.list_removed, [*both], NOW) == [], "it was added again"


async def test_removed_workspace_is_forgotten_after_a_month(store: Database) -> None:
    await store.run(installations.record_workspaces, {FIRST: "First"}, NOW)
    await store.run(installations.record_workspaces, {}, NOW)
    later = NOW + timedelta(days=31)
    assert await store.run(installations.list_removed, [], later) == []
    await store.run(installations.record_workspaces, {}, later)
    assert await store.run(installations.record_workspaces, {}, later) == []
