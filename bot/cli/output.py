"""Output of an upload: a progress bar on a terminal, plain lines in CI, one JSON object for scripts."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from bot.cli import error_output, exit_handling, shutdown, standard_streams
from bot.domain import uploads
from bot.domain.model import Build
from bot.domain.uploads import TransferProgress
from bot.exceptions import BotError
from bot.i18n import NO_TEXT, english
from bot.observability.logging import set_up_logs
from bot.setting_values import InvalidSettings
from bot.slack.mrkdwn import plain_text
from bot.slack.views.uploads import measure

LINE_SECONDS = 10.0  # between lines of progress


class Interrupted(BotError, kind="Stopped"):
    """The process was signalled to stop before the work was done."""


class Output:
    """Output for a user or a log: progress on stderr, the result on stdout."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.terminal = sys.stderr.isatty()
        self.facts: dict[str, Any] = {}
        self._sent = 0
        self._total: int | None = None  # bytes of the file being sent

    def learn(self, build: Build, address: str | None) -> None:
        """Set the facts of the build for the JSON result."""
        self.facts["build"] = {
            "id": build.id,
            "app": build.app.slug,
            "version": build.version,
            "number": build.number,
            "platform": build.platform,
            "status": build.status,
            "stage": build.stage.value,
            "url": address,
        }

    def looked(self, build: Build) -> None:
        """Update the facts of the build."""
        if known := self.facts.get("build"):
            self.learn(build, known["url"])

    def say(self, line: str) -> None:
        """Print a line for people."""
        print(plain_text(line, 2000), file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def begin(self, line: str, total: int) -> None:
        """Print that a file of `total` bytes is being sent. Raises BotError if the result could not be printed."""
        self.say(line)
        if why := standard_streams.lost():
            raise BotError(english(f"Can't write the output: {why}."), english("Nothing was uploaded."))
        self._total = total

    def stopped(self) -> BotError:
        """Return the message for when the process is signalled to stop now."""
        if "build" in self.facts:
            return Interrupted(
                english("Stopped. The build is uploaded."), english("Uploading it again would create a duplicate.")
            )
        if self._total is not None and self._sent >= self._total:
            return Interrupted(
                english("Stopped before Applivery answered, so it may or may not have the file."),
                english("Check the dashboard before you try again."),
            )
        return Interrupted(english("Stopped. Nothing was uploaded."), NO_TEXT)

    def sent(self, count: int) -> None:
        """Set the number of bytes sent."""
        self._sent = count

    @asynccontextmanager
    async def progress(self, total: int) -> AsyncIterator[None]:
        """Show the progress during the context."""
        self._sent = 0
        showing = asyncio.create_task(self._bar(total) if self.terminal else self._lines(total))
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _lines(self, total: int) -> None:
        marks = [(time.monotonic(), 0)]
        while True:
            await asyncio.sleep(LINE_SECONDS)
            marks = [*marks[-3:], (time.monotonic(), self._sent)]
            self._error(words(uploads.pace(marks, total)))

    def _error(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201

    async def _bar(self, total: int) -> None:
        # imported here, since rich takes a tenth of a second and CI never needs it
        from rich import progress  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415

        columns = (
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
        )
        with progress.Progress(*columns, console=Console(stderr=True), auto_refresh=False) as bar:
            task = bar.add_task("upload", total=total)
            try:
                while True:
                    bar.update(task, completed=self._sent, refresh=True)
                    await asyncio.sleep(0.2)
            finally:
                bar.update(task, completed=self._sent, refresh=True)


def ended(work: Callable[[Output], Coroutine[Any, Any, None]], *, as_json: bool) -> int:
    """Run the work; return the exit code: 0 done, 1 failed, 2 if the arguments or settings have to be changed."""
    set_up_logs("ERROR", "console")  # on stderr, since scripts read stdout
    showing = Output(as_json=as_json)
    try:
        shutdown.until_done(work(showing))
    except KeyboardInterrupt:
        return error_output.failed(showing.stopped(), as_json=as_json, facts=showing.facts)
    except InvalidSettings as fault:
        return error_output.settings_fault(fault, as_json=as_json)
    except BotError as problem:
        return error_output.failed(problem, as_json=as_json, facts=showing.facts)
    except Exception as error:  # noqa: BLE001 - what is known of the build by then is printed all the same
        return error_output.failed(error_output.fault_of(error), as_json=as_json, facts=showing.facts)
    if as_json:
        exit_handling.result({"ok": True, **showing.facts})
    return exit_handling.DONE


def words(pace: TransferProgress) -> str:
    """`43% · 412.0 MB of 960.0 MB · 12.3 MB/s · 45 s left`."""
    return f"{pace.percent}% · {measure(pace)}"
