"""What is used less: shortcuts, Home, emoji, lists, odd requests and odd choices."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from sandbox.slack.rate_limit import PostRateLimit
from sandbox.slack.workspace import SlackWorkspace


def plain(text):
    return {"type": "plain_text", "text": text}


async def error_of(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def test_shortcuts_reach_the_app(bolt, slack, ana, releases):
    heard = []

    @bolt.app.shortcut("everywhere")
    async def everywhere(ack, body):
        heard.append(body)
        await ack()

    @bolt.app.message_shortcut("on_message")
    async def on_message(ack, body, respond):
        heard.append(body)
        await ack()
        await respond("thanks")

    await bolt.connect()
    file = slack.share("app.ipa", b"1234", ana, releases)
    assert (await slack.shortcut("everywhere", user=ana)).acked
    turn = await slack.shortcut("on_message", user=ana, message=file)
    assert (await turn.answer()).text == "thanks"
    assert [body["type"] for body in heard] == ["shortcut", "message_action"]
    assert heard[1]["message"]["files"][0]["size"] == 4


async def test_opening_home_is_an_event(bolt, slack, client, ana):
    @bolt.app.event("app_home_opened")
    async def opened(event, client):
        view = {"type": "home", "blocks": [{"type": "section", "text": plain(f"hello {event['user']}")}]}
        await client.views_publish(user_id=event["user"], view=view)

    await bolt.connect()
    await slack.home(ana)
    await slack.until(lambda: slack.home_of(ana))
    assert slack.home_of(ana).blocks[0]["text"]["text"] == f"hello {ana.id}"
    turn = await slack.home(ana)
    assert turn.payload["event"]["view"]["id"] == slack.home_of(ana).id


async def test_an_emoji_is_put_once(slack, client, ana, releases):
    message = slack.say("nice", ana, releases)
    await client.reactions_add(channel=releases.id, timestamp=message.ts, name="tada")
    again = client.reactions_add(channel=releases.id, timestamp=message.ts, name="tada")
    assert await error_of(again) == "already_reacted"
    assert message.reactions[0]["count"] == 1


async def test_the_bot_the_team_and_the_lists_can_be_read(slack, client, ana, releases):
    slack.channel("elsewhere", bot_is_member=False)
    slack.dm(ana)
    assert (await client.bots_info(bot=slack.bot_id))["bot"]["user_id"] == slack.bot_user_id
    assert (await client.team_info())["team"]["id"] == slack.team_id
    assert len((await client.users_list())["members"]) == 2
    assert [each["id"] for each in (await client.users_conversations())["channels"]] == [releases.id]
    assert (await client.conversations_members(channel=releases.id))["members"] == [slack.bot_user_id, ana.id]
    assert (await client.conversations_list(types="im"))["channels"][0]["user"] == ana.id
    info = (await client.conversations_info(channel=releases.id, include_num_members=True))["channel"]
    assert (info["name"], info["is_member"], info["num_members"]) == ("releases", True, 2)


async def test_slack_missing_object_has_its_own_error(client, releases):
    assert await error_of(client.usergroups_users_list(usergroup="S404")) == "no_such_subteam"
    assert await error_of(client.bots_info(bot="B404")) == "bot_not_found"
    assert await error_of(client.files_info(file="F404")) == "file_not_found"
    assert await error_of(client.conversations_open(users="U404")) == "user_not_found"
    assert await error_of(client.conversations_list(types="everything")) == "invalid_types"
    assert await error_of(client.conversations_list(cursor="%%%")) == "invalid_cursor"
    assert await error_of(client.conversations_replies(channel=releases.id, ts="1.000000")) == "thread_not_found"
    assert await error_of(client.api_call("chat.postMessage", json={"text": "x"})) == "channel_not_found"
    assert await error_of(client.api_call("views.open", json={"trigger_id": "x"})) == "invalid_arguments"


async def test_a_body_that_cannot_be_read_is_refused(slack):
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for body, kind, error in [
            ("{", "application/json", "invalid_json"),
            ("[]", "application/json", "json_not_object"),
            ("<x/>", "text/xml", "invalid_post_type"),
        ]:
            async with session.post(f"{slack.api_url}auth.test", data=body, headers={"Content-Type": kind}) as response:
                assert (await response.json())["error"] == error


async def test_a_file_of_another_length_than_announced_is_refused(slack, client):
    place = await client.files_getUploadURLExternal(filename="a.txt", length=5)
    async with aiohttp.ClientSession() as session:
        async with session.post(place["upload_url"], data=b"four") as response:
            assert response.status == 400
    finish = client.files_completeUploadExternal(files=[{"id": place["file_id"], "title": "a"}])
    assert await error_of(finish) == "file_not_found"


async def test_every_kind_of_choice_in_a_message_is_reported(bolt, slack, client, ana, releases):
    options = [{"text": plain("Mute"), "value": "mute"}, {"text": plain("Recall"), "value": "recall"}]
    elements = [
        {"type": "overflow", "action_id": "more", "options": options},
        {"type": "static_select", "action_id": "pick", "option_groups": [{"label": plain("g"), "options": options}]},
        {"type": "users_select", "action_id": "who"},
        {"type": "datepicker", "action_id": "day"},
    ]

    for element in elements:

        @bolt.app.action(element["action_id"])
        async def acted(ack):
            await ack()

    await bolt.connect()
    await client.chat_postMessage(
        channel=releases.id, text="x", blocks=[{"type": "actions", "block_id": "b", "elements": elements}]
    )
    card = slack.messages(releases)[0]

    async def chosen(action_id, value):
        turn = await slack.click(card, action_id, user=ana, value=value)
        return turn.payload["actions"][0], turn.payload["state"]["values"]

    assert (await chosen("more", "recall"))[0]["selected_option"]["value"] == "recall"
    assert (await chosen("pick", "Mute"))[0]["selected_option"]["value"] == "mute"
    assert (await chosen("who", ana))[0]["selected_user"] == ana.id
    action, state = await chosen("day", "2026-01-02")
    assert action["selected_date"] == "2026-01-02"
    assert state["b"]["pick"]["selected_option"]["value"] == "mute"
    with pytest.raises(ValueError, match="not offered"):
        await slack.click(card, "more", user=ana, value="explode")


async def test_a_stranger_from_another_workspace_is_shown_as_one(bolt, slack, ana, releases):
    await bolt.connect()
    stranger = slack.user("stranger", team_id="T0OTHER")
    command = await slack.command("/x", "", user=stranger, channel=releases)
    mention = await slack.mention("hi", stranger, releases)
    assert command.payload["team_id"] == "T0OTHER"
    assert mention.payload["team_id"] == slack.team_id
    assert mention.payload["event"]["user_team"] == "T0OTHER"


async def test_an_address_is_verified_by_its_challenge(bolt, slack):
    await bolt.serve_http()
    assert await slack.http.verify(slack.request_url)
    slack.http.secret = "another"
    assert not await slack.http.verify(slack.request_url)


async def test_slack_changes_are_sent_to_listeners(slack, client, releases):
    told = []
    slack.listeners.append(lambda what, about: told.append((what, about.get("channel"))))
    await client.chat_postMessage(channel=releases.id, text="x")
    assert ("message", releases.id) in told


def test_a_channel_recovers_one_post_a_second():
    now = 100.0
    pacing = PostRateLimit(SlackWorkspace(lambda: now))
    pacing.enforced, pacing.burst = True, 1
    pacing.post("C1")
    with pytest.raises(Exception, match="ratelimited for 1 s"):
        pacing.post("C1")
    now += 1
    pacing.post("C1")
    assert pacing.posts["C1"] == [100.0, 101.0]
