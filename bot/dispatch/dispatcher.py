"""Request → parse → authorise → run → reply; acknowledges first and renders every error."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypedDict, get_args

import structlog
from msgspec.structs import replace

from bot import i18n
from bot.dispatch import guesses, refusals
from bot.dispatch.arguments import bind
from bot.dispatch.context import CommandContext
from bot.dispatch.fair_queue import FairQueue
from bot.dispatch.home_tab import REFRESH, HomeTab
from bot.dispatch.modal_submission import ModalSubmission, attribute_to_field, check_lengths, restore_modal
from bot.dispatch.overload import OverloadResponder, user_id_of
from bot.dispatch.refusals import RUN
from bot.dispatch.registry import HandlerKind, HandlerRegistry, RegisteredHandler
from bot.dispatch.requests import (
    RequestSource,
    button_value,
    changed_channel_id,
    changed_members_and_groups,
    channel_with_changed_membership,
    clicked,
    is_access_change,
    is_bot_joined,
    is_sharing_changed,
    is_token_revoked,
    opened_with,
    parse_details_request,
    parse_home_opened,
    parse_shared_links,
    parse_source,
    read_values,
    restore_context,
    workspace_of,
)
from bot.dispatch.responder import Responder
from bot.dispatch.spoken import Spoken, is_message, parse_spoken
from bot.dispatch.targets import Rest
from bot.domain import access, grammar
from bot.domain.audit import Entrypoint
from bot.domain.conversations import Conversation
from bot.domain.grammar import NO_WORDS, ParsedText
from bot.domain.model import Actor, Role
from bot.domain.outcomes import Arrival, RequestOutcome
from bot.domain.states import PauseReason
from bot.exceptions import (
    BotError,
    ChannelUnavailable,
    DatabaseUnavailable,
    Outdated,
    PermissionDenied,
    UnexpectedError,
    UserInputError,
    kind_of,
)
from bot.i18n import Text
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.observability.metrics import Metrics
from bot.services.access import AccessResolver
from bot.services.bundle import Services
from bot.services.links import LinkReservation
from bot.slack import typed_text
from bot.slack.blocks import HomeView, Message, Modal, Reply
from bot.slack.blocks.paging import paginate, parse_page_value
from bot.slack.client import SlackClient
from bot.slack.deduplication import RequestDeduplicator
from bot.slack.incoming import TRY_AGAIN, Acknowledgement, IncomingRequest
from bot.slack.schemas import sanitize
from bot.slack.source_message import read_message
from bot.slack.views import errors, forms
from bot.slack.workspaces import at_hand
from bot.timeouts import for_a_person

log = logger(__name__)

ADMINS_SECONDS = 2.0  # an error does not wait longer for the names of who can fix it
MOST_COMMANDS = 5  # in one message
TYPEAHEAD_SECONDS = 2.5  # Slack waits 3
MOVE_SECONDS = 2.5  # of the three in which Slack wants an acknowledgement
SHORTCUTS = ("message_action", "shortcut")  # of a message, and a global one
# the button that would ask it again
_repeat_action: ContextVar[tuple[str, str] | None] = ContextVar("again", default=None)
_asker: ContextVar[Actor | None] = ContextVar("asker", default=None)  # of the request worked on, once known
_arrival: ContextVar[asyncio.Task[Arrival] | None] = ContextVar("arrival", default=None)  # of the request worked on
# of the click worked on
_reserved_link: ContextVar[LinkReservation | None] = ContextVar("reserved_link", default=None)
REPEATING_COMMAND = (RUN, errors.MORE_CHOICES)  # buttons that contain a command; they have no handler of their own


class _Reading(TypedDict):
    """What an error's message depends on besides the error."""

    now: datetime
    again: tuple[str, str] | None
    is_admin: bool
    admins: Sequence[str]


def _is_admin() -> bool:
    """Return whether the user of the request worked on is an admin of the bot, as far as that is known."""
    actor = _asker.get()
    return actor is not None and actor.role >= Role.ADMIN


def _may_choose_another(error: BotError, name: str) -> bool:
    """Return whether what could not be done where it was asked, by the button `name`, may be done elsewhere."""
    if isinstance(error, PermissionDenied):
        return error.reason is PauseReason.SHARED and name == RUN
    return isinstance(error, ChannelUnavailable) and error.is_here


