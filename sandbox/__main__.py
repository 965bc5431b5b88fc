"""`python -m sandbox`: the fake Slack, the fake Applivery and their page, with the real bot running beside them.

The bot is a process of its own, started as an operator starts it: `python -m bot run`, with its settings in the
environment.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from sandbox.demo import DemoEnvironment
from sandbox.page import CommandHint

BOT = (sys.executable, "-m", "bot")
COMMAND = "/applivery"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
DONE, FAILED, USAGE = 0, 1, 2

STEPS = (
    "starting the fake Slack and the fake Applivery, with sample builds",
    "starting the bot",
    "waiting until the bot is connected",
    "subscribing #releases to every app",
)
WELCOME = """
  Open   {url}

  Three things to try:
    1. Type   {command} get courier         Press the button in the answer: a phone opens beside Slack.
    2. Press  Upload a build              Its card appears in #releases when it is ready.
    3. Type   {command} downloads courier   See who downloaded it.

  Ctrl-C stops it.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo until it is interrupted; return the exit code: 0 done, 1 failed, 2 usage."""
    parser = argparse.ArgumentParser(prog="make demo", description="The real bot in a fake Slack; no account needed.")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where the demo keeps its data")
    parser.add_argument("--port", type=_port, default=8787, help="port of the page; another one if it is in use")
    parser.add_argument("--least-scopes", action="store_true", help="install the app without its optional scopes")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"The folder “{folder}” cannot be used: {error.strerror}. Name another one.", file=sys.stderr)
        return USAGE
    return asyncio.run(_demo(folder, options.port, optional_scopes=not options.least_scopes))


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError
    return number


async def _demo(folder: Path, port: int, *, optional_scopes: bool) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _announce(1)
    try:
        sandbox = await DemoEnvironment.open(folder, page_port=port)
    except OSError as error:
        print(f"The demo cannot use “{folder}” or a port: {error.strerror or error}.", file=sys.stderr)
        return FAILED
    try:
        return await _with_bot(sandbox, folder, stop, optional_scopes=optional_scopes)
    finally:
        await sandbox.close()


def _announce(step: int) -> None:
    """Say what happens now, and how far it is."""
    print(f"demo: {step} of {len(STEPS)}  {STEPS[step - 1]} …", flush=True)


async def _install(sandbox: DemoEnvironment, folder: Path, *, optional_scopes: bool) -> None:
    """Install the app as the bot's own manifest says; its list of commands is what the page suggests."""
    manifest, hints = await asyncio.gather(_manifest(folder), _hints(folder))
    sandbox.install(manifest, hints, optional_scopes=optional_scopes)


async def _manifest(folder: Path) -> dict[str, Any]:
    """Return the app manifest that the bot prints for these settings."""
    manifest: dict[str, Any] = yaml.safe_load(await _printed(folder, "manifest"))
    return manifest


async def _hints(folder: Path) -> list[CommandHint]:
    """Return a hint for each subcommand that the bot lists."""
    listed = json.loads(await _printed(folder, "commands", "--json"))
    return [CommandHint(row["name"], row["syntax"], row["summary"]) for row in listed]


async def _printed(folder: Path, *words: str) -> bytes:
    settings = _environment({"SLACK_APP_TOKEN": "xapp-1"}, folder)
    process = await asyncio.create_subprocess_exec(*BOT, *words, env=settings, cwd=folder, stdout=PIPE)
    printed, _ = await process.communicate()
    return printed


async def _with_bot(sandbox: DemoEnvironment, folder: Path, stop: asyncio.Event, *, optional_scopes: bool) -> int:
    """Run the bot until `stop` is set or it ends by itself; return the exit code."""
    is_first_start = not (folder / "bot.db").exists()
    settings = _environment(sandbox.environment(), folder)
    _announce(2)
    # meanwhile, as it takes as long; but a bot that lacks scopes is to know from its start
    installed = asyncio.ensure_future(_install(sandbox, folder, optional_scopes=optional_scopes))
    if not optional_scopes:
        await installed
    # a process group of its own: Ctrl-C reaches the bot through us, once
    bot = await asyncio.create_subprocess_exec(*BOT, "run", env=settings, cwd=folder, start_new_session=True)
    stopping, ended = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(bot.wait())
    try:
        sockets = sandbox.slack.socket_mode
        connected = asyncio.ensure_future(sandbox.slack.until(lambda: bool(sockets.open), START_SECONDS))
        _announce(3)
        await asyncio.wait({connected, stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
        connected.cancel()
        if stop.is_set():
            return DONE
        if not sockets.open:
            print("The bot has not connected to the fake Slack. Try again.", file=sys.stderr)
            return FAILED
        await asyncio.wait({installed, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            return DONE
        await installed
        if is_first_start:
            _announce(4)
            await _subscribe(sandbox)
            await _paste(sandbox)
            await _set_goal(sandbox)
        print(WELCOME.format(url=sandbox.page_url, command=COMMAND), flush=True)
        await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            print("\nStopping. All data is kept for the next start.", flush=True)
            return DONE
        print("The bot has ended.", file=sys.stderr)
        return FAILED
    finally:
        stopping.cancel()
        installed.cancel()
        await _end(bot)


async def _subscribe(sandbox: DemoEnvironment) -> None:
    """Subscribe #releases to every app, so that a first upload is announced."""
    ana, releases = sandbox.slack.user("ana"), sandbox.slack.channel("releases")
    command = await sandbox.slack.command(COMMAND, "subscribe *", user=ana, channel=releases)
    await command.answer()


async def _paste(sandbox: DemoEnvironment) -> None:
    """Let a user paste the address of a build's page, so that its card is seen."""
    app = next(iter(sandbox.applivery.apps))
    build = next(each for each in reversed(sandbox.applivery.builds_of(app)) if each.status == "processed")
    workspace = sandbox.applivery.organization["slug"]
    link = f"{sandbox.applivery.url}/{workspace}/apps/{app.slug}/builds?id={build.id}"
    bruno, releases = sandbox.slack.user("bruno"), sandbox.slack.channel("releases")
    await sandbox.slack.paste(f"Does this one start faster for you too? {link}", bruno, releases)


async def _set_goal(sandbox: DemoEnvironment) -> None:
    """Set a goal in #releases, so that its card and its private requests are seen."""
    ana, releases = sandbox.slack.user("ana"), sandbox.slack.channel("releases")
    words = f"goal courier 2.4.1 everyone in <#{releases.id}|releases> by 7d"
    command = await sandbox.slack.command(COMMAND, words, user=ana, channel=releases)
    await command.answer()


async def _end(bot: Process) -> None:
    if bot.returncode is not None:
        return
    bot.terminate()
    try:
        await asyncio.wait_for(bot.wait(), STOP_SECONDS)
    except TimeoutError:
        bot.kill()
        await bot.wait()


def _environment(settings: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the bot's environment: only these settings, and nothing of the shell's or of an `.env` file."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV") if name in os.environ}
    return {
        **kept,
        "SLACK_COMMAND": COMMAND,
        "DATABASE_URL": f"sqlite:///{folder / 'bot.db'}",
        "POLL_BUSY_SECONDS": "1",
        "POLL_IDLE_SECONDS": "2",
        "LOG_LEVEL": "WARNING",
        "LOG_FORMAT": "console",
        **settings,
    }


if __name__ == "__main__":
    sys.exit(main())
