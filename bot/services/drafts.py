"""Store texts that are too long for a form or button, which then contains their key."""

from __future__ import annotations

import re

from bot.db import drafts
from bot.db.database import Database
from bot.exceptions import Outdated
from bot.i18n import Text

CARRIED = 1500  # characters of a text that fit into a button or form beside its other values
_KEY = re.compile(r"draft:([\w-]{22})(?![\w-])")


class DraftKeeper:
    """Replaces long texts by keys, and keys by their texts."""

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
