"""The bot without Slack's rate limit per channel: `python -m bench.teller`, with the bot's own settings.

Slack allows one message per second and channel, and with that limit a benchmark would measure nothing else.
"""

from __future__ import annotations

import asyncio
import signal

from bot import app
from bot import settings as bot_settings
from bot.observability.logging import set_up_logs
from bot.testing_overrides import TestingOverrides


async def main() -> None:
    """Run until a signal to stop."""
    settings = bot_settings.read(_env_file=None)
    set_up_logs(settings.log_level, settings.log_format)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with app.running(settings, TestingOverrides(pace_seconds=0.0)):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
