"""What subscriptions and scheduled reports are called, and why one is paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.states import PauseReason
from bot.i18n import _, gettext_noop

if TYPE_CHECKING:
    from bot.domain.model import Subscription

EVERY_APP = gettext_noop("every app")  # the name under which a subscription to all of them is stored

# As a label beside a subscription or a report in a list.
WHY = {
    PauseReason.ROLE: gettext_noop("the person who set it up no longer has the role"),
    PauseReason.PERSON: gettext_noop("the person who set it up has left"),
    PauseReason.CHANNEL: gettext_noop("the app can't be used in this channel"),
    PauseReason.SHARED: gettext_noop("the channel is shared with another organisation"),
    PauseReason.RECALLED: gettext_noop("the build was recalled"),
    PauseReason.APP: gettext_noop("Applivery no longer has the app"),
}

PAUSED = {
    **{str(withdrawal): words for withdrawal, words in WHY.items()},
    "is_archived": gettext_noop("the channel is archived"),
    "not_in_channel": gettext_noop("I am no longer in the channel"),
    "channel_not_found": gettext_noop("I can no longer see the channel"),
}


def app_of(subscription: Subscription) -> str:
    """Return what a subscription is about, as its reader calls it: the app's name (not escaped), or every app."""
    return subscription.app_name if subscription.app_id else _(EVERY_APP)
