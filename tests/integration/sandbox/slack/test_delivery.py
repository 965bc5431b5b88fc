"""Sockets that come and go, and deliveries that are lost, late or repeated."""

import asyncio

import aiohttp
import pytest

from sandbox.faults import Fault
from sandbox.slack.signing import signature
from tests.support.waiting import PATIENCE


async def ticket_url(client):
    return (await client.apps_connections_open(app_token="xapp-sandbox"))["url"]


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_hello_says_how_many_connections_there_are(client, session):
    async with (
        session.ws_connect(await ticket_url(client)) as first,
        session.ws_connect(await ticket_url(client)) as two,
    ):
        assert (await first.receive_json())["num_connections"] == 1
        hello = await two.receive_json()
    assert hello["type"] == "hello"
    assert hello["num_connections"] == 2
    assert hello["connection_info"]["app_id"]
    assert hello["debug_info"]["approximate_connection_time"] > 0


async def test_a_ticket_is_good_for_one_handshake(client, session):
    url = await ticket_url(client)
    async with session.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(url)
    assert caught.value.status == 408


async def test_the_eleventh_connection_is_sent_away(slack, client, session):
    opened = [await session.ws_connect(await ticket_url(client)) for _ in range(11)]
    frame = await opened[10].receive_json()
    assert (frame["type"], frame["reason"]) == ("disconnect", "too_many_websockets")
    await slack.until(lambda: len(slack.sockets) == 10)


async def test_handshakes_are_refused_while_told_so(slack, client, session):
    slack.refuse_handshakes(None, status=503)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await session.ws_connect(await ticket_url(client))
    assert caught.value.status == 503
    slack.refuse_handshakes(0)
    async with session.ws_connect(await ticket_url(client)) as ws:
        assert (await ws.receive_json())["type"] == "hello"


async def test_each_envelope_goes_to_one_socket_in_turn(slack, client, session, ana, releases):
    sockets = [await session.ws_connect(await ticket_url(client)) for _ in range(2)]
    for ws in sockets:
        await ws.receive_json()

    async def answer(ws):
        frame = await ws.receive_json()
        await ws.send_json({"envelope_id": frame["envelope_id"]})
        return frame["payload"]["text"]

    turns = [slack.command("/x", str(number), user=ana, channel=releases) for number in range(2)]
    heard = await asyncio.gather(*map(answer, sockets), *turns)
    assert sorted(heard[:2]) == ["0", "1"]
    assert all(turn.acked for turn in heard[2:])


async def test_slack_unacknowledged_event_redelivered_on_other_socket(slack, client, session, ana, releases):
    slack.delivery.retry_delays = (0.0,)
    sockets = [await session.ws_connect(await ticket_url(client)) for _ in range(2)]
    for ws in sockets:
        await ws.receive_json()
    receiving = [asyncio.create_task(ws.receive_json()) for ws in sockets]
    turn = await slack.mention("hi", ana, releases)
    assert not turn.acked
    frames = await asyncio.gather(*receiving)
    first, again = sorted(frames, key=lambda frame: frame["retry_attempt"])
    assert (again["retry_attempt"], again["retry_reason"]) == (1, "timeout")
    assert first["payload"]["event_id"] == again["payload"]["event_id"]
    assert first["envelope_id"] != again["envelope_id"]
    for ws in sockets:
        await ws.send_json({"envelope_id": again["envelope_id"]})
    await slack.until(lambda: turn.acked)
    assert turn.error is None


async def test_an_event_comes_again_at_once_when_its_socket_closes(slack, client, session, ana, releases):
    slack.ack_seconds = 5
    sockets = [await session.ws_connect(await ticket_url(client)) for _ in range(2)]
    for ws in sockets:
        await ws.receive_json()

    async def die_at_the_first_and_acknowledge_the_second(ws):
        frame = await ws.receive_json()
        if frame["retry_attempt"] == 0:
            await ws.close()
        else:
            await ws.send_json({"envelope_id": frame["envelope_id"]})
        return frame["retry_attempt"]

    turn, *attempts = await asyncio.gather(
        slack.mention("hi", ana, releases), *map(die_at_the_first_and_acknowledge_the_second, sockets)
    )
    await slack.until(lambda: turn.acked)
    assert sorted(attempts) == [0, 1]


