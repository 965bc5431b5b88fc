"""Deliver replies: where the request was made, in direct messages, in the channel, or as a form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.dispatch.home_tab import render_home_error
from bot.dispatch.modal_submission import ModalSubmission, restore_modal, typed_texts
from bot.dispatch.requests import RequestSource, store_context
from bot.domain.access_requests import RequestCopy
from bot.domain.audit import Entrypoint
from bot.domain.conversations import unavailable
from bot.exceptions import (
    BotError,
    ChannelUnavailable,
    DatabaseUnavailable,
    FeatureOff,
    MessageRejected,
    PermissionDenied,
    SlackError,
    kind_of,
)
from bot.i18n import Text, _
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.services.bundle import Services
from bot.slack.blocks import HomeView, Message, Modal, Reply, Visibility
from bot.slack.client import MessageRef, SlackClient
from bot.slack.errors import form_error
from bot.slack.views import forms, sent_direct

log = logger(__name__)

PEOPLE = ("U", "W")  # the first letters of user ids
RESPONSE_LIFE = timedelta(minutes=29)  # a response_url is valid for thirty


@contextmanager
def _ignore_database_errors() -> Iterator[None]:
    """Continue while the database is unavailable: the link works, but its message won't be updated on expiry."""
    try:
        yield
    except DatabaseUnavailable as problem:
        log.warning("answer.expiry_not_saved", cause=cause(problem))


