"""Texts too long for a form or a button are stored in the database; the form or button has the key."""

from __future__ import annotations

import re

from bot.db import drafts
from bot.db.database import Database
from bot.exceptions import Outdated
from bot.i18n import Text

CARRIED = 1500  # characters of a text that a button or form contains itself, beside its other values
_KEY = re.compile(r"draft:([\w-]{22})(?![\w-])")


class DraftKeeper:
    """Puts a key in the place of a long text, and the text in the place of its key."""

    def __init__(self, store: Database) -> None:
        self._store = store

    async def store(self, text: str, limit: int = CARRIED) -> str:
        """Return the text itself, or the key to it when it is longer than so many characters. Raises
        DatabaseUnavailable.
        """
        if len(text) <= limit:
            return text
        return f"draft:{await self._store.run(drafts.save_draft, text)}"

    async def load(self, carried: str) -> str:
        """Return the value with the text in place of its key.

        Raises UserInputError when the text was deleted, or DatabaseUnavailable.
        """
        match = _KEY.search(carried)
        if match is None:
            return carried
        text = await self._store.run(drafts.get_draft, match[1])
        if text is None:
            raise Outdated(Text("The text you typed is too old and was deleted."))
        return carried.replace(match[0], text, 1)
