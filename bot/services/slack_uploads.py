"""Stream files from Slack to Applivery: progress in one private message, then a watch of the build."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
from msgspec import Struct

from bot.applivery.client import AppliveryClient
from bot.applivery.recipients import RecipientCounter
from bot.db import build_waiters, idempotency
from bot.db.database import Database
from bot.domain import uploads
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from bot.domain.model import Actor, App, Build, Role
from bot.domain.uploads import UploadMetadata
from bot.exceptions import BotError, SlackError, kind_of
from bot.i18n import Text, _
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.audit import AuditLog
from bot.services.permissions import PermissionChecker
from bot.services.upload_recovery import UploadJournal
from bot.slack.blocks import Message
from bot.slack.client import MessageRef, SlackClient
from bot.slack.file_source import SlackFile, SlackFileSource
from bot.slack.mrkdwn import escape_inline
from bot.slack.views import builds as buildcards
from bot.slack.views import uploads as cards
from bot.timeouts import for_a_person

log = logger(__name__)

AT_ONCE = 2
AGAIN_SECONDS = 30.0  # within which the same upload is not started twice
EVERY_SECONDS = 3.0  # between edits; Slack allows fifty a minute in a workspace
MARKS = 5  # edits from which the rate is calculated
STOPPED = (
    Text("The bot restarted before the upload finished."),
    Text("Nothing was uploaded. Upload it again."),
)
BROKEN = (
    Text("Something went wrong."),
    Text("Check the app's builds before you upload it again."),
)


class UploadRequest(Struct, frozen=True):
    """One file for an app, or for one build of it; `entrypoint` is for the audit."""

    asker: Actor
    app: App
    file: SlackFile
    details: UploadMetadata = msgspec.field(default_factory=UploadMetadata)
    build: Build | None = None
    entrypoint: Entrypoint = Entrypoint.FORM
    reopen_value: str = ""  # value of the button that reopens the form

    @property
    def target_name(self) -> str:
        """Return the target as text."""
        return buildcards.plain_title(self.build) if self.build else self.app.name

    @property
    def key(self) -> str:
        """The idempotency key: the same file for the same target."""
        return f"carry {self.file.id} {self.build.id if self.build else self.app.id}"


class UploadRunner:
    """Runs a few uploads at once, each in its own task; others are queued."""

    def __init__(
        self,
        *,
        applivery: AppliveryClient,
        files: SlackFileSource,
        slack_client: SlackClient,
        store: Database,
        permission: PermissionChecker,
        dashboard: Callable[[Build], str],
        audit: AuditLog,
        every: float = EVERY_SECONDS,
    ) -> None:
        self.files = files
        self.journal = UploadJournal(store, slack_client)
        self._applivery = applivery
        self._slack_client = slack_client
        self._store = store
        self._permission = permission
        self._dashboard = dashboard
        self._audit = audit
        self._every = every
        self._semaphore = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def recipient_counter(self, app: App) -> RecipientCounter:
        """Return the counter of the recipients of Applivery's emails about an app."""
        return self._applivery.recipients(app)

    async def get_file(self, file_id: str) -> SlackFile:
        """Return a file of Slack for an upload. Raises FileReadError and SlackError."""
        return await self.files.get_file(file_id)

    async def start(self, request: UploadRequest) -> bool:
        """Start an upload; False when the same one was started a moment ago. Raises DatabaseUnavailable.

        The result is shown in the user's direct messages, in the current language.
        """
        if not await self._store.run(idempotency.acquire_once, request.key, AGAIN_SECONDS):
            return False
        with for_a_person(False):
            task = asyncio.create_task(self._run(request), name="carry")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def drain(self, timeout_seconds: float) -> None:
        """Wait at most `timeout_seconds` for the uploads in progress."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_seconds)

    async def close(self, timeout_seconds: float) -> None:
        """Cancel the uploads in progress and update their messages."""
        for task in self._tasks:
            task.cancel()
        await self.drain(timeout_seconds)

    # -------------------------------------------------------------- one upload

    async def _run(self, request: UploadRequest) -> None:
        status_message = _UploadStatusMessage(self._slack_client, self.journal, request)
        outcome: AuditOutcome | str = AuditOutcome.STOPPED
        last, build = _render_failure(request, _new_error(STOPPED)), request.build
        try:
            await status_message.post()
            async with self._semaphore:
                await self._check_permission(request)  # it may have been queued for long
                last, build = await self._upload(request, status_message)
            last = await self._redact_if_denied(request, last)
            outcome = AuditOutcome.UPLOADED
        except BotError as problem:
            outcome, last = kind_of(problem), _render_failure(request, problem)
            log.info("carry.problem", problem=outcome, cause=cause(problem))
        except asyncio.CancelledError:
            log.info("carry.stopped")
        except Exception as error:
            reference = secrets.token_hex(4)
            outcome, last = AuditOutcome.UNEXPECTED, _render_failure(request, _new_error(BROKEN), reference)
            log.exception("carry.error", error=kind_of(error), reference=reference)
        with suppress(BotError):  # the user is still notified
            await self._record_outcome(request, build, outcome)
        await status_message.finish(last)

    async def _check_permission(self, request: UploadRequest) -> None:
        """Check that the user may still do this.

        Raises PermissionDenied, PermissionUnverified and DatabaseUnavailable.
        """
        asker = request.asker
        await self._permission.require(asker.user_id, Role.RELEASER, request.app, asker.channel_id)

    async def _redact_if_denied(self, request: UploadRequest, message: Message) -> Message:
        """Return the result message; only that it is done if the user may not see the build any more."""
        try:
            await self._check_permission(request)
        except BotError:
            return Message(_("✅ {file} was uploaded.", file=escape_inline(request.file.name, 120)))
        return message

    async def _upload(self, request: UploadRequest, status_message: _UploadStatusMessage) -> tuple[Message, Build]:
        """Upload the file; return the result message and the build."""
        builds = self._applivery.app_builds(request.app)
        parcel = self.files.open_stream(request.file)
        showing = asyncio.create_task(status_message.keep_updated(self._every))
        try:
            if request.build is not None:
                build = await builds.attach(request.build.id, parcel, progress=status_message.add_bytes)
                return cards.attached(request.file.name, build), build
            done = await builds.upload(
                parcel, request.details, progress=status_message.add_bytes, looking=status_message.set_searching
            )
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
        ended = await self._watch_build(done.build, request.asker)
        if ended is not None:
            return self._render_result(ended), ended
        dashboard = self._dashboard(done.build)
        by, mails = request.asker.user_id, request.details.mails
        return cards.uploaded(request.file.name, done.build, by, dashboard, found=done.found, mails=mails), done.build

    async def _watch_build(self, build: Build, asker: Actor) -> Build | None:
        """Watch an uploaded build; return it if it has ended already, in which case no notification follows."""
        await self._store.run(build_waiters.add_waiter, build, asker.team_id, asker.user_id, asker.channel_id)
        # It may have ended in between: only a request after the watch is stored is reliable.
        with suppress(BotError):
            now = await self._applivery.app_builds(build.app).build(build.id)
            if not now.stage.under_way and await self._store.run(build_waiters.remove_waiter, build.id, asker.user_id):
                return now
        return None

    def _render_result(self, build: Build) -> Message:
        return buildcards.status(build, self._dashboard(build))

    async def _record_outcome(self, request: UploadRequest, build: Build | None, outcome: AuditOutcome | str) -> None:
        if outcome != AuditOutcome.UPLOADED:
            await self._store.run(idempotency.release_once, request.key)
        action = AuditAction.ATTACH if request.build else AuditAction.UPLOAD
        build_id = build.id if build else None
        await self._audit.record(
            request.asker, request.entrypoint, action, outcome, app_id=request.app.id, build_id=build_id
        )


def _render_failure(request: UploadRequest, problem: BotError, reference: str | None = None) -> Message:
    return cards.failed(request.file.name, request.target_name, problem, reference, again=request.reopen_value)


def _new_error(sentences: tuple[Text, Text]) -> BotError:
    return BotError(*sentences)


class _UploadStatusMessage:
    """The message about an upload in the user's direct messages, updated by edits."""

    def __init__(self, slack_client: SlackClient, journal: UploadJournal, request: UploadRequest) -> None:
        self._slack_client = slack_client
        self._journal = journal
        self._request = request
        self._posted: MessageRef | None = None
        self._bytes_sent = 0
        self._is_searching = False

    async def post(self) -> None:
        """Post the message."""
        self._posted = await self._slack_client.post(self._request.asker.user_id, self._render(None))
        with suppress(BotError):  # the upload continues all the same
            await self._journal.add(
                self._posted, self._request.file.name, self._request.target_name, self._request.reopen_value
            )

    def add_bytes(self, count: int) -> None:
        """Record the number of bytes sent."""
        self._bytes_sent = count

    def set_searching(self) -> None:
        """Show that the response was lost and the build is searched for."""
        self._is_searching = True

    async def keep_updated(self, every: float) -> None:
        """Edit the message regularly until cancelled; skip failed edits."""
        marks = [(time.monotonic(), 0)]
        while self._posted is not None:
            marks = [*marks[-MARKS:], (time.monotonic(), self._bytes_sent)]
            card = self._render(marks)
            with suppress(SlackError):
                await self._slack_client.edit(self._posted.channel, self._posted.ts, card)
            await asyncio.sleep(every)

    async def finish(self, message: Message) -> None:
        """Show the result; in a new message if the first one was deleted."""
        await self._update_last(message)
        if self._posted is not None:
            with suppress(BotError):
                await self._journal.remove(self._posted)

    async def _update_last(self, message: Message) -> None:
        try:
            if self._posted is not None:
                await self._slack_client.edit(self._posted.channel, self._posted.ts, message)
                return
        except SlackError as problem:
            log.info("carry.edit_refused", code=problem.code)
        try:
            await self._slack_client.post(self._request.asker.user_id, message)
        except SlackError as problem:
            log.warning("carry.notify_failed", code=problem.code)

    def _render(self, marks: list[tuple[float, int]] | None) -> Message:
        if self._is_searching:
            return cards.looking(self._request.file.name, self._request.target_name)
        pace = uploads.pace(marks, self._request.file.size) if marks is not None else None
        return cards.under_way(self._request.file.name, self._request.target_name, pace)
