from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import aiohttp
import pytest

from bot import http_client
from bot.exceptions import (
    ChannelUnavailable,
    DeliveryUnknown,
    MessageRejected,
    SlackError,
    SlackInvalidCredentials,
    SlackRateLimited,
)
from bot.slack import blocks
from bot.slack.blocks import FileAttachment, Message, Modal
from bot.slack.client import SlackClient
from bot.slack.message_lookup import SearchPeriod
from bot.timeouts import RateLimitDeadlines, for_a_person
from sandbox.faults import Fault
from sandbox.slack import FakeChannel, FakeSlack, FakeUser
from tests.support.waiting import busyness

HELLO = Message("hello there", (blocks.section("hello *there*"),))


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    it = FakeSlack()
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.8)) as it:
        yield it


@pytest.fixture
def poster(slack: FakeSlack, session: aiohttp.ClientSession) -> SlackClient:
    return SlackClient(token=slack.bot_token, base_url=slack.api_url, session=session, pace=0.0)


@pytest.fixture
def ana(slack: FakeSlack) -> FakeUser:
    return slack.user("ana", admin=True)


@pytest.fixture
def releases(slack: FakeSlack, ana: FakeUser) -> FakeChannel:
    return slack.channel("releases", members=(ana,))


# ------------------------------------------------------------------ errors

ERRORS = [
    ("not_in_channel", ChannelUnavailable),
    ("channel_not_found", ChannelUnavailable),
    ("is_archived", ChannelUnavailable),
    ("restricted_action_read_only_channel", ChannelUnavailable),
    ("invalid_blocks", MessageRejected),
    ("msg_too_long", MessageRejected),
    ("msg_blocks_too_long", MessageRejected),
    ("metadata_too_large", MessageRejected),
    ("only_one_table_allowed", MessageRejected),
    ("invalid_auth", SlackInvalidCredentials),
    ("token_revoked", SlackInvalidCredentials),
    ("account_inactive", SlackInvalidCredentials),
    ("internal_error", DeliveryUnknown),
    ("fatal_error", DeliveryUnknown),
    ("ratelimited", SlackRateLimited),
    ("rate_limited", SlackRateLimited),
    ("a_word_from_the_future", SlackError),
]


@pytest.mark.parametrize(("code", "kind"), ERRORS)
async def test_client_slack_error_maps_to_own_error_with_its_name(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel, code: str, kind: type[SlackError]
) -> None:
    slack.faults.add("chat.postMessage", Fault(error=code))
    with pytest.raises(SlackError) as caught:
        await poster.post(releases.id, HELLO)
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert len(slack.calls_of("chat.postMessage")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=503, body="<html>"),
        Fault(body="<html>not json</html>"),
        Fault(body='{"ok": tru'),
        Fault(drop=True),
        Fault(drop_after=True),
        Fault(latency=1.0),
    ],
)
async def test_client_unknown_outcome_is_reported_and_not_reposted(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel, fault: Fault
) -> None:
    """When it is unknown whether Slack stored a message, it is never posted again."""
    await poster.post(releases.id, Message("before"))  # the connection is one that was used before
    slack.faults.add("chat.postMessage", fault)
    with pytest.raises(DeliveryUnknown):
        await poster.post(releases.id, HELLO)
    assert len(slack.faults.fired) == 1
    assert len(slack.calls_of("chat.postMessage")) <= 2
    stored = [message.text for message in slack.messages(releases)]
    assert stored == ["before", "hello there"] if fault.drop_after else stored == ["before"]


