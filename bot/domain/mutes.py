"""The end of a subscription's mute."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.model import Subscription

LONGEST = timedelta(days=30)
CLOCK_SET_BACK = timedelta(hours=1)  # how far the clock may be set back without ending the longest mute


def mute_ends(subscription: Subscription, now: datetime) -> datetime | None:
    """Return until when (UTC) it is muted at `now`; None if it is not, or if the time is later than can be set."""
    until = subscription.muted_until
    return until if until and now < until <= now + LONGEST + CLOCK_SET_BACK else None
