"""Messages about users who have not downloaded a build yet, and the reminder to try it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace
from slack_sdk.models.blocks import ButtonElement

from bot.i18n import _, format_number, gettext_noop, ngettext
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.mrkdwn import escape_inline
from bot.slack.views import builds as buildcards

if TYPE_CHECKING:
    from bot.domain.downloads import DownloadGap
    from bot.domain.model import Build

SHOWN = 150  # people in a paragraph; a mention takes some 15 characters of a section's 3,000


def headline(what: str, place: str, gap: DownloadGap) -> Message:
    """Return the counts, without names; `place` is a mention of the group or channel."""
    text = ngettext(
        "*{have} of {number} person* in {place} downloaded {what}.",
        "*{have} of {number} people* in {place} downloaded {what}.",
        len(gap.have) + len(gap.lack),
        have=format_number(len(gap.have)),
        place=place,
        what=escape_inline(what, 160),
    )
    small = _uncertain(gap)
    return Message(" ".join([text, *small]), (blocks.section(text), *map(blocks.context, small)))


def _uncertain(gap: DownloadGap) -> list[str]:
    """Return what the counts leave out: people without an email, and downloads without a known email."""
    without = ngettext(
        "{number} more person has no email in Slack.",
        "{number} more people have no email in Slack.",
        len(gap.unknown),
    )
    elsewhere = ngettext(
        "{number} unattributed download may be one of theirs.",
        "{number} unattributed downloads may be theirs.",
        gap.elsewhere,
    )
    return [without] * bool(gap.unknown) + [elsewhere] * bool(gap.elsewhere and gap.lack)


def counts(gap: DownloadGap) -> Message:
    """Return the reply in a channel's thread: no names."""
    lines = [_("Not downloaded yet: {number}", number=format_number(len(gap.lack)))]
    if gap.unknown:
        lines.append(_("No email address in Slack: {number}", number=format_number(len(gap.unknown))))
    return Message(" · ".join([*lines, _("Names were sent only to the person who asked.")]))


def names(what: str, place: str, gap: DownloadGap, *, typed: str, ask: Sequence[str], asker: str) -> Message:
    """Return the names, for the asker alone, with a button to ask those in `ask`."""
    title = f"*{escape_inline(what, 160)}* · {place}"
    lines = [
        title,
        _("*Not downloaded yet* ({number}): {people}", number=format_number(len(gap.lack)), people=_people(gap.lack)),
    ]
    if gap.unknown:
        text, number = gettext_noop("*No email address in Slack* ({number}): {people}"), format_number(len(gap.unknown))
        lines.append(_(text, number=number, people=_people(gap.unknown)))
    body = [block for line in lines for block in _whole(line)]
    if left_out := [person for person in gap.lack if person not in {asker, *ask}]:
        text = gettext_noop("Won't be asked: {people} (already asked, opted out or without access)")
        body += [blocks.context(line) for line in _parts(_(text, people=_people(left_out)))]
    if ask and len(typed) <= blocks.BUTTON_VALUE:
        body.append(blocks.actions(_ask(len(ask), typed)))
    return Message("\n".join(lines), tuple(body))


def _ask(askable: int, typed: str) -> ButtonElement:
    label = ngettext("Ask {number} person", "Ask {number} people", askable)
    sent = ngettext(
        "I'll send them a DM in your name, with a button to get the build.",
        "I'll send each of them a DM in your name, with a button to get the build.",
        askable,
    )
    return blocks.button(label, "nudge.v1", typed, confirm=sent, verb=label)


def _people(people: Sequence[str]) -> str:
    return ", ".join(f"<@{person}>" for person in people) or _("no one")


def _whole(line: str) -> list[Block]:
    """Return a line of any length, split between the people it names."""
    return [blocks.section(part) for part in _parts(line)]


def _parts(line: str) -> list[str]:
    words = line.split(", ")
    some = [", ".join(words[at : at + SHOWN]) for at in range(0, len(words), SHOWN)]
    return [part + ("," if at + 1 < len(some) else "") for at, part in enumerate(some)]


def nudge(builds: Sequence[Build], asker: str) -> Message:
    """Return the reminder for a user who has not tried a build yet."""
    what = escape_inline(buildcards.several(builds[0].app, [replace(build, number="") for build in builds]), 160)
    text = _("{person} asks you to try *{what}*.", person=f"<@{asker}>", what=what)
    get = buildcards.get_each_platform(builds)
    stop = blocks.button(_("Don't ask me again"), "unnudge.v1", "stop")
    small = blocks.context(_("You get at most one request per build."))
    return Message(text, (blocks.section(text), blocks.actions(*get, stop), small))


def nudged(what: str, asked: int, *, skipped: int, without_access: int, waiting: int = 0, typed: str = "") -> Message:
    """Return the result for the user who sent the reminders; `waiting` is how many exceeded the limit."""
    what = escape_inline(what, 160)
    if not asked and not skipped and not without_access:
        return Message(_("*No one left to ask* about {what}.", what=what))
    sent = ngettext(
        "*Asked {number} person* to try {what}.", "*Asked {number} people* to try {what}.", asked, what=what
    )
    left_out = ngettext(
        "Skipped {number} (already asked or opted out).", "Skipped {number} (already asked or opted out).", skipped
    )
    unable = ngettext("Skipped {number} without access.", "Skipped {number} without access.", without_access)
    said = [sent if asked else _("*No one was asked* to try {what}.", what=what)]
    said += [left_out] * bool(skipped) + [unable] * bool(without_access)
    text = " ".join(said)
    more = [blocks.actions(_ask(waiting, typed))] if waiting and len(typed) <= blocks.BUTTON_VALUE else []
    return Message(text, (blocks.section(text), *more))


def opted_out() -> Message:
    """Return the confirmation that the user gets no more requests to try builds, with a button to undo it."""
    text = _("*Turned off.* I won't send you requests to try builds.")
    return Message(text, (blocks.section(text), blocks.actions(blocks.button(_("Undo"), "renudge.v1", "start"))))


def opted_in() -> Message:
    """Return the confirmation that the user gets such requests again."""
    return Message(_("*Turned on.* You may get requests to try builds again."))
