"""Record uploads in progress: if their process dies, another one updates their messages."""

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

NAME = "carrying "  # key prefix of the records
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
    again: str = ""  # value of the button that reopens the form


class UploadJournal:
    """Renews the records of this process's uploads; any replica handles expired records."""

    def __init__(self, store: Database, slack_client: SlackClient) -> None:
        self._store = store
        self._slack_client = slack_client
        self._own_records: dict[MessageRef, dict[str, Any]] = {}
        self._heartbeat_task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()  # so that no ended upload is renewed

    async def add(self, posted: MessageRef, file: str, place: str, again: str = "") -> None:
        """Record a message that shows an upload in progress. Raises DatabaseUnavailable."""
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
        """Remove the record of a message that shows the result. Raises DatabaseUnavailable."""
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
        """Update messages whose process died; return the seconds until the next check.

        Raises DatabaseUnavailable.
        """
        now = await self._store.run(database_info.current_time)
        for key, value in (await self._store.run(key_value.scan_values, NAME)).items():
            try:
                note = msgspec.json.decode(value, type=UploadRecord)
            except msgspec.MsgspecError:
                continue  # written by another version, which will handle it
            if note.until < now and await self._recover(note):
                await self._store.run(key_value.delete_value, key)
        return LOOK_SECONDS

    async def _recover(self, note: UploadRecord) -> bool:
        """Update one message; return whether that is done."""
        with use_locale(note.language):
            message = cards.failed(note.file, note.place, BotError(*RESTARTED), again=note.again)
        try:
            await self._slack_client.edit(note.channel, note.ts, message)
        except (SlackRateLimited, SlackInvalidCredentials, DeliveryUnknown):
            return False
        except SlackError as problem:
            log.info("unfinished.update_skipped", code=problem.code, cause=cause(problem))  # probably deleted
        return True


def _record_key(posted: MessageRef) -> str:
    return f"{NAME}{posted.channel} {posted.ts}"
