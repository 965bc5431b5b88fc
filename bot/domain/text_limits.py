"""Limits of typed texts, the same as in forms."""

from __future__ import annotations

from bot.exceptions import UserInputError
from bot.i18n import Number, Text


class TextTooLong(UserInputError, kind="TooLong"):
    """A text is too long; `typed_text` is all of it."""

    def __init__(self, what: Text | str, typed: str, most: int) -> None:
        """`what` is a noun, for example the label of an input."""
        self.typed_text = typed
        super().__init__(
            Text("{what} is too long: it has {number} characters.", what=what, number=Number(len(typed))),
            Text("The limit is {most}.", most=Number(most)),
        )


def within(what: Text, typed: str, most: int) -> str:
    """Return the text. Raises TextTooLong if it has more than `most` characters."""
    if len(typed) > most:
        raise TextTooLong(what, typed, most)
    return typed
