"""What tests of links have in common: builds to get, a clock for everybody, and what stands in direct messages."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from sandbox.applivery.models import FakeBuild
from sandbox.slack import FakeMessage, FakeUser, Interaction
from tests.conftest import Environment
from tests.support.seeing import PARAGRAPHS, link, paragraph

MINTING = "GET /v1/organizations/*/downloadToken"


class Clock:
    """The time of the bot, of Slack and of Applivery, which begins now or `at` (aware), and can be put forward."""

    def __init__(self, world: Environment, at: datetime | None = None) -> None:
        self.ahead = at - datetime.now(UTC) if at else timedelta(0)
        world.tuning = replace(world.tuning, clock=self)
        world.slack.workspace.clock = self.seconds
        world.applivery.clock = self.seconds

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> float:
        return self().timestamp()

    def forward(self, **much: float) -> None:
        """So much later."""
        self.ahead += timedelta(**much)


def ready(world: Environment, **about: Any) -> FakeBuild:
    """A build of Courier that can be had."""
    return world.applivery.build(
        world.courier, **{"version": "2.4.0", "number": "173", "branch": "release/2.4", **about}
    )


def ends_once_asked(world: Environment, build: FakeBuild) -> list[int]:
    """Make a build ready, but let the first answer about it say that it is not; has one more for each answer."""
    asked: list[int] = []

    def move(body: Any) -> Any:
        asked.append(1)
        if len(asked) == 1:
            body["data"]["status"] = "in_progress"
        return body

    world.applivery.move(build, "processed")
    world.applivery.reshape(f"GET /v1/organizations/*/builds/{build.id}", move)
    return asked


def mints(world: Environment) -> int:
    """How often Applivery was asked for a token, answered or not."""
    return sum(request.path.endswith("/downloadToken") for request in world.applivery.requests)


def seen(message: FakeMessage) -> str:
    """All that a person reads in the blocks of a message."""
    return "\n".join(_words(message.blocks))


def _words(part: Any) -> list[str]:
    if isinstance(part, dict) and part.get("type") in PARAGRAPHS:
        return [paragraph(part)]
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [word for key, inside in part.items() if key != "value" for word in _words(inside)]
    return [word for inside in part for word in _words(inside)] if isinstance(part, list) else []


def directs(world: Environment, user: FakeUser) -> list[FakeMessage]:
    """What the bot wrote into somebody's direct messages, in order."""
    return [message for message in world.slack.messages(world.slack.dm(user)) if message.bot_id]


async def direct(world: Environment, user: FakeUser, n: int = 1) -> FakeMessage:
    """The n-th message in somebody's direct messages, once it is there."""
    await world.slack.until(lambda: len(directs(world, user)) >= n)
    return directs(world, user)[n - 1]


async def said(turn: Interaction, n: int = 1) -> str:
    """What the n-th answer says."""
    return (await turn.answer(n)).text


async def downloaded(message: FakeMessage) -> int:
    """Follow the link of a message as a person would; the HTTP status."""
    async with aiohttp.ClientSession() as session, session.get(link(message)) as response:
        await response.read()
        return response.status


async def rested(world: Environment) -> None:
    """Wait until the bot has answered everything it was asked."""
    await world.bot.dispatcher.drain(5)
    await asyncio.sleep(0)


def raw(message: FakeMessage) -> str:
    """Everything there is in a message, what its buttons carry too."""
    return json.dumps(message.saved(), default=str)


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def start_with_page(world: Environment, **changes: Any) -> str:
    """Start the bot with a claim page that people reach; returns its public address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    await world.start(port=port, public_url=address, **changes)
    return address
