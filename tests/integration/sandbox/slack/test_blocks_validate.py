"""`blocks.validate` of the fake Slack: the errors of the real one, each with its pointer; nothing is stored."""

import json

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

SECTION = {"type": "section", "text": {"type": "plain_text", "text": "x"}}
ODD = {"type": "section", "text": {"type": "odd", "text": "x"}}
MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": [SECTION]}


async def refusal(client, **given):
    with pytest.raises(SlackApiError) as caught:
        await client.api_call("blocks.validate", data={name: json.dumps(value) for name, value in given.items()})
    return caught.value.response.data


@pytest.mark.parametrize("given", [{"blocks": [SECTION]}, {"message": {"blocks": [SECTION]}}, {"view": MODAL}])
async def test_valid_payload_is_ok_and_not_stored(slack, client, releases, given):
    assert (await client.blocks_validate(**given)).data == {"ok": True}
    assert slack.messages(releases) == []


async def test_validate_needs_no_token(slack):
    client = AsyncWebClient(base_url=slack.api_url)
    assert (await client.blocks_validate(blocks=[SECTION]))["ok"]


@pytest.mark.parametrize("given", [{}, {"blocks": [SECTION], "view": MODAL}])
async def test_exactly_one_of_three_is_given(client, given):
    said = await refusal(client, **given)
    assert said["error"] == "invalid_arguments"
    assert said["response_metadata"] == {"messages": ["must provide exactly one of `blocks`, `view`, or `message`"]}


@pytest.mark.parametrize(
    ("given", "error", "pointer"),
    [
        ({"blocks": [SECTION, ODD]}, "invalid_blocks", "/1/text/type"),
        ({"message": {"blocks": [ODD]}}, "invalid_message", "/blocks/0/text/type"),
        ({"message": {"attachments": [{"blocks": [ODD]}]}}, "invalid_message", "/attachments/0/blocks/0/text/type"),
        ({"view": {**MODAL, "blocks": [ODD]}}, "invalid_view", "/blocks/0/text/type"),
        ({"view": {"type": "home", "blocks": [ODD]}}, "invalid_view", "/blocks/0/text/type"),
    ],
)
async def test_each_fault_has_the_pointer_of_its_place(client, given, error, pointer):
    said = await refusal(client, **given)
    assert said["error"] == error
    assert said["errors"] == [{"code": "failed_constraint", "message": "unsupported type: odd", "pointer": pointer}]


async def test_a_message_has_no_text(client):
    said = await refusal(client, message={"text": "x", "blocks": [SECTION]})
    assert said["errors"][0]["message"] == "invalid additional property: text"


async def test_a_block_this_workspace_lacks_is_refused(slack, client):
    slack.workspace.unsupported_blocks.add("section")
    said = await refusal(client, message={"blocks": [{"type": "divider"}, SECTION]})
    assert (said["errors"][0]["message"], said["errors"][0]["pointer"]) == (
        "unsupported type: section",
        "/blocks/1/type",
    )
