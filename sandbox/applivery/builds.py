"""Builds of the fake workspace: made, uploaded, processed by themselves or by hand, failed, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.applivery.contents import FileContent, keep
from sandbox.applivery.models import READY, FakeApp, FakeBuild, ScheduledStatus, Wire
from sandbox.applivery.payloads import When, build_wire, file_wire, origin, package_content, timestamp
from sandbox.applivery.webhook import WebhookSender
from sandbox.applivery.workspace import FakeWorkspace

SIZE = 1_572_864  # bytes of a build nobody gave a size


class FakeBuildsWorkspace(FakeWorkspace):
    """The workspace with its builds; `processing` is (seconds pending, seconds in progress) or None: by hand only."""

    def __init__(
        self, organization: str, token: str, clock: Callable[[], float], processing: tuple[float, float] | None
    ) -> None:
        super().__init__(organization, token, clock)
        self.processing = processing
        self.webhook = WebhookSender(self)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._running = False

    # -------------------------------------------------------------- making

    def build(
        self,
        app: FakeApp,
        *,
        version: str = "1.0.0",
        number: str = "1",
        os: str = "ios",
        status: str = "processed",
        branch: str | None = None,
        tag: str | None = None,
        commit: str | None = None,
        commit_message: str | None = None,
        ci: str = "GitHub Actions",
        changelog: str = "",
        tags: Sequence[str] = (),
        size: int = SIZE,
        extension: str | None = None,
        uploader: Wire | None = None,
        created_at: When = None,
        content: FileContent | None = None,
        **extra: Any,
    ) -> FakeBuild:
        """Put a build there as if it had been there all along: no webhook, no moving.

        `size` is bytes and exactly what a download of it delivers; `extension` aab adds the original bundle. `uploader`
        is the wire's `uploadedBy` (None: a build robot). `extra` are wire fields that win over everything else, so
        `deployer=None` or `status="thawing"` send odd shapes.
        """
        at = self.moment(created_at)
        wire = build_wire(app, self.new_id("build"), version=version, number=number, os=os, status=status, at=at)
        wire |= {"changelog": changelog, "tags": list(tags), "size": content.size if content else size}
        wire["deployer"] = origin(ci, number, branch=branch, tag=tag, commit=commit, message=commit_message)
        if extension:
            wire["originalExtension"] = extension
        if uploader is not None:
            wire["uploadedBy"] = uploader
        made = FakeBuild(app, wire | extra, entered_at=at.timestamp())
        if "files" not in extra:
            self._store_files(made, content, timestamp(at))
        self.builds.append(made)
        app["counts"] = {"builds": len(self.builds_of(app))}
        if made.ready:
            app["lastBuildProcessedDate"] = max(str(app.get("lastBuildProcessedDate", "")), timestamp(at))
        self._tell(made, "created")
        return made

    def _store_files(self, build: FakeBuild, content: FileContent | None, at: str) -> None:
        extension = str(build.wire.get("originalExtension"))
        size = build.wire.get("size")
        size = int(size) if isinstance(size, int | str) and str(size).isdigit() else SIZE
        if extension == "aab":
            original = content or package_content(build, "aab", size)
            self._store_file(build, "original", original, at)
            content, extension = None, "apk"
        self._store_file(build, "package", content or package_content(build, extension, size), at)

    def _store_file(self, build: FakeBuild, kind: str, content: FileContent, at: str, description: str = "") -> Wire:
        entry = file_wire(self.new_file_id(), kind, content, at, description)
        build.contents[entry["id"]] = content
        build.wire.setdefault("files", []).append(entry)
        return entry

    def upload(
        self,
        app: FakeApp,
        *,
        error: str | None = None,
        error_code: str = "",
        form: dict[str, str] | None = None,
        icon: FileContent | None = None,
        **made_as: Any,
    ) -> FakeBuild:
        """Somebody uploads a build on Applivery's side: it starts pending and moves by itself after `processing`.

        Takes what `build` takes. With `error` (and `error_code`) the processing ends in failure. Tells the webhook.
        """
        build = self.build(app, status="pending", **made_as)
        build.form = form or {}
        build.icon = icon
        if error is not None:
            build.outcome = (error, error_code)
        if self.processing is not None:
            pending, working = self.processing
            build.steps = [
                ScheduledStatus("in_progress", pending),
                ScheduledStatus("error" if build.outcome else "processed", working),
            ]
        self.webhook.announce("build_created", build)
        self._arm(build)
        return build

    # -------------------------------------------------------------- changing

    def move(self, build: FakeBuild, status: str) -> None:
        """Give a build this status by hand, whatever the word; it stops moving by itself."""
        self._disarm(build)
        build.steps = []
        self._enter(build, status)

    def fail(self, build: FakeBuild, error: str = "The build could not be processed", code: str = "") -> None:
        """Let the processing fail with these words; there is no webhook for that, as at Applivery."""
        build.outcome = (error, code)
        self.move(build, "error")

    def delete(self, build: FakeBuild) -> None:
        """Remove a build for good; its lines in the download log stay."""
        self._disarm(build)
        self.builds.remove(build)
        build.app["counts"] = {"builds": len(self.builds_of(build.app))}
        self._tell(build, "deleted")

    def attach(
        self,
        build: FakeBuild,
        name: str,
        content: bytes | FileContent,
        mimetype: str = "application/octet-stream",
        description: str = "",
    ) -> Wire:
        """Attach a file to a build; give its entry of `files`."""
        if isinstance(content, bytes):
            content = keep(name, mimetype, content)
        entry = self._store_file(build, "attachment", content, timestamp(self.clock()), description)
        self._tell(build, "changed")
        return entry

    def edit(self, build: FakeBuild, changes: Wire) -> None:
        """Change wire fields of a build and say so to the listeners."""
        build.wire |= changes
        build.wire["updatedAt"] = timestamp(self.clock())
        self._tell(build, "changed")

    def raw_extra(self, build: FakeBuild, key: str, value: Any) -> None:
        """Put any field into a build's wire, documented or not, and touch nothing else."""
        build.wire[key] = value
        self._tell(build, "changed")

    def _enter(self, build: FakeBuild, status: str) -> None:
        elapsed = round((self.clock() - build.entered_at) * 1000)  # the unit is not documented; milliseconds is a guess
        build.entered_at = self.clock()
        if status == "in_progress":
            build.wire["queuedTime"] = elapsed
        elif status in READY:
            build.wire["processTime"] = elapsed
            build.app["lastBuildProcessedDate"] = timestamp(self.clock())
        elif status == "error":
            error, code = build.outcome or ("The build could not be processed", "")
            build.wire |= {"error": error, "errorCode": code or None, "processLogs": [error]}
        self.edit(build, {"status": status})
        if status in READY:
            self.webhook.announce("build_processed", build)

    def _tell(self, build: FakeBuild, event: str) -> None:
        self.tell("build", {"event": event, "app": build.app.slug, "build": build.wire})

    # -------------------------------------------------------------- moving by itself

    def run(self) -> None:
        """Let builds move by themselves from now on, each after what was left of its wait."""
        self._running = True
        for build in self.builds:
            self._arm(build)

    def rest(self) -> None:
        """Stop every build where it is; `run` goes on from there."""
        self._running = False
        for build in self.builds:
            self._disarm(build)

    def _arm(self, build: FakeBuild) -> None:
        if not self._running or not build.steps:
            return
        step = build.steps[0]
        if step.since is None:
            step.since = self.clock()
        left = max(0.0, step.after - (self.clock() - step.since))
        self._timers[build.id] = asyncio.get_running_loop().call_later(left, self._take_step, build)

    def _disarm(self, build: FakeBuild) -> None:
        timer = self._timers.pop(build.id, None)
        if timer is not None:
            timer.cancel()

    def _take_step(self, build: FakeBuild) -> None:
        self._timers.pop(build.id, None)
        self._enter(build, build.steps.pop(0).status)
        self._arm(build)