class Responder:
    """Deliver what handlers return; handlers never call Slack themselves."""

    def __init__(self, slack_client: SlackClient, services: Services, clock: Callable[[], datetime]) -> None:
        self._slack_client = slack_client
        self._roles = services.roles
        self._expiries = services.expiries
        self._drafts = services.drafts
        self._command = services.command
        self._clock = clock

    async def deliver(self, source: RequestSource, reply: Reply, form: ModalSubmission | None = None) -> None:
        """Send a reply to its destination, and close its `form`. Raises SlackError when Slack refuses it."""
        if isinstance(reply, Modal):
            await self._open_modal(source, reply, form)
            return
        if isinstance(reply, Message) and reply.file:
            # checked first, so that no message is posted without its file
            await self._slack_client.require_scope("files:write")
        if form is not None:
            form.close()
        if isinstance(reply, HomeView):
            await self._slack_client.publish_home(source.user_id, reply)
            return
        await self._send_copies(reply)
        await self._apply_edits(reply)
        if reply.to is Visibility.CHANNEL and source.channel_id:
            if reply.is_secret:
                raise AssertionError("a download address is never said to a channel")
            try:
                await self._post_with_thread(source.channel_id, reply, thread_ts=source.own_thread)
            except ChannelUnavailable as error:
                raise unavailable(source.conversation, error.code, await self._slack_client.bot_name()) from error
        elif reply.thread or reply.file or reply.to is Visibility.DIRECT:
            await self._send_direct(source, reply)
        else:
            await self.reply_privately(source, reply, replace=source.replaces_message)

    async def refuse(
        self,
        source: RequestSource,
        message: Message,
        problem: BotError,
        form: ModalSubmission | None,
        reference: str | None = None,
        *,
        is_admin: bool = False,
    ) -> None:
        """Show an error: next to the field of the open form, otherwise as a message with a button back to the form."""
        if form is None or form.is_accepted:
            await self.reply_privately(source, message)
        elif not form.keep_open(problem, reference, is_admin=is_admin):
            await self.reply_privately(source, await self._with_way_back(form.view, message))
        elif isinstance(problem, PermissionDenied):
            await self.reply_privately(source, message)  # a form cannot show the button to request the role

    async def _with_way_back(self, view: dict[str, Any], message: Message) -> Message:
        try:
            return forms.with_way_back(message, await self._drafts.store(restore_modal(view).to_json(), 0))
        except DatabaseUnavailable:
            return forms.with_words(message, typed_texts(view))

    async def _open_modal(self, source: RequestSource, modal: Modal, below: ModalSubmission | None) -> None:
        if below is not None and below.push(await store_context(modal, source, self._drafts)):
            return
        reason = _("This needs a form.")
        if source.trigger_id:
            try:
                ready = await store_context(modal, source, self._drafts)
                await self._slack_client.open_modal(source.trigger_id, ready)
            except FeatureOff:
                raise
            except SlackError as problem:
                log.info("answer.form_not_opened", code=problem.code)
                reason = _(form_error(problem))
            else:
                return
        draft = await self._drafts.store(modal.to_json(), 0)
        await self.reply_privately(source, forms.not_opened(Message(reason), draft))

    async def offer(self, modal: Modal, files: Sequence[str]) -> Message:
        """Return the button to a form about posted files, filled in with what is known of them."""
        draft = await self._drafts.store(modal.to_json(), 0)
        return forms.about_files(files, modal.title, draft)

    async def _send_copies(self, reply: Message) -> None:
        """Send the copies; if all fail, raise the reason, unless the reply contains a link, which must arrive."""
        failed: list[SlackError] = []
        for person, copy in reply.copies:
            try:
                posted = await self._slack_client.post(person, copy)
                if reply.request is not None:
                    await self._roles.record_copy(reply.request, RequestCopy(person, posted.channel, posted.ts))
            except SlackError as error:
                log.warning("answer.copy_lost", code=error.code)
                failed.append(error)
        if failed and len(failed) == len(reply.copies) and not reply.is_secret:
            if reply.request is not None:
                await self._roles.allow_again(reply.request)
            if not all(person.startswith(PEOPLE) for person, _ in reply.copies):
                raise failed[-1]
            raise SlackError(Text("I couldn't send the direct message."), code=failed[-1].code) from failed[-1]

    async def _apply_edits(self, reply: Message) -> None:
        """Update earlier messages; one that cannot be edited is left as it is."""
        for channel, ts, message in reply.edits:
            try:
                await self._slack_client.edit(channel, ts, message)
            except SlackError as error:
                log.info("answer.edit_lost", code=error.code)

    async def _send_direct(self, source: RequestSource, message: Message) -> None:
        posted, below = await self._post_with_thread(source.user_id, message, thread_ts=source.own_thread)
        if message.file:
            await self._slack_client.upload_file(replace(posted, ts=source.own_thread or posted.ts), message.file)
        if message.expires:
            await self._schedule_expiry(message, posted.channel, posted.ts)
        # the Home tab says where the reply is, and in the direct message the user sees it
        if not source.from_home and source.entrypoint is not Entrypoint.DIRECT_MESSAGE:
            link = await self._slack_client.permalink(below or posted)
            await self.reply_privately(source, sent_direct.pointer(message, link))

    async def _post_with_thread(
        self, channel: str, message: Message, *, thread_ts: str | None = None
    ) -> tuple[MessageRef, MessageRef | None]:
        """Post a message and its thread; return the message, and the first reply if there is one.

        With `thread_ts` all of it is posted in that thread, or outside of threads if that thread was deleted.
        """
        try:
            posted = await self._slack_client.post(channel, message, thread_ts=thread_ts)
        except MessageRejected as error:
            if error.code != "thread_not_found" or thread_ts is None:
                raise
            return await self._post_with_thread(channel, message)
        root = thread_ts or posted.ts
        below = [await self._slack_client.post(posted.channel, each, thread_ts=root) for each in message.thread]
        return posted, below[0] if below else None

    async def reply_privately(self, source: RequestSource, message: Message, *, replace: bool = False) -> None:
        """Reply to the user alone: where they made the request, or in their direct messages if that is not possible.

        Errors do not use `replace`, since the button of the message is how the user tries again.
        """
        if source.entrypoint is Entrypoint.HOME:
            await self._reply_at_home(source, message)
            return
        reachable = True
        try:
            if source.response_url:
                thread_ts = None if replace else source.thread_ts
                await self._slack_client.respond(source.response_url, message, replace=replace, thread_ts=thread_ts)
                if replace:
                    await self._replace_original(source, message, source.response_url)
                return
            if not message.is_secret and await self._whisper(source, message):
                # chat.postEphemeral promises no unfurl flags, so no link goes that way
                return
            if source.entrypoint is not Entrypoint.DIRECT_MESSAGE:
                log.info("answer.by_direct_message", reason="no response address")
        except SlackError as error:
            log.info("answer.by_direct_message", reason=error.code)
            reachable = False
        try:
            posted, _below = await self._post_with_thread(source.user_id, message, thread_ts=source.own_thread)
        except SlackError as error:
            log.warning("answer.lost", problem=kind_of(error), code=error.code, cause=cause(error))
            return
        if message.expires:
            await self._schedule_expiry(message, posted.channel, posted.ts)
        if reachable and source.entrypoint is Entrypoint.MENTION:
            try:
                note = sent_direct.pointer(Message(""), await self._slack_client.permalink(posted))
                await self._whisper(source, note)
            except SlackError as error:
                log.info("answer.no_pointer", code=error.code)

    async def _whisper(self, source: RequestSource, message: Message) -> bool:
        """Answer a mention where it was written, visible to its author alone; return whether it was a mention."""
        if source.entrypoint is not Entrypoint.MENTION or not source.channel_id:
            return False
        await self._slack_client.post_ephemeral(source.channel_id, source.user_id, message, thread_ts=source.thread_ts)
        return True

    async def _reply_at_home(self, source: RequestSource, message: Message) -> None:
        """Show an error in the Home tab; if that fails, send no direct message, since the user only opened the tab."""
        try:
            await self._slack_client.publish_home(source.user_id, render_home_error(message))
        except SlackError as error:
            log.warning("home.lost", problem=kind_of(error), code=error.code, cause=cause(error))

    async def _replace_original(self, source: RequestSource, message: Message, response_url: str) -> None:
        """Replace the scheduled expiry of a replaced message by that of the new one."""
        if source.message_ts:
            with _ignore_database_errors():
                await self._expiries.cancel(source.message_ts)
        if message.expires and message.expires.at < self._clock() + RESPONSE_LIFE:
            await self._schedule_expiry(message, response_url, source.message_ts)

    async def _schedule_expiry(self, message: Message, address: str, ts: str | None) -> None:
        """Schedule the update of this message for when its link expires."""
        over = message.expires
        assert over is not None
        with _ignore_database_errors():
            await self._expiries.schedule(over, address, ts)
