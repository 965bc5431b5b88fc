"""What is known of the request that is worked on, in the task that works on it."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

from bot.domain.model import Actor, Role
from bot.domain.outcomes import Arrival
from bot.services.links import LinkReservation

repeat_action: ContextVar[tuple[str, str] | None] = ContextVar("repeat_action", default=None)
"""The action and the value of a button that would ask the same again."""
asker: ContextVar[Actor | None] = ContextVar("asker", default=None)
"""The user, once they are known."""
arrival: ContextVar[asyncio.Future[Arrival] | None] = ContextVar("arrival", default=None)
"""The look whether the request was here before."""
reserved_link: ContextVar[LinkReservation | None] = ContextVar("reserved_link", default=None)
"""The link that was counted for a click when it arrived."""


def is_admin() -> bool:
    """Return whether the user is an admin of the bot, as far as that is known."""
    actor = asker.get()
    return actor is not None and actor.role >= Role.ADMIN


async def find_arrival() -> Arrival:
    """Return whether the request was here before, and its clicks a moment ago. Raises DatabaseUnavailable."""
    look = arrival.get()
    return Arrival() if look is None else await look
