"""run: one line once Slack is connected, and one while it is not."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bot.cli import run_command
from bot.slack.client import BotIdentity


async def test_run_says_while_slack_is_not_reached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_command, "CONNECT_SECONDS", 0.01)
    reached = asyncio.Event()

    async def connected() -> BotIdentity:
        await reached.wait()
        return BotIdentity("T1", "U1", "B1", "applivery", team="Acme")

    running_bot: Any = SimpleNamespace(connected=connected)
    settings: Any = SimpleNamespace(log_format="console", slack_command="/builds")
    greeting = asyncio.create_task(run_command._greet(running_bot, settings))
    said = ""
    while not said:
        await asyncio.sleep(0)
        said = capsys.readouterr().out
    assert said == "Still connecting to Slack. If this goes on, run `applivery-bot doctor`.\n"
    reached.set()
    await greeting
    assert capsys.readouterr().out == "Connected to Acme as @applivery. Type /builds in Slack.\n"
