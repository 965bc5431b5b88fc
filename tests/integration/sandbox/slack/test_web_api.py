"""The Web API as slack_sdk sees it."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.faults import Fault


async def error_of(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def test_auth_test_says_who_the_bot_is(slack, client):
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == (slack.team_id, slack.bot_user_id, slack.bot_id)
    assert "chat:write" in answer.headers["x-oauth-scopes"]


@pytest.mark.parametrize(
    ("token", "error"), [("xoxb-wrong", "invalid_auth"), ("", "not_authed"), ("xapp-sandbox", "not_allowed_token_type")]
)
async def test_a_wrong_token_is_refused(slack, token, error):
    client = AsyncWebClient(token=token or None, base_url=slack.api_url)
    assert await error_of(client.auth_test()) == error


async def test_a_revoked_token_is_refused(slack, client):
    slack.revoke()
    assert await error_of(client.auth_test()) == "token_revoked"


async def test_a_missing_scope_says_what_is_needed(slack, client, releases):
    slack.scopes.discard("chat:write")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=releases.id, text="x")
    answer = caught.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")
    assert "users:read" in answer["provided"]


async def test_history_needs_the_scope_of_its_kind_of_channel(slack, client, ana, releases):
    private = slack.channel("secret", private=True, members=[ana])
    slack.scopes.discard("groups:history")
    await client.conversations_history(channel=releases.id)
    assert await error_of(client.conversations_history(channel=private.id)) == "missing_scope"


async def test_an_unknown_method_is_said_to_be_one(client):
    assert await error_of(client.api_call("chat.shout")) == "unknown_method"


async def test_a_token_and_nested_arguments_may_come_as_a_form(slack, releases):
    form = {"token": slack.bot_token, "channel": releases.id, "blocks": '[{"type": "divider"}]', "unfurl_links": "0"}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{slack.api_url}chat.postMessage", data=form) as response:
            assert (await response.json())["ok"]
    message = slack.messages(releases)[0]
    assert message.blocks[0]["type"] == "divider"
    assert message.unfurl_links is False
    assert "token" not in slack.calls[-1].args


async def test_each_place_refuses_a_post_by_its_own_name(slack, client):
    outside = slack.channel("outside", bot_is_member=False)
    private = slack.channel("private", private=True, bot_is_member=False)
    archived = slack.channel("old", archived=True)
    assert await error_of(client.chat_postMessage(channel=outside.id, text="x")) == "not_in_channel"
    assert await error_of(client.chat_postMessage(channel=private.id, text="x")) == "channel_not_found"
    assert await error_of(client.chat_postMessage(channel=archived.id, text="x")) == "is_archived"
    assert await error_of(client.chat_postMessage(channel="C404", text="x")) == "channel_not_found"
    slack.scopes.add("chat:write.public")
    assert (await client.chat_postMessage(channel=outside.id, text="x"))["ok"]


async def test_a_client_msg_id_is_a_uuid_and_is_taken_once(slack, client, releases):
    own = "3b241101-e2bb-5255-8caf-4136c566a962"
    assert await error_of(client.chat_postMessage(channel="releases", text="x", client_msg_id="C1:b1")) == (
        "invalid_arguments"
    )
    assert (await client.chat_postMessage(channel=releases.id, text="x", client_msg_id=own))["ok"]
    twice = client.chat_postMessage(channel=releases.id, text="x", client_msg_id=own.upper())
    assert await error_of(twice) == "duplicate_client_msg_id"
    assert len(slack.messages(releases)) == 1


async def test_slack_client_msg_id_is_consumed_by_refused_message(slack, client, releases):
    own = "3b241101-e2bb-5255-8caf-4136c566a962"
    assert await error_of(client.chat_postMessage(channel=releases.id, client_msg_id=own)) == "no_text"
    assert await error_of(client.chat_postMessage(channel=releases.id, text="x", client_msg_id=own)) == (
        "duplicate_client_msg_id"
    )
    assert slack.messages(releases) == []


async def test_a_public_channel_may_be_joined_and_then_posted_to(slack, client):
    outside = slack.channel("outside", bot_is_member=False)
    await client.conversations_join(channel=outside.id)
    assert (await client.chat_postMessage(channel="#outside", text="x"))["channel"] == outside.id


async def test_a_post_to_a_person_opens_the_direct_message(slack, client, ana):
    answer = await client.chat_postMessage(channel=ana.id, text="psst")
    assert answer["channel"].startswith("D")
    assert slack.messages(slack.dm(ana))[0].text == "psst"
    assert (await client.conversations_open(users=ana.id))["channel"]["id"] == answer["channel"]


async def test_an_edit_replaces_the_content_and_keeps_the_metadata(slack, client, releases):
    metadata = {"event_type": "build", "event_payload": {"id": "1"}}
    posted = await client.chat_postMessage(
        channel=releases.id, text="one", blocks=[{"type": "divider"}], metadata=metadata
    )
    await client.chat_update(channel=releases.id, ts=posted["ts"], text="two")
    message = slack.messages(releases)[0]
    assert (message.text, message.blocks, message.edited) == ("two", [], True)
    assert message.metadata == metadata
    assert [each.text for each in message.history] == ["one"]


async def test_only_own_public_messages_can_be_edited_or_deleted(slack, client, ana, releases):
    theirs = slack.say("mine", ana, releases)
    private = await client.chat_postEphemeral(channel=releases.id, user=ana.id, text="x")
    update, delete = client.chat_update, client.chat_delete
    assert await error_of(update(channel=releases.id, ts=theirs.ts, text="x")) == "cant_update_message"
    assert await error_of(delete(channel=releases.id, ts=theirs.ts)) == "cant_delete_message"
    assert await error_of(update(channel=releases.id, ts=private["message_ts"], text="x")) == "message_not_found"
    assert await error_of(update(channel=releases.id, ts="1.000000", text="x")) == "message_not_found"


async def test_a_deleted_message_is_gone(slack, client, releases):
    posted = await client.chat_postMessage(channel=releases.id, text="x")
    message = slack.messages(releases)[0]
    await client.chat_delete(channel=releases.id, ts=posted["ts"])
    assert message.deleted
    assert slack.messages(releases) == []
    assert (await client.conversations_history(channel=releases.id))["messages"] == []


async def test_an_ephemeral_is_for_members_only(slack, client, ana, releases):
    ben = slack.user("ben")
    await client.chat_postEphemeral(channel=releases.id, user=ana.id, text="psst")
    call = client.chat_postEphemeral(channel=releases.id, user=ben.id, text="psst")
    assert await error_of(call) == "user_not_in_channel"
    assert [each.text for each in slack.ephemerals(ana, releases)] == ["psst"]


async def test_slack_history_newest_first_and_metadata_on_request(client, releases):
    metadata = {"event_type": "build", "event_payload": {"id": "1"}}
    for text in "abc":
        await client.chat_postMessage(channel=releases.id, text=text, metadata=metadata)
    plain = await client.conversations_history(channel=releases.id, limit=2)
    assert [each["text"] for each in plain["messages"]] == ["c", "b"]
    assert "metadata" not in plain["messages"][0]
    assert plain["has_more"]
    rest = await client.conversations_history(
        channel=releases.id, cursor=plain["response_metadata"]["next_cursor"], include_all_metadata=True
    )
    assert [each["text"] for each in rest["messages"]] == ["a"]
    assert rest["messages"][0]["metadata"] == metadata


async def test_slack_history_excludes_ends_unless_inclusive(client, releases):
    ts = [(await client.chat_postMessage(channel=releases.id, text=text))["ts"] for text in "abc"]
    out = await client.conversations_history(channel=releases.id, oldest=ts[0], latest=ts[2])
    within = await client.conversations_history(channel=releases.id, oldest=ts[0], latest=ts[2], inclusive=True)
    assert [each["text"] for each in out["messages"]] == ["b"]
    assert [each["text"] for each in within["messages"]] == ["c", "b", "a"]


async def test_slack_thread_read_by_parent_and_not_in_channel(slack, client, releases):
    parent = await client.chat_postMessage(channel=releases.id, text="parent")
    await client.chat_postMessage(channel=releases.id, text="reply", thread_ts=parent["ts"])
    await client.chat_postMessage(channel=releases.id, text="loud", thread_ts=parent["ts"], reply_broadcast=True)
    thread = await client.conversations_replies(channel=releases.id, ts=parent["ts"])
    assert [each["text"] for each in thread["messages"]] == ["parent", "reply", "loud"]
    assert thread["messages"][0]["reply_count"] == 2
    assert [each.text for each in slack.messages(releases)] == ["parent", "loud"]
    assert [each.text for each in slack.messages(releases, parent["ts"])] == ["reply", "loud"]


async def test_lists_are_paged(slack, client):
    for index in range(5):
        slack.channel(f"c{index}")
    names, cursor = [], None
    while cursor != "":
        answer = await client.conversations_list(limit=2, cursor=cursor)
        names += [each["name"] for each in answer["channels"]]
        cursor = answer["response_metadata"]["next_cursor"]
    assert names == [f"c{index}" for index in range(5)]


async def test_private_channels_are_listed_only_with_the_bot_in_them(slack, client):
    slack.channel("open")
    slack.channel("mine", private=True)
    slack.channel("theirs", private=True, bot_is_member=False)
    answer = await client.conversations_list(types="public_channel,private_channel")
    assert [each["name"] for each in answer["channels"]] == ["open", "mine"]


async def test_users_are_found_by_id_and_address(slack, client):
    boss = slack.user("boss", admin=True, email="boss@acme.test", tz="Asia/Tokyo")
    answer = await client.users_info(user=boss.id, include_locale=True)
    assert answer["user"]["is_admin"]
    assert answer["user"]["tz_offset"] == 32_400
    assert answer["user"]["locale"] == "en-US"
    assert (await client.users_lookupByEmail(email="boss@acme.test"))["user"]["id"] == boss.id
    assert await error_of(client.users_info(user="U404")) == "user_not_found"
    assert await error_of(client.users_lookupByEmail(email="x@acme.test")) == "users_not_found"


async def test_an_address_is_shown_only_with_its_scope(slack, client, ana):
    slack.scopes.discard("users:read.email")
    assert "email" not in (await client.users_info(user=ana.id))["user"]["profile"]


async def test_a_guest_and_a_stranger_are_told_apart(slack, client):
    guest, stranger = slack.user("guest", guest=True), slack.user("stranger", team_id="T0OTHER")
    assert (await client.users_info(user=guest.id))["user"]["is_restricted"]
    assert (await client.users_info(user=stranger.id))["user"]["team_id"] == "T0OTHER"


async def test_a_user_is_the_same_however_often_asked_for(slack):
    assert slack.user("ana") is slack.user("ana")
    assert slack.channel("releases") is slack.channel("releases")


async def test_user_groups_list_their_users(slack, client, ana):
    group = slack.usergroup("qa", [ana])
    assert (await client.usergroups_list(include_users=True))["usergroups"][0]["users"] == [ana.id]
    assert (await client.usergroups_users_list(usergroup=group.id))["users"] == [ana.id]


async def test_a_file_is_uploaded_in_two_steps_and_shared(slack, client, releases):
    parent = await client.chat_postMessage(channel=releases.id, text="parent")
    await client.files_upload_v2(
        channel=releases.id, filename="people.csv", content="a,b\n1,2\n", initial_comment="csv", thread_ts=parent["ts"]
    )
    message = slack.messages(releases, parent["ts"])[0]
    assert message.text == "csv"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {slack.bot_token}"}) as session:
        async with session.get(message.files[0]["url_private"]) as response:
            assert await response.text() == "a,b\n1,2\n"


async def test_a_permalink_points_at_the_message(client, releases):
    posted = await client.chat_postMessage(channel=releases.id, text="x")
    answer = await client.chat_getPermalink(channel=releases.id, message_ts=posted["ts"])
    assert answer["permalink"].endswith(f"/{releases.id}/p{posted['ts'].replace('.', '')}")


async def test_a_fault_answers_instead_of_doing_the_work(slack, client, releases):
    slack.faults.add("chat.*", Fault(status=429, retry_after=7))
    slack.faults.add("chat.*", Fault(error="fatal_error"))
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=releases.id, text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"
    assert await error_of(client.chat_postMessage(channel=releases.id, text="x")) == "fatal_error"
    assert slack.messages(releases) == []


async def test_a_connection_cut_after_the_work_has_done_the_work(slack, client, releases):
    slack.faults.add("chat.postMessage", Fault(drop_after=True))
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=releases.id, text="x")
    assert [each.text for each in slack.messages(releases)] == ["x"]
    slack.faults.add("chat.postMessage", Fault(drop=True))
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=releases.id, text="y")
    assert [each.text for each in slack.messages(releases)] == ["x"]


async def test_slack_rate_limit_applies_per_channel(slack, client, releases):
    slack.enforce_pacing, slack.burst = True, 2
    other = slack.channel("other")
    for _ in range(2):
        await client.chat_postMessage(channel=releases.id, text="x")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=releases.id, text="x")
    assert caught.value.response["error"] == "ratelimited"
    assert int(caught.value.response.headers["Retry-After"]) >= 1
    assert (await client.chat_postMessage(channel=other.id, text="x"))["ok"]
    assert len(slack.posts_per_channel[releases.id]) == 2


async def test_everything_is_there_again_after_a_restart(slack, client, ana, releases):
    posted = await client.chat_postMessage(
        channel=releases.id, text="x", metadata={"event_type": "e", "event_payload": {}}
    )
    await client.files_upload_v2(channel=releases.id, filename="a.txt", content="hello")
    other = type(slack)()
    other.restore(slack.snapshot(), slack.desk.files.contents().__getitem__)
    await other.start()
    try:
        assert [each.saved() for each in other.messages(releases.id)] == [
            each.saved() for each in slack.messages(releases)
        ]
        assert [file.content for file in other.desk.files.files.values()] == [b"hello"]
        assert other.user("ana").id == ana.id
        assert other.user("new").id not in slack.users
        again = AsyncWebClient(token=other.bot_token, base_url=other.api_url)
        await again.chat_update(channel=releases.id, ts=posted["ts"], text="y")
        assert other.messages(releases.id)[0].text == "y"
    finally:
        await other.stop()


async def test_ephemeral_below_a_message_without_replies_is_unseen(slack, client, releases, ana):
    asked = slack.say("which one?", ana, releases)
    answer = await client.chat_postEphemeral(channel=releases.id, user=ana.id, text="lost", thread_ts=asked.ts)
    assert answer["ok"]
    assert slack.ephemerals(ana) == []
    slack.say("this one", ana, releases, asked.ts)
    await client.chat_postEphemeral(channel=releases.id, user=ana.id, text="seen", thread_ts=asked.ts)
    assert [each.text for each in slack.ephemerals(ana)] == ["seen"]


async def test_read_only_messages_tab_takes_no_message(slack, ana):
    slack.workspace.messages_read_only = True
    for deed in (slack.command("/applivery", "help", user=ana, channel=slack.dm(ana)), slack.write("help", ana)):
        with pytest.raises(PermissionError):
            await deed
    assert slack.messages(slack.dm(ana)) == []
