"""How long a text may be that somebody typed: as long as the form for it allows."""

from __future__ import annotations

from bot.exceptions import UserInputError
from bot.i18n import figure, say


class TextTooLong(UserInputError):
    """A text has more characters than there is room for; `typed_text` is all of it."""

    kind = "TooLong"

    def __init__(self, what: str, typed: str, most: int) -> None:
        """`what` is a noun (said, or for later)."""
        self.typed_text = typed
        super().__init__(
            say("{what} is too long: it has {number} characters.", what=say(what), number=figure(len(typed))),
            say("It can have {most}.", most=figure(most)),
        )


def within(what: str, typed: str, most: int) -> str:
    """The text. Raises TextTooLong when it has more than `most` characters."""
    if len(typed) > most:
        raise TextTooLong(what, typed, most)
    return typed
