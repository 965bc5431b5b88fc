"""Both ways Slack reaches an app, with a real bolt app at the other end."""

import asyncio

import pytest


def listen(bolt, heard):
    @bolt.app.command("/applivery")
    async def command(ack, respond, body):
        await ack()
        heard.append(body)
        await respond(text=f"heard {body['text']}", unfurl_links=False, unfurl_media=False)

    @bolt.app.action("go")
    async def action(ack, body, client, respond):
        await ack()
        heard.append(body)
        await respond(text="private", replace_original=False, response_type="ephemeral")

    @bolt.app.view("form")
    async def view(ack, body):
        heard.append(body)
        await ack(response_action="errors", errors={"why": "too short"})

    @bolt.app.options("app")
    async def options(ack, payload):
        await ack(options=[{"text": {"type": "plain_text", "text": payload["value"]}, "value": "1"}])

    @bolt.app.event("app_mention")
    async def mention(event, say):
        heard.append(event)
        await say("hello", thread_ts=event["ts"])


MENU = {"type": "external_select", "action_id": "app", "min_query_length": 1}
BUTTON = {"type": "button", "action_id": "go", "value": "7", "text": {"type": "plain_text", "text": "Go"}}
FORM = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Form"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why"},
            "element": {"type": "plain_text_input", "action_id": "why"},
        }
    ],
}


async def _connect(bolt, way):
    if way == "socket":
        await bolt.connect()
    else:
        await bolt.serve_http()


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_a_command_is_acknowledged_and_answered(bolt, slack, ana, releases, way):
    heard = []
    listen(bolt, heard)
    await _connect(bolt, way)
    turn = await slack.command("/applivery", "get courier", user=ana, channel=releases)
    answer = await turn.answer()
    assert turn.acked
    assert turn.error is None
    assert answer.text == "heard get courier"
    assert answer.ephemeral_to == ana.id
    assert slack.ephemerals(ana, releases) == [answer]
    assert slack.messages(releases) == []
    assert heard[0]["user_id"] == ana.id
    assert heard[0]["channel_id"] == releases.id


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_a_click_carries_the_button_and_leaves_the_card_alone(bolt, slack, client, ana, releases, way):
    heard = []
    listen(bolt, heard)
    await _connect(bolt, way)
    await client.chat_postMessage(channel=releases.id, text="card", blocks=[{"type": "actions", "elements": [BUTTON]}])
    card = slack.messages(releases)[0]
    turn = await slack.click(card, "go", user=ana)
    answer = await turn.answer()
    assert heard[0]["actions"][0]["value"] == "7"
    assert heard[0]["message"]["ts"] == card.ts
    assert answer.ephemeral_to == ana.id
    assert card.text == "card"
    assert not card.edited


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_a_form_is_refused_by_the_app_and_stays_open(bolt, slack, client, ana, releases, way):
    heard = []
    listen(bolt, heard)

    @bolt.app.command("/open")
    async def command(ack, body, client):
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    await _connect(bolt, way)
    opened = await slack.command("/open", "", user=ana, channel=releases)
    view = await opened.view()
    turn = await slack.submit(view, {"why": {"why": "x"}}, user=ana)
    assert turn.errors == {"why": "too short"}
    assert slack.modal(ana) is view
    assert heard[0]["view"]["state"]["values"]["why"]["why"]["value"] == "x"


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_a_menu_gets_its_options_from_the_app(bolt, slack, client, ana, releases, way):
    listen(bolt, [])
    await _connect(bolt, way)
    await client.chat_postMessage(
        channel=releases.id, text="pick", blocks=[{"type": "actions", "block_id": "b", "elements": [MENU]}]
    )
    options = await slack.options(slack.messages(releases)[0], "app", "cou", user=ana)
    assert options[0]["text"]["text"] == "cou"


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_slack_mention_is_event_answerable_in_thread(bolt, slack, ana, releases, way):
    heard = []
    listen(bolt, heard)
    await _connect(bolt, way)
    turn = await slack.mention("hi", ana, releases)
    assert turn.acked
    said = turn.payload["event"]["ts"]
    await slack.until(lambda: slack.messages(releases, said))
    assert slack.messages(releases, said)[0].text == "hello"


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_no_ack_in_time_is_operation_timeout(bolt, slack, ana, releases, way):
    enough = asyncio.Event()

    @bolt.app.command("/slow")
    async def slow(ack):
        await enough.wait()

    await _connect(bolt, way)
    turn = await slack.command("/slow", "", user=ana, channel=releases)
    enough.set()
    assert not turn.acked
    assert turn.ack_seconds is None
    assert turn.error == "operation_timeout"


async def test_a_refused_http_request_is_dispatch_failed(bolt, slack, ana, releases):
    await bolt.serve_http()
    turn = await slack.command("/nobody-listens", "", user=ana, channel=releases)
    assert turn.error == "dispatch_failed"


async def test_without_a_connection_a_command_is_dispatch_failed(slack, ana, releases):
    turn = await slack.command("/applivery", "", user=ana, channel=releases)
    assert turn.error == "dispatch_failed"


async def test_a_wrong_signature_is_refused_by_the_app(bolt, slack, ana, releases):
    listen(bolt, heard := [])
    await bolt.serve_http()
    slack.http.secret = "another"
    turn = await slack.command("/applivery", "", user=ana, channel=releases)
    assert turn.error == "dispatch_failed"
    assert heard == []


async def test_the_words_of_an_ack_are_a_private_message(bolt, slack, ana, releases):
    @bolt.app.command("/word")
    async def word(ack):
        await ack("at once")

    await bolt.connect()
    turn = await slack.command("/word", "", user=ana, channel=releases)
    assert [each.text for each in turn.answers] == ["at once"]
    assert slack.ephemerals(ana)[0].by_command
