"""Message to the owner of something paused for lack of permission: what happened, and who can help; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from slack_sdk.models.blocks import ButtonElement

from bot.domain.model import Build, Role, SharedAs, Subscription
from bot.domain.states import PauseReason
from bot.i18n import _, gettext_noop
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.button_values import SubscriptionValue
from bot.slack.mrkdwn import escape_inline
from bot.slack.views.builds import title, unrecall_button
from bot.slack.views.subscription_names import app_of

if TYPE_CHECKING:
    from bot.domain.goals import Goal
    from bot.domain.scheduled_reports import ScheduledReport

SHOWN = 5  # channels or admins


class PausedItem(Struct, frozen=True):
    """Something that was paused: `head` names it, `maker` set it up, `need` is the role it takes for `app` (escaped).

    `other` is the user who lacks the role, if not the owner. `subscription` or `build` is set if it is about one.
    """

    head: Callable[[], str]
    maker: str
    app: str
    need: Role
    reason: PauseReason
    channel_id: str | None = None
    channels: Sequence[str] = ()
    other: str = ""
    subscription: Subscription | None = None
    build: Build | None = None


def of_subscription(subscription: Subscription) -> str:
    """Return the name of a subscription in this message."""
    app = escape_inline(app_of(subscription), 80)
    return _("Paused: announcements of {app} in {channel}", app=app, channel=f"<#{subscription.channel_id}>")


def of_report(digest: ScheduledReport) -> str:
    """Return the name of a scheduled report in this message."""
    app = escape_inline(digest.app_name, 80)
    if digest.private:
        return _("Paused: the scheduled report on {app}", app=app)
    return _("Paused: the scheduled report on {app} in {channel}", app=app, channel=f"<#{digest.target_id}>")


def of_goal(goal: Goal) -> str:
    """Return the name of a goal in this message."""
    what, channel = escape_inline(goal.what, 160), f"<#{goal.channel_id}>"
    return _("Paused: the goal for {what} in {channel}", what=what, channel=channel)


def of_watch(build: Build) -> str:
    """Return the name of a watch in this message."""
    return _("I stopped watching {build} for you", build=title(build))


def of_sent(app: str, recipient: str) -> str:
    """Return the name of a sent build in this message."""
    return _("On hold: the {app} build for {person}", app=app, person=f"<@{recipient}>")


def of_recalled(build: Build, channel_id: str) -> str:
    """Return the name of an announcement of a recalled build in this message."""
    return _("Not announced: {build} in {channel}", build=title(build), channel=f"<#{channel_id}>")


def told(pause: PausedItem, admins: Sequence[str]) -> Message:
    """Return what happened, who can help, and that it resumes automatically."""
    parts = [_why(pause), _help(pause, admins)]
    asked = pause.reason is PauseReason.SHARED and pause.subscription
    if pause.reason not in (PauseReason.PERSON, PauseReason.APP) and not asked:
        parts.append(_("It will then resume automatically."))
    text = f"⚠️ *{pause.head()}*\n{' '.join(part for part in parts if part)}"
    buttons = _choices(pause) if asked else [_button(pause)]
    below = [blocks.actions(*buttons)] if any(buttons) else []
    return Message(text.replace("*", "").replace("\n", ". "), (blocks.section(text), *below))


def _choices(pause: PausedItem) -> list[ButtonElement | None]:
    """Return the buttons for the owner's decision about a channel that is shared now."""
    assert pause.subscription is not None
    about, app = str(SubscriptionValue.of(pause.subscription)), app_of(pause.subscription)
    choices = {
        "sharefull.v1": _("Keep announcing"),
        "sharebare.v1": _("Announce without changelogs"),
        "unsubscribe.v1": _("Unsubscribe"),
    }
    return [
        blocks.button(label, action, about, accessibility_label=f"{label}: {app}") for action, label in choices.items()
    ]


def _button(pause: PausedItem) -> ButtonElement | None:
    """Return the button that helps the reader: to end what was paused, or to try to resume it."""
    if pause.reason is PauseReason.RECALLED:
        return unrecall_button(pause.build) if pause.build else None
    if pause.subscription is None:
        return None
    about, app = str(SubscriptionValue.of(pause.subscription)), app_of(pause.subscription)
    if pause.reason in (PauseReason.PERSON, PauseReason.ROLE):
        label = _("Take over") if pause.reason is PauseReason.PERSON else _("Resume")
        return blocks.button(label, "resume.v1", about, accessibility_label=f"{label}: {app}")
    label = _("Unsubscribe")
    return blocks.button(label, "unsubscribe.v1", about, accessibility_label=f"{label}: {app}")


_WHY = {
    PauseReason.ROLE: gettext_noop("You're no longer *{role}* for {app}."),
    PauseReason.PERSON: gettext_noop("{person} set this up but no longer has access to this bot."),
    PauseReason.CHANNEL: gettext_noop("{app} can now be used only in {channels}."),
    PauseReason.SHARED: gettext_noop("{channel} is now shared with another organisation."),
    PauseReason.RECALLED: gettext_noop("It was recalled."),
    PauseReason.APP: gettext_noop("{app} was deleted in Applivery."),
}
_NO_ACCESS = gettext_noop("You no longer have access to {app}.")
_OTHER = gettext_noop("{person} no longer has access to {app}.")


def decided(subscription: Subscription, shared: SharedAs) -> Message:
    """Return the confirmation of the owner's decision about a shared channel."""
    app, channel = escape_inline(app_of(subscription), 80), f"<#{subscription.channel_id}>"
    head = _("*Announcing {app} in {channel} again.*", app=app, channel=channel)
    seen = gettext_noop("The other organisation sees changelogs, branches and names.")
    if shared is SharedAs.BARE:
        seen = gettext_noop("Changelogs, branches and names are left out.")
    text = f"{head}\n{_(seen)}"
    return Message(text, (blocks.section(text),))


def _why(pause: PausedItem) -> str:
    words = _WHY[pause.reason]
    if pause.reason is PauseReason.ROLE and pause.need <= Role.MEMBER:
        words = _NO_ACCESS
    if pause.other and pause.reason in (PauseReason.ROLE, PauseReason.PERSON):
        words = _OTHER
    return _(
        words,
        role=pause.need.word,
        app=pause.app,
        person=f"<@{pause.other or pause.maker}>",
        channels=_named(pause.channels),
        channel=f"<#{pause.channel_id}>",
    )


def _named(channels: Sequence[str]) -> str:
    listed = ", ".join(f"<#{channel}>" for channel in channels[:SHOWN])
    return _("{channels} and others", channels=listed) if len(channels) > SHOWN else listed


def _help(pause: PausedItem, admins: Sequence[str]) -> str:
    if pause.reason in _HELP:
        return _(_HELP[pause.reason][0 if pause.subscription else 1])
    if not admins:
        return _("An admin of this bot can change that.")
    return _("{admins} can change that.", admins=", ".join(f"<@{admin}>" for admin in admins[:SHOWN]))


# The help that needs no admin: for a subscription, and for anything else.
_HELP = {
    PauseReason.PERSON: (gettext_noop("Take it over to resume announcements."), ""),
    PauseReason.SHARED: (
        gettext_noop("That organisation would see changelogs, branches and names."),
        gettext_noop("Set it up again in a channel that isn't shared."),
    ),
    PauseReason.APP: ("", ""),
    PauseReason.RECALLED: (
        gettext_noop("A releaser can undo the recall."),
        gettext_noop("A releaser can undo the recall."),
    ),
}
