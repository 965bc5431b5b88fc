"""Context variables of the current request, in the task that handles it."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

from bot.domain.model import Actor, Role
from bot.domain.outcomes import Arrival
from bot.services.links import LinkReservation

repeat_action: ContextVar[tuple[str, str] | None] = ContextVar("repeat_action", default=None)
"""The action and value of a button that repeats the request."""
asker: ContextVar[Actor | None] = ContextVar("asker", default=None)
"""The user, once known."""
arrival: ContextVar[asyncio.Future[Arrival] | None] = ContextVar("arrival", default=None)
"""The look-up of whether the request was handled before."""
reserved_link: ContextVar[LinkReservation | None] = ContextVar("reserved_link", default=None)
"""The link that was reserved for a click when it arrived."""


def is_admin() -> bool:
    """Return whether the user is known to be an admin of the bot."""
    actor = asker.get()
    return actor is not None and actor.role >= Role.ADMIN


async def find_arrival() -> Arrival:
    """Return whether the request, or clicks in it, were handled before. Raises DatabaseUnavailable."""
    look = arrival.get()
    return Arrival() if look is None else await look
