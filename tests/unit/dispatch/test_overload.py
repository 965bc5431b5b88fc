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
