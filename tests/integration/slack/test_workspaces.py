"""What an organisation's token has to say where a workspace's own need not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from bot.db.connect import IN_MEMORY
from bot.db.database import Database
from bot.exceptions import SlackError
from bot.slack.client import SlackClient
from bot.slack.errors import NO_GROUP
from bot.slack.group_homes import GroupHomes
from bot.slack.workspaces import at_hand
from sandbox.faults import Fault
from sandbox.slack import FakeSlack
from sandbox.slack.workspace import SISTER_TEAM as SECOND


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    it = FakeSlack()
    await it.start()
    it.install_for_organisation()
    yield it
    await it.stop()


@pytest.fixture
async def client(slack: FakeSlack) -> AsyncIterator[SlackClient]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield SlackClient(token=slack.bot_token, base_url=slack.api_url, session=session, pace=0.0)


@pytest.fixture
def in_second() -> Iterator[None]:
    """A request from the second workspace is at hand."""
    token = at_hand.set(SECOND)
    yield
    at_hand.reset(token)


def asked(slack: FakeSlack, method: str) -> list[str]:
    return [str(call.args.get("team_id")) for call in slack.calls_of(method)]


@pytest.mark.parametrize(
    "said",
    [
        {"team_id": "E0ACME", "enterprise_id": "E0ACME", "is_enterprise_install": True},
        {"team_id": "T0SANDBOX", "enterprise_id": "E0ACME", "is_enterprise_install": True},
        {"team_id": None, "enterprise_id": "E0ACME", "is_enterprise_install": True},
        {"team_id": "E0ACME", "enterprise_id": "E0ACME"},
        {"team_id": "E0ACME", "is_enterprise_install": True},
    ],
)
async def test_installation_is_the_organisation(slack: FakeSlack, client: SlackClient, said: dict[str, object]) -> None:
    answer = {"ok": True, "user_id": "U1", **said}
    slack.faults.add("auth.test", Fault(packed=json.dumps(answer).encode(), coding="identity"))
    found = await client.identity()
    assert (found.team_id, found.enterprise_id, found.is_org_install) == ("E0ACME", "E0ACME", True)


async def test_workspace_of_an_organisation_is_itself(slack: FakeSlack, client: SlackClient) -> None:
    answer = {"ok": True, "user_id": "U1", "enterprise_id": "E0ACME", "is_enterprise_install": False, "team_id": "T1"}
    slack.faults.add("auth.test", Fault(packed=json.dumps(answer).encode(), coding="identity"))
    found = await client.identity()
    assert (found.team_id, found.is_org_install) == ("T1", False)
    assert await client.workspaces.ids() == ["T1"]


async def test_groups_are_those_of_all_workspaces(slack: FakeSlack, client: SlackClient) -> None:
    slack.usergroup("qa")
    slack.usergroup("testers", team_id=SECOND)
    assert [group.handle for group in await client.groups()] == ["qa", "testers"]


async def test_group_is_found_in_its_workspace(slack: FakeSlack, client: SlackClient) -> None:
    bruno = slack.user("bruno")
    group = slack.usergroup("testers", [bruno], team_id=SECOND)
    assert await client.group_members(group.id) == {bruno.id}
    assert await client.group_members(group.id) == {bruno.id}
    assert asked(slack, "usergroups.users.list") == [slack.team_id, SECOND, SECOND], "it is asked there first, then"


async def test_group_is_found_in_its_workspace_after_a_restart(slack: FakeSlack) -> None:
    store = await Database.open(IN_MEMORY)
    group = slack.usergroup("testers", [slack.user("bruno")], team_id=SECOND)
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            homes = GroupHomes(store)
            about = {"token": slack.bot_token, "base_url": slack.api_url, "session": session}
            assert await SlackClient(**about, group_homes=homes).group_members(group.id)
    assert asked(slack, "usergroups.users.list") == [slack.team_id, SECOND, SECOND]
    await store.close()


async def test_group_that_moved_is_found_again(slack: FakeSlack, client: SlackClient) -> None:
    group = slack.usergroup("testers", [slack.user("bruno")], team_id=SECOND)
    assert await client.group_members(group.id)
    group.team_id = slack.team_id
    assert await client.group_members(group.id)


async def test_group_in_no_workspace_is_missing(client: SlackClient) -> None:
    with pytest.raises(SlackError) as refused:
        await client.group_members("S0NOWHERE")
    assert refused.value.code in NO_GROUP


@pytest.mark.usefixtures("in_second")
async def test_admins_of_the_workspace_at_hand_come_first(slack: FakeSlack, client: SlackClient) -> None:
    ana, eva = slack.user("ana", admin=True), slack.user("eva", admin=True)
    slack.user("ben", admin=True)  # of one workspace alone
    assert ana.grid
    assert eva.grid
    ana.grid.admin, eva.grid.owner, eva.grid.teams = True, True, [SECOND]
    assert await client.workspace_admins() == [eva.id]
    eva.deleted = True
    assert await client.workspace_admins() == [ana.id], "of the first workspace that has any"


async def test_admin_of_a_sister_workspace_is_not_asked(slack: FakeSlack, client: SlackClient) -> None:
    slack.install_for_organisation().added_to = None  # in the home workspace alone
    ana, eva = slack.user("ana", admin=True), slack.user("eva", admin=True)
    assert eva.grid
    eva.grid.teams, eva.grid.record_team = [SECOND, slack.team_id], SECOND
    assert await client.workspace_admins() == [ana.id]


@pytest.mark.usefixtures("in_second")
async def test_workspace_at_hand_serves_when_none_are_listed(slack: FakeSlack, client: SlackClient) -> None:
    slack.faults.add("auth.teams.list", Fault(error="access_denied"), times=None)
    slack.usergroup("testers", team_id=SECOND)
    assert [group.handle for group in await client.groups()] == ["testers"]
    at_hand.set("")
    assert [group.handle for group in await client.groups()] == ["testers"], "a worker knows it from then on"


async def test_workspace_removed_just_now_is_left_out(slack: FakeSlack, client: SlackClient) -> None:
    slack.usergroup("qa")
    assert await client.workspaces.ids() == [slack.team_id, SECOND]
    slack.install_for_organisation().added_to = [slack.team_id]
    assert [group.handle for group in await client.groups()] == ["qa"]
    assert await client.workspaces.ids() == [slack.team_id], "and asked no more"


async def test_workspaces_are_listed_page_by_page(slack: FakeSlack, client: SlackClient) -> None:
    many = {f"T{number:05}": str(number) for number in range(1500)}
    organisation = slack.install_for_organisation()
    organisation.teams, organisation.added_to = many, list(many)
    assert [workspace.id for workspace in await client.workspaces.listed()] == list(many)
