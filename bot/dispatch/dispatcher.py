"""Receive, acknowledge, parse, authorise, run and answer requests, and render every error."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import structlog
from msgspec.structs import replace

from bot import i18n
from bot.dispatch import request_state
from bot.dispatch.authorizer import Authorizer
from bot.dispatch.click_runner import ClickRunner, click_key
from bot.dispatch.command_runner import CommandRunner
from bot.dispatch.error_replies import ErrorReplies
from bot.dispatch.fair_queue import FairQueue
from bot.dispatch.home_tab import REFRESH, HomeTab
from bot.dispatch.modal_submission import ModalSubmission, check_lengths, restore_modal
from bot.dispatch.overload import OverloadResponder, repeat_of, user_id_of
from bot.dispatch.registry import HandlerKind, HandlerRegistry
from bot.dispatch.requests import (
    RequestSource,
    button_value,
    changed_channel_id,
    changed_members_and_groups,
    channel_with_changed_membership,
    is_access_change,
    is_bot_joined,
    is_sharing_changed,
    is_token_revoked,
    parse_details_request,
    parse_home_opened,
    parse_shared_links,
    parse_source,
    read_values,
    restore_context,
    workspace_of,
)
from bot.dispatch.responder import Responder
from bot.dispatch.slow_notice import SlowNotice
from bot.dispatch.spoken import is_message, parse_spoken
from bot.domain.audit import Entrypoint
from bot.domain.conversations import Conversation
from bot.domain.outcomes import Arrival, RequestOutcome
from bot.exceptions import (
    BotError,
    DatabaseUnavailable,
    Outdated,
    PermissionDenied,
    StoppedBeforeAnswer,
    UnexpectedError,
    kind_of,
)
from bot.i18n import Text
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.services.access import AccessResolver
from bot.services.bundle import Services
from bot.slack import typed_text
from bot.slack.blocks import HomeView, Message, Reply
from bot.slack.client import SlackClient
from bot.slack.deduplication import RequestDeduplicator
from bot.slack.incoming import TRY_AGAIN, Acknowledgement, IncomingRequest
from bot.slack.schemas import sanitize
from bot.slack.source_message import read_message
from bot.slack.views import forms
from bot.slack.workspaces import at_hand
from bot.timeouts import for_a_person

log = logger(__name__)

TYPEAHEAD_SECONDS = 2.5  # Slack waits 3
EXPLAIN_SECONDS = 2.0  # at shutdown, to tell users that the bot stops before it has answered
MOVE_SECONDS = 2.5  # of the three seconds for Slack's acknowledgement
SHORTCUTS = ("message_action", "shortcut")  # a message shortcut and a global one


class RequestDispatcher:
    """Acknowledge every verified request and handle it afterwards.

    Commands, clicks and forms are authorised and answered in the same way.
    """

    def __init__(
        self,
        *,
        services: Services,
        registry: HandlerRegistry,
        deduplicator: RequestDeduplicator,
        slack_client: SlackClient,
        people: AccessResolver,
        metrics: Metrics,
        clock: Callable[[], datetime],
        on_channel_change: Callable[[str | None], None],
        on_sharing_change: Callable[[str], Awaitable[None]],
    ) -> None:
        """`on_channel_change` is called with a channel in which posting may have become possible or impossible.

        None means any channel. `on_sharing_change` is called with a channel that another organisation has joined or
        left.
        """
        self.services = services
        self.registry = registry
        self._on_channel_change = on_channel_change
        self._on_sharing_change = on_sharing_change
        self._people = people
        self._metrics = metrics
        self._responder = Responder(slack_client, services, clock)
        self._authorizer = Authorizer(services, registry, people, clock)
        self._commands = CommandRunner(services, registry, self._authorizer, self._responder)
        self._clicks = ClickRunner(services, registry, self._authorizer, self._commands)
        self._slow_notice = SlowNotice(services.apps, self._responder)
        self._errors = ErrorReplies(services, registry, self._responder, clock)
        self._home = HomeTab(slack_client, self._render_home)
        self._tasks: set[asyncio.Task[None]] = set()
        self._deduplicator = deduplicator
        self._forms: dict[str, ModalSubmission] = {}  # open forms by the trigger id of their submission
        self._queue = FairQueue()
        self._is_stopping = False
        self._overload = OverloadResponder(self._responder, metrics, services.command)

    async def receive(self, request: IncomingRequest) -> Acknowledgement:
        """Return the acknowledgement and handle the request in a new task; only a typeahead is answered here."""
        body: dict[str, Any] = sanitize(request.body)
        kind = body.get("type")
        at_hand.set(workspace_of(body))
        if (done := await self._note_event(body)) is not None:
            return done
        body = self.services.slack_events.moves.present(body)
        if kind != "block_suggestion" and self._queue.is_full(user_id_of(body)):
            return await self._reject_overload(body)
        clicks = self._clicks.parse(body) if kind == "block_actions" else []
        request_state.arrival.set(self._start_check(request, body, clicks) if kind != "block_suggestion" else None)
        if "command" in body:
            self._spawn(parse_source(Entrypoint.COMMAND, body), str(body.get("text") or ""), self._commands.run_text)
        elif kind == "block_actions":
            for source, action in clicks:
                self._spawn(source, action, self._clicks.run)
        elif kind == "view_submission":
            return Acknowledgement(body=await self._acknowledge_form(body))
        elif kind in SHORTCUTS:
            self._spawn(parse_source(Entrypoint.SHORTCUT, body), body, self._on_shortcut)
        elif kind == "event_callback":
            self._handle_event(body)
        elif kind == "block_suggestion":
            found = await self._on_typeahead(parse_source(Entrypoint.TYPEAHEAD, body), body)
            return Acknowledgement(body={"options": found})
        return Acknowledgement()

    def _start_check(
        self, request: IncomingRequest, body: dict[str, Any], clicks: list[tuple[RequestSource, dict[str, Any]]]
    ) -> asyncio.Future[Arrival] | None:
        """Start to look up if the request was handled before; if its only click requests a link, reserve that too.

        The link is reserved only for a known person, since it is counted under the id that is stored for them.
        """
        once = [(source, action) for source, action in clicks if self._clicks.is_once(action)]
        keys = [click_key(source, action) for source, action in once]
        link = None
        if len(once) == 1 and self._clicks.is_for_link(once[0][1]):
            person = self._people.known_id(once[0][0].user_id)
            link = self.services.links.limits(person) if person else None
        return self._deduplicator.start_check(request, body, keys, link)

    async def _note_event(self, body: dict[str, Any]) -> Acknowledgement | None:
        """Handle an event that needs no reply; return None for every other request."""
        if known := changed_members_and_groups(body):  # idempotent, so handled without the database
            for who in known:
                self.services.slack_events.forget(who)
                self._track(self.services.slack_events.tell_replicas(who))
        elif changed := changed_channel_id(body):
            return await self._on_channel_id_changed(*changed)
        elif not is_message(body) or parse_spoken(body):  # the bot's own messages arrive as events too
            return None
        return Acknowledgement()

    async def _acknowledge_form(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the response to a form, which closes it or keeps it open; a redelivery gets the same response."""
        key = str(body.get("trigger_id") or "")
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = ModalSubmission(body.get("view") or {})
            source = parse_source(Entrypoint.FORM, body)
            if picked := read_values(form.view).get(forms.PICKED_CHANNEL):
                source = replace(source, channel_id=picked, conversation=Conversation.ELSEWHERE)
            self._spawn(source, form, self._on_form)
        try:
            return await form.acknowledgement()
        finally:
            self._forms.pop(key, None)

    async def _on_channel_id_changed(self, old: str, new: str, at: float) -> Acknowledgement:
        """Record a channel's new id before the acknowledgement, as Slack redelivers an unacknowledged event."""
        try:
            async with asyncio.timeout(MOVE_SECONDS):
                await self.services.slack_events.moves.move(old, new, at)
        except (DatabaseUnavailable, TimeoutError) as problem:
            log.warning("event.channel_id_not_recorded", channel=old, to=new, problem=kind_of(problem))
            return Acknowledgement(TRY_AGAIN)
        self._on_channel_change(new)
        return Acknowledgement()

    def _handle_event(self, body: dict[str, Any]) -> None:
        if spoken := parse_spoken(body):
            for each in self._commands.split_lines(spoken):
                self._spawn(spoken.source, each, self._commands.run_spoken)
        elif opened := parse_home_opened(body):
            self._spawn(opened, body, self._on_home_opened)
        elif shared := parse_shared_links(body):
            self._explain(shared.user_id, self.services.link_previews.explain(shared))
        elif asked := parse_details_request(body):
            self._explain(asked.user_id, self.services.link_previews.open(asked))
        elif channel_id := channel_with_changed_membership(body):
            self._track(self._on_channel_event(channel_id, body))
        elif is_token_revoked(body):
            self._track(self.services.installation.check_token())
        elif is_access_change(body):
            self._track(self._on_access_change(body))

    async def _reject_overload(self, body: dict[str, Any]) -> Acknowledgement:
        if message := self._overload.message(body):
            with for_a_person():
                self._track(message)
        return Acknowledgement(body=await self._overload.acknowledgement(body))

    async def drain(self, timeout_seconds: float) -> set[asyncio.Task[None]]:
        """Wait at most `timeout_seconds` for the requests in progress; return those that are not answered."""
        if not self._tasks:
            return set()
        _, unfinished = await asyncio.wait(self._tasks, timeout=timeout_seconds)
        return unfinished

    async def stop(self, timeout_seconds: float) -> None:
        """Wait at most `timeout_seconds` for the requests in progress; then tell the other users that the bot stops."""
        unfinished = await self.drain(timeout_seconds)
        self._is_stopping = True
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=EXPLAIN_SECONDS)

    # -------------------------------------------------------------- one request

    def _spawn(
        self,
        source: RequestSource,
        what: Any,
        work: Callable[[RequestSource, Any], Awaitable[tuple[str, Reply | None]]],
    ) -> None:
        with for_a_person():
            self._track(self._run_in_turn(self._queue.enter(source.user_id), self._handle(source, what, work)))

    async def _run_in_turn(self, turn: AbstractAsyncContextManager[None], work: Coroutine[Any, Any, None]) -> None:
        has_begun = False
        try:
            async with turn:
                has_begun = True
                await work
        except asyncio.CancelledError:
            if has_begun or not self._is_stopping:
                work.close()
                raise
            await work  # fails at once with the error that the bot stops

    def _require_running(self) -> None:
        if self._is_stopping:
            raise StoppedBeforeAnswer

    def _track(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(
        self,
        source: RequestSource,
        what: Any,
        work: Callable[[RequestSource, Any], Awaitable[tuple[str, Reply | None]]],
    ) -> None:
        form = what if isinstance(what, ModalSubmission) else None
        reference = secrets.token_hex(4)
        structlog.contextvars.bind_contextvars(reference=reference, door=source.entrypoint.value, user=source.user_id)
        started = time.monotonic()
        name, outcome = "", RequestOutcome.ANSWERED
        reply: Reply | None = None
        try:
            i18n.set_locale(await self._people.language(source.user_id))
            try:
                if (await request_state.find_arrival()).is_replayed:
                    return
            except BotError:
                request_state.repeat_action.set(repeat_of(what, self.services.command))
                raise
            self._require_running()
            async with self._slow_notice.watch(source):
                name, reply = await work(source, what)
            if reply is not None:
                await self._responder.deliver(source, reply, form)
        except PermissionDenied as error:
            outcome = RequestOutcome.DENIED
            await self._errors.deny(source, error, form)
        except BotError as error:
            outcome = RequestOutcome.PROBLEM
            log.info("request.problem", problem=kind_of(error), cause=cause(error))
            await self._errors.explain(source, error, form, None if error.everyday else reference)
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            outcome = RequestOutcome.PROBLEM
            log.info("request.interrupted")
            await self._errors.explain(source, StoppedBeforeAnswer(), form, None)
        except Exception as error:  # the user always gets a reply (guarantee 9)
            outcome = RequestOutcome.UNEXPECTED
            log.exception("request.error", error=kind_of(error))
            await self._errors.explain(source, UnexpectedError(), form, reference)
        if (
            source.from_home
            and source.entrypoint is not Entrypoint.HOME
            and (outcome is not RequestOutcome.ANSWERED or isinstance(reply, Message))
        ):
            await self._home.refresh_after_action(source)
        self._metrics.answered(source.entrypoint.value, name, outcome, time.monotonic() - started)

    async def _on_channel_event(self, channel_id: str, body: dict[str, Any]) -> None:
        try:
            if (await request_state.find_arrival()).is_replayed:
                return
        except BotError as problem:  # an unnecessary check of a channel does no harm
            log.info("event.repeats_unknown", problem=kind_of(problem), cause=cause(problem))
        log.info("event.channel_moved", event_type=body["event"]["type"], channel=channel_id)
        self._on_channel_change(channel_id)
        if is_sharing_changed(body):
            await self._on_sharing_change(channel_id)
        if is_bot_joined(body):
            await self.services.slack_events.welcome(channel_id)

    def _explain(self, user_id: str, work: Coroutine[Any, Any, object]) -> None:
        """Handle a pasted link or an opened card, in this user's turn."""
        with for_a_person():
            self._track(self._run_in_turn(self._queue.enter(user_id), self._once(work)))

    async def _once(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            if not (await request_state.find_arrival()).is_replayed:
                await work
        except BotError as problem:  # unknown whether it was handled before
            log.info("event.repeats_unknown", problem=kind_of(problem), cause=cause(problem))
        finally:
            work.close()

    async def _on_access_change(self, body: dict[str, Any]) -> None:
        log.info("event.workspaces_changed", event_type=body["event"].get("type"))
        await self.services.installation.changed()
        self._on_channel_change(None)

    async def _on_home_opened(self, source: RequestSource, _: dict[str, Any]) -> tuple[str, Reply | None]:
        await self._home.show(source)
        return "home", None

    async def _render_home(self, source: RequestSource) -> HomeView:
        entry = self.registry.entries[HandlerKind.BUTTON, REFRESH]
        home: HomeView = await entry.run(await self._authorizer.authorize(source, entry), "")
        return home

    async def _on_shortcut(self, source: RequestSource, body: dict[str, Any]) -> tuple[str, Reply | None]:
        name = str(body.get("callback_id") or "")
        entry = self.registry.get(HandlerKind.SHORTCUT, name)
        if entry is None:
            raise Outdated(Text("This shortcut is out of date."))
        message = body.get("message") or {}
        call = replace(await self._authorizer.authorize(source, entry), source_message=read_message(message))
        return name, await entry.run(call, button_value(message, self.registry.build_button_names()))

    async def _on_form(self, source: RequestSource, form: ModalSubmission) -> tuple[str, Reply | None]:
        name = str(form.view.get("callback_id") or "")
        if name == forms.PICK_CHANNEL:
            return await self._clicks.repeat_elsewhere(source, form)
        entry = self.registry.get(HandlerKind.FORM, name)
        if entry is None:
            raise Outdated(Text("This form is out of date."))
        form.view = await restore_context(form.view, self.services.drafts)
        call = replace(await self._authorizer.authorize(source, entry), submitted_form=restore_modal(form.view))
        check_lengths(form.view)
        return name, await entry.run(call, read_values(form.view))

    async def _on_typeahead(self, source: RequestSource, body: dict[str, Any]) -> list[dict[str, Any]]:
        entry = self.registry.get(HandlerKind.OPTIONS, str(body.get("action_id") or ""))
        if entry is None:
            return []
        try:
            with for_a_person():
                async with asyncio.timeout(TYPEAHEAD_SECONDS), self._queue.enter(source.user_id):
                    i18n.set_locale(await self._people.language(source.user_id))
                    call = await self._authorizer.authorize(source, entry)
                    view = await restore_context(body.get("view") or {}, self.services.drafts)
                    found = await entry.run(call, typed_text.normalize_search(body.get("value")), read_values(view))
        except (BotError, TimeoutError) as error:
            log.info("typeahead.empty", problem=kind_of(error), cause=cause(error))
            return []
        return [option.to_dict() for option in found[:100]]
