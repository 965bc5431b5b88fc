"""Many people who type at the same moment: `python -m bench.crowd HOW PORT PEOPLE FIRST` prints what it measured.

All people are different, with numbers from FIRST on. HOW is the transport: `http`, with a new connection each, opened
at that moment; `socket`, all at once through the `bench.line` at that PORT. They type the most usual commands, also for
links. Then it waits until every command has its reply at its response address, and checks each: exactly one, of the
right kind, and with a unique link. `bare` is `http` without waiting for replies.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from typing import Any

from bench.http import ClientExchange, ServerExchange, answer, post
from bench.slack import command, typed

PATIENCE = 60.0
# Typed commands, and words in their replies.
MIX = (
    ("get courier", "only for you"),
    ("builds courier", "Builds of Courier"),
    ("get courier latest", "only for you"),
    ("status courier", "ready."),
    ("news courier", "What's new in"),
    ("whoami", "*member* for all apps"),
    ("help get", "get: Get a private link"),
    ("subscriptions", "No subscriptions in"),
)
_TOKEN = re.compile(r"/v1/download/([\w-]+)")


class CrowdAnswers:
    """The replies at the response addresses `/{number}`."""

    def __init__(self, wanted: int) -> None:
        self.came: dict[int, list[bytes]] = {}
        self.all = asyncio.Event()
        self._wanted = wanted

    def respond(self, _method: str, path: str, body: bytes, _exchange: ServerExchange) -> bytes:
        """Store a reply, which is checked after the measurement."""
        self.came.setdefault(int(path.rpartition("/")[2]), []).append(body)
        if len(self.came) == self._wanted:
            self.all.set()
        return answer(b"ok", kind="text/plain")


def judged(came: dict[int, list[bytes]], numbers: range) -> dict[str, int]:
    """Return how many commands were answered correctly, wrongly, more than once, and not at all."""
    found: Counter[str] = Counter({"right": 0, "wrong": 0, "repeated": 0, "lost": 0})
    tokens: set[str] = set()
    for number in numbers:
        said = came.get(number, [])
        if len(said) != 1:
            found["repeated" if said else "lost"] += 1
            continue
        fresh = set(_TOKEN.findall(said[0].decode()))
        right = _is_right(number, json.loads(said[0])) and len(fresh) == _links(number) and not fresh & tokens
        found["right" if right else "wrong"] += 1
        tokens |= fresh
    return dict(found)


def _is_right(number: int, said: Any) -> bool:
    words = MIX[number % len(MIX)][1]
    return said.get("response_type") == "ephemeral" and words in json.dumps(said, ensure_ascii=False)


def _links(number: int) -> int:
    return 1 if MIX[number % len(MIX)][0].startswith("get ") else 0


async def _person(port: int, request: bytes) -> float:
    """Return the seconds from typing until Slack has the acknowledgement, including the network."""
    started = time.perf_counter()
    line = await ClientExchange.connect(port)
    status, body = await line.ask(request)
    took = time.perf_counter() - started
    line.transport.close()
    if status != 200 or body:
        raise SystemExit(f"not acknowledged: {status} {body[:200]!r}")
    return took


async def _by_http(port: int, numbers: range, here: int) -> tuple[float, list[float]]:
    """Return when the commands were sent, and the seconds of each acknowledgement."""
    # requests are signed in advance, so that the client's own work is not measured
    requests = [command(number, number, "crowd", here, MIX[number % len(MIX)][0]) for number in numbers]
    started = time.perf_counter()
    return started, await asyncio.gather(*(_person(port, request) for request in requests))


async def _by_socket(port: int, numbers: range, here: int) -> tuple[float, list[float]]:
    """Do the same over Socket Mode, where `bench.line` measures the time."""
    address = f"http://127.0.0.1:{here}/answer/crowd"
    said = [typed(number, number, f"{address}/{number}", MIX[number % len(MIX)][0]) for number in numbers]
    line = await ClientExchange.connect(port)
    started = time.perf_counter()
    _, body = await line.ask(post("/crowd", json.dumps(said).encode()))
    line.transport.close()
    return started, json.loads(body)


async def measure(how: str, port: int, people: int, first: int) -> dict[str, object]:
    """Return the seconds of each acknowledgement and until the last reply, and the results of the commands."""
    numbers = range(first, first + people)
    answers = CrowdAnswers(people)
    server = await asyncio.get_running_loop().create_server(lambda: ServerExchange(answers.respond), "127.0.0.1", 0)
    here = server.sockets[0].getsockname()[1]
    started, took = await (_by_socket if how == "socket" else _by_http)(port, numbers, here)
    if how == "bare":
        return {"acks": took}
    try:
        async with asyncio.timeout(PATIENCE):
            await answers.all.wait()
    except TimeoutError:
        pass  # missing replies are counted below
    finished = time.perf_counter() - started
    await asyncio.sleep(0.5)  # to detect duplicates
    return {"acks": took, "finished": finished, **judged(answers.came, numbers)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], *map(int, sys.argv[2:5])))))
