"""Messages about mutes: the choice of a time, the result, and the button to undo it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain import mutes
from bot.i18n import _, gettext_noop
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.button_values import MuteValue
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views.subscription_names import app_of

if TYPE_CHECKING:
    from bot.domain.model import Subscription

NAMED = 5
HERE = "here"  # everything this channel is subscribed to
CHOICES = (
    (gettext_noop("1 hour"), "1h"),
    (gettext_noop("4 hours"), "4h"),
    (gettext_noop("Until tomorrow 09:00"), "tomorrow 09:00"),
    (gettext_noop("Unmute"), "off"),
)


def choices(subscriptions: Sequence[Subscription], target: str, now: datetime) -> Message:
    """Return the choice of a time. `target` is part of each button's value."""
    channel = subscriptions[0].channel_id
    text = _(
        "For how long shall I say nothing about {apps} in <#{channel}>?", apps=names(subscriptions), channel=channel
    )
    quiet = [(subscription, until) for subscription in subscriptions if (until := mutes.mute_ends(subscription, now))]
    if quiet:
        last, muted = max(until for _, until in quiet), names([subscription for subscription, _ in quiet])
        text += " " + _("Muted until {when}: {apps}.", when=date_tag(last), apps=muted)
    labels = [(_(label), typed) for label, typed in CHOICES]
    which = [
        blocks.button(
            label,
            f"muted.v1#{number}",
            str(MuteValue(typed, target)),
            accessibility_label=f"{label}: {_plain(subscriptions)}",
        )
        for number, (label, typed) in enumerate(labels)
    ]
    return Message(text, (blocks.section(text), blocks.actions(*which)))


def muted(
    subscriptions: Sequence[Subscription], until: datetime, target: str, left_out: Sequence[Subscription]
) -> Message:
    """Until when nothing is said, and what happens then."""
    head = _(
        "🔕 Muted until {when}: {apps} in <#{channel}>.",
        when=date_tag(until),
        apps=names(subscriptions),
        channel=subscriptions[0].channel_id,
    )
    text = _together(head, _then(subscriptions), _every(subscriptions, target), _left(left_out))
    says = _("Unmute {apps}", apps=_plain(subscriptions))
    off = blocks.button(_("Unmute"), "muted.v1#off", str(MuteValue("off", target)), accessibility_label=says)
    return Message(text, (blocks.section(text), blocks.actions(off)))


def unmuted(subscriptions: Sequence[Subscription], left_out: Sequence[Subscription]) -> Message:
    """Return the confirmation that announcements go on."""
    text = _(
        "🔔 Unmuted: {apps} in <#{channel}>. What was kept back comes now.",
        apps=names(subscriptions),
        channel=subscriptions[0].channel_id,
    )
    return Message(_together(text, _left(left_out)))


def not_muted(subscriptions: Sequence[Subscription]) -> Message:
    """Return the answer when there was no mute to end."""
    channel = subscriptions[0].channel_id
    return Message(
        _("Nothing of that was muted: <#{channel}> hears of {apps}.", channel=channel, apps=names(subscriptions))
    )


def names(subscriptions: Sequence[Subscription]) -> str:
    """Return the apps, each once, as part of a sentence."""
    every = list(dict.fromkeys(escape_inline(app_of(subscription), 80) for subscription in subscriptions))
    if len(every) > NAMED:
        some, left = ", ".join(every[:NAMED]), len(every) - NAMED
        return _("{names} and {number} more (see `subscriptions`)", names=some, number=left)
    return _("{one} and {other}", one=", ".join(every[:-1]), other=every[-1]) if len(every) > 1 else every[0]


def _plain(subscriptions: Sequence[Subscription]) -> str:
    return ", ".join(dict.fromkeys(app_of(subscription) for subscription in subscriptions))


def _together(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _then(subscriptions: Sequence[Subscription]) -> str:
    if all(subscription.manner.digest for subscription in subscriptions):
        return _("What comes meanwhile is told in the first digest after that.")
    if len(subscriptions) == 1:
        return _("What comes meanwhile is told then, in one message.")
    return _("What comes meanwhile is told then, in one message for each of them.")


def _every(subscriptions: Sequence[Subscription], target: str) -> str:
    """Return the answer when one app was meant, and the channel is subscribed to all apps."""
    everything = (
        any(subscription.app_id is None for subscription in subscriptions) and "/" not in target and target != HERE
    )
    return _("This channel hears of it as one of every app, so that is muted too.") if everything else ""


def _left(left_out: Sequence[Subscription]) -> str:
    return _("You may not mute {apps}.", apps=names(left_out)) if left_out else ""
