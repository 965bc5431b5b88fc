"""What happens to channels and to the app itself, as Slack's own pages say it."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError


async def test_a_converted_channel_has_another_id(slack, client, ana):
    secret = slack.channel("secret", private=True, members=(ana,))
    posted = await client.chat_postMessage(channel=secret.id, text="before")
    old = secret.id
    await slack.convert(secret)
    assert secret.id != old
    calls = (client.conversations_info, client.conversations_history, client.conversations_members)
    for call in calls:
        with pytest.raises(SlackApiError, match="channel_not_found"):
            await call(channel=old)
    for call in (client.chat_postMessage, client.chat_update):
        with pytest.raises(SlackApiError, match="channel_not_found"):
            await call(channel=old, ts=posted["ts"], text="x")
    (message,) = (await client.conversations_history(channel=secret.id))["messages"]
    assert message["ts"] == posted["ts"]
    await client.chat_update(channel=secret.id, ts=posted["ts"], text="after")


async def test_a_conversion_names_both_ids(bolt, slack, ana):
    await bolt.connect()
    secret = slack.channel("secret", private=True, members=(ana,))
    old = secret.id
    turn = await slack.convert(secret)
    event = turn.payload["event"]
    assert event.pop("event_ts")
    assert event == {"type": "channel_id_changed", "old_channel_id": old, "new_channel_id": secret.id}


async def test_a_conversion_is_told_to_no_app_outside(bolt, slack, ana):
    await bolt.connect()
    assert await slack.convert(slack.channel("other", private=True, bot_is_member=False, members=(ana,))) is None
    with pytest.raises(ValueError, match="channel_type"):
        await slack.convert(slack.channel("open", members=(ana,)))


async def test_a_shared_channel_says_so(bolt, slack, client, releases):
    await bolt.connect()
    turn = await slack.places.connect(releases)
    assert {"type": "channel_shared", "connected_team_id": "E163Q94DX", "channel": releases.id}.items() <= (
        turn.payload["event"].items()
    )
    assert (await client.conversations_info(channel=releases.id))["channel"]["is_ext_shared"] is True
    turn = await slack.places.disconnect(releases)
    assert turn.payload["event"]["is_ext_shared"] is False
    assert (await client.conversations_info(channel=releases.id))["channel"]["is_ext_shared"] is False


async def test_an_uninstalled_app_can_do_nothing(bolt, slack, client, releases):
    await bolt.connect()
    await slack.uninstall()
    for call in (client.auth_test(), client.chat_postMessage(channel=releases.id, text="x"), client.users_list()):
        with pytest.raises(SlackApiError, match="account_inactive"):
            await call
    slack.reinstall()
    assert (await client.auth_test())["ok"]
