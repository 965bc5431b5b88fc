"""Messages about recalled builds: the form for the reason, the effects, and the button to undo it; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.i18n import _, gettext_noop, ngettext
from bot.slack import blocks
from bot.slack.blocks import Message, Modal, inputs
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views.builds import build_value, facts, state, title, unrecall_button

if TYPE_CHECKING:
    from bot.domain.model import Build, Recall

REASON = 300  # characters, which every card shows whole
NO_CARD = gettext_noop("No channel has a card of it.")


def ask(build: Build, reason: str = "") -> Modal:
    """Return the form for the reason of a recall."""
    body = (blocks.section(f"*{title(build)}*", fields=facts(build)), _why(reason), _what_it_does())
    return Modal("recall.v1", _("Recall a build"), body, submit=_("Recall"), private_metadata=build_value(build))


def ask_which() -> Modal:
    """Return the form for the build to recall, and the reason."""
    body = (
        blocks.external_select(_("App"), "recall.app", hint=_("Type to find an app")),
        blocks.external_select(_("Build"), "recall.build", hint=_("Choose a build")),
        _why(),
        _what_it_does(),
    )
    return Modal("recall.v1", _("Recall a build"), body, submit=_("Recall"))


def _why(reason: str = "") -> blocks.Block:
    example = _("crash on login")
    return inputs.text_input(
        _("Reason"), "recall.reason", example=example, value=reason, max_length=REASON, optional=False
    )


def _what_it_does() -> blocks.Block:
    return blocks.context(_("All its cards will say so, new downloads are blocked, and `unrecall` takes it back."))


def recalled(build: Build, recall: Recall, cards: int, *, pages: bool) -> Message:
    """Return what the recall has done, and what it cannot do; `pages`: links lead to claim pages, which are closed."""
    turned = ngettext("One card turns red and says why.", "{number} cards turn red and say why.", cards)
    gone = gettext_noop("New downloads are blocked, and unused claim pages are closed.")
    lines = (
        f"{turned if cards else _(NO_CARD)} {_(gone if pages else gettext_noop('New downloads are blocked.'))}",
        _("Links that Applivery has handed out already cannot be taken back, nor can what is installed."),
    )
    text = f"{title(build)}: {state(build, recall)}."
    body = (blocks.section(f"*{title(build)}*\n{state(build, recall)}\n{lines[0]}"), blocks.context(lines[1]))
    return Message(" ".join((text, *lines)), (*body, _way_back(build)))


def recalled_before(build: Build, recall: Recall) -> Message:
    """Return the answer when it was recalled already: by which user, when and why."""
    text = _(
        "<@{person}> recalled {build} {when}: {reason}",
        person=recall.by,
        build=title(build),
        when=date_tag(recall.at),
        reason=escape_inline(recall.reason, REASON),
    )
    return Message(text, (blocks.section(f"⛔ {text}"), _way_back(build)))


def unrecalled(build: Build, recall: Recall, cards: int) -> Message:
    """Return the confirmation that the build is available again; what its recall had been."""
    shown = ngettext("Its card says so.", "Its {number} cards say so.", cards) if cards else _(NO_CARD)
    text = f"{_('✅ {build} can be had again.', build=title(build))} {shown}"
    was = _(
        "<@{person}> had recalled it {when}: {reason}",
        person=recall.by,
        when=date_tag(recall.at),
        reason=escape_inline(recall.reason, REASON),
    )
    return Message(f"{text} {was}", (blocks.section(text), blocks.context(was)))


def not_recalled(build: Build) -> Message:
    """Return the answer when there is no recall to undo."""
    return Message(_("{build} is not recalled.", build=title(build)))


def _way_back(build: Build) -> blocks.Block:
    return blocks.actions(unrecall_button(build))
