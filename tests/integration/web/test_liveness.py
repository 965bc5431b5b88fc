"""The port says that the process is alive before anything else is there, and is handed over without a gap."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import aiohttp
import pytest

from bot.exceptions import StartupError
from bot.observability.metrics import Metrics
from bot.web.liveness import Listeners, LivenessServer
from bot.web.server import HttpServer


async def _status(session: aiohttp.ClientSession, liveness: LivenessServer, path: str) -> int:
    async with session.get(f"http://127.0.0.1:{liveness.port}{path}") as response:
        return response.status


async def test_liveness_starting_process_is_alive_and_not_ready() -> None:
    liveness = await LivenessServer.open("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        assert await _status(session, liveness, "/healthz") == 200
        assert await _status(session, liveness, "/readyz") == 503
        assert await _status(session, liveness, "/slack/events") == 503
    liveness.close()


async def test_liveness_server_hands_its_port_to_http_server() -> None:
    liveness = await LivenessServer.open("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        assert await _status(session, liveness, "/readyz") == 503
        web = HttpServer(metrics=Metrics(), checks={})
        await web.start(liveness)
        assert web.port == liveness.port
        assert await _status(session, liveness, "/readyz") == 200
        await web.close()
        with pytest.raises(aiohttp.ClientConnectorError):
            await _status(session, liveness, "/healthz")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6 on this machine")
async def test_host_of_all_addresses_takes_ipv4_and_ipv6() -> None:
    liveness = await LivenessServer.open("::", 0)
    async with aiohttp.ClientSession() as session:
        for address in ("127.0.0.1", "[::1]"):
            async with session.get(f"http://{address}:{liveness.port}/healthz") as response:
                assert response.status == 200
    liveness.close()


async def test_a_port_that_is_taken_stops_the_start_in_words() -> None:
    liveness = await LivenessServer.open("127.0.0.1", 0)
    with pytest.raises(StartupError, match=f"Port {liveness.port} of 127.0.0.1 cannot be used"):
        await LivenessServer.open("127.0.0.1", liveness.port)
    liveness.close()


async def test_metrics_port_answers_from_the_first_moment() -> None:
    listeners = await Listeners.open("127.0.0.1", 0, 0)
    assert listeners.metrics
    async with aiohttp.ClientSession() as session:
        for liveness in (listeners.public, listeners.metrics):
            assert await _status(session, liveness, "/healthz") == 200
            assert await _status(session, liveness, "/readyz") == 503
    listeners.close()


async def test_metrics_port_that_is_taken_is_named() -> None:
    taken = await LivenessServer.open("127.0.0.1", 0)
    free = await LivenessServer.open("127.0.0.1", 0)
    free.close()
    with pytest.raises(StartupError, match=f"Port {taken.port} of 127.0.0.1 cannot be used") as refused:
        await Listeners.open("127.0.0.1", free.port, taken.port)
    assert "set METRICS_PORT to a free one" in str(refused.value.next_step)
    again = await LivenessServer.open("127.0.0.1", free.port)
    again.close()
    taken.close()


async def test_hundreds_who_come_at_once_all_find_a_place_in_the_line() -> None:
    liveness = await LivenessServer.open("127.0.0.1", 0)
    with ExitStack() as line:
        for _ in range(500):  # nobody is let in meanwhile: the event loop does not come round
            sock = line.enter_context(socket.socket())
            sock.settimeout(0.5)  # who is not taken in tries again after a second
            sock.connect(("127.0.0.1", liveness.port))
    liveness.close()