async def test_a_busy_slack_says_how_long_and_nothing_was_posted(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    slack.faults.add("chat.postMessage", Fault(status=429, retry_after=7))
    with pytest.raises(SlackRateLimited) as caught:
        await poster.post(releases.id, HELLO)
    assert caught.value.retry_after == 7
    assert slack.messages(releases) == []


async def test_a_missing_scope_is_named_with_what_to_do(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    slack.scopes -= {"chat:write"}
    with pytest.raises(SlackError, match=r"`chat:write`.*reinstall") as caught:
        await poster.post(releases.id, HELLO)
    assert caught.value.code == "missing_scope"


async def test_slack_s_real_refusals_are_understood(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    elsewhere = slack.channel("elsewhere", bot_is_member=False)
    for channel in (elsewhere.id, "C0NOWHERE"):
        with pytest.raises(ChannelUnavailable):
            await poster.post(channel, HELLO)
    releases.archived = True
    with pytest.raises(ChannelUnavailable):
        await poster.post(releases.id, HELLO)
    releases.archived = False
    with pytest.raises(MessageRejected):
        await poster.post(releases.id, Message("x", ({"type": "no_such_block"},)))
    slack.revoke()
    with pytest.raises(SlackInvalidCredentials):
        await poster.post(releases.id, HELLO)


# ------------------------------------------------------------------ what is sent


async def test_both_unfurl_flags_go_with_every_kind_of_message(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel, ana: FakeUser
) -> None:
    dangerous = Message(f"{slack.url}/once", (blocks.section(f"<{slack.url}/once|here>"),))
    posted = await poster.post(releases.id, dangerous)
    await poster.post(releases.id, dangerous, thread_ts=posted.ts)
    await poster.post(ana.id, dangerous)
    await poster.edit(releases.id, posted.ts, dangerous)
    turn = await slack.command("/applivery", "x", user=ana, channel=releases)
    await poster.respond(turn.response_url, dangerous)
    await slack.settled()
    assert slack.crawled == []
    sent = [call.args for call in slack.calls if call.method.startswith("chat.")]
    sent += [body for _, body, _ in slack.responses.uses]
    assert len(sent) == 5
    assert [(entry["unfurl_links"], entry["unfurl_media"]) for entry in sent] == [(False, False)] * 5


async def test_client_user_id_reaches_dm_and_thread_is_kept(
    slack: FakeSlack, poster: SlackClient, ana: FakeUser
) -> None:
    head = await poster.post(ana.id, HELLO)
    assert head.channel == slack.dm(ana).id
    await poster.post(head.channel, Message("below"), thread_ts=head.ts)
    assert [message.text for message in slack.messages(slack.dm(ana), head.ts)] == ["below"]


async def test_an_edit_replaces_and_a_delete_takes_back(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    posted = await poster.post(releases.id, HELLO)
    await poster.edit(releases.id, posted.ts, Message("changed"))
    assert [message.text for message in slack.messages(releases)] == ["changed"]
    await poster.delete(releases.id, posted.ts)
    assert slack.messages(releases) == []


async def test_too_many_blocks_are_cut_to_what_slack_takes_and_say_so(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    await poster.post(releases.id, Message("many", tuple(blocks.section(f"line {n}") for n in range(60))))
    [message] = slack.messages(releases)
    assert len(message.blocks) == 50
    assert "11 more" in str(message.blocks[-1])


# ------------------------------------------------------------------ the way back


async def test_an_answer_is_private_and_replaces_only_when_told_to(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel, ana: FakeUser
) -> None:
    card = Message("card", (blocks.actions(blocks.button("Press", "x.v1")),))
    await poster.post(releases.id, card)
    [shown] = slack.messages(releases)
    turn = await slack.click(shown, "x.v1", user=ana)
    await poster.respond(turn.response_url, HELLO)
    assert (shown.text, shown.edited) == ("card", False)
    [private] = slack.ephemerals(ana)
    assert private.text == "hello there"
    turn = await slack.command("/applivery", "x", user=ana, channel=releases)
    await poster.respond(turn.response_url, card)
    private = slack.ephemerals(ana)[-1]
    turn = await slack.click(private, "x.v1", user=ana)
    await poster.respond(turn.response_url, Message("instead"), replace=True)
    assert private.text == "instead"


async def test_every_call_keeps_to_no_proxy(
    slack: FakeSlack, releases: FakeChannel, ana: FakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK takes one proxy from the environment for each of its clients, whatever `NO_PROXY` says."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with http_client.session(timeout=aiohttp.ClientTimeout(total=5)) as ours:
        poster = SlackClient(token=slack.bot_token, base_url=slack.api_url, session=ours, pace=0.0)
        turn = await slack.command("/applivery", "x", user=ana, channel=releases)
        await poster.respond(turn.response_url, HELLO)
        posted = await poster.post(releases.id, HELLO)
        await poster.upload_file(posted, FileAttachment("people.csv", b"a,b"))
    assert slack.ephemerals(ana)[-1].text == "hello there"


async def test_a_way_back_that_is_used_up_is_a_problem_and_not_silence(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel, ana: FakeUser
) -> None:
    turn = await slack.command("/applivery", "x", user=ana, channel=releases)
    for _ in range(5):
        await poster.respond(turn.response_url, HELLO)
    with pytest.raises(SlackError) as caught:
        await poster.respond(turn.response_url, HELLO)
    assert caught.value.code == "response_url_404"


async def test_an_answer_is_not_repeated_when_the_connection_breaks(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel, ana: FakeUser
) -> None:
    turn = await slack.command("/applivery", "x", user=ana, channel=releases)
    slack.faults.add("response_url", Fault(drop=True))
    with pytest.raises(DeliveryUnknown):
        await poster.respond(turn.response_url, HELLO)
    assert len(slack.faults.fired) == 1
    assert turn.answers == []


async def test_a_form_is_asked_to_open_once(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel, ana: FakeUser
) -> None:
    turn = await slack.command("/applivery", "x", user=ana, channel=releases)
    form = Modal(
        "f.v1", "A title that is much too long for Slack", (blocks.external_select("App", "app", hint="Type"),)
    )
    await poster.open_modal(turn.trigger_id, form)
    assert len(turn.views[0].title) <= 24
    with pytest.raises(SlackError) as caught:
        await poster.open_modal(turn.trigger_id, form)
    assert "trigger" in caught.value.code


# ------------------------------------------------------------------ pacing


async def test_client_pace_is_one_message_per_channel(
    slack: FakeSlack, session: aiohttp.ClientSession, releases: FakeChannel, ana: FakeUser
) -> None:
    """Another channel does not wait."""
    pace = 0.3  # so long that a busy machine, where some arrive late, does not look like haste
    poster = SlackClient(token=slack.bot_token, base_url=slack.api_url, session=session, pace=pace)
    other = slack.channel("other")
    await asyncio.gather(*(poster.post(channel.id, Message(str(n))) for n in range(5) for channel in (releases, other)))
    for channel in (releases, other):
        at = slack.posts_per_channel[channel.id]
        gaps = [after - before for before, after in pairwise(at)]
        assert min(gaps) > pace * 0.5  # a request may take a little longer than the next one
        assert at[-1] - at[0] >= pace * 3.5
        assert [message.text for message in slack.messages(channel)] == list("01234")
    first = [slack.posts_per_channel[channel.id][0] for channel in (releases, other)]
    assert abs(first[0] - first[1]) < pace


async def test_nothing_is_sent_after_its_time(
    slack: FakeSlack, session: aiohttp.ClientSession, releases: FakeChannel
) -> None:
    poster = SlackClient(token=slack.bot_token, base_url=slack.api_url, session=session, pace=60.0)
    now = time.monotonic()
    with pytest.raises(SlackRateLimited):
        await poster.post(releases.id, HELLO, before=now - 0.001)
    await poster.post(releases.id, HELLO, before=now + 5)
    with pytest.raises(SlackRateLimited) as caught:
        await poster.post(releases.id, HELLO, before=now + 5)  # its turn comes in a minute
    assert 50 < caught.value.retry_after <= 60
    assert len(slack.messages(releases)) == 1


async def test_retry_after_is_obeyed_where_repeating_does_no_harm(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    posted = await poster.post(releases.id, HELLO)
    slack.faults.add("chat.delete", Fault(status=429, retry_after=1))
    started = time.monotonic()
    await poster.delete(releases.id, posted.ts)
    assert 0.95 < time.monotonic() - started < 3 * busyness()
    assert [call.status for call in slack.calls_of("chat.delete")] == [429, 200]


async def test_an_edit_is_never_repeated_by_itself(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    """A late repeat would put old words over newer ones."""
    posted = await poster.post(releases.id, HELLO)
    slack.faults.add("chat.update", Fault(status=429, retry_after=30))
    with pytest.raises(SlackRateLimited) as caught:
        await poster.edit(releases.id, posted.ts, Message("changed"))
    assert caught.value.retry_after == 30
    with pytest.raises(SlackRateLimited):
        await poster.edit(releases.id, posted.ts, Message("changed"), before=time.monotonic())
    assert [call.status for call in slack.calls_of("chat.update")] == [429], "what is too late is not even tried"


async def test_client_read_request_repeated_after_broken_connection(slack: FakeSlack, poster: SlackClient) -> None:
    """A request that changes nothing at Slack can be repeated."""
    slack.faults.add("auth.test", Fault(drop=True))
    assert (await poster.identity()).team_id == slack.team_id


# ------------------------------------------------------------------ asking


async def test_a_message_is_found_again_by_its_key_and_no_other(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    since = SearchPeriod(time.time() - 1)
    first = await poster.post(releases.id, HELLO, key="key-1")
    await poster.post(releases.id, HELLO, key="key-2")
    for number in range(450):  # more than two pages
        await poster.post(releases.id, Message(f"chatter {number}"))
    assert await poster.find_messages(releases.id, ("key-1",), (since,)) == {"key-1": first.ts}
    assert await poster.find_messages(releases.id, ("key-3",), (since,)) == {}
    assert await poster.find_messages(releases.id, ("key-1",), (SearchPeriod(time.time() + 3600),)) == {}
    assert await poster.find_messages(releases.id, ("key-1",), (SearchPeriod(0, float(first.ts) - 1),)) == {}


async def test_client_own_identity_requested_once(slack: FakeSlack, poster: SlackClient) -> None:
    first, second = await poster.identity(), await poster.identity()
    assert first == second
    assert (first.team_id, first.user_id, first.name) == (slack.team_id, slack.bot_user_id, "applivery")
    assert len(slack.calls_of("auth.test")) == 1


async def test_client_own_name_guessed_while_slack_down_and_retried(slack: FakeSlack, poster: SlackClient) -> None:
    slack.users[slack.bot_user_id].handle = "build-robot"
    slack.faults.add("auth.test", Fault(error="internal_error"))
    assert await poster.bot_name() == "Applivery"
    assert await poster.bot_name() == "build-robot"


async def test_a_channel_is_described_as_slack_sees_it(slack: FakeSlack, poster: SlackClient, ana: FakeUser) -> None:
    inside = slack.channel("inside", shared=True)
    outside = slack.channel("outside", bot_is_member=False, archived=True)
    hidden = slack.channel("hidden", private=True, bot_is_member=False)
    found = await poster.channel(inside.id)
    assert (found.name, found.is_member, found.is_shared, found.is_archived) == ("inside", True, True, False)
    found = await poster.channel(outside.id)
    assert (found.is_member, found.is_archived) == (False, True)
    assert (await poster.channel(slack.dm(ana).id)).is_member is True
    with pytest.raises(ChannelUnavailable):
        await poster.channel(hidden.id)


async def test_client_look_up_goes_on_where_a_limit_ended_it(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    posted = await poster.post(releases.id, HELLO, key="key-1")
    for number in range(20):
        slack.other_bot_posts(releases, f"chatter {number}")
    now = time.time()
    period = SearchPeriod(now - 60, now + 60)
    slack.history_seconds = 60.0
    with for_a_person():  # who waits for no minute
        with pytest.raises(SlackRateLimited):
            await poster.find_messages(releases.id, ("key-1",), (period,))
        poster.api.limits = RateLimitDeadlines()
        slack.history_seconds = None
        assert await poster.find_messages(releases.id, ("key-1",), (period,)) == {"key-1": posted.ts}
    assert [bool(call.args.get("cursor")) for call in slack.calls_of("conversations.history")] == [False, True, True]


async def test_client_look_up_begins_anew_for_a_later_attempt(
    slack: FakeSlack, poster: SlackClient, releases: FakeChannel
) -> None:
    """Another replica looked to the end meanwhile and tried again: what it posted is newer than what was read."""
    for number in range(20):
        slack.other_bot_posts(releases, f"chatter {number}")
    now = time.time()
    slack.history_seconds = 60.0
    with for_a_person():
        with pytest.raises(SlackRateLimited):
            await poster.find_messages(releases.id, ("key-1",), (SearchPeriod(now - 60, now + 60),))
        posted = await poster.post(releases.id, HELLO, key="key-1")
        poster.api.limits = RateLimitDeadlines()
        slack.history_seconds = None
        found = await poster.find_messages(releases.id, ("key-1",), (SearchPeriod(now - 60, now + 90),))
    assert found == {"key-1": posted.ts}