async def test_bolt_sees_the_same_event_as_often_as_it_is_sent(bolt, slack, ana, releases):
    heard, all_of_them = [], asyncio.Event()

    @bolt.app.event("app_mention")
    async def mention(body):
        heard.append(body["event_id"])
        if len(heard) == 3:
            all_of_them.set()

    await bolt.connect()
    await slack.mention("hi", ana, releases, retries=2)
    await asyncio.wait_for(all_of_them.wait(), PATIENCE)
    assert len(set(heard)) == 1


async def test_slack_http_event_retried_with_number_and_reason(bolt, slack, ana, releases):
    slack.delivery.retry_delays = (0.0, 0.0, 0.0)
    heard = []

    @bolt.app.middleware
    async def fail_twice(req, resp, next):  # noqa: A002
        heard.append(req.headers.get("x-slack-retry-num"))
        if len(heard) < 3:
            resp.status = 503
            return resp
        return await next()

    @bolt.app.event("app_mention")
    async def mention():
        pass

    await bolt.serve_http()
    turn = await slack.mention("hi", ana, releases)
    assert turn.error == "dispatch_failed"
    await slack.until(lambda: turn.acked)
    assert heard == [None, ["1"], ["2"]]


async def test_a_real_client_comes_back_after_refresh_requested(bolt, slack, ana, releases):
    await bolt.connect()
    first = slack.sockets[0]
    await slack.disconnect("refresh_requested")
    await slack.until(lambda: slack.sockets and slack.sockets[0] is not first)


async def test_a_real_client_comes_back_after_its_connection_is_cut(bolt, slack):
    await bolt.connect()
    first = slack.sockets[0]
    await slack.cut()
    await slack.until(lambda: slack.sockets and slack.sockets[0] is not first)


async def test_a_silent_socket_stays_open_and_acknowledges_nothing(slack, client, session, ana, releases):
    ws = await session.ws_connect(await ticket_url(client), autoping=False)
    await ws.receive_json()
    slack.silence()
    await ws.ping(b"still there?")
    turn = await slack.command("/x", "", user=ana, channel=releases)
    assert turn.error == "operation_timeout"
    with pytest.raises(TimeoutError):
        await ws.receive(timeout=0.05)
    assert len(slack.sockets) == 1
    slack.silence(False)
    await ws.ping(b"and now?")
    assert (await ws.receive(timeout=2)).type is aiohttp.WSMsgType.PONG


async def test_a_warning_closes_nothing(slack, client, session):
    ws = await session.ws_connect(await ticket_url(client))
    await ws.receive_json()
    assert await slack.disconnect("warning") == 1
    assert (await ws.receive_json())["reason"] == "warning"
    assert len(slack.sockets) == 1


async def test_a_disabled_link_is_closed(slack, client, session):
    ws = await session.ws_connect(await ticket_url(client))
    await ws.receive_json()
    await slack.disconnect("link_disabled")
    assert (await ws.receive_json())["reason"] == "link_disabled"
    assert (await ws.receive(timeout=2)).type is aiohttp.WSMsgType.CLOSE


async def test_a_handshake_meets_the_faults_that_wait_for_it(slack, client, session):
    # Twice: aiohttp itself tries a GET again whose connection was dropped.
    slack.faults.add("socket", Fault(drop=True), times=2)
    with pytest.raises(aiohttp.ClientError):
        await session.ws_connect(await ticket_url(client))


def test_a_signature_is_the_one_of_slacks_own_example():
    # https://docs.slack.dev/authentication/verifying-requests-from-slack
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        "response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
        "trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_a_real_client_notices_silence_and_comes_back(bolt, slack, ana, releases):
    @bolt.app.command("/x")
    async def nothing(ack):
        await ack()

    await bolt.connect()
    first = slack.sockets[0]
    slack.silence()
    await slack.until(lambda: any(socket is not first for socket in slack.sockets))
    turn = await slack.command("/x", "", user=ana, channel=releases)
    await slack.until(lambda: first not in slack.sockets)
    assert (turn.acked, turn.error) in ((True, None), (False, "operation_timeout"))
    assert (await slack.command("/x", "", user=ana, channel=releases)).acked
