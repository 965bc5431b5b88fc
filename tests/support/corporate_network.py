"""A corporate network on this machine: a namespace whose only way out is a proxy, and servers with a private CA.

What runs in the namespace has its own loopback and no route but to the proxy, so whatever reaches Slack or Applivery
from there has gone through it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import trustme

SLACK, APPLIVERY = "slack.corp.test", "applivery.corp.test"
# Of 198.18.0.0/15, which RFC 2544 keeps for tests; four addresses for each test process.
_NET = f"198.18.{os.getpid() % 256}.{os.getpid() // 256 % 63 * 4}"
_NUMBERS = count(1)
OUTSIDE, INSIDE = (str(ipaddress.ip_address(_NET) + number) for number in (1, 2))
LACKING = "needs root, iproute2 and tinyproxy: sudo apt-get install iproute2 tinyproxy"


def can_be_made() -> bool:
    """Return whether this machine lets us make a network namespace and has the proxy."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "tinyproxy", "unshare"))):
        return False
    name = f"probe{os.getpid()}"
    if subprocess.run(("ip", "netns", "add", name), capture_output=True, check=False).returncode:
        return False
    _ip("netns", "del", name)
    return True


@dataclass(frozen=True)
class CorporateNetwork:
    """The namespace, and the addresses and certificate that a program in it needs."""

    namespace: str
    proxy: str
    certificates: Path
    slack: str
    applivery: str
    proxy_log: Path

    def command(self, *words: str) -> tuple[str, ...]:
        """Return the command that runs these words inside."""
        return ("ip", "netns", "exec", self.namespace, *words)


@asynccontextmanager
async def corporate_network(folder: Path, slack_port: int, applivery_port: int) -> AsyncIterator[CorporateNetwork]:
    """Make the network in front of both fake servers, until the block ends."""
    async with AsyncExitStack() as stack:
        ca = trustme.CA()
        certificates = folder / "ca.pem"
        ca.cert_pem.write_to_path(str(certificates))
        slack = await stack.enter_async_context(_tls(ca, SLACK, slack_port))
        applivery = await stack.enter_async_context(_tls(ca, APPLIVERY, applivery_port))
        namespace = await stack.enter_async_context(_namespace())
        port = await stack.enter_async_context(_proxy(folder))
        yield CorporateNetwork(
            namespace, f"http://{OUTSIDE}:{port}", certificates, slack, applivery, folder / "tinyproxy.log"
        )


@asynccontextmanager
async def _tls(ca: trustme.CA, host: str, port: int) -> AsyncIterator[str]:
    """Serve a plain server on loopback over TLS; yield the address with its name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(host).configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, behind_writer), _copy(behind_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def _namespace() -> AsyncIterator[str]:
    # Names of their own for each: the kernel takes a namespace and its links away some time after they were deleted.
    number = f"{os.getpid()}x{next(_NUMBERS)}"
    name, outer, inner = f"corp{number}", f"co{number}", f"ci{number}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
        _ip("addr", "add", f"{OUTSIDE}/30", "dev", outer)
        _ip("link", "set", outer, "up")
        _ip("-n", name, "addr", "add", f"{INSIDE}/30", "dev", inner)
        _ip("-n", name, "link", "set", inner, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        subprocess.run(("ip", "link", "del", outer), capture_output=True, check=False)  # first, with its address
        _ip("netns", "del", name)


@asynccontextmanager
async def _proxy(folder: Path) -> AsyncIterator[int]:
    """Run tinyproxy where the namespace sees it; it knows the names, which the namespace cannot look up."""
    port = _free_port()
    log = folder / "tinyproxy.log"
    log.touch()
    log.chmod(0o666)  # it gives up root
    folder.chmod(0o755)
    config = folder / "tinyproxy.conf"
    config.write_text(
        f'Port {port}\nListen {OUTSIDE}\nTimeout 600\nLogFile "{log}"\nLogLevel Connect\n'
        f"MaxClients 100\nAllow {INSIDE}\nDisableViaHeader Yes\n"
    )
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {SLACK} {APPLIVERY}\n")
    script = 'mount --make-rprivate / && mount --bind "$1" /etc/hosts && exec tinyproxy -d -c "$2"'
    process = await asyncio.create_subprocess_exec(
        "unshare", "--mount", "sh", "-c", script, "sh", str(hosts), str(config),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await _answers(port, process)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _answers(port: int, process: asyncio.subprocess.Process) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(OUTSIDE, port)
        except OSError:
            assert process.returncode is None, "tinyproxy did not start"
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((OUTSIDE, 0))
        return int(probe.getsockname()[1])


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True, capture_output=True)
