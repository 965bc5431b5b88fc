"""Behind a proxy and a private CA: every outgoing connection goes by way of both, and without them none does."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.e2e.test_cli import Ended, ended, environment, pointing_at
from tests.support.corporate_network import LACKING, OUTSIDE, CorporateNetwork, can_be_made, corporate_network
from tests.support.handing import ready
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.skipif(not can_be_made(), reason=LACKING)
UPLOAD = b"PK\x03\x04 a build from a build machine"


@pytest.fixture
async def network(world: Environment, tmp_path: Path) -> AsyncIterator[CorporateNetwork]:
    slack, applivery = (int(side.url.rpartition(":")[2]) for side in (world.slack, world.applivery))
    async with corporate_network(tmp_path, slack, applivery) as made:
        # what the fake Slack hands out: sockets, files and response_urls
        world.slack.url = world.slack.desk.base_url = world.slack.files.base_url = made.slack
        yield made


def settings(world: Environment, network: CorporateNetwork, **changes: str) -> dict[str, str]:
    names = ("APPLIVERY_API_URL", "APPLIVERY_UPLOAD_URL", "APPLIVERY_DOWNLOAD_URL", "APPLIVERY_DASHBOARD_URL")
    return {
        **pointing_at(world),
        **dict.fromkeys(names, network.applivery),
        "SLACK_API_URL": f"{network.slack}/api",
        "SLACK_SOCKET_CONNECTIONS": "1",
        "HTTPS_PROXY": network.proxy,
        "SSL_CERT_FILE": str(network.certificates),
        **changes,
    }


async def begun(network: CorporateNetwork, folder: Path, *words: str, **given: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = network.command(sys.executable, "-m", "bot", *words)
    return await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment(**given), stdout=pipe, stderr=pipe
    )


async def shell(network: CorporateNetwork, folder: Path, *words: str, **given: str) -> Ended:
    return await ended(await begun(network, folder, *words, **given))


async def test_bot_works_behind_proxy_and_private_ca(world: Environment, network: CorporateNetwork) -> None:
    ready(world)
    process = await begun(network, world.folder, "run", **settings(world, network))
    try:
        await world.slack.until(lambda: world.slack.sockets, PATIENCE)
        answer: FakeMessage = await world.ask("get courier")
        assert f"{network.applivery}/v1/download/" in answer.text
        assert await _upload_from_slack(world)
        process.send_signal(signal.SIGTERM)
        assert (await ended(process)).code == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    through = network.proxy_log.read_text()
    for host in ("slack.corp.test", "applivery.corp.test"):
        assert f"CONNECT {host}:" in through


async def _upload_from_slack(world: Environment) -> bool:
    before = len(world.applivery.builds)
    message = world.slack.share("courier.apk", b"PK\x03\x04 from Slack", world.ana, world.releases)
    turn = await world.slack.shortcut("upload_build", user=world.ana, message=message)
    form = await turn.view()
    await world.slack.submit(form, {"upload.app": {"upload.app": world.courier.id}}, user=world.ana)
    await world.applivery.until(lambda: len(world.applivery.builds) > before, PATIENCE)
    return True


async def test_cli_works_behind_proxy_and_private_ca(world: Environment, network: CorporateNetwork) -> None:
    world.applivery.processing = (0.1, 0.1)
    given = settings(world, network)
    file = world.folder / "courier.ipa"
    file.write_bytes(UPLOAD)
    doctor, uploaded = await asyncio.gather(
        shell(network, world.folder, "doctor", **given),
        shell(network, world.folder, "upload", str(file), "--app", "courier", "--announce", "#releases", **given),
    )
    assert "cannot be reached" not in doctor.out
    assert uploaded.code == 0, uploaded.err
    assert world.said()


async def test_doctor_says_what_keeps_it_from_outside(world: Environment, network: CorporateNetwork) -> None:
    given = settings(world, network)
    no_proxy, no_ca = ({key: given[key] for key in given if key != name} for name in ("HTTPS_PROXY", "SSL_CERT_FILE"))
    wrong_proxy = {**given, "HTTPS_PROXY": f"http://user:hunter2@{OUTSIDE}:9"}
    direct, distrustful, refused = await asyncio.gather(
        *(shell(network, world.folder, "doctor", **each) for each in (no_proxy, no_ca, wrong_proxy))
    )
    assert (direct.code, distrustful.code, refused.code) == (1, 1, 1)
    assert "SSL_CERT_FILE" in distrustful.out
    assert "SSL_CERT_FILE" not in direct.out + refused.out
    assert f"the proxy {OUTSIDE}:9: connection refused" in refused.out
    assert "hunter2" not in refused.out + refused.err
