"""Which channels of Applivery's own Slack integration become subscriptions, which do not, and why; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.slack_imports import ImportCandidate, Obstacle
from bot.i18n import _, gettext_noop, ngettext
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import escape_inline
from bot.slack.views.subscription_names import channel_name, kinds

SHOWN = 40  # lines; a section has 3,000 characters
_WHY = {
    Obstacle.UNNAMED: gettext_noop("A channel that Applivery doesn't name"),
    Obstacle.PERSON: gettext_noop("{channel}: only channels can be subscribed"),
    Obstacle.ELSEWHERE: gettext_noop("{channel}: in another Slack workspace, {team}"),
    Obstacle.NO_EVENTS: gettext_noop("{channel}: doesn't announce builds"),
    Obstacle.NOT_IN_IT: gettext_noop("{channel}: I'm not in a channel with that name. Invite me first"),
    Obstacle.AMBIGUOUS: gettext_noop("{channel}: I'm in several channels with that name"),
    Obstacle.SUBSCRIBED: gettext_noop("{channel}: already subscribed to every app"),
}


def preview(found: Sequence[ImportCandidate]) -> Message:
    """Return what would be imported, with the button to import it, and what can't be."""
    ready = [candidate for candidate in found if candidate.obstacle is None]
    head = ngettext(
        "*Import {number} channel from Applivery?*", "*Import {number} channels from Applivery?*", len(ready)
    )
    if not ready:
        head = _("*No channels to import from Applivery's own Slack integration.*")
    text = "\n".join([head, *(_line(candidate) for candidate in ready), *_left(found)])
    button = blocks.button(_("Import"), "import.v1", "all", style="primary")
    small = blocks.context(_("Applivery doesn't list the channels of single apps. Add those with `subscribe`."))
    return Message(text, (blocks.section(text), *([blocks.actions(button)] if ready else []), small))


def imported(done: Sequence[ImportCandidate], failed: Mapping[str, str], found: Sequence[ImportCandidate]) -> Message:
    """Return the new subscriptions; `failed` has the reason by channel id."""
    head = ngettext("*Imported {number} channel.*", "*Imported {number} channels.*", len(done))
    lines = [f"• {channel_name(channel_id)}: {why}" for channel_id, why in failed.items()]
    text = "\n".join([head, *(_line(candidate) for candidate in done), *lines, *_left(found)])
    see = blocks.button(_("See subscriptions"), "run.v1#next0", "subscriptions all")
    small = blocks.context(_("To avoid two messages for each build, turn off Applivery's own Slack integration."))
    return Message(text, (blocks.section(text), blocks.actions(see), small))


def nothing() -> Message:
    """Return the reply if Applivery's own integration announces in no channel."""
    text = _("Applivery's own Slack integration isn't set up for the whole workspace, so there's nothing to import.")
    return Message(text, (blocks.section(text),))


def _line(candidate: ImportCandidate) -> str:
    about = kinds(candidate.announcement.build_events)
    return _("• {channel}: every app ({kinds})", channel=channel_name(candidate.channel_id), kinds=about)


def _left(found: Sequence[ImportCandidate]) -> list[str]:
    lines = [f"• {_reason(candidate)}" for candidate in found if candidate.obstacle]
    return [_("Not imported:"), *lines[:SHOWN]] if lines else []


def _reason(candidate: ImportCandidate) -> str:
    assert candidate.obstacle is not None
    own = candidate.obstacle is Obstacle.SUBSCRIBED
    channel = channel_name(candidate.channel_id) if own else escape_inline(candidate.announcement.channel or "", 80)
    return _(_WHY[candidate.obstacle], channel=channel, team=escape_inline(candidate.announcement.team or "", 80))
