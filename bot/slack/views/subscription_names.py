"""Names of subscriptions and scheduled reports, and why one is paused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bot.domain import filters, grammar, subscription_changes
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.model import BuildEvent
from bot.i18n import _, gettext_noop
from bot.slack.mrkdwn import code, escape_inline
from bot.slack.views.pause_reasons import WHY

if TYPE_CHECKING:
    from bot.domain.model import Subscription

EVERY_APP = gettext_noop("every app")  # the name under which a subscription to all of them is stored

PAUSED = {
    **{str(withdrawal): words for withdrawal, words in WHY.items()},
    "is_archived": gettext_noop("the channel is archived"),
    "not_in_channel": gettext_noop("the bot isn't in the channel"),
    "channel_not_found": gettext_noop("the bot can't see the channel"),
    "team_access_not_granted": gettext_noop("the bot was removed from that workspace"),
}
_RESTRICTED = gettext_noop("posting is restricted in the channel")


def app_of(subscription: Subscription) -> str:
    """Return the app of a subscription in the reader's language: its name (not escaped), or every app."""
    return subscription.app_name if subscription.app_id else _(EVERY_APP)


def app_name(subscription: Subscription) -> str:
    """Return the app of a subscription as part of a sentence."""
    return escape_inline(app_of(subscription), 80)


def channel_name(channel_id: str, *, everywhere: bool = False) -> str:
    """Return a channel as part of a sentence; Slack shows no names of group direct messages.

    `everywhere` is whether the sentence may be read outside of that conversation.
    """
    if channel_id.startswith(("C", "G")):
        return f"<#{channel_id}>"
    return _("a direct message") if everywhere else _("this conversation")


def why_paused(subscription: Subscription) -> str:
    """Return why a subscription is paused, as the end of a sentence."""
    if subscription.paused in PAUSED:
        return _(PAUSED[subscription.paused])
    if subscription.paused and subscription.paused.startswith("restricted_action"):
        return _(_RESTRICTED)
    return _(
        "Slack refuses messages in that channel (`{code}`)", code=escape_inline(subscription.paused or "unknown", 60)
    )


# Phrases for several kinds of builds; other combinations are joined from single kinds.
_BUILDS = {
    (BuildEvent.UPLOADED, BuildEvent.PROCESSED): gettext_noop("uploaded and ready builds"),
    (BuildEvent.UPLOADED, BuildEvent.FAILED): gettext_noop("uploaded and failed builds"),
    (BuildEvent.PROCESSED, BuildEvent.FAILED): gettext_noop("ready and failed builds"),
    (BuildEvent.UPLOADED, BuildEvent.PROCESSED, BuildEvent.FAILED): gettext_noop("uploaded, ready and failed builds"),
}


def kinds(events: Sequence[BuildEvent]) -> str:
    """Return what is announced: `ready and failed builds`."""
    builds = tuple(event for event in events if event.description.on_card)
    others = [_(event.description.kind) for event in events if event not in builds and event.description.kind]
    said = [_(_BUILDS[builds])] if builds in _BUILDS else [_(event.description.kind) for event in builds]
    return listed([*said, *others]) if said or others else _("events of a newer version")


def listed(names: Sequence[str]) -> str:
    """Return names joined for a sentence: `a, b and c`."""
    *some, last = names
    return _("{some} and {last}", some=", ".join(some), last=last) if some else last


def typed_filters(subscription: Subscription, handles: Mapping[str, str]) -> str:
    """Return filters and options as they are typed, formatted as code; empty if there are none.

    `handles` has the handles of user groups by id.
    """
    handle = handles.get(subscription.manner.mention)
    options = tuple(
        KeyValue(option.key, f"@{handle}") if option.key == "mention" and handle else option
        for option in subscription_changes.options(subscription)
        if option.key != "on"
    )
    return code(grammar.readable(ParsedText((), options)), filters.LONGEST + 200)
