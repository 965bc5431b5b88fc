"""Claim tickets: content, state, and the secret in the address."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from bot.domain.model import FileKind

CLOCK_SET_BACK = timedelta(minutes=1)  # how far the clock may be set back without ending tickets
_SHAPE = re.compile(r"[A-Za-z0-9_-]{22}")  # 16 bytes in URL-safe base64


class TicketState(StrEnum):
    """The stored state of a ticket; whether it is spent or expired follows from its count and times.

    CLAIMED: a claim was started, and its outcome is not recorded yet; REPLACED: the same, and a newer ticket was issued
    in the meantime.
    """

    OPEN = "open"
    CLAIMED = "claimed"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    RECALLED = "recalled"


_BEGUN = (TicketState.CLAIMED, TicketState.REPLACED)


class TicketStatus(StrEnum):
    """Whether a ticket can be claimed, or why not."""

    OPEN = "open"
    SPENT = "spent"
    UNSURE = "unsure"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    RECALLED = "recalled"
    UNKNOWN = "unknown"


class Ticket(Struct, frozen=True):
    """A temporary right of one person to one file of one build; times are aware UTC.

    `file_id` is an attachment, `channel_id` the channel of the request. The secret in the address, which gives access
    to the file, is not stored.
    """

    team_id: str
    user_id: str
    app_id: str
    build_id: str
    kind: FileKind
    file_id: str | None
    created_at: datetime
    expires_at: datetime
    uses_left: int
    state: TicketState = TicketState.OPEN
    channel_id: str = ""

    def standing(self, now: datetime) -> TicketStatus:
        """Return the status at `now` (aware); of several reasons, the most informative one."""
        if self.state is TicketState.RECALLED:
            return TicketStatus.RECALLED
        if self.uses_left <= 0:
            return TicketStatus.UNSURE if self.state in _BEGUN else TicketStatus.SPENT
        if self.state in (TicketState.CANCELLED, TicketState.REPLACED):
            return TicketStatus.CANCELLED
        # `now` before the creation means that the clock was ahead then; the lifetime must not start again
        lives = self.created_at - CLOCK_SET_BACK <= now < self.expires_at
        return TicketStatus.OPEN if lives else TicketStatus.EXPIRED


def new_ticket() -> str:
    """Return an unguessable ticket: 128 random bits in 22 URL-safe characters."""
    return secrets.token_urlsafe(16)


def is_ticket(text: str) -> bool:
    """Return whether `text` has the format of a ticket, without a look-up."""
    return _SHAPE.fullmatch(text) is not None


def fingerprint(ticket: str) -> str:
    """Return the hash by which a ticket is stored: SHA-256 in hex, unsalted since it has 128 random bits."""
    return hashlib.sha256(ticket.encode("utf-8", "replace")).hexdigest()
