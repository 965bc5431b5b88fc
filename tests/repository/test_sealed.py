"""The image's program as a container runs it: nothing to write to but its data and /tmp, as nobody, with no right."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import Environment
from tests.e2e.test_cli import a_free_port, ended, pointing_at
from tests.repository.image import variables
from tests.repository.shell import ROOT, run
from tests.support.handing import direct, ready
from tests.support.waiting import PATIENCE

SEALED = ROOT / "tests/repository/sealed.sh"
USER = "10001"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data volume, as `seal` makes it: its user's alone."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    os.chown(folder, int(USER), int(USER))
    return folder


@pytest.fixture(autouse=True)
def _rights(tmp_path: Path) -> None:
    """Skips where no file system can be made read-only for one program."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        pytest.skip("needs root, unshare and setpriv: sudo, and apt-get install util-linux")
    if run("unshare", "--mount", "mount", "--make-rprivate", "/", cwd=tmp_path).code:
        pytest.skip("this machine lets nobody make a mount namespace: run it on one that does")


def sealed(program: Path, data: Path, *words: str) -> list[str]:
    """The command that runs something sealed off."""
    base = Path(sys.base_prefix).resolve()
    return ["unshare", "--mount", "sh", str(SEALED), str(base), str(program), str(data), USER, *words]


def test_the_seal_holds(program: Path, data: Path, tmp_path: Path) -> None:
    try_all = "for one in / /etc /root /usr $1 $1/bin $2 /tmp; do touch $one/x 2>/dev/null && echo $one; done; id -u"
    command = sealed(program, data, "sh", "-c", try_all, "sh", str(program), str(data))
    done = run(*command, cwd=tmp_path)
    assert done.said.split() == [str(data), "/tmp", USER], done.said
    left = run(
        *sealed(program, data, "sed", "-n", "s/^Cap...:.0*//p;s/^NoNewPrivs:.//p", "/proc/self/status"), cwd=tmp_path
    )
    assert left.said.split() == ["1"], left.said  # no capability in any set, and no new privileges


@asynccontextmanager
async def running(
    world: Environment, program: Path, data: Path, port: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bot of the image, sealed off, with the environment of the Dockerfile."""
    own = {name: value.replace("/data", str(data)) for name, value in variables().items()}
    settings = pointing_at(world, **own | {"PATH": f"{program}/bin:/usr/bin:/bin", "PORT": str(port)})
    settings |= {"POLL_BUSY_SECONDS": "0.2", "POLL_IDLE_SECONDS": "0.2", "APPLIVERY_UPLOAD_URL": world.applivery.url}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *sealed(program, data, f"{program}/bin/applivery-bot", "run"), env=settings, stdout=pipe, stderr=pipe
    )
    try:
        await world.slack.until(lambda: world.slack.sockets or process.returncode is not None, PATIENCE)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_sealed_image_does_its_work_and_writes_only_to_data(
    world: Environment, program: Path, data: Path
) -> None:
    world.courier.update(name="Courier")
    build = ready(world)
    world.applivery.download(build, world.applivery.member(email="eva@acme.test"))
    port = a_free_port()
    async with running(world, program, data, port) as process:
        assert process.returncode is None, (await ended(process)).err
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        await world.ask("subscribe courier")
        assert "only for you" in (await world.ask("get courier")).text
        await world.ask("downloads courier")  # with a thread, and tables
        await world.ask("audit format:csv")  # with a file
        file = world.slack.share("posted.ipa", b"PK\x03\x04 posted", world.ana, world.releases)
        turn = await world.slack.shortcut("upload_build", user=world.ana, message=file)
        form = await turn.view()
        await world.slack.submit(form, {"upload.app": {"upload.app": world.courier.id}}, user=world.ana)
        await direct(world, world.ana, 3)
        ready(world, version="2.5.0", number="180")
        await world.slack.until(lambda: any("2.5.0" in said for said in world.said()), PATIENCE)
        process.send_signal(signal.SIGTERM)
        end = await ended(process)
    assert end.code == 0, end.err
    assert not re.search(r"Read-only|Permission denied|Traceback|\"level\": \"error\"", end.err), end.err
    assert {path.name for path in data.iterdir()} <= {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock"}
    assert (data / "bot.db").stat().st_uid == int(USER)
