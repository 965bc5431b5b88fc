"""Carrying files from Slack to Applivery: streamed, told in one private message, and handed over to the watch."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

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
from bot.slack.mrkdwn import inline
from bot.slack.views import builds as buildcards
from bot.slack.views import uploads as cards
from bot.timeouts import for_a_person

log = logger(__name__)

AT_ONCE = 2
AGAIN_SECONDS = 30.0  # in which the same upload is not started twice
EVERY_SECONDS = 3.0  # between edits; Slack allows fifty a minute in a workspace
MARKS = 5  # edits whose span gives the rate
STOPPED = (
    Text("I was stopped before all of it was sent."),
    Text("Nothing was uploaded. Please start it again."),
)
BROKEN = (
    Text("Something went wrong on my side."),
    Text("Look at the builds of the app before you upload it again."),
)


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """One file for an app, or for one build of it; `door` is the way the wish came in, for the audit."""

    asker: Actor
    app: App
    file: SlackFile
    details: UploadMetadata = field(default_factory=UploadMetadata)
    build: Build | None = None
    door: Entrypoint = Entrypoint.FORM
    again: str = ""  # what the button carries that opens the form anew

    @property
    def to(self) -> str:
        """Where it goes, in words."""
        return buildcards.plain_title(self.build) if self.build else self.app.name

    @property
    def key(self) -> str:
        """The same load for the same place."""
        return f"carry {self.file.id} {self.build.id if self.build else self.app.id}"


class UploadRunner:
    """Carries a few loads at once, each in a task of its own; the others wait for their turn."""

    def __init__(
        self,
        *,
        applivery: AppliveryClient,
        files: SlackFileSource,
        poster: SlackClient,
        store: Database,
        permission: PermissionChecker,
        dashboard: Callable[[Build], str],
        audit: AuditLog,
        every: float = EVERY_SECONDS,
    ) -> None:
        self.files = files
        self.unfinished = UploadJournal(store, poster)
        self._applivery = applivery
        self._poster = poster
        self._store = store
        self._permission = permission
        self._dashboard = dashboard
        self._audit = audit
        self._every = every
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def audience(self, app: App) -> RecipientCounter:
        """Return whom Applivery would mail about a build of an app."""
        return self._applivery.audience(app)

    async def source(self, file_id: str) -> SlackFile:
        """Return a file of Slack as it can be uploaded. Raises FileReadError and what else Slack means."""
        return await self.files.file(file_id)

    async def start(self, load: UploadRequest) -> bool:
        """Start an upload; False when the same one was started a moment ago. Raises DatabaseUnavailable.

        What comes of it is told in the user's direct messages, in the language spoken now.
        """
        if not await self._store.run(idempotency.acquire_once, load.key, AGAIN_SECONDS):
            return False
        with for_a_person(False):
            task = asyncio.create_task(self._carry(load), name="carry")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def finish(self, seconds: float) -> None:
        """Wait for the loads under way, at most so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def close(self, seconds: float) -> None:
        """Stop: what is not whole by now is not carried on, and its message says so."""
        for task in self._tasks:
            task.cancel()
        await self.finish(seconds)

    # -------------------------------------------------------------- one load

    async def _carry(self, load: UploadRequest) -> None:
        telling = _UploadStatusMessage(self._poster, self.unfinished, load)
        outcome: AuditOutcome | str = AuditOutcome.STOPPED
        last, build = _failed(load, _problem(STOPPED)), load.build
        try:
            await telling.begin()
            async with self._room:
                await self._require(load)  # it may have waited long for its turn
                last, build = await self._sent(load, telling)
            last = await self._as_it_may_be(load, last)
            outcome = AuditOutcome.UPLOADED
        except BotError as problem:
            outcome, last = kind_of(problem), _failed(load, problem)
            log.info("carry.problem", problem=outcome, cause=cause(problem))
        except asyncio.CancelledError:
            log.info("carry.stopped")
        except Exception as error:
            reference = secrets.token_hex(4)
            outcome, last = AuditOutcome.UNEXPECTED, _failed(load, _problem(BROKEN), reference)
            log.exception("carry.error", error=kind_of(error), reference=reference)
        with suppress(BotError):  # the person is told all the same
            await self._end(load, build, outcome)
        await telling.end(last)

    async def _require(self, load: UploadRequest) -> None:
        """Whether the person may still do this.

        Raises PermissionDenied, PermissionUnverified and DatabaseUnavailable.
        """
        asker = load.asker
        await self._permission.require(asker.user_id, Role.RELEASER, load.app, asker.channel_id)

    async def _as_it_may_be(self, load: UploadRequest, message: Message) -> Message:
        """What came of it; no more than that it is done to a person who may not see the build any more."""
        try:
            await self._require(load)
        except BotError:
            return Message(_("✅ {file} was uploaded.", file=inline(load.file.name, 120)))
        return message

    async def _sent(self, load: UploadRequest, telling: _UploadStatusMessage) -> tuple[Message, Build]:
        """Send it; the message that says what came of it, and the build."""
        depot = self._applivery.depot(load.app)
        parcel = self.files.parcel(load.file)
        showing = asyncio.create_task(telling.keep_telling(self._every))
        try:
            if load.build is not None:
                build = await depot.attach(load.build.id, parcel, progress=telling.sent)
                return cards.attached(load.file.name, build), build
            done = await depot.upload(parcel, load.details, progress=telling.sent, looking=telling.looking)
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
        ended = await self._follow(done.build, load.asker)
        if ended is not None:
            return self._ended(ended), ended
        dashboard = self._dashboard(done.build)
        by, mails = load.asker.user_id, load.details.mails
        return cards.uploaded(load.file.name, done.build, by, dashboard, found=done.found, mails=mails), done.build

    async def _follow(self, build: Build, asker: Actor) -> Build | None:
        """Watch an uploaded build; return it when it has ended already, so that no notification follows."""
        await self._store.run(build_waiters.add_waiter, build, asker.team_id, asker.user_id, asker.channel_id)
        # It may have ended between the two: only what is asked after the promise is written down can be relied on.
        with suppress(BotError):
            now = await self._applivery.depot(build.app).build(build.id)
            if not now.stage.under_way and await self._store.run(build_waiters.remove_waiter, build.id, asker.user_id):
                return now
        return None

    def _ended(self, build: Build) -> Message:
        return buildcards.status(build, self._dashboard(build))

    async def _end(self, load: UploadRequest, build: Build | None, outcome: AuditOutcome | str) -> None:
        if outcome != AuditOutcome.UPLOADED:
            await self._store.run(idempotency.release_once, load.key)
        action = AuditAction.ATTACH if load.build else AuditAction.UPLOAD
        build_id = build.id if build else None
        await self._audit.record(load.asker, load.door, action, outcome, app_id=load.app.id, build_id=build_id)


