"""The open port in front of the house: while that is being opened, it says that the process is alive and starting."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.errors import CannotStart

# Who finds no place in the line is not refused but tries again after a second, a third of the time that Slack waits.
# https://docs.kernel.org/networking/ip-sysctl.html (somaxconn)
BACKLOG = 1024


class Porch:
    """A listening port, and what answers there: at first `/healthz` alone, and 503 for everything else.

    Opening the house can take long, when a database is migrated or another replica is doing that, and a process that
    says nothing meanwhile is killed by whoever watches over it.
    """

    def __init__(self) -> None:
        self._answers = web.Server(_starting, access_log=None)
        self._listener: asyncio.Server | None = None
        self._leaving: asyncio.Task[None] | None = None
        self.port = 0

    @classmethod
    async def open(cls, host: str, port: int) -> Porch:
        """Listen from now on; port 0 is any free one. Raises CannotStart when the address cannot be used."""
        porch = cls()
        try:
            porch._listener = await asyncio.get_running_loop().create_server(porch._answer, host, port, backlog=BACKLOG)
        except OSError as error:
            raise CannotStart(
                f"Port {port} of {host} cannot be used: {error.strerror or error}.",
                "Another process may have it; set PORT to a free one.",
            ) from error
        porch.port = porch._listener.sockets[0].getsockname()[1]
        return porch

    def _answer(self) -> asyncio.Protocol:
        return self._answers()

    def lead_to(self, answers: web.Server) -> None:
        """From now on let this server answer whoever comes; who stands here already is told and sent away."""
        self._leaving = asyncio.create_task(self._answers.shutdown(1.0))
        self._answers = answers

    def close(self) -> None:
        """Stop listening; may be done twice."""
        if self._listener:
            self._listener.close()


async def _starting(request: web.BaseRequest) -> web.Response:
    if request.path == "/healthz":
        answer = web.Response(text="alive\n")
    else:
        answer = web.Response(status=503, text="starting\n", headers={"Retry-After": "1"})
    answer.force_close()  # the next request is to find who answers then
    return answer
