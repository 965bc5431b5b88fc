"""Reopen a form that was refused or not opened in time, with all its input."""

from __future__ import annotations

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain.model import Role
from bot.exceptions import Outdated
from bot.slack.blocks import Modal


@button("reopen.v1", need=Role.MEMBER)
async def reopen(call: CommandContext, value: str) -> Modal:
    """*Back to the form*: its submission is authorised as for a new form."""
    try:
        form = Modal.from_json(value)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Outdated from None
    if not form.blocks:  # Slack opens no form without blocks
        raise Outdated
    return form
