"""Messages about users who have not downloaded a build yet, and the reminder to try it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.i18n import _, format_number, gettext_noop, ngettext
from bot.slack import blocks
from bot.slack.blocks import Block, Message
from bot.slack.button_values import BuildValue
from bot.slack.mrkdwn import escape_inline
from bot.slack.views import builds as buildcards

if TYPE_CHECKING:
    from bot.domain.downloads import DownloadGap
    from bot.domain.model import Build

SHOWN = 150  # people in a paragraph; a mention takes some 15 characters of a section's 3,000
PLATFORMS = 20  # buttons, which is more than there are platforms


def headline(what: str, place: str, gap: DownloadGap) -> Message:
    """Return the counts, without names; `place` is a mention of the group or channel."""
    every = len(gap.have) + len(gap.lack)
    text = ngettext(
        "*{number} of {every}* people of {place} have downloaded *{what}*.",
        "*{number} of {every}* people of {place} have downloaded *{what}*.",
        len(gap.have),
        every=format_number(every),
        place=place,
        what=escape_inline(what, 160),
    )
    if every and not gap.lack:
        complete = _("No one is missing.")
        text = f"{text} {complete}"
    small = _uncertain(gap)
    return Message(" ".join([text, *small]), (blocks.section(text), *map(blocks.context, small)))


def _uncertain(gap: DownloadGap) -> list[str]:
    """Return what the counts leave out: people without an e-mail, and downloads without a known e-mail."""
    without = ngettext(
        "{number} more person has no e-mail in Slack.",
        "{number} more people have no e-mail in Slack.",
        len(gap.unknown),
    )
    elsewhere = ngettext(
        "{number} unattributed download may be one of theirs.",
        "{number} unattributed downloads may be theirs.",
        gap.elsewhere,
    )
    return [without] * bool(gap.unknown) + [elsewhere] * bool(gap.elsewhere and gap.lack)


def here(head: Message) -> Message:
    """Return what is said to the asker where the question was asked."""
    where = _("Who they are is in a thread of our direct messages.")
    return replace(head, text=f"{head.text} {where}", blocks=(*head.blocks, blocks.context(f"➡️ {where}")))


def counts(gap: DownloadGap) -> Message:
    """Return the reply in a channel's thread: no names."""
    lack, unknown = format_number(len(gap.lack)), format_number(len(gap.unknown))
    if not gap.unknown:
        return Message(_("{lack} not yet. The names went only to the person who asked.", lack=lack))
    text = gettext_noop(
        "{lack} not yet · {unknown} whose e-mail Slack does not tell. The names went only to the person who asked."
    )
    return Message(_(text, lack=lack, unknown=unknown))


def names(what: str, place: str, gap: DownloadGap, typed: str) -> Message:
    """Return who they are, for the asker alone, with a button to ask them."""
    title = f"*{escape_inline(what, 160)}* · {place}"
    lines = [title, _("*Not yet* ({number}): {people}", number=format_number(len(gap.lack)), people=_people(gap.lack))]
    if gap.unknown:
        text, number = gettext_noop("_No e-mail in Slack_ ({number}): {people}"), format_number(len(gap.unknown))
        lines.append(_(text, number=number, people=_people(gap.unknown)))
    body = [block for line in lines for block in _whole(line)]
    if gap.lack and len(typed) <= blocks.BUTTON_VALUE:
        ask = _("Each of them gets one friendly message from me, in your name, with a button to get the build.")
        body.append(blocks.actions(blocks.button(_("Ask them politely"), "nudge.v1", typed, confirm=ask)))
        body.append(blocks.context(_("At most once for each build and person, and never to people who opted out.")))
    return Message("\n".join(lines), tuple(body))


def _people(people: Sequence[str]) -> str:
    return ", ".join(f"<@{person}>" for person in people) or _("no one")


def _whole(line: str) -> list[Block]:
    """Return a line of any length, parted between the people it names."""
    words = line.split(", ")
    some = [", ".join(words[at : at + SHOWN]) for at in range(0, len(words), SHOWN)]
    return [blocks.section(part + ("," if at + 1 < len(some) else "")) for at, part in enumerate(some)]


def nudge(builds: Sequence[Build], asker: str) -> Message:
    """Return the reminder for a user who has not tried a build yet."""
    what = escape_inline(buildcards.several(builds[0].app, [replace(build, number="") for build in builds]), 160)
    said = gettext_noop("{person} would be glad if you tried *{what}*. If you have a minute, here it is.")
    text = _(said, person=f"<@{asker}>", what=what)
    platforms = {build.platform: build for build in reversed(builds)}
    several = len(platforms) > 1
    get = [
        blocks.button(
            _("Get it for {platform}", platform=buildcards.plain_platform(build))
            if several and build.platform
            else _("Get build"),
            f"get.v1#{number}",
            str(BuildValue.of(build)),
            style=None if number else "primary",
        )
        for number, build in enumerate(list(platforms.values())[:PLATFORMS])
    ]
    stop = blocks.button(_("Do not ask me again"), "unnudge.v1", "stop")
    small = blocks.context(_("I ask at most once for each build, and not at all if you would rather not."))
    return Message(text, (blocks.section(text), blocks.actions(*get, stop), small))


def nudged(what: str, asked: int, left_alone: int, waiting: int = 0) -> Message:
    """Return the result for the user who sent the reminders; `waiting` users were too many for one time."""
    what = escape_inline(what, 160)
    if not asked and not left_alone:
        return Message(_("No one is missing."))
    if not asked:
        said = gettext_noop("I asked no one about {what}: all were asked before, opted out, or can't use me.")
        return Message(_(said, what=what))
    text = ngettext(
        "I asked {number} person to try {what}.", "I asked {number} people to try {what}.", asked, what=what
    )
    skipped = ngettext(
        "Skipped {number} (already asked, opted out, or can't use me).",
        "Skipped {number} (already asked, opted out, or can't use me).",
        left_alone,
    )
    others = ngettext(
        "{number} more is left: press the button again.", "{number} more are left: press the button again.", waiting
    )
    return Message(" ".join([text, *([skipped] if left_alone else []), *([others] if waiting else [])]))
