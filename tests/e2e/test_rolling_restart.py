"""Two replicas behind a load balancer, restarted one after the other while people use them: nobody is refused.

`ROLLING_RESTARTS=20` restarts more often than a run of all tests can afford.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp
import pytest

from sandbox.slack.signing import signature
from tests.conftest import Environment
from tests.e2e.test_cli import a_free_port, begun, ended, pointing_at
from tests.support import haproxy
from tests.support.waiting import until

RESTARTS = int(os.environ.get("ROLLING_RESTARTS", "2"))
DRAIN = "1"
PEOPLE = 4
pytestmark = pytest.mark.skipif(not haproxy.is_here(), reason=haproxy.LACKING)


async def ask(session: aiohttp.ClientSession, method: str, address: str, **request: object) -> tuple[str, str]:
    """Return the status, or what went wrong where there was none, and the port of the replica that answered."""
    try:
        async with session.request(method, address, **request) as answer:  # type: ignore[arg-type]
            await answer.read()
            return str(answer.status), answer.headers.get("X-Replica", "")
    except (aiohttp.ClientError, OSError) as error:
        return type(error).__name__, ""


@dataclass
class Answers:
    """What people got: answers by route and status, and by replica."""

    by_status: Counter[str] = field(default_factory=Counter)
    by_replica: Counter[str] = field(default_factory=Counter)

    def add(self, route: str, status: str, replica: str) -> None:
        """Count one."""
        self.by_status[f"{route} {status}"] += 1
        self.by_replica[replica] += 1


async def use(world: Environment, address: str, answers: Answers) -> None:
    """Send Slack's commands and open a claim page, as quickly as they are answered."""
    secret, number = "sandbox-signing-secret", 0
    async with aiohttp.ClientSession() as session:
        while True:
            number += 1
            command = world.slack.person.payloads.command(world.ana, world.releases, "/applivery", "help", {})
            body, at = urlencode({**command, "ssl_check": "1"} if number % 8 else command), str(int(time.time()))
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Slack-Request-Timestamp": at,
                "X-Slack-Signature": signature(secret, at, body),
            }
            url = f"{address}/slack/events"
            answers.add("slack", *await ask(session, "POST", url, data=body, headers=headers))
            answers.add("page", *await ask(session, "GET", f"{address}/b/nothing-here-{number % 3}"))


@asynccontextmanager
async def used(world: Environment, address: str) -> AsyncIterator[Answers]:
    """Let people use it until the block ends."""
    answers = Answers()
    people = [asyncio.create_task(use(world, address, answers)) for _ in range(PEOPLE)]
    yield answers
    for person in people:
        person.cancel()
        with suppress(asyncio.CancelledError):
            await person


async def test_rolling_restarts_refuse_no_request(world: Environment, postgres_url: str) -> None:
    world.database = postgres_url
    ports = [a_free_port(), a_free_port()]

    async def start(port: int) -> asyncio.subprocess.Process:
        settings = pointing_at(
            world,
            PORT=str(port),
            SLACK_APP_TOKEN="",
            SLACK_SIGNING_SECRET="sandbox-signing-secret",
            PUBLIC_URL="https://bot.acme.test",
            DRAIN_SECONDS=DRAIN,
        )
        process = await begun(world.folder, "run", **settings)
        async with aiohttp.ClientSession() as session:

            async def ready() -> bool:
                return (await ask(session, "GET", f"http://127.0.0.1:{port}/readyz"))[0] == "200"

            await until(ready)
        return process

    replicas = {port: await start(port) for port in ports}
    try:
        async with haproxy.haproxy(world.folder, a_free_port(), ports) as address, used(world, address) as answers:
            for number in range(RESTARTS):
                port = ports[number % 2]
                await until(lambda: all(answers.by_replica[str(each)] > 20 for each in ports))
                replicas[port].send_signal(signal.SIGTERM)
                end = await ended(replicas[port])
                assert end.code == 0
                answers.by_replica.clear()
                replicas[port] = await start(port)
        print(f"{RESTARTS} restarts: {dict(answers.by_status)}")  # noqa: T201  the figure to quote
        assert set(answers.by_status) <= {"slack 200", "page 404", "page 429"}, answers.by_status
    finally:
        for process in replicas.values():
            if process.returncode is None:
                process.kill()
                await process.wait()
