"""Processes of the bot that are forked from one that has imported everything: each begins in 20 ms instead of 700.

`python -m tests.support.fork_server FD` is that one; `Forked` is such a process as the tests see it. What is about how
the interpreter starts (its streams, its locale, a signal meanwhile) needs a real `python -m bot`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 60_000  # bytes of a call that fit into a message
# pidfd_open is Linux's; and who measures coverage measures real processes
POSSIBLE = hasattr(os, "pidfd_open") and "COVERAGE_PROCESS_START" not in os.environ

# What an interpreter reads when it starts, and what the one here was given.
INTERPRETER = re.compile("PYTHON|LANG|LC_").match
OWN = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}

_server: socket.socket | None = None


class Forked:
    """A running process, with what is used of `asyncio.subprocess.Process`."""

    def __init__(self, pid: int, status: asyncio.StreamReader, out: asyncio.StreamReader, err: asyncio.StreamReader):
        self.pid, self.stdout, self.stderr = pid, out, err
        self.returncode: int | None = None
        self._ending = asyncio.ensure_future(self._ended(status))

    async def _ended(self, status: asyncio.StreamReader) -> int:
        line = await status.readline()
        self.returncode = int(line) if line else -signal.SIGKILL
        return self.returncode

    async def wait(self) -> int:
        """Wait for its end; its exit code, or the negative number of the signal."""
        return await self._ending

    async def communicate(self) -> tuple[bytes, bytes]:
        """Read all that it still writes, and wait for its end."""
        out, err, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        return out, err

    def send_signal(self, number: int) -> None:
        """Tell it so, if it runs."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Stop report at once."""
        self.send_signal(signal.SIGKILL)


async def begin(
    words: tuple[str, ...],
    folder: Path,
    environment: dict[str, str],
    *,
    stdout: int | None = None,
    stderr: int | None = None,
    closed: tuple[int, ...] = (),
) -> Forked | None:
    """Run the bot with these words; None when that needs an interpreter of its own.

    What it writes can be read, or goes to the file descriptors that are given; those that are `closed` it has not.
    """
    own = os.environ | OWN
    if not POSSIBLE or any(INTERPRETER(name) and own.get(name) != value for name, value in environment.items()):
        return None
    call = json.dumps({"words": words, "folder": str(folder), "environment": environment, "closed": closed}).encode()
    if len(call) > LONGEST:
        return None
    readers, writers = zip(*(os.pipe() for _ in range(3)), strict=True)
    out, err, status = writers
    with Path(os.devnull).open("rb") as nothing:
        files = [nothing.fileno(), out if stdout is None else stdout, err if stderr is None else stderr, status]
        socket.send_fds(_running(), [call], files)
    for writer in writers:
        os.close(writer)
    read_out, read_err, read_status = [await _reader(os.fdopen(reader, "rb")) for reader in readers]
    return Forked(int(await read_status.readline()), read_status, read_out, read_err)


async def _reader(pipe: IO[bytes]) -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


def _running() -> socket.socket:
    """The way to the one that forks, which ends with this process."""
    global _server
    if _server is None:
        _server, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server", str(its.fileno())],
            cwd=ROOT, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            env=kept | OWN,
        )  # fmt: skip
        its.close()
    return _server


# ------------------------------------------------------------------ the one that forks


def _serve(calls: socket.socket) -> list[str] | None:
    """Fork for each call; returns the words in each child, and None when there will be no more calls."""
    with selectors.DefaultSelector() as selector:
        selector.register(calls, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not calls:
                    selector.unregister(key.fileobj)
                    _tell_end(key.fd, *key.data)
                    continue
                call, files, _, _ = socket.recv_fds(calls, 2 * LONGEST, 4)
                if not call:
                    return None
                status = files.pop()
                pid = os.fork()
                if pid == 0:
                    os.close(status)
                    return _become(json.loads(call), files)
                for file in files:
                    os.close(file)
                os.write(status, f"{pid}\n".encode())
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, status))


def _tell_end(pidfd: int, pid: int, status: int) -> None:
    _, how = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # its test has ended
        os.write(status, f"{os.waitstatus_to_exitcode(how)}\n".encode())
    os.close(status)
    os.close(pidfd)


def _become(call: dict[str, Any], files: list[int]) -> list[str]:
    """Take on the streams, folder and environment of a call; returns its words."""
    for number, file in enumerate(files):
        os.dup2(file, number, inheritable=True)
        os.close(file)
    os.environ.clear()
    os.environ.update(call["environment"])
    os.chdir(call["folder"])
    for number in call["closed"]:
        os.close(number)
    # where there is none, an interpreter that starts puts None: https://docs.python.org/3/library/sys.html#sys.__stdin__
    sys.stdin, sys.stdout, sys.stderr = (
        None if n in call["closed"] else os.fdopen(n, "r" if n == 0 else "w", 1, closefd=False) for n in range(3)
    )
    return list(call["words"])


def _main() -> None:
    import importlib
    import pkgutil

    import bot

    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    import bot.cli

    gc.collect()
    gc.freeze()
    words = _serve(socket.socket(fileno=int(sys.argv[1])))
    if words is not None:
        sys.argv = [str(ROOT / "bot/__main__.py"), *words]
        bot.cli.main()


if __name__ == "__main__":
    _main()
