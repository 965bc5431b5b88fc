"""A form that could not be used, or not be opened in time, opens again with all that had been filled in."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain.model import Role
from bot.exceptions import Outdated
from bot.slack.blocks import Modal


@button("reopen.v1", need=Role.MEMBER)
async def reopen(call: CommandContext, value: str) -> Modal:
    """*Back to the form*: who submits it is checked as if it had been opened for the first time."""
    try:
        form = Modal.from_json(value)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Outdated from None
    if not form.blocks:  # Slack opens no form without any
        raise Outdated
    return form
