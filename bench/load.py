"""People who type: `python -m bench.load PORT SINK_PORT PEOPLE COMMANDS RUN ANSWERED` prints what it measured as JSON.

A closed loop: each person types the next `/applivery builds courier` when the last one was acknowledged. With
ANSWERED = yes it then waits until every command has been answered at its response address.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator

from bench.http import ClientExchange, get
from bench.slack import command

PATIENCE = 30.0


async def _person(port: int, requests: Iterator[tuple[int, bytes]], took: list[float]) -> None:
    line = await ClientExchange.connect(port)
    for _, request in requests:
        started = time.perf_counter()
        status, body = await line.ask(request)
        took.append(time.perf_counter() - started)
        if status != 200 or body:
            raise SystemExit(f"not acknowledged: {status} {body[:200]!r}")
    line.transport.close()


async def measure(port: int, sink_port: int, people: int, commands: int, run: str, answered: bool) -> dict[str, object]:
    """Seconds of each acknowledgement, of all of them, and until the last answer."""
    # written and signed beforehand: the people's own work is not to be measured
    requests = iter([(number, command(number, number % people, run, sink_port)) for number in range(commands)])
    took: list[float] = []
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(people):
            group.create_task(_person(port, requests, took))
    acked = time.perf_counter() - started
    counted = {"right": 0, "wrong": 0}
    if answered:
        sink = await ClientExchange.connect(sink_port)
        async with asyncio.timeout(PATIENCE):
            counted = json.loads((await sink.ask(get(f"/answers/{run}/{commands}")))[1])
    return {"acks": took, "acked": acked, "finished": time.perf_counter() - started, **counted}


if __name__ == "__main__":
    _port, _sink, _people, _commands = map(int, sys.argv[1:5])
    print(json.dumps(asyncio.run(measure(_port, _sink, _people, _commands, sys.argv[5], sys.argv[6] == "yes"))))
