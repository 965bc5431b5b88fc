"""How an upload looks on the shell: a bar on a terminal, plain lines in CI, one JSON object for scripts."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from bot.config import SettingsFault
from bot.domain import uploads
from bot.domain.model import Build
from bot.domain.uploads import Pace
from bot.errors import BadInput, Problem
from bot.language.verbatim import unmarked
from bot.slack.cards.uploads import measure
from bot.slack.wording import plain
from bot.telemetry import set_up_logs

DONE, FAILED, USAGE = 0, 1, 2
LINE_SECONDS = 10.0  # between two lines of progress


class Showing:
    """What a person or a log sees. Progress goes to stderr, what came of it to stdout."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.terminal = sys.stderr.isatty()
        self.facts: dict[str, Any] = {}
        self._sent = 0

    def learn(self, build: Build, address: str | None) -> None:
        """Keep what scripts want to know of the build."""
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
        """The same build, as it is now."""
        if known := self.facts.get("build"):
            self.learn(build, known["url"])

    def say(self, line: str) -> None:
        """One line for people."""
        print(plain(line, 2000), file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def result(self, problem: Problem | None = None) -> None:
        """What came of it, for scripts; nothing unless that was asked for."""
        if not self.as_json:
            return
        found = {"ok": problem is None, **self.facts}
        if problem is not None:
            found["error"] = {
                "kind": type(problem).__name__,
                "code": getattr(problem, "code", None),
                "message": unmarked(problem.sentence),
                "next_step": unmarked(problem.next_step),
            }
        print(json.dumps(found, ensure_ascii=False), flush=True)  # noqa: T201

    def sent(self, count: int) -> None:
        """So many bytes of the file have gone."""
        self._sent = count

    @asynccontextmanager
    async def progress(self, total: int) -> AsyncIterator[None]:
        """Show how far it is while the block runs."""
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
        # imported here: rich takes a tenth of a second, and CI never needs it
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


def ended(work: Callable[[Showing], Coroutine[Any, Any, None]], *, as_json: bool) -> int:
    """Do the work; returns the exit code: 0 done, 1 failed, 2 when the call itself has to be changed."""
    set_up_logs("ERROR", "console")  # on stderr: what scripts read stays theirs
    showing = Showing(as_json=as_json)
    try:
        asyncio.run(work(showing))
    except SettingsFault as fault:
        showing.result(BadInput("The settings cannot be used.", " ".join(fault.lines)))
        raise
    except KeyboardInterrupt:
        stopped = Problem("Stopped.", "What Applivery did not get whole by then, it does not have.")
        return _failed(showing, stopped)
    except Problem as problem:
        return _failed(showing, problem)
    showing.result()
    return DONE


def _failed(showing: Showing, problem: Problem) -> int:
    showing.result(problem)
    print(plain(str(problem), 4000), file=sys.stderr, flush=True)  # noqa: T201
    return USAGE if isinstance(problem, BadInput) else FAILED


def words(pace: Pace) -> str:
    """`43 % · 412.0 MB of 960.0 MB · 12.3 MB/s · 45 s left`."""
    return f"{pace.percent} % · {measure(pace)}"