def _failed(load: UploadRequest, problem: BotError, reference: str | None = None) -> Message:
    return cards.failed(load.file.name, load.to, problem, reference, again=load.again)


def _problem(sentences: tuple[Text, Text]) -> BotError:
    return BotError(*sentences)


class _UploadStatusMessage:
    """The one message about a load, in the asker's direct messages; it is edited, never repeated."""

    def __init__(self, poster: SlackClient, unfinished: UploadJournal, load: UploadRequest) -> None:
        self._poster = poster
        self._unfinished = unfinished
        self._load = load
        self._posted: MessageRef | None = None
        self._sent = 0
        self._lost = False

    async def begin(self) -> None:
        """Say that it is coming."""
        self._posted = await self._poster.post(self._load.asker.user_id, self._card(None))
        with suppress(BotError):  # it is carried all the same
            await self._unfinished.begin(self._posted, self._load.file.name, self._load.to, self._load.again)

    def sent(self, count: int) -> None:
        """So many bytes have gone."""
        self._sent = count

    def looking(self) -> None:
        """The answer was lost; the build is being looked for."""
        self._lost = True

    async def keep_telling(self, every: float) -> None:
        """Edit the message again and again until cancelled; an edit that fails is left out."""
        marks = [(time.monotonic(), 0)]
        while self._posted is not None:
            marks = [*marks[-MARKS:], (time.monotonic(), self._sent)]
            card = self._card(marks)
            with suppress(SlackError):
                await self._poster.edit(self._posted.channel, self._posted.ts, card)
            await asyncio.sleep(every)

    async def end(self, message: Message) -> None:
        """The last word; in a message of its own when the first one is gone."""
        await self._last(message)
        if self._posted is not None:
            with suppress(BotError):
                await self._unfinished.end(self._posted)

    async def _last(self, message: Message) -> None:
        try:
            if self._posted is not None:
                await self._poster.edit(self._posted.channel, self._posted.ts, message)
                return
        except SlackError as problem:
            log.info("carry.edit_refused", code=problem.code)
        try:
            await self._poster.post(self._load.asker.user_id, message)
        except SlackError as problem:
            log.warning("carry.notify_failed", code=problem.code)

    def _card(self, marks: list[tuple[float, int]] | None) -> Message:
        if self._lost:
            return cards.looking(self._load.file.name, self._load.to)
        pace = uploads.pace(marks, self._load.file.size) if marks is not None else None
        return cards.under_way(self._load.file.name, self._load.to, pace)
