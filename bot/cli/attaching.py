"""An attachment from the shell as it was ordered."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bot import config
from bot.applivery import files
from bot.cli import depots
from bot.cli.showing import Showing
from bot.domain import choice
from bot.slack.wording import size


@dataclass(frozen=True, slots=True)
class Order:
    """One attachment as it was ordered."""

    which: str
    path: Path
    app: str | None

    async def carried_out(self, showing: Showing) -> None:
        """Do it. Raises a Problem when it cannot be done."""
        settings = config.read_upload()
        file = files.local(self.path)
        async with AsyncExitStack() as stack:
            depot = await stack.enter_async_context(depots.depot(settings, self.app))
            build = await depots.build(depot, self.which)
            showing.say(f"Attaching {file.name} ({size(file.size)}) to {build.app.name} {choice.label(build)}.")
            async with showing.progress(file.size):
                build = await depot.attach(build.id, file, progress=showing.sent)
            showing.learn(build, depots.dashboard(settings, build))
            showing.facts["attached"] = file.name
            showing.say(f"Attached; the build has {len(build.attachments)} now.")
