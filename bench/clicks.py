"""People who click *Get build*: `python -m bench.clicks PORT SINK_PORT PEOPLE CLICKS VISITS` prints JSON.

A closed loop: each person clicks the next card when the private reply to the last click has arrived here, at its
response address, so one clock measures both ends of a click. Every click must get one reply, for the user who clicked,
with a unique token, and must leave the card unchanged. In addition one person clicks every `PAUSE` seconds, at most
VISITS times, without waiting for replies: an open loop, which measures every pause. Replies that are missing after
`PATIENCE` are not counted as right; the rest is printed all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bench.http import ClientExchange, ServerExchange, answer, get
from bench.slack import click

PATIENCE = 30.0
CALLS = 100
PAUSE = 0.03
_TOKEN = re.compile(r"/v1/download/([\w-]+)")


class ClickAnswers:
    """The replies at the response addresses `/answer/{number}`, with their times."""

    def __init__(self) -> None:
        self.came: dict[int, list[Any]] = {}
        self._waiting: dict[int, asyncio.Future[float]] = {}

    def respond(self, _method: str, path: str, body: bytes, _exchange: ServerExchange) -> bytes:
        """Store a reply, which is checked after the measurement."""
        number = int(path.rpartition("/")[2])
        self.came.setdefault(number, []).append(body)
        if (waiting := self._waiting.pop(number, None)) is not None:
            waiting.set_result(time.perf_counter())
        return answer(b"ok", kind="text/plain")

    def arrival(self, number: int) -> asyncio.Future[float]:
        """Return when the first reply to this click arrives."""
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        return waiting

    def right(self, clicks: int, minted: list[str]) -> int:
        """Return how many clicks got exactly one correct reply."""
        tokens = {number: _token(came[0]) for number, came in self.came.items() if len(came) == 1}
        fresh = set(minted)
        held = Counter(tokens.values())
        return sum(held[token] == 1 and token in fresh for number, token in tokens.items() if number < clicks)


def _token(body: bytes) -> str | None:
    said = json.loads(body)
    private = said.get("response_type") == "ephemeral" and said.get("replace_original") is False
    everything = json.dumps(said)
    tokens: set[str] = set(_TOKEN.findall(everything))
    if not private or len(tokens) != 1 or "only for you" not in everything:
        return None
    return tokens.pop()


async def _person(port: int, requests: Iterator[tuple[int, bytes]], answers: ClickAnswers, took: list[float]) -> None:
    line = await ClientExchange.connect(port)
    for number, request in requests:
        arrival = answers.arrival(number)
        started = time.perf_counter()
        status, body = await line.ask(request)
        if status != 200 or body:
            raise SystemExit(f"not acknowledged: {status} {body[:200]!r}")
        took.append(await arrival - started)
    line.transport.close()


async def _visit(
    port: int,
    requests: list[tuple[int, bytes]],
    answers: ClickAnswers,
    took: list[float],
    over: asyncio.Event,
) -> None:
    """Click at fixed times, independent of replies, until the end; each click has its own connection."""
    begin = time.perf_counter()

    async def click_at(due: float, number: int, request: bytes) -> None:
        arrival = answers.arrival(number)
        line = await ClientExchange.connect(port)
        await line.ask(request)
        took.append(await arrival - due)
        line.transport.close()

    async with asyncio.TaskGroup() as group:
        for at, request in enumerate(requests, 1):
            due = begin + PAUSE * at
            await asyncio.sleep(due - time.perf_counter())
            if over.is_set():
                return
            group.create_task(click_at(due, *request))


async def _items(sink: ClientExchange, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((await sink.ask(get(path)))[1])["data"]["items"]
    return found


async def _two_calls(sink: ClientExchange, build: str) -> list[float]:
    """Return the seconds that only the requests for a build's details and a token take."""
    took = []
    for _ in range(CALLS):
        started = time.perf_counter()
        await sink.ask(get(build))
        await sink.ask(get(f"{build}/downloadToken?type=file"))
        took.append(time.perf_counter() - started)
    return took


async def measure(port: int, sink_port: int, people: int, clicks: int, visits: int = 0) -> dict[str, object]:
    """Return the seconds of each click, of the two calls alone, and of all, and how many replies were correct."""
    sink, answers = await ClientExchange.connect(sink_port), ClickAnswers()
    apps = "/v1/organizations/acme/apps"
    app_id = next(item["id"] for item in await _items(sink, apps) if item["slug"] == "courier")
    build_id = (await _items(sink, f"{apps}/{app_id}/builds"))[0]["id"]
    calls = await _two_calls(sink, f"{apps}/{app_id}/builds/{build_id}")
    await sink.ask(get("/minted"))  # the tokens of this function's own calls are dropped
    server = await asyncio.get_running_loop().create_server(lambda: ServerExchange(answers.respond), "127.0.0.1", 0)
    here = server.sockets[0].getsockname()[1]
    # requests are signed in advance, so that the client's own work is not measured
    value = f"{app_id}/{build_id}"
    requests = iter([(number, click(number, number % people, value, here)) for number in range(clicks)])
    visitor = [(number, click(number, people, value, here)) for number in range(clicks, clicks + visits)]
    took: list[float] = []
    visited: list[float] = []
    over = asyncio.Event()
    started, finished = time.perf_counter(), PATIENCE
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            if visitor:
                group.create_task(_visit(port, visitor, answers, visited, over))
            await asyncio.gather(*(_person(port, requests, answers, took) for _ in range(people)))
            finished = time.perf_counter() - started
            over.set()
    minted = json.loads((await sink.ask(get("/minted")))[1])
    right = answers.right(clicks + visits, minted)
    return {"took": took, "visited": visited, "calls": calls, "finished": finished, "right": right}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(*map(int, sys.argv[1:6])))))
