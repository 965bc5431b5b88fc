"""People who type: `python -m bench.load PORT SINK_PORT PEOPLE COMMANDS RUN ANSWERED` prints what it measured as JSON.

A closed loop: each person types the next `/applivery builds courier` when the last one was acknowledged. With
ANSWERED = yes it waits after every `BATCH` until all of them have been answered at their response addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator

from bench.http import ClientExchange, get
from bench.slack import command

PATIENCE = 30.0
BATCH = 100  # then all answers are waited for: the bot refuses what it could not answer in time


async def _person(port: int, requests: Iterator[tuple[int, bytes]], took: list[float]) -> None:
    line = await ClientExchange.connect(port)
    for _, request in requests:
        started = time.perf_counter()
        status, body = await line.ask(request)
        took.append(time.perf_counter() - started)
        if status != 200:
            raise SystemExit(f"not acknowledged: {status} {body[:200]!r}")
    line.transport.close()


async def _answered(sink_port: int, run: str, count: int) -> dict[str, int]:
    """Wait until so many commands have an answer; on a slow machine what has come by then counts."""
    for wanted in (count, 0):
        sink = await ClientExchange.connect(sink_port)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                found: dict[str, int] = json.loads((await sink.ask(get(f"/answers/{run}/{wanted}")))[1])
                return found
    return {"right": 0, "wrong": 0}


async def measure(port: int, sink_port: int, people: int, commands: int, run: str, answered: bool) -> dict[str, object]:
    """Seconds of each acknowledgement, of all of them, and until the last answer."""
    # written and signed beforehand: the people's own work is not to be measured
    written = [(number, command(number, number % people, run, sink_port)) for number in range(commands)]
    took: list[float] = []
    acked, counted = 0.0, {"right": 0, "wrong": 0}
    started = time.perf_counter()
    for begin in range(0, commands, BATCH):
        began, batch = time.perf_counter(), written[begin : begin + BATCH]
        requests = iter(batch)
        async with asyncio.TaskGroup() as group:
            for _ in range(people):
                group.create_task(_person(port, requests, took))
        acked += time.perf_counter() - began
        counted = await _answered(sink_port, run, begin + len(batch)) if answered else counted
    return {"acks": took, "acked": acked, "finished": time.perf_counter() - started, **counted}


if __name__ == "__main__":
    _port, _sink, _people, _commands = map(int, sys.argv[1:5])
    print(json.dumps(asyncio.run(measure(_port, _sink, _people, _commands, sys.argv[5], sys.argv[6] == "yes"))))
