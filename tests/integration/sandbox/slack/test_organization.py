"""How Slack treats an app that is installed for a whole organisation."""

import pytest
from slack_sdk.errors import SlackApiError

from sandbox.slack.workspace import SISTER_TEAM

NEEDY = ("users.list", "usergroups.list", "usergroups.users.list", "conversations.list", "bots.info")


@pytest.fixture
def organisation(slack):
    return slack.install_for_organisation()


async def refusal(client, method, **arguments):
    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method, params=arguments)
    return refused.value.response["error"]


@pytest.mark.parametrize("method", NEEDY)
async def test_org_token_has_to_name_a_workspace(client, organisation, method):
    assert await refusal(client, method, usergroup="S1") == "missing_argument"


@pytest.mark.parametrize("method", NEEDY)
async def test_org_token_reaches_only_added_workspaces(client, organisation, method):
    organisation.added_to.remove(SISTER_TEAM)
    for team_id in (SISTER_TEAM, "T0ELSEWHERE", organisation.id):
        assert await refusal(client, method, usergroup="S1", team_id=team_id) == "team_access_not_granted"


async def test_workspace_token_may_name_any_workspace(client, slack, ana):
    assert (await client.users_list(team_id="T0ELSEWHERE"))["members"] == (await client.users_list())["members"]


async def test_identity_is_the_organisations(client, slack, organisation):
    answer = await client.auth_test()
    assert (answer["team_id"], answer["enterprise_id"], answer["is_enterprise_install"]) == ("E0SANDBOX",) * 2 + (True,)
    assert [team["id"] for team in (await client.auth_teams_list())["teams"]] == [slack.team_id, SISTER_TEAM]


async def test_payloads_say_that_the_organisation_installed_it(slack, organisation, ana, releases):
    payloads = slack.person.payloads
    assert payloads.command(ana, releases, "/applivery", "", {})["is_enterprise_install"] == "true"
    click, form = payloads.interaction("block_actions", ana), payloads.interaction("view_submission", ana)
    assert (click["team"]["id"], form["team"]) == (slack.team_id, None)
    assert click["is_enterprise_install"] is form["is_enterprise_install"] is True
    (authorization,) = (await slack.mention("hi", ana, releases)).payload["authorizations"]
    assert authorization["enterprise_id"] == organisation.id
    assert (authorization["team_id"], authorization["is_enterprise_install"]) == (None, True)


async def test_removed_workspace_is_said_and_closed(client, slack, organisation, releases):
    turn = await slack.remove_from(slack.team_id)
    assert (turn.payload["team_id"], turn.payload["event"]["team_ids"]) == (None, [slack.team_id])
    assert await refusal(client, "chat.postMessage", channel=releases.id, text="hi") == "team_access_not_granted"
    await slack.add_to(slack.team_id)
    assert (await client.chat_postMessage(channel=releases.id, text="hi"))["ok"]
