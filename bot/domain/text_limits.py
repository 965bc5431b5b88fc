"""Limits of typed texts: the same as in the form for each."""

from __future__ import annotations

from bot.exceptions import UserInputError
from bot.i18n import _, format_number


class TextTooLong(UserInputError):
    """A text has more characters than there is room for; `typed_text` is all of it."""

    kind = "TooLong"

    def __init__(self, what: str, typed: str, most: int) -> None:
        """`what` is a noun (said, or for later)."""
        self.typed_text = typed
        super().__init__(
            _("{what} is too long: it has {number} characters.", what=_(what), number=format_number(len(typed))),
            _("It can have {most}.", most=format_number(most)),
        )


def within(what: str, typed: str, most: int) -> str:
    """The text. Raises TextTooLong when it has more than `most` characters."""
    if len(typed) > most:
        raise TextTooLong(what, typed, most)
    return typed
