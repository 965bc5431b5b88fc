"""Other messages to channels: replies in the threads of cards, expiring certificates, feedback; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.domain import changelogs
from bot.i18n import Text, _, gettext_noop, localize
from bot.slack import blocks, markdown
from bot.slack.blocks import Block, Message
from bot.slack.mrkdwn import escape, escape_inline
from bot.slack.views.builds import title

if TYPE_CHECKING:
    from bot.domain.model import Build, Delivery


def details(announcement: Delivery, warnings: Sequence[Text], requirements: Sequence[Text] = ()) -> Message:
    """Return a reply in a card's thread: a piece of the changelog; the first also has requirements and warnings."""
    build = announcement.build
    pieces = changelogs.pieces(build.changelog)
    body: list[Block] = []
    text = f"{title(build)}: "
    if announcement.part == 0 and (warnings or requirements):
        lines = [*(f"⚠️ {escape(warning)}" for warning in warnings), " · ".join(map(escape, requirements))]
        body.append(blocks.section("\n".join(filter(None, lines))))
        text += " ".join(filter(None, lines)) + " "
    if announcement.part < len(pieces):
        piece = localize(pieces[announcement.part])
        which = ""
        if len(pieces) > 1:
            which = " " + _("({part} of {parts})", part=announcement.part + 1, parts=len(pieces))
        head, told = _("What's new in {build}", build=title(build)), _("what's new")
        body += [blocks.section(f"*{head}*{which}"), *(block for block, _words in markdown.formatted(piece))]
        text += f"{told}{which}: {escape_inline(piece, 500)}"
    return Message(text.strip(), tuple(body))


def certificate(build: Build, dashboard: str, warnings: Sequence[Text]) -> Message:
    """Return the announcement that the newest build's certificate or profile expires."""
    text = _(
        "⚠️ {build}: {warnings} Sign and upload a new build.",
        build=title(build),
        warnings=" ".join(map(escape, warnings)),
    )
    buttons = blocks.actions(blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard"))
    return Message(text, (blocks.section(text), buttons))


def feedback(kind: str, app_name: str, dashboard: str) -> Message:
    """Return the announcement of feedback; its text is in Applivery."""
    sentence = gettext_noop("New bug report for {app}") if kind == "bug" else gettext_noop("New feedback on {app}")
    text = f"*{_(sentence, app=escape_inline(app_name, 80))}*"
    buttons = blocks.actions(blocks.link_button(_("Read in Applivery"), dashboard, "open.dashboard"))
    return Message(text, (blocks.section(text), buttons))
