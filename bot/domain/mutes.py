"""How long a subscription is muted."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.model import Subscription

LONGEST = timedelta(days=30)
CLOCK_SET_BACK = timedelta(hours=1)  # by so much it may be without ending the longest mute


def mute_ends(subscription: Subscription, now: datetime) -> datetime | None:
    """Until when (UTC) it is muted at `now`; None when it is not, and for a time further off than any can be set."""
    until = subscription.muted_until
    return until if until and now < until <= now + LONGEST + CLOCK_SET_BACK else None
