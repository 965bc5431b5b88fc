"""Files in forms and messages, as strict as Slack is with them."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.faults import Fault
from sandbox.slack import FakeSlack
from sandbox.slack.elements_state import complaint, reported
from tests.integration.sandbox.slack.conftest import Connected

INPUT = {"type": "file_input", "action_id": "file", "max_files": 1, "filetypes": ["ipa"]}
BLOCK = {"type": "input", "block_id": "file", "label": {"type": "plain_text", "text": "Build"}, "element": INPUT}
FORM = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Upload"},
    "submit": {"type": "plain_text", "text": "Upload"},
    "blocks": [BLOCK],
}


async def test_a_picked_file_is_in_the_state_of_the_submission(bolt: Connected, slack: FakeSlack, ana: Any) -> None:
    seen: list[Any] = []

    @bolt.app.command("/upload")
    async def opened(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view={**FORM, "callback_id": "up"})

    @bolt.app.view("up")
    async def submitted(ack: Any, view: Any) -> None:
        await ack()
        seen.append(view["state"]["values"]["file"]["file"])

    await bolt.connect()
    turn = await slack.command("/upload", user=ana, channel=slack.channel("releases", members=[ana]))
    view = await turn.view()
    with pytest.raises(ValueError, match="file is required"):
        await slack.submit(view, user=ana)
    file = slack.pick("courier.ipa", b"bytes", ana)
    await slack.submit(view, {"file": {"file": [file]}}, user=ana)
    await slack.until(lambda: seen)
    assert seen == [{"type": "file_input", "files": [file]}]


@pytest.mark.parametrize(
    ("names", "words"),
    [(("a.ipa", "b.ipa"), "too many files"), (("a.apk",), "takes ipa only")],
)
def test_slack_itself_refuses_too_many_files_and_other_kinds(names: tuple[str, ...], words: str) -> None:
    picked = reported(INPUT, [{"id": name, "name": name} for name in names])
    assert words in str(complaint(BLOCK, picked))
    assert complaint(BLOCK, reported(INPUT, [{"id": "F1", "name": "A.IPA"}])) is None


async def test_a_form_with_a_file_needs_the_scope(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.scopes = slack.scopes - {"files:read"}
    with pytest.raises(SlackApiError, match="missing_scope"):
        await client.views_open(trigger_id="any", view=FORM)


async def test_a_file_is_known_to_the_bot_in_conversations_it_is_in(
    slack: FakeSlack, client: AsyncWebClient, ana: Any, releases: Any
) -> None:
    elsewhere = slack.channel("elsewhere", bot_is_member=False, members=[ana])
    seen = slack.share("a.ipa", b"a", ana, releases).files[0]["id"]
    hidden = slack.share("b.ipa", b"b", ana, elsewhere).files[0]["id"]
    picked = slack.pick("c.ipa", b"c", ana)["id"]
    for file in (seen, picked):
        assert (await client.files_info(file=file))["file"]["id"] == file
    with pytest.raises(SlackApiError, match="file_not_found"):
        await client.files_info(file=hidden)


async def test_a_download_can_be_cut_on_its_way(slack: FakeSlack, ana: Any, releases: Any) -> None:
    url = slack.share("a.ipa", bytes(500_000), ana, releases).files[0]["url_private"]
    slack.faults.add("file", Fault(drop_at=0.5))
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(url) as answer:
            assert answer.content_length == 500_000
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
        async with session.get(url) as answer:
            assert len(await answer.read()) == 500_000
