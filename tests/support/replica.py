"""A bot in a process of its own, so that it can be killed; forked from one that has imported everything already."""

from __future__ import annotations

import asyncio
import multiprocessing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from typing import Any

from bot import app
from bot.settings import Settings
from bot.testing_overrides import TestingOverrides

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["bot.app", "bot.commands", "tests.support.replica", "tests.support.asking"])


def start(settings: Settings, tuning: TestingOverrides) -> BaseProcess:
    """Start a bot with its jobs; the caller ends it. The clock of `tuning` is this machine's."""
    seconds = {name: value for name, value in asdict(replace(tuning, clock=_now)).items() if name != "clock"}
    process = forks.Process(target=_run, args=(settings.model_dump(), seconds), daemon=True)
    process.start()
    return process


def _now() -> datetime:
    return datetime.now(UTC)


def _run(settings: dict[str, Any], seconds: dict[str, float]) -> None:
    asyncio.run(_forever(Settings(_env_file=None, **settings), TestingOverrides(**seconds)))


async def _forever(settings: Settings, tuning: TestingOverrides) -> None:
    async with app.running(settings, tuning):
        await asyncio.Event().wait()
