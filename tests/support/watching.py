"""What tests of watching have in common: builds on their way, earlier ones to go by, and the progress message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.applivery.models import FakeBuild
from sandbox.applivery.payloads import timestamp
from sandbox.slack import FakeMessage, FakeUser
from tests.conftest import Environment
from tests.support.handing import directs, ready, rested

TITLE = "Courier 2.4.0 (173) for iOS"


def earlier(world: Environment, minutes: float = 8, *, count: int = 3, **about: Any) -> None:
    """Builds of days ago that took so long."""
    for number in range(count):
        made = datetime.now(UTC) - timedelta(days=2, hours=number)
        spent = {"queuedTime": minutes * 15_000, "processTime": minutes * 45_000}
        ended = timestamp(made + timedelta(minutes=minutes))
        ready(world, version=f"1.{number}.0", number=str(number), created_at=made, updatedAt=ended, **spent, **about)


def on_its_way(world: Environment, **about: Any) -> FakeBuild:
    """A build that is being processed."""
    return ready(world, **{"status": "in_progress", **about})


async def watched(world: Environment, typed: str = "watch courier", *, user: FakeUser | None = None) -> FakeMessage:
    """Ask to watch, and give the progress message."""
    user = user or world.bruno
    before = len(directs(world, user))
    await world.ask(typed, user=user)
    await rested(world)
    await world.bot.progress.step()
    [message] = directs(world, user)[before:]
    return message


def versions(message: FakeMessage) -> list[str]:
    """Everything a message ever said, in order."""
    return [each_message.text for each_message in (*message.history, message)]
