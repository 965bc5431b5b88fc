"""`run`: run the bot until a signal stops it, without loading the parsers of command line and settings."""

from __future__ import annotations

import asyncio
import gc
import importlib
from typing import TYPE_CHECKING

from bot.cli import error_output, settings_process
from bot.cli.signals import signals

if TYPE_CHECKING:
    from bot.app import RunningBot
    from bot.settings import Settings

CONNECT_SECONDS = 15.0  # until `run` reports that Slack can't be reached


def called() -> int:
    """Run the command `run` without options; return the exit code."""
    return error_output.exit_code(run, as_json=False)


def run() -> int:
    """Run the bot; return the exit code. Raises InvalidSettings and BotError."""
    # Loaded modules stay in memory; scanning them for garbage takes a tenth of the start, and later 20 ms each time.
    gc.disable()
    with settings_process.reading() as settings:
        importlib.import_module("bot.web.liveness")
        found = settings()
    asyncio.run(_until_stopped(found))
    return 0


async def _until_stopped(settings: Settings) -> None:
    stop = _stop_event()
    # Opening can take long, for example while another replica migrates the database; a signal to stop cancels it.
    giving_up = asyncio.create_task(_cancelled_by(stop, asyncio.current_task()))
    try:
        await _run(settings, stop, giving_up)
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    finally:
        giving_up.cancel()


async def _cancelled_by(stop: asyncio.Event, task: asyncio.Task[None] | None) -> None:
    await stop.wait()
    if task:
        task.cancel()


async def _run(settings: Settings, stop: asyncio.Event, giving_up: asyncio.Task[None]) -> None:
    from bot.web.liveness import Listeners  # noqa: PLC0415 - imported above, while the settings were read

    listeners = await Listeners.open(settings.host, settings.port, settings.metrics_port)
    # in a thread, since it takes a while and the liveness server has to answer meanwhile
    service = await asyncio.to_thread(importlib.import_module, "bot.app")
    _set_up_logs(settings)
    async with service.running(settings, listeners=listeners) as running_bot:
        giving_up.cancel()
        gc.freeze()
        gc.enable()
        greeting = asyncio.create_task(_greet(running_bot, settings))
        await stop.wait()
        greeting.cancel()
        stop.clear()
        await running_bot.drain(stop)


async def _greet(running_bot: RunningBot, settings: Settings) -> None:
    """Print one line once the bot answers in Slack; with JSON logs it is an event."""
    from bot.observability.logging import logger  # noqa: PLC0415

    connecting = asyncio.create_task(running_bot.connected())
    await asyncio.wait({connecting}, timeout=CONNECT_SECONDS)
    if not connecting.done() and settings.log_format == "console":
        _say("Still connecting to Slack. If this goes on, run `applivery-bot doctor`.")
    bot = await connecting
    if settings.log_format == "json":
        logger(__name__).info("service.connected", workspace=bot.team, bot=bot.name, command=settings.slack_command)
        return
    _say(f"Connected to {bot.team} as @{bot.name}. Type {settings.slack_command} in Slack.")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _set_up_logs(settings: Settings) -> None:
    from bot.observability.logging import set_up_logs  # noqa: PLC0415 - the liveness server opens before any of it is needed

    set_up_logs(settings.log_level, settings.log_format)


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in signals():
        loop.add_signal_handler(number, stop.set)
    return stop
