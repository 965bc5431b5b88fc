"""What a running bot has in memory: only what it needs to go on."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

from tests.conftest import Environment
from tests.e2e.test_cli import ended, environment, pointing_at
from tests.support.waiting import PATIENCE

# `bot run`, which writes the modules it has once it stops.
OBSERVED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules))))
sys.argv = ["applivery-bot", "run"]
from bot.cli import main
main()
"""
# Each was in memory for the whole life of a bot that used it for a second or never. What a person's language, a CSV
# file, the claim page or a migration needs comes when it is asked for.
ABSENT = (
    *("typer", "click", "pydantic", "pydantic_core", "pydantic_settings", "dotenv", "rich", "pygments"),
    *("alembic", "mako", "jinja2", "segno", "babel", "yaml", "sqlalchemy", "psycopg"),
    *("bot.settings", "bot.cli.program", "bot.doctor", "slack_bolt"),
)


async def test_running_bot_keeps_no_module_of_its_start(world: Environment) -> None:
    for _ in range(2):  # the first makes the database, for which alembic is needed
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", OBSERVED),
            cwd=world.folder,
            env=environment(**pointing_at(world)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        await world.slack.until(lambda: world.slack.sockets, PATIENCE)
        process.send_signal(signal.SIGTERM)
        result = await ended(process)
        await world.slack.until(lambda: not world.slack.sockets, PATIENCE)
    assert result.code == 0, result.err
    loaded = set(json.loads(result.out.splitlines()[-1]))
    assert "bot.app" in loaded
    assert loaded.isdisjoint(ABSENT), sorted(loaded.intersection(ABSENT))
