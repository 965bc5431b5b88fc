"""What does not look like Slack's goes no further, and text that no database holds is made to fit."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.schemas import is_valid, sanitize
from sandbox.faults import Fault
from sandbox.slack.signing import signature
from tests.conftest import Environment
from tests.support.handing import directs, ready, rested
from tests.support.seeing import old_card

USER = {"id": "U0S000001", "team_id": "T0SANDBOX"}
ODD: dict[str, dict[str, Any]] = {
    "a channel that is a word": {"type": "block_actions", "user": USER, "channel": "C1", "actions": []},
    "a person that is a list": {"type": "block_actions", "user": [USER], "actions": []},
    "actions that are none": {"type": "block_actions", "user": USER, "actions": True},
    "an action that is a number": {"type": "block_actions", "user": USER, "actions": [5]},
    "a form's state that is text": {"type": "view_submission", "user": USER, "view": {"state": "x"}},
    "an input that is a number": {
        "type": "view_submission",
        "user": USER,
        "view": {"state": {"values": {"x": {"y": 5}}}},
    },
    "a message that is true": {"type": "message_action", "user": USER, "message": True, "callback_id": "get_build"},
    "an event that is a list": {"type": "event_callback", "event": [None], "event_id": "Ev1"},
    "an event that is nothing": {"type": "event_callback", "event": None, "event_id": "Ev3"},
    "an id without end": {"type": "block_actions", "user": {"id": "U" * 3000}, "actions": []},
    "a channel without end": {"type": "message_action", "user": USER, "channel": {"id": "C" * 300}, "message": {}},
    "an event by nobody": {"type": "event_callback", "event": {"type": "app_mention", "user": {}}, "event_id": "Ev2"},
}


@pytest.mark.parametrize("body", ODD.values(), ids=list(ODD))
async def test_schema_other_shape_does_nothing_and_is_not_redelivered(
    world: Environment, log: io.StringIO, body: dict[str, Any]
) -> None:
    await world.start()
    ack = await world.slack.delivery.ask("interactive", body)
    assert ack.ok, "Slack would only send it again"
    await rested(world)
    assert '"request.unreadable"' in log.getvalue()
    assert '"level": "error"' not in log.getvalue()


@pytest.mark.parametrize("body", ODD.values(), ids=list(ODD))
async def test_over_http_it_is_refused(world: Environment, log: io.StringIO, body: dict[str, Any]) -> None:
    await world.start(slack_app_token=None)
    ack = await world.slack.delivery.ask("interactive", body)
    assert not ack.ok
    assert '"level": "error"' not in log.getvalue()


async def test_json_of_a_thousand_floors_is_refused(world: Environment, log: io.StringIO) -> None:
    await world.start(slack_app_token=None)
    body, stamp = "[" * 100_000, str(int(world.slack.workspace.clock()))
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(world.slack.signing_secret, stamp, body),
    }
    async with aiohttp.ClientSession() as session:
        async with session.post(str(world.slack.request_url), data=body, headers=headers) as answer:
            assert answer.status == 401
    assert '"level": "error"' not in log.getvalue()


async def test_a_mention_whose_channel_is_an_object_is_answered(world: Environment, log: io.StringIO) -> None:
    await world.start()
    event = {"type": "app_mention", "user": world.ana.id, "text": "<@U0APPLIVERY> whoami"}
    await world.slack.event(event | {"channel": {"id": world.releases.id}, "ts": "1.1"})
    await rested(world)
    assert world.slack.ephemerals(world.ana, world.releases)
    assert '"level": "error"' not in log.getvalue()


async def test_mention_without_user_is_not_answered(world: Environment) -> None:
    await world.start()
    calls = len(world.slack.calls)
    event = {"type": "app_mention", "text": "<@U0APPLIVERY> whoami", "channel": world.releases.id, "ts": "1.1"}
    turn = await world.slack.event(event)
    await rested(world)
    assert turn.acked
    assert [call.method for call in world.slack.calls[calls:]] == []


@pytest.mark.parametrize("text", ["half \udfff a pair", "a NUL \x00", "\ud800/\x00/\udfff"])
async def test_text_that_no_database_holds_breaks_nothing(world: Environment, log: io.StringIO, text: str) -> None:
    await world.start()
    card = old_card(world.slack, world.releases, "get.v1", text)
    turn = await world.slack.click(card, "get.v1", user=world.ana)
    await turn.answer()
    payload = {**world.slack.person.payloads.command(world.ana, world.releases, "/applivery", f"get {text}", {})}
    assert (await world.slack.delivery.ask("slash_commands", payload)).ok
    await rested(world)
    assert '"level": "error"' not in log.getvalue()


async def test_an_answer_s_address_may_ask_for_half_a_second(world: Environment, log: io.StringIO) -> None:
    await world.start()
    ready(world)
    world.slack.faults.add("response_url", Fault(status=429, retry_after=0.5))  # the SDK wants whole ones
    turn = await world.slack.command("/applivery", "builds courier", user=world.ana, channel=world.releases)
    assert "Courier" in (await turn.answer()).text
    await rested(world)
    assert directs(world, world.ana) == []
    assert '"level": "error"' not in log.getvalue()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda strategy: st.lists(strategy) | st.dictionaries(st.text(), strategy),
    )
)
def test_any_json_is_readable_or_not_and_can_be_cleaned(body: Any) -> None:
    assert is_valid(body) in (True, False)
    "".join(_texts(sanitize({"of": body}))).encode()


def test_only_what_no_database_can_hold_is_left_out() -> None:
    fine: dict[str, Any] = {"text": "é 👍 \\u0000 as it is written", "number": 10**30, "rows": [{"x": None, "y": 1.5}]}
    assert sanitize(fine) == fine
    for bad, good in (("a\x00b", "ab"), ("a\ud83db", "a?b")):
        assert sanitize({"rows": [{"x": bad}], "number": 10**30}) == {"rows": [{"x": good}], "number": 10**30}
        assert sanitize({bad: {bad: ""}}) == {good: {good: ""}}


def _texts(part: Any) -> list[str]:
    if isinstance(part, str):
        assert "\x00" not in part
        return [part]
    inside = [*part, *part.values()] if isinstance(part, dict) else part if isinstance(part, list) else []
    return [text for item in inside for text in _texts(item)]
