"""Messages about mutes: the choice of a duration, the result, and the button to undo it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import ButtonElement

from bot.domain import mutes
from bot.i18n import _, gettext_noop
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.button_values import MuteValue
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views.subscription_names import app_of, channel_name, listed

if TYPE_CHECKING:
    from bot.domain.model import Subscription

NAMED = 5
HERE = "here"  # everything this channel is subscribed to
CHOICES = (
    (gettext_noop("1 hour"), "1h"),
    (gettext_noop("4 hours"), "4h"),
    (gettext_noop("Until 9:00 AM tomorrow"), "tomorrow 09:00"),
    (gettext_noop("Until 9:00 AM Monday"), "monday 09:00"),
)


def choices(subscriptions: Sequence[Subscription], target: str, now: datetime) -> Message:
    """Return the choice of a duration; `target` is part of each button's value."""
    about = {"apps": names(subscriptions), "channel": channel_name(subscriptions[0].channel_id)}
    text = _("*Mute announcements of {apps} in {channel} for:*", **about)
    if target == HERE:
        text = _("*Mute announcements in {channel} for:*", **about)
    quiet = [(subscription, until) for subscription in subscriptions if (until := mutes.mute_ends(subscription, now))]
    if quiet:
        last, muted = max(until for _, until in quiet), names([subscription for subscription, _ in quiet])
        text += "\n" + _("Muted now until {when}: {apps}.", when=date_tag(last), apps=muted)
    which = [
        blocks.button(
            _(label),
            f"muted.v1#{number}",
            str(MuteValue(typed, target)),
            accessibility_label=f"{_(label)}: {_plain(subscriptions)}",
        )
        for number, (label, typed) in enumerate(CHOICES)
    ]
    off = [_unmute(subscriptions, target)] if quiet else []
    return Message(text, (blocks.section(text), blocks.actions(*which, *off)))


def muted(
    subscriptions: Sequence[Subscription], until: datetime, target: str, left_out: Sequence[Subscription]
) -> Message:
    """Return the confirmation: until when nothing is announced, and what happens then."""
    head = _(
        "*Muted {apps} in {channel} until {when}.*",
        when=date_tag(until),
        apps=names(subscriptions),
        channel=channel_name(subscriptions[0].channel_id),
    )
    text = _together(head, _then(subscriptions), _every(subscriptions, target), _left(left_out))
    return Message(text, (blocks.section(text), blocks.actions(_unmute(subscriptions, target))))


def unmuted(subscriptions: Sequence[Subscription], left_out: Sequence[Subscription]) -> Message:
    """Return the confirmation that announcements were resumed."""
    head = _(
        "*Unmuted {apps} in {channel}.*",
        apps=names(subscriptions),
        channel=channel_name(subscriptions[0].channel_id),
    )
    return Message(_together(head, _("Held announcements will be posted now."), _left(left_out)))


def not_muted(subscriptions: Sequence[Subscription], target: str) -> Message:
    """Return the reply if there was no mute to end."""
    channel = channel_name(subscriptions[0].channel_id)
    if target == HERE or not all(subscription.app_id for subscription in subscriptions):
        return Message(_("Nothing is muted in {channel}.", channel=channel))
    return Message(_("{apps} isn't muted in {channel}.", channel=channel, apps=names(subscriptions)))


def names(subscriptions: Sequence[Subscription]) -> str:
    """Return the names of the apps, each once, as part of a sentence."""
    every = list(dict.fromkeys(escape_inline(app_of(subscription), 80) for subscription in subscriptions))
    if left := len(every[NAMED:]):
        return _("{names} and {number} more", names=", ".join(every[:NAMED]), number=left)
    return listed(every)


def _unmute(subscriptions: Sequence[Subscription], target: str) -> ButtonElement:
    says = _("Unmute {apps}", apps=_plain(subscriptions))
    return blocks.button(_("Unmute"), "muted.v1#off", str(MuteValue("off", target)), accessibility_label=says)


def _plain(subscriptions: Sequence[Subscription]) -> str:
    return ", ".join(dict.fromkeys(app_of(subscription) for subscription in subscriptions))


def _together(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _then(subscriptions: Sequence[Subscription]) -> str:
    if all(subscription.manner.digest for subscription in subscriptions):
        return _("Builds from this time will be in the next digest.")
    if len(subscriptions) == 1:
        return _("Builds from this time will be posted as one summary.")
    return _("Builds from this time will be posted as one summary per subscription.")


def _every(subscriptions: Sequence[Subscription], target: str) -> str:
    """Return the reply for a single app if the channel is subscribed to all apps."""
    everything = (
        any(subscription.app_id is None for subscription in subscriptions) and "/" not in target and target != HERE
    )
    return _("This channel is subscribed to every app, so all apps are muted.") if everything else ""


def _left(left_out: Sequence[Subscription]) -> str:
    return _("You can't mute {apps}.", apps=names(left_out)) if left_out else ""
