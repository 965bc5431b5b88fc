"""`make demo`: the fake workspace and the real bot, as two processes."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path

import aiohttp
import pytest

from bot.slack.scopes import REQUIRED
from tests.repository.shell import ROOT, environment


async def demo(*arguments: str) -> Process:
    command = (sys.executable, "-m", "sandbox", *arguments)
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment(), stdout=PIPE, stderr=STDOUT)


async def read_until(process: Process, pattern: str) -> re.Match[str]:
    assert process.stdout is not None
    text = ""
    while line := (await process.stdout.readline()).decode():
        text += line
        if match := re.search(pattern, text):
            return match
    raise AssertionError(text)


async def test_demo_runs_the_bot_and_stops_it(tmp_path: Path) -> None:
    process = await demo("--folder", str(tmp_path / "kept"), "--port", "0")
    said = await read_until(process, r"(?s).*Open +(http://\S+)")
    assert re.findall(r"demo: (\d) of 4", said[0]) == ["1", "2", "3", "4"]  # it says how far it is
    url = said[1]
    async with aiohttp.ClientSession() as session, session.get(url) as page:
        assert page.status == 200
        assert "<title>" in await page.text()
        # the claim page is on, at the address that the bot listens on
        claim = f"http://127.0.0.1:{json.loads((tmp_path / 'kept/state.json').read_text())['ports']['bot']}/b/none"
        async with session.get(claim) as ending:
            assert "frame-ancestors 'none'" in ending.headers["Content-Security-Policy"]
        async with session.get(f"{url}phone/iphone/b/none") as framed:
            assert framed.status == ending.status
            assert "frame-ancestors 'self'" in framed.headers["Content-Security-Policy"]
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    assert (tmp_path / "kept/bot.db").exists()


async def test_demo_goes_on_with_its_data(tmp_path: Path) -> None:
    for _ in range(2):
        process = await demo("--folder", str(tmp_path), "--port", "0")
        await read_until(process, r"Open +http://\S+")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_demo_runs_with_the_least_scopes(tmp_path: Path) -> None:
    process = await demo("--folder", str(tmp_path), "--port", "0", "--least-scopes")
    await read_until(process, r"Open +http://\S+")
    granted = set(json.loads((tmp_path / "state.json").read_text())["slack"]["scopes"])
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert granted == set(REQUIRED)


@pytest.mark.parametrize("folder", ["file", "file/below", "/proc/x", "/dev/null"])
async def test_demo_without_a_folder_says_so(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("x")
    process = await demo("--folder", str(tmp_path / folder), "--port", "0")
    output, _ = await process.communicate()
    assert process.returncode == 2
    assert b"cannot be used" in output
    assert b"Traceback" not in output


@pytest.mark.parametrize("port", ["x", "-1", "99999"])
async def test_demo_refuses_a_port_that_is_none(port: str) -> None:
    process = await demo("--port", port)
    output, _ = await process.communicate()
    assert process.returncode == 2
    assert b"--port" in output
