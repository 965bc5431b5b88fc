"""What an Enterprise Grid workspace says of its people, and how their requests look."""

import json

import pytest

from sandbox.slack import FakeSlack, seed_grid
from sandbox.slack.workspace import SISTER_TEAM

OURS = {"id": "E0SANDBOX", "name": "Sandbox Group"}


@pytest.fixture
def grid(slack):
    return seed_grid(slack.workspace)


async def test_records_say_membership_in_enterprise_user(client, slack, grid):
    named = {"home": None, "both": SISTER_TEAM, "sister": SISTER_TEAM, "wanda": OURS["id"], "ursula": slack.team_id}
    teams = {"both": [SISTER_TEAM, slack.team_id], "sister": [SISTER_TEAM]}
    for kind, team in named.items():
        record = (await client.users_info(user=grid.everybody[kind].id))["user"]
        assert record.get("team_id") == team, kind
        assert record["enterprise_user"]["teams"] == teams.get(kind, [slack.team_id]), kind
        assert (record["enterprise_user"]["enterprise_id"], record["enterprise_user"]["enterprise_name"]) == (
            OURS["id"],
            OURS["name"],
        )


async def test_a_dual_identity_is_found_by_either_id(client, slack, grid):
    for person, letter in ((grid.wanda, "W"), (grid.ursula, "U")):
        slack.usergroup("qa", [person])
        (listed,) = (await client.usergroups_users_list(usergroup=slack.usergroups["S0S000001"].id))["users"]
        assert (person.id[0], {person.id[0], listed[0]}) == (letter, {"U", "W"})
        records = [(await client.users_info(user=each))["user"] for each in (person.id, listed)]
        assert records[0] == records[1]
        assert {records[0]["id"], records[0]["enterprise_user"]["id"]} == {person.id, listed}
        rooms = [(await client.conversations_open(users=each))["channel"]["id"] for each in (person.id, listed)]
        assert rooms[0] == rooms[1] == (await client.chat_postMessage(channel=listed, text="hi"))["channel"]


async def test_the_workspace_names_its_organisation(client, slack, grid):
    assert (await client.auth_test())["enterprise_id"] == OURS["id"]
    assert (await client.team_info())["team"]["enterprise_name"] == OURS["name"]


async def test_the_list_of_users_leaves_the_sister_out(client, slack, grid):
    listed = {each["id"] for each in (await client.users_list())["members"]}
    assert grid.sister.id not in listed
    assert {grid.home.id, grid.both.id, grid.wanda.local_id} <= listed


async def test_payloads_name_many_workspaces(slack, grid, releases):
    payloads = slack.person.payloads
    for kind, typed_in in (("home", slack.team_id), ("both", slack.team_id), ("sister", SISTER_TEAM)):
        person = grid.everybody[kind]
        command = payloads.command(person, releases, "/applivery", "", {})
        assert (command["team_id"], command["enterprise_id"]) == (typed_in, OURS["id"]), kind
        click, form = payloads.interaction("block_actions", person), payloads.interaction("view_submission", person)
        assert (click["team"]["id"], click["enterprise"]) == (slack.team_id, OURS), kind
        assert click["user"]["team_id"] == (OURS["id"] if kind == "home" else SISTER_TEAM), kind
        assert form["team"] == {**form["team"], "id": typed_in, "enterprise_id": OURS["id"]}, kind


async def test_a_mention_names_the_persons_team(slack, grid, releases):
    mention = (await slack.mention("hi", grid.home, releases)).payload
    assert (mention["team_id"], mention["enterprise_id"]) == (slack.team_id, OURS["id"])
    assert {mention["event"][name] for name in ("team", "user_team", "source_team")} == {OURS["id"]}
    sister = (await slack.mention("hi", grid.sister, releases)).payload
    assert (sister["team_id"], sister["context_team_id"]) == (SISTER_TEAM, slack.team_id)
    assert sister["authorizations"][0]["team_id"] == slack.team_id


async def test_strangers_are_of_no_organisation_of_ours(client, slack, grid):
    partner = (await client.users_info(user=grid.partner.id))["user"]
    other = (await client.users_info(user=grid.other.id))["user"]
    assert "enterprise_user" not in partner
    assert other["enterprise_user"]["enterprise_id"] != OURS["id"]
    assert slack.person.payloads.interaction("block_actions", grid.partner)["enterprise"] is None


async def test_a_snapshot_keeps_the_organisation(slack, grid):
    other = FakeSlack()
    other.restore(json.loads(json.dumps(slack.snapshot())))
    assert other.workspace.organisation == slack.workspace.organisation
    assert other.users[grid.wanda.id] == grid.wanda
