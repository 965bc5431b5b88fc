"""Why a subscription or a scheduled report is paused."""

from __future__ import annotations

from bot.domain.states import PauseReason
from bot.i18n import gettext_noop

# As a label beside a subscription or a report in a list.
WHY = {
    PauseReason.ROLE: gettext_noop("the person who set it up no longer has the role"),
    PauseReason.PERSON: gettext_noop("the person who set it up has left"),
    PauseReason.CHANNEL: gettext_noop("this channel isn't allowed to use the app"),
    PauseReason.SHARED: gettext_noop("the channel is shared with another organisation"),
    PauseReason.RECALLED: gettext_noop("the build was recalled"),
    PauseReason.APP: gettext_noop("the app was deleted in Applivery"),
}
