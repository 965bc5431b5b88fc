"""Record uploads in progress: when their process dies, another one updates their messages."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bot.db import database_info, key_value
from bot.db.database import Database
from bot.exceptions import BotError, DeliveryUnknown, SlackError, SlackInvalidCredentials, SlackRateLimited
from bot.i18n import Text, current_locale, use_locale
from bot.observability.causes import cause
from bot.observability.logging import logger
from bot.slack.client import MessageRef, SlackClient
from bot.slack.views import uploads as cards

log = logger(__name__)

NAME = "carrying "  # what the notes begin with
BEAT_SECONDS = 30.0
BELIEVED = timedelta(minutes=2)  # how long a record without renewal is valid
LOOK_SECONDS = 60.0
RESTARTED = (
    Text("The bot restarted during the upload."),
    Text("Check the app's builds before you upload it again."),
)


class UploadRecord(msgspec.Struct, frozen=True):
    """The direct message about an upload in progress, and until when its record is valid."""

    channel: str
    ts: str
    file: str
    place: str
    language: str
    until: datetime
    again: str = ""  # what the button carries that opens the form anew


class UploadJournal:
    """Renew the records of this process's uploads; an expired record is reported by any replica."""

    def __init__(self, store: Database, slack_client: SlackClient) -> None:
        self._store = store
        self._slack_client = slack_client
        self._own_records: dict[MessageRef, dict[str, Any]] = {}
        self._heartbeat_task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()  # so that nothing is renewed that has just ended

    async def add(self, posted: MessageRef, file: str, place: str, again: str = "") -> None:
        """Record that the message shows an upload in progress from now on. Raises DatabaseUnavailable."""
        where = {"channel": posted.channel, "ts": posted.ts}
        self._own_records[posted] = {
            **where,
            "file": file,
            "place": place,
            "language": current_locale(),
            "again": again,
        }
        if self._heartbeat_task is None:
            self._heartbeat_task = asyncio.create_task(self._renew_forever())
        await self.renew()

    async def remove(self, posted: MessageRef) -> None:
        """The message has said its last word. Raises DatabaseUnavailable."""
        if self._own_records.pop(posted, None):
            if self._heartbeat_task and not self._own_records:
                self._heartbeat_task.cancel()
                self._heartbeat_task = None
            async with self._turn:
                await self._store.run(key_value.delete_value, _record_key(posted))

    async def renew(self) -> None:
        """Renew the records of this process's uploads. Raises DatabaseUnavailable."""
        async with self._turn:
            until = await self._store.run(database_info.current_time) + BELIEVED
            for posted, about in list(self._own_records.items()):
                await self._store.run(
                    key_value.set_value,
                    _record_key(posted),
                    msgspec.json.encode(UploadRecord(**about, until=until)).decode(),
                )

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with suppress(BotError):
                await self.renew()

    async def step(self) -> float:
        """Tell the truth in messages whose process died; returns the seconds until the next look.

        Raises DatabaseUnavailable.
        """
        now = await self._store.run(database_info.current_time)
        for key, value in (await self._store.run(key_value.scan_values, NAME)).items():
            try:
                note = msgspec.json.decode(value, type=UploadRecord)
            except msgspec.MsgspecError:
                continue  # another version's, which can read it
            if note.until < now and await self._recover(note):
                await self._store.run(key_value.delete_value, key)
        return LOOK_SECONDS

    async def _recover(self, note: UploadRecord) -> bool:
        """Return whether there is nothing more to do about a message."""
        with use_locale(note.language):
            message = cards.failed(note.file, note.place, BotError(*RESTARTED), again=note.again)
        try:
            await self._slack_client.edit(note.channel, note.ts, message)
        except (SlackRateLimited, SlackInvalidCredentials, DeliveryUnknown):
            return False
        except SlackError as problem:
            log.info("unfinished.update_skipped", code=problem.code, cause=cause(problem))  # deleted, perhaps
        return True


def _record_key(posted: MessageRef) -> str:
    return f"{NAME}{posted.channel} {posted.ts}"
