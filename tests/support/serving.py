"""Run as a process of its own: a server with few file descriptors, of which it holds as many as it is told.

    python -m tests.support.serving DESCRIPTORS HELD

Says its port on stdout; with HELD "all", keeps taking each descriptor that becomes free for a moment.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys

from bot.observability.logging import set_up_logs
from bot.observability.metrics import Metrics
from bot.web.liveness import LivenessServer
from bot.web.server import HttpServer


def hold(most: int) -> list[int]:
    held: list[int] = []
    while len(held) < most:
        try:
            held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            break
    return held


async def main(descriptors: int, held: str) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    set_up_logs("INFO", "json")
    liveness = await LivenessServer.open("127.0.0.1", 0)
    web = HttpServer(metrics=Metrics(), checks={})
    await web.start(liveness)
    sys.stdout.write(f"{web.port}\n")
    sys.stdout.flush()
    hold(descriptors if held == "all" else int(held))
    await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
