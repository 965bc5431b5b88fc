"""A form that could not be used, or not be opened in time, opens again with all that had been filled in."""

from __future__ import annotations

from bot.domain.model import Role
from bot.errors import UserInputError
from bot.language import say
from bot.slack.blocks import Form
from bot.slack.command import Call, button


@button("reopen.v1", need=Role.MEMBER)
async def reopen(call: Call, value: str) -> Form:
    """*Back to the form*: who submits it is checked as if it had been opened for the first time."""
    try:
        return Form.restored(value)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserInputError(say("This button is from another version of me."), say("Please start again.")) from None
