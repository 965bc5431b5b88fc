"""The bot with a clock that another process sets: `python -m bench.daylight FILE`, with the bot's own settings.

All of the bot's times are by that clock. Workers that wait for a time are woken when the clock was moved, and old data
is deleted each hour of that clock. Leases are long, since the clock may be moved before Slack's response is stored.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from pathlib import Path

from bench.hours import SharedClock
from bot import app
from bot import settings as bot_settings
from bot.app import RunningBot
from bot.db.wakeups import Topic
from bot.observability.logging import set_up_logs
from bot.settings import Settings
from bot.testing_overrides import TestingOverrides
from bot.workers.retention import EVERY_SECONDS, RetentionJob

LEASE_SECONDS = 86_400.0  # longer than the steps of the clock
LOOK_SECONDS = 0.01


async def main(file: Path) -> None:
    """Run until a signal to stop."""
    settings = bot_settings.read(_env_file=None)
    set_up_logs(settings.log_level, settings.log_format)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    hours = SharedClock(file)
    tuning = TestingOverrides(
        pace_seconds=0.0,
        lease_seconds=LEASE_SECONDS,
        watch_lease_seconds=LEASE_SECONDS,
        digest_lease_seconds=LEASE_SECONDS,
        clock=hours.now,
    )
    async with app.running(settings, tuning) as service:
        gc.freeze()  # as `bot run` does
        waking = asyncio.create_task(_wake(service, settings, hours))
        await stop.wait()
        waking.cancel()


async def _wake(service: RunningBot, settings: Settings, hours: SharedClock) -> None:
    then = cleaned = hours.now()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if (now := hours.now()) != then:
            then = now
            for topic in Topic:
                service.store.wake(topic)
            if (now - cleaned).total_seconds() >= EVERY_SECONDS:
                cleaned = now
                await _clean_up(service, settings)


async def _clean_up(service: RunningBot, settings: Settings) -> None:
    """Run the hourly clean-up of the bot, whose own worker waits for real hours."""
    job = RetentionJob(service.store, audit_days=settings.ledger_days, history_days=settings.history_days)
    while await job.step() != EVERY_SECONDS:
        pass


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
