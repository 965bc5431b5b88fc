"""Getting an answer to the person: where they asked, in their direct messages, in the channel, or as a form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from bot.dispatch.home_tab import instead
from bot.dispatch.modal_submission import ModalSubmission, again, texts
from bot.dispatch.requests import RequestSource, remembering
from bot.domain.access_requests import RequestCopy
from bot.domain.audit import Entrypoint
from bot.exceptions import BotError, DatabaseUnavailable, PermissionDenied, SlackError, UserInputError, kind_of
from bot.i18n import Text, _, gettext_noop
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.bundle import Services
from bot.slack import blocks
from bot.slack.blocks import HomeView, Message, Modal, Reply, Visibility
from bot.slack.client import MessageRef, SlackClient
from bot.slack.views import forms

log = logger(__name__)

PEOPLE = ("U", "W")  # what the ids of people begin with
BY_DIRECT_MESSAGE = gettext_noop("I sent it to you as a direct message.")
RESPONSE_LIFE = timedelta(minutes=29)  # Slack takes answers through a response_url for thirty


@contextmanager
def _without_expiry() -> Iterator[None]:
    """Go on when the database is away: the link is there; only the note that it is over will not come."""
    try:
        yield
    except DatabaseUnavailable as problem:
        log.warning("answer.expiry_not_saved", cause=cause(problem))


class Responder:
    """Delivers what handlers return; they never talk to Slack themselves."""

    def __init__(self, poster: SlackClient, services: Services, clock: Callable[[], datetime]) -> None:
        self._poster = poster
        self._roles = services.roles
        self._expiries = services.expiries
        self._drafts = services.drafts
        self._command = services.command
        self._clock = clock

    async def deliver(self, source: RequestSource, reply: Reply, form: ModalSubmission | None = None) -> None:
        """Send a reply where it belongs, and close the `form` it answers; raises SlackError when Slack refuses it."""
        if isinstance(reply, Modal):
            await self._open(source, reply, form)
            return
        if form is not None:
            form.close()
        if isinstance(reply, HomeView):
            await self._poster.publish(source.user_id, reply)
            return
        await self._copies(reply)
        await self._edits(reply)
        if reply.to is Visibility.CHANNEL and source.channel_id:
            if reply.secret:
                raise AssertionError("a download address is never said to a channel")
            await self._with_thread(source.channel_id, reply)
        elif reply.thread or reply.file or reply.to is Visibility.DIRECT:
            await self._direct(source, reply)
        else:
            await self.say(source, reply, replace=source.replaces)

    async def refuse(
        self,
        source: RequestSource,
        message: Message,
        problem: BotError,
        form: ModalSubmission | None,
        reference: str | None = None,
    ) -> None:
        """Say what went wrong: next to the field of the form that is open, else in words, with the way back to it."""
        if form is None or form.accepted:
            await self.say(source, message)
        elif not form.keep_open(problem, reference):
            await self.say(source, await self._with_way_back(form.view, message))
        elif isinstance(problem, PermissionDenied):
            await self.say(source, message)  # a form has no room for the button to ask for the role

    async def _with_way_back(self, view: dict[str, Any], message: Message) -> Message:
        try:
            return forms.with_way_back(message, await self._drafts.carried(again(view).saved(), 0))
        except DatabaseUnavailable:
            return forms.with_words(message, texts(view))

    async def _open(self, source: RequestSource, modal: Modal, below: ModalSubmission | None) -> None:
        if not source.trigger_id:
            step = Text("Please type `{command}`.", command=self._command)
            raise UserInputError(Text("I cannot open a form from here."), step)
        ready = await remembering(modal, source, self._drafts)
        if below is not None and below.go_on(ready):
            return
        try:
            await self._poster.open_form(source.trigger_id, ready)
        except SlackError as problem:
            log.info("answer.form_not_opened", code=problem.code)
            draft = await self._drafts.carried(modal.saved(), 0)
            await self.say(source, forms.not_opened(Message(_("Slack did not open the form in time.")), draft))

    async def _copies(self, reply: Message) -> None:
        """To the people or channels concerned; when none can be told, the asker hears why, unless a link waits."""
        failed: list[SlackError] = []
        for person, copy in reply.copies:
            try:
                posted = await self._poster.post(person, copy)
                if reply.request is not None:
                    await self._roles.record_copy(reply.request, RequestCopy(person, posted.channel, posted.ts))
            except SlackError as error:
                log.warning("answer.copy_lost", code=error.code)
                failed.append(error)
        if failed and len(failed) == len(reply.copies) and not reply.secret:
            if reply.request is not None:
                await self._roles.allow_again(reply.request)
            if not all(person.startswith(PEOPLE) for person, _ in reply.copies):
                raise failed[-1]
            raise SlackError(Text("I could not reach the person concerned."), code=failed[-1].code) from failed[-1]

    async def _edits(self, reply: Message) -> None:
        """What was said before, said anew; a message that cannot be edited stays as it is."""
        for channel, ts, message in reply.edits:
            try:
                await self._poster.edit(channel, ts, message)
            except SlackError as error:
                log.info("answer.edit_lost", code=error.code)

    async def _direct(self, source: RequestSource, message: Message) -> None:
        posted = await self._with_thread(source.user_id, message)
        if message.file:
            await self._poster.file(posted, message.file)
        if message.expires:
            await self._expire(message, posted.channel, posted.ts)
        if not source.home:  # there the Home itself says where the answer is
            await self.say(source, _pointing(message))

    async def _with_thread(self, channel: str, message: Message) -> MessageRef:
        posted = await self._poster.post(channel, message)
        for below in message.thread:
            await self._poster.post(posted.channel, below, thread_ts=posted.ts)
        return posted

    async def say(self, source: RequestSource, message: Message, *, replace: bool = False) -> None:
        """To the asker alone: where they asked, or in their direct messages when that way is closed.

        `replace` is for answers only: an error leaves the message there, whose button is how to try again.
        """
        if source.door is Entrypoint.HOME:
            await self._at_home(source, message)
            return
        try:
            if source.response_url:
                await self._poster.respond(source.response_url, message, replace=replace)
                if replace:
                    await self._replaced(source, message, source.response_url)
                return
            if source.door is Entrypoint.MENTION and source.channel_id and not message.secret:
                # chat.postEphemeral promises no unfurl flags, so no link goes that way
                await self._poster.whisper(source.channel_id, source.user_id, message, thread_ts=source.thread_ts)
                return
            log.info("answer.by_direct_message", reason="no response address")
        except SlackError as error:
            log.info("answer.by_direct_message", reason=error.code)
        try:
            posted = await self._poster.post(source.user_id, message)
            if message.expires:
                await self._expire(message, posted.channel, posted.ts)
            if source.door is Entrypoint.MENTION and source.channel_id:
                note = Message(_(BY_DIRECT_MESSAGE))
                await self._poster.whisper(source.channel_id, source.user_id, note, thread_ts=source.thread_ts)
        except SlackError as error:
            log.warning("answer.lost", problem=kind_of(error), code=error.code, cause=cause(error))

    async def _at_home(self, source: RequestSource, message: Message) -> None:
        """Who opened their Home asked for nothing: no direct message when even this cannot be shown."""
        try:
            await self._poster.publish(source.user_id, instead(message))
        except SlackError as error:
            log.warning("home.lost", problem=kind_of(error), code=error.code, cause=cause(error))

    async def _replaced(self, source: RequestSource, message: Message, response_url: str) -> None:
        """The time of what stood there is of no matter any more, that of what stands there now is."""
        if source.message_ts:
            with _without_expiry():
                await self._expiries.cancel(source.message_ts)
        if message.expires and message.expires.at < self._clock() + RESPONSE_LIFE:
            await self._expire(message, response_url, source.message_ts)

    async def _expire(self, message: Message, address: str, ts: str | None) -> None:
        """Write down that this message is to say so when its link is over."""
        over = message.expires
        assert over is not None
        with _without_expiry():
            await self._expiries.schedule(over, address, ts)


def _pointing(message: Message) -> Message:
    """What is said where a question was asked whose answer went to the direct messages."""
    if message.here:
        return message.here
    if not message.thread:
        return Message(_(BY_DIRECT_MESSAGE))
    where = _("The people are in a thread of our direct messages.")
    return Message(f"{message.text} {where}", (*message.blocks, blocks.context(f"➡️ {where}")))
