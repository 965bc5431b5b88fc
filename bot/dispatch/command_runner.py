"""Run typed commands: after the slash command, in a message to the bot, or as the value of a button."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from bot.dispatch import guesses, request_state
from bot.dispatch.arguments import bind
from bot.dispatch.authorizer import Authorizer
from bot.dispatch.refusals import RUN
from bot.dispatch.registry import HandlerKind, HandlerRegistry, RegisteredHandler
from bot.dispatch.requests import RequestSource
from bot.dispatch.responder import Responder
from bot.dispatch.spoken import Spoken
from bot.dispatch.targets import Rest
from bot.domain import grammar
from bot.domain.audit import Entrypoint
from bot.domain.grammar import NO_WORDS, ParsedText
from bot.exceptions import BotError, UserInputError, kind_of
from bot.i18n import Text
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.bundle import Services
from bot.slack import typed_text
from bot.slack.blocks import Message, Modal, Reply
from bot.slack.blocks.paging import paginate
from bot.slack.views import errors

log = logger(__name__)

MOST_COMMANDS = 5  # in one message


def _takes_rest(entry: RegisteredHandler) -> bool:
    """Return whether a command takes all remaining words as one text."""
    return any(Rest in (parameter.kind, *get_args(parameter.kind)) for parameter in entry.parameters)


def _format_command(verb: str, words: ParsedText) -> str:
    """Return a command as the value of a button."""
    return f"{verb} {grammar.escaped(words.text)}".strip()


class CommandRunner:
    """Find the command in a text and run it."""

    def __init__(
        self, services: Services, registry: HandlerRegistry, authorizer: Authorizer, responder: Responder
    ) -> None:
        self._services = services
        self._registry = registry
        self._authorizer = authorizer
        self._responder = responder

    async def run_text(self, source: RequestSource, text: str) -> tuple[str, Reply | None]:
        """Handle the text of a slash command or a mention."""
        verb, rest = self._split_verb(text)
        return await self._run(source, verb or "menu", grammar.read(grammar.unescaped(rest)))

    async def run_button_value(self, source: RequestSource, text: str, page: int = 0) -> tuple[str, Reply | None]:
        """Handle the value of a button: words as in a typed command."""
        verb, _separator, rest = text.partition(" ")
        return await self._run(source, verb or "menu", grammar.read(grammar.unescaped(rest)), page)

    async def run_spoken(self, source: RequestSource, spoken: Spoken) -> tuple[str, Reply | None]:
        """Handle a message to the bot, which may be about a file in the same message."""
        text = self._command_in(spoken)
        names = [file.name for file in spoken.message.files]
        entry = self._registry.file_shortcut(self._command_of(text), names) if names else None
        if entry is None or source.entrypoint is not Entrypoint.DIRECT_MESSAGE:
            return await self.run_text(source, text)
        call = replace(await self._authorizer.authorize(source, entry), source_message=spoken.message)
        form: Reply = await entry.run(call, None)
        if isinstance(form, Modal):  # Slack opens it only after a click
            form = await self._responder.offer(form, names)
        return entry.name, form

    def split_lines(self, spoken: Spoken) -> list[Spoken]:
        """Return one message per line if each line is a command, otherwise the message unchanged."""
        lines = [line for line in spoken.after.splitlines() if line.strip()]
        if not 1 < len(lines) <= MOST_COMMANDS or spoken.message.files:
            return [spoken]
        entries = [self._command_of(line) for line in lines]
        if any(entry is None or _takes_rest(entry) for entry in entries):  # free text may have several lines
            return [spoken]
        return [replace(spoken, after=line) for line in lines]

    async def _run(
        self, source: RequestSource, verb: str, words: ParsedText, page: int = 0
    ) -> tuple[str, Reply | None]:
        if request_state.repeat_action.get() is None:
            request_state.repeat_action.set((RUN, _format_command(verb, words)))
        entry = self._registry.get(HandlerKind.COMMAND, verb)
        name = verb if entry else ""
        try:
            if entry is None:
                verb, words = await self._guess(source, verb, words)
                request_state.repeat_action.set((RUN, _format_command(verb, words)))
                entry, name = self._registry.entries[HandlerKind.COMMAND, verb], verb
            call = await self._authorizer.authorize(source, entry)
            return name, await entry.run(call, **await bind(entry, call, words))
        except UserInputError as error:
            if not error.choices:
                raise
            log.info("request.problem", problem=kind_of(error), cause=cause(error))
            return name, await self._render_choices(error, verb, words, page)

    async def _guess(self, source: RequestSource, verb: str, words: ParsedText) -> tuple[str, ParsedText]:
        """Return the command to run for text that is only a build or a greeting.

        Raises UserInputError with suggestions, and the errors of Applivery's responses.
        """
        # users without a role must not learn names
        call = await self._authorizer.authorize(source, self._registry.entries[HandlerKind.COMMAND, "get"])
        if other := guesses.other_word(verb):
            return other, NO_WORDS
        text = f"{verb} {words.text}".strip()
        names = [entry.name for entry in self._registry.commands() if entry.required_role <= call.asker.highest]
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
        """Return a page of the choices; their buttons run the whole command, however long it is."""
        carry = self._services.drafts.store
        shown = paginate(error.choices, page, errors.CHOICES)
        typed = [errors.with_choice(error, verb, text, words) for _, text in shown.items]
        values = [command and await carry(command) for command in typed]
        return errors.choices(error, shown, values, await carry(_format_command(verb, words)))

    def _split_verb(self, text: str) -> tuple[str, str]:
        """Return the subcommand and the rest of a text, which may begin with the slash command, also without its slash.

        Without its slash it is not skipped if a subcommand has the same name.
        """
        bare = self._services.command.removeprefix("/")
        is_subcommand = self._registry.get(HandlerKind.COMMAND, bare) is not None
        return typed_text.split_command(text, self._services.command if is_subcommand else bare)

    def _command_of(self, text: str) -> RegisteredHandler | None:
        verb = self._split_verb(text)[0]
        return self._registry.get(HandlerKind.COMMAND, verb)

    def _command_in(self, spoken: Spoken) -> str:
        """Return the command in a message: after the bot's name, or else before it; empty if there is none."""
        after, before = (
            typed_text.without_courtesies(part, lambda rest: self._command_of(rest) is not None)
            for part in (spoken.after, spoken.before)
        )
        said_after = self._split_verb(after)[0]
        if self._command_of(before) and (not said_after or typed_text.is_courtesy(after)):
            return before
        return after
