"""What a request reads that is not worked on, for lack of room."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bot.dispatch.overload import OverloadResponder
from bot.dispatch.responder import Responder
from bot.observability.metrics import Metrics


@pytest.mark.parametrize(
    ("typed", "value"),
    [("get courier os:ios", "get courier os:ios"), ("", "menu"), ("GET  Courier", "get Courier")],
)
async def test_an_overloaded_command_can_be_tried_again(typed: str, value: str) -> None:
    overload = OverloadResponder(cast("Responder", None), Metrics(), "/applivery")
    answer: dict[str, Any] = await overload.acknowledgement({"command": "/applivery", "text": typed, "user_id": "U1"})
    assert answer["response_type"] == "ephemeral"
    assert answer["text"].startswith("Too many requests right now.")
    [button] = answer["blocks"][-1]["elements"]
    assert (button["text"]["text"], button["action_id"], button["value"]) == ("Try again", "run.v1", value)


NOT_WRITTEN = [{"bot_id": "B1"}, {"subtype": "message_changed"}, {"edited": {"ts": "1.2"}}]


@pytest.mark.parametrize("about", NOT_WRITTEN, ids=str)
async def test_overload_ignores_what_no_person_wrote(about: dict[str, Any]) -> None:
    overload = OverloadResponder(cast("Responder", None), Metrics(), "/applivery")
    event = {"type": "message", "channel": "D1", "channel_type": "im", "user": "U1", "text": "help", **about}
    body = {"type": "event_callback", "event": event}
    assert overload.message(body) is None
    assert await overload.acknowledgement(body) == {}