def _takes_rest(entry: RegisteredHandler) -> bool:
    """Return whether a command takes all the words that are left as one text."""
    return any(Rest in (parameter.kind, *get_args(parameter.kind)) for parameter in entry.parameters)


def _button_name(action: dict[str, Any]) -> str:
    """Return the registered name of a clicked button; what follows `#` distinguishes buttons of one message."""
    return str(action.get("action_id") or "").partition("#")[0]


def _format_command(verb: str, words: ParsedText) -> str:
    """Return a command as the value of a button."""
    return f"{verb} {grammar.escaped(words.text)}".strip()


async def _find_arrival() -> Arrival:
    """Return whether the request worked on was here before, and its clicks a moment ago."""
    look = _arrival.get()
    return Arrival() if look is None else await look


def _click_key(source: RequestSource, action: dict[str, Any]) -> str:
    """Return what is the same for both halves of a double click."""
    where = f"{source.user_id} {source.channel_id} {source.message_ts}"
    return f"{where} {action.get('action_id')} {action.get('value') or ''}"


class RequestDispatcher:
    """Takes every verified request, acknowledges it and works on it after.

    Commands, clicks and forms have one way of being authorised and answered.
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
        """`on_channel_change` is called with each channel in which posting may have become possible or impossible.

        None: in any. `on_sharing_change` is called with each that another organisation has joined or left.
        """
        self.services = services
        self.registry = registry
        self._on_channel_change = on_channel_change
        self._on_sharing_change = on_sharing_change
        self._people = people
        self._metrics = metrics
        self._clock = clock
        self._responder = Responder(slack_client, services, clock)
        self._home = HomeTab(slack_client, self._render_home)
        self._tasks: set[asyncio.Task[None]] = set()
        self._deduplicator = deduplicator
        self._forms: dict[str, ModalSubmission] = {}  # that are still open, by the trigger they were sent with
        self._queue = FairQueue()
        self._overload = OverloadResponder(self._responder, metrics, services.command)

    async def receive(self, request: IncomingRequest) -> Acknowledgement:
        """Acknowledge, and do the work in a task of its own; only a typeahead is answered in place."""
        body: dict[str, Any] = sanitize(request.body)
        kind = body.get("type")
        at_hand.set(workspace_of(body))
        if (done := await self._note_event(body)) is not None:
            return done
        body = self.services.slack_events.moves.present(body)
        if kind != "block_suggestion" and self._queue.is_full(user_id_of(body)):
            return await self._reject_overload(body)
        clicks = self._parse_clicks(body) if kind == "block_actions" else []
        _arrival.set(self._start_check(request, body, clicks) if kind != "block_suggestion" else None)
        if "command" in body:
            self._spawn(parse_source(Entrypoint.COMMAND, body), str(body.get("text") or ""), self._on_text)
        elif kind == "block_actions":
            for source, action in clicks:
                self._spawn(source, action, self._on_click)
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
    ) -> asyncio.Task[Arrival] | None:
        """Begin to look whether the request was here before; a link that its only click asks for is counted with it.

        Only for a known person: links are counted under the id that everything about them is stored under.
        """
        once = [(source, action) for source, action in clicks if self._is_once(action)]
        keys = [_click_key(source, action) for source, action in once]
        link = None
        if len(once) == 1 and self._is_for_link(once[0][1]) and (person := self._people.known_id(once[0][0].user_id)):
            link = self.services.links.limits(person)
        return self._deduplicator.start_check(request, body, keys, link)

    async def _note_event(self, body: dict[str, Any]) -> Acknowledgement | None:
        """Deal with an event that nobody waits for an answer to; None for every other request."""
        if known := changed_members_and_groups(body):  # twice does no harm, and waits for no database
            for who in known:
                self.services.slack_events.forget(who)
                self._track(self.services.slack_events.tell_replicas(who))
        elif changed := changed_channel_id(body):
            return await self._on_channel_id_changed(*changed)
        elif not is_message(body) or parse_spoken(body):  # the bot's own messages, too, come back as events
            return None
        return Acknowledgement()

    async def _acknowledge_form(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the response to a form, by which it closes or stays open; the same for one that is delivered again."""
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
        """Record a channel's new id before it is acknowledged: what is not, Slack delivers again."""
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
            for each in self._split_commands(spoken):
                self._spawn(spoken.source, each, self._on_spoken)
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

    async def drain(self, timeout_seconds: float) -> None:
        """Wait for the answers in progress, for so many seconds at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_seconds)

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
        async with turn:
            await work

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
            if (await _find_arrival()).is_replayed:
                return
            i18n.set_locale(await self._people.language(source.user_id))
            name, reply = await work(source, what)
            if reply is not None:
                await self._responder.deliver(source, reply, form)
        except PermissionDenied as error:
            outcome = RequestOutcome.DENIED
            request = await self._recorded(source, error, read_values(form.view) if form else {})
            shown = errors.denied(error, **await self._reading(error), request=request)
            shown = await self._with_channel_picker(shown, error)
            await self._responder.refuse(source, shown, error, form, is_admin=_is_admin())
        except BotError as error:
            outcome = RequestOutcome.PROBLEM
            log.info("request.problem", problem=kind_of(error), cause=cause(error))
            known = None if error.everyday else reference
            shown = errors.with_commands(errors.problem(error, known, **await self._reading(error)), error)
            shown = await self._with_channel_picker(shown, error)
            await self._responder.refuse(source, shown, error, form, known, is_admin=_is_admin())
        except Exception as error:  # the user always gets an answer (guarantee 9)
            outcome = RequestOutcome.UNEXPECTED
            log.exception("request.error", error=kind_of(error))
            problem = UnexpectedError()
            shown = errors.problem(problem, reference, **await self._reading(problem))
            await self._responder.refuse(source, shown, problem, form, reference, is_admin=_is_admin())
        if (
            source.from_home
            and source.entrypoint is not Entrypoint.HOME
            and (outcome is not RequestOutcome.ANSWERED or isinstance(reply, Message))
        ):
            await self._home.refresh_after_action(source)
        self._metrics.answered(source.entrypoint.value, name, outcome, time.monotonic() - started)

    async def _with_channel_picker(self, shown: Message, error: BotError) -> Message:
        """Return an error with the button to do the same in another channel, where that may help."""
        asked = _repeat_action.get()
        if asked is None or not _may_choose_another(error, asked[0]):
            return shown
        try:
            return forms.choose_channel(shown, await self.services.drafts.store(" ".join(asked)))
        except DatabaseUnavailable:
            return shown

    async def _reading(self, error: BotError) -> _Reading:
        """Return what an error's message depends on besides the error: the time, the reader, the way to try again."""
        admins: list[str] = []
        if error.admin_step and not _is_admin() and (actor := _asker.get()):
            with suppress(BotError, TimeoutError):
                async with asyncio.timeout(ADMINS_SECONDS):
                    admins = await self.services.roles.admins_for(actor)
        return {"now": self._clock(), "again": _repeat_action.get(), "is_admin": _is_admin(), "admins": admins}

    async def _recorded(self, source: RequestSource, error: PermissionDenied, form: dict[str, str]) -> int | None:
        """Record a refusal; returns the number by which the user may ask for the role they lack."""
        asked = _repeat_action.get()
        return await self.services.roles.record_refusal(
            source.user_id,
            source.channel_id,
            error,
            refusals.format_command(asked, form),
            refusals.candidate_names(asked, form),
            takes_an_app=refusals.is_about_app(self.registry, asked),
        )

    async def _authorize(self, source: RequestSource, entry: RegisteredHandler) -> CommandContext:
        asker: Actor = await self._people.resolve_requester(source.user_id, source.channel_id)
        _asker.set(asker)
        access.require_somewhere(asker, entry.required_role, entry.act)
        return CommandContext(
            asker,
            self.services,
            self.registry,
            self._clock(),
            source.entrypoint,
            handler_name=entry.name,
            required_role=entry.required_role,
            act=entry.act,
            conversation=source.conversation,
            reserved_link=_reserved_link.get(),
            thread_ts=source.thread_ts,
        )

    async def _on_text(self, source: RequestSource, text: str) -> tuple[str, Reply | None]:
        """Handle the text of a slash command or a mention."""
        verb, rest = self._split(text)
        return await self._run_command(source, verb or "menu", grammar.read(grammar.unescaped(rest)))

    async def _on_button_text(self, source: RequestSource, text: str, page: int = 0) -> tuple[str, Reply | None]:
        """Handle the value of a button: words as in a typed command."""
        verb, _separator, rest = text.partition(" ")
        return await self._run_command(source, verb or "menu", grammar.read(grammar.unescaped(rest)), page)

    async def _run_command(
        self, source: RequestSource, verb: str, words: ParsedText, page: int = 0
    ) -> tuple[str, Reply | None]:
        if _repeat_action.get() is None:
            _repeat_action.set((RUN, _format_command(verb, words)))
        entry = self.registry.get(HandlerKind.COMMAND, verb)
        name = verb if entry else ""
        try:
            if entry is None:
                verb, words = await self._guess(source, verb, words)
                _repeat_action.set((RUN, _format_command(verb, words)))
                entry, name = self.registry.entries[HandlerKind.COMMAND, verb], verb
            call = await self._authorize(source, entry)
            return name, await entry.run(call, **await bind(entry, call, words))
        except UserInputError as error:
            if not error.choices:
                raise
            log.info("request.problem", problem=kind_of(error), cause=cause(error))
            return name, await self._render_choices(error, verb, words, page)

    async def _guess(self, source: RequestSource, verb: str, words: ParsedText) -> tuple[str, ParsedText]:
        """Return the command that was meant by a build or a greeting alone.

        Raises UserInputError with what may have been meant, and what Applivery's answers mean.
        """
        # strangers learn no names
        call = await self._authorize(source, self.registry.entries[HandlerKind.COMMAND, "get"])
        if other := guesses.other_word(verb):
            return other, NO_WORDS
        text = f"{verb} {words.text}".strip()
        names = [entry.name for entry in self.registry.commands() if entry.required_role <= call.asker.highest]
        unavailable: BotError | None = None
        try:
            apps = await call.apps()
        except BotError as problem:
            apps, unavailable = [], problem
        if guesses.is_about_build(text, apps):
            return "get", grammar.read(text)
        near = guesses.commands(verb, words.text, names, apps)
        if unavailable and not near:
            raise unavailable
        raise UserInputError(
            Text("Unknown command “{command}”.", command=verb[:60]),
            near=near,
            replaces=None,
            commands=((Text("Show help"), "help"),),
        )

    async def _render_choices(self, error: UserInputError, verb: str, words: ParsedText, page: int) -> Message:
        """Return a page of the right answers; the buttons do the rest of the command, however long it is."""
        carry = self.services.drafts.store
        shown = paginate(error.choices, page, errors.CHOICES)
        typed = [errors.with_choice(error, verb, text, words) for _, text in shown.items]
        values = [command and await carry(command) for command in typed]
        return errors.choices(error, shown, values, await carry(_format_command(verb, words)))

    def _parse_clicks(self, body: dict[str, Any]) -> list[tuple[RequestSource, dict[str, Any]]]:
        """Return each button that was clicked, with where that was."""
        return [
            (parse_source(Entrypoint.BUTTON, body, replaces_message=self._replaces_message(action)), action)
            for action in map(clicked, body.get("actions") or [])
        ]

    def _is_once(self, action: dict[str, Any]) -> bool:
        """Return whether a button is answered once when it is clicked twice."""
        entry = self.registry.get(HandlerKind.BUTTON, _button_name(action))
        return entry is not None and entry.is_once

    def _is_for_link(self, action: dict[str, Any]) -> bool:
        """Return whether a click on a button asks for a link."""
        entry = self.registry.get(HandlerKind.BUTTON, _button_name(action))
        return entry is not None and entry.is_for_link

    async def _on_click(self, source: RequestSource, action: dict[str, Any]) -> tuple[str, Reply | None]:
        if not self._is_once(action):
            return await self._answer_click(source, action)
        click = _click_key(source, action)
        arrival = await _find_arrival()
        if click in arrival.double_clicks:
            return _button_name(action), None  # the first one is being answered
        if arrival.link is None:
            return await self._do_once(click, self._answer_click(source, action))
        reserved = LinkReservation(arrival.link)
        _reserved_link.set(reserved)
        try:
            return await self._do_once(click, self._answer_click(source, action))
        finally:
            await self.services.links.return_unused(reserved)

    async def _do_once(self, click: str, work: Awaitable[tuple[str, Reply | None]]) -> tuple[str, Reply | None]:
        try:
            return await work
        except BotError:  # a retry that the answer asks for may come at once
            with suppress(BotError):
                await self.services.slack_events.allow_click_again(click)
            raise

    async def _answer_click(self, source: RequestSource, action: dict[str, Any]) -> tuple[str, Reply | None]:
        name = _button_name(action)
        asked_in_words = action.get("type") == "button" or source.message_ts  # a menu in a form is read with its form
        if name.startswith("open.") or not asked_in_words:
            return name, None
        if name and action.get("type") == "button":
            _repeat_action.set((str(action["action_id"]), str(action.get("value") or "")))
        value = await self.services.drafts.load(str(action.get("value") or ""))
        if name == RUN:
            return await self._on_button_text(source, value)
        if name == forms.PICK_CHANNEL:
            return name, forms.channel_picker(value)
        if name == errors.MORE_CHOICES:
            page, text = parse_page_value(value)
            return await self._on_button_text(source, text, page)
        entry = self.registry.get(HandlerKind.BUTTON, name)
        if entry is None:
            raise Outdated
        return await self._press(source, entry, value)

    async def _press(self, source: RequestSource, entry: RegisteredHandler, value: str) -> tuple[str, Reply | None]:
        return entry.name, await entry.run(await self._authorize(source, entry), value)

    def _replaces_message(self, action: dict[str, Any]) -> bool:
        entry = self.registry.get(HandlerKind.BUTTON, name := _button_name(action))
        return entry.replaces_message if entry else name in REPEATING_COMMAND

    def _split_commands(self, spoken: Spoken) -> list[Spoken]:
        """Return a message of several lines that are a command each as one message for each; any other as it is."""
        lines = [line for line in spoken.after.splitlines() if line.strip()]
        if not 1 < len(lines) <= MOST_COMMANDS or spoken.message.files:
            return [spoken]
        entries = [self._command_of(line) for line in lines]
        if any(entry is None or _takes_rest(entry) for entry in entries):  # a reason may have several lines
            return [spoken]
        return [replace(spoken, after=line) for line in lines]

    def _split(self, text: str) -> tuple[str, str]:
        """Return the subcommand and the rest; before it the slash command may stand, without its slash too.

        Not so if a subcommand is called the same.
        """
        bare = self.services.command.removeprefix("/")
        is_subcommand = self.registry.get(HandlerKind.COMMAND, bare) is not None
        return typed_text.split_command(text, self.services.command if is_subcommand else bare)

    def _command_of(self, text: str) -> RegisteredHandler | None:
        verb = self._split(text)[0]
        return self.registry.get(HandlerKind.COMMAND, verb)

    def _command_in(self, spoken: Spoken) -> str:
        """Return the command in a message: after the bot's name, else before it; empty for none."""
        after, before = (
            typed_text.without_courtesies(part, lambda rest: self._command_of(rest) is not None)
            for part in (spoken.after, spoken.before)
        )
        said_after = self._split(after)[0]
        if self._command_of(before) and (not said_after or typed_text.is_courtesy(after)):
            return before
        return after

    async def _on_spoken(self, source: RequestSource, spoken: Spoken) -> tuple[str, Reply | None]:
        """Handle what was said to the bot, which may be about a file in the same message."""
        text = self._command_in(spoken)
        names = [file.name for file in spoken.message.files]
        entry = self.registry.file_shortcut(self._command_of(text), names) if names else None
        if entry is None or source.entrypoint is not Entrypoint.DIRECT_MESSAGE:
            return await self._on_text(source, text)
        call = replace(await self._authorize(source, entry), source_message=spoken.message)
        form: Reply = await entry.run(call, None)
        if isinstance(form, Modal):  # which only a click opens
            form = await self._responder.offer(form, names)
        return entry.name, form

    async def _on_channel_event(self, channel_id: str, body: dict[str, Any]) -> None:
        try:
            if (await _find_arrival()).is_replayed:
                return
        except BotError as problem:  # to look once too often at a channel does no harm
            log.info("event.repeats_unknown", problem=kind_of(problem), cause=cause(problem))
        log.info("event.channel_moved", event_type=body["event"]["type"], channel=channel_id)
        self._on_channel_change(channel_id)
        if is_sharing_changed(body):
            await self._on_sharing_change(channel_id)
        if is_bot_joined(body):
            await self.services.slack_events.welcome(channel_id)

    def _explain(self, user_id: str, work: Coroutine[Any, Any, object]) -> None:
        """Work on a pasted link, or on a card that was opened, in this user's turn."""
        with for_a_person():
            self._track(self._run_in_turn(self._queue.enter(user_id), self._once(work)))

    async def _once(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            if not (await _find_arrival()).is_replayed:
                await work
        except BotError as problem:  # not known whether it was worked on before
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
        home: HomeView = await entry.run(await self._authorize(source, entry), "")
        return home

    async def _on_shortcut(self, source: RequestSource, body: dict[str, Any]) -> tuple[str, Reply | None]:
        name = str(body.get("callback_id") or "")
        entry = self.registry.get(HandlerKind.SHORTCUT, name)
        if entry is None:
            raise Outdated(Text("This shortcut is out of date."))
        message = body.get("message") or {}
        call = replace(await self._authorize(source, entry), source_message=read_message(message))
        return name, await entry.run(call, button_value(message, self.registry.build_button_names()))

    async def _on_form(self, source: RequestSource, form: ModalSubmission) -> tuple[str, Reply | None]:
        name = str(form.view.get("callback_id") or "")
        if name == forms.PICK_CHANNEL:
            return await self._repeat_elsewhere(source, form)
        entry = self.registry.get(HandlerKind.FORM, name)
        if entry is None:
            raise Outdated(Text("This form is out of date."))
        form.view = await restore_context(form.view, self.services.drafts)
        call = replace(await self._authorize(source, entry), submitted_form=restore_modal(form.view))
        check_lengths(form.view)
        return name, await entry.run(call, read_values(form.view))

    async def _repeat_elsewhere(self, source: RequestSource, form: ModalSubmission) -> tuple[str, Reply | None]:
        """Do what could not be done where it was asked in the channel that was picked instead.

        The user has to be in it: that is where they could have asked.
        """
        form.view = await restore_context(form.view, self.services.drafts)
        asked = await self.services.drafts.load(opened_with(form.view))
        with attribute_to_field(forms.PICKED_CHANNEL):
            await self._authorize(source, self.registry.entries[HandlerKind.COMMAND, "menu"])
            await self.services.channels.require_member(source.user_id, source.channel_id or "")
            name, _separator, value = asked.partition(" ")
            _repeat_action.set((name, value))
            if name == RUN:
                return await self._on_button_text(source, value)
            entry = self.registry.get(HandlerKind.BUTTON, name)
            if entry is None:
                raise Outdated
            click = _click_key(source, {"action_id": name, "value": value})
            if entry.is_once and not await self.services.slack_events.is_first_click(click):
                return name, None
            return await self._do_once(click, self._press(source, entry, value))

    async def _on_typeahead(self, source: RequestSource, body: dict[str, Any]) -> list[dict[str, Any]]:
        entry = self.registry.get(HandlerKind.OPTIONS, str(body.get("action_id") or ""))
        if entry is None:
            return []
        try:
            with for_a_person():
                async with asyncio.timeout(TYPEAHEAD_SECONDS), self._queue.enter(source.user_id):
                    i18n.set_locale(await self._people.language(source.user_id))
                    call = await self._authorize(source, entry)
                    view = await restore_context(body.get("view") or {}, self.services.drafts)
                    found = await entry.run(call, typed_text.normalize_search(body.get("value")), read_values(view))
        except (BotError, TimeoutError) as error:
            log.info("typeahead.empty", problem=kind_of(error), cause=cause(error))
            return []
        return [option.to_dict() for option in found[:100]]
