"""Messages about recalled builds: the form for the reason, the effects, and the button to undo it; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.model import Stage
from bot.i18n import _, ngettext
from bot.slack import blocks
from bot.slack.blocks import Message, Modal, inputs
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views.builds import build_value, get_button, heading, title, unrecall_button

if TYPE_CHECKING:
    from bot.domain.model import Build, Recall, RecallReach

REASON = 300  # characters: so short that every card can show all of it


def ask(build: Build, reach: RecallReach, reason: str = "") -> Modal:
    """Return the form for the reason of a recall, with its effects."""
    body = (blocks.section(f"*{heading(build)}*"), _why(reason), blocks.context(*_effects(reach)))
    return Modal("recall.v1", _("Recall a build"), body, submit=_("Recall"), private_metadata=build_value(build))


def ask_which() -> Modal:
    """Return the form for the build to recall and the reason."""
    body = (
        blocks.external_select(_("App"), "recall.app", hint=_("Type to find an app")),
        blocks.external_select(_("Build"), "recall.build", hint=_("Choose a build")),
        _why(),
        blocks.context(
            _("New downloads will be blocked, and the build's Slack messages will say why. You can undo a recall.")
        ),
    )
    return Modal("recall.v1", _("Recall a build"), body, submit=_("Recall"))


def _why(reason: str = "") -> blocks.Block:
    example = _("crash on login")
    return inputs.text_input(
        _("Reason"), "recall.reason", example=example, value=reason, max_length=REASON, optional=False
    )


def _effects(reach: RecallReach) -> tuple[str, ...]:
    """Return the effects that a recall will have."""
    marks = ngettext(
        "{number} channel card will show the reason.", "{number} channel cards will show the reason.", reach.cards
    )
    people = ngettext(
        "{number} person already got a link in Slack; it works until it expires.",
        "{number} people already got a link in Slack; links work until they expire.",
        reach.people,
    )
    found = (
        _("New downloads will be blocked."),
        marks if reach.cards else "",
        people if reach.people else "",
        _("You can undo a recall."),
    )
    return (" ".join(filter(None, found)),)


def recalled(build: Build, recall: Recall, reach: RecallReach, *, pages: bool) -> Message:
    """Return the effects of a recall and its limits; `pages` is whether links lead to claim pages, which are closed."""
    reason = escape_inline(recall.reason, REASON)
    done = " · ".join(filter(None, [_cards(reach.cards), _("new downloads blocked"), _people(reach.people)]))
    left = _("Links that were opened work until they expire; the others are closed. Installed copies stay.")
    if not pages:
        left = _("Links already issued work until they expire. Installed copies stay.")
    text = _("⛔ Recalled {build}: {reason}", build=title(build), reason=reason)
    shown = _("⛔ *Recalled {build}*: {reason}", build=heading(build), reason=reason)
    return Message(
        f"{text}. {done}. {left}", (blocks.section(f"{shown}\n{done}"), blocks.context(left), _way_back(build))
    )


def _cards(number: int) -> str:
    return ngettext("{number} card updated", "{number} cards updated", number) if number else _("no cards to update")


def _people(number: int) -> str:
    return ngettext("{number} person got a link", "{number} people got a link", number) if number else ""


def recalled_before(build: Build, recall: Recall) -> Message:
    """Return the reply if the build was recalled already: by which user, when and why."""
    text = _(
        "{build} was already recalled by <@{person}> {when}: {reason}",
        person=recall.by,
        build=title(build),
        when=date_tag(recall.at),
        reason=escape_inline(recall.reason, REASON),
    )
    return Message(text, (blocks.section(f"⛔ {text}"), _way_back(build)))


def unrecalled(build: Build, recall: Recall, cards: int) -> Message:
    """Return the confirmation that the build is available again, with its former recall."""
    text = _("✅ *Recall undone.* {build} is available again.", build=title(build))
    was = _(
        "Was recalled by <@{person}> {when}: {reason}",
        person=recall.by,
        when=date_tag(recall.at),
        reason=escape_inline(recall.reason, REASON),
    )
    small = f"{_cards(cards)} · {was}"
    get = [blocks.actions(get_button(build, style=None))] if build.stage is Stage.READY else []
    return Message(f"{text} {small}", (blocks.section(text), blocks.context(small), *get))


def not_recalled(build: Build) -> Message:
    """Return the reply if there is no recall to undo."""
    text = _("{build} isn't recalled.", build=title(build))
    get = [blocks.actions(get_button(build, style=None))] if build.stage is Stage.READY else []
    return Message(text, (blocks.section(text), *get))


def _way_back(build: Build) -> blocks.Block:
    return blocks.actions(unrecall_button(build))
