"""Our bot as it runs, by a clock that others set: `python -m bench.daylight FILE`, with the bot's own settings.

All that the bot remembers, forgets, plans and polls goes by that clock. What waits for a time is woken when the clock
was moved, since nobody sleeps through a night here. Leases are long, as a minute may be over before Slack answers.
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
from bot.testing_overrides import TestingOverrides

LEASE_SECONDS = 600.0  # in hours that are not ours
LOOK_SECONDS = 0.005


async def main(file: Path) -> None:
    """Run until told to stop."""
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
        waking = asyncio.create_task(_wake(service, hours))
        await stop.wait()
        waking.cancel()


async def _wake(service: RunningBot, hours: SharedClock) -> None:
    then = hours.now()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if (now := hours.now()) != then:
            then = now
            for topic in Topic:
                service.store.wake(topic)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
