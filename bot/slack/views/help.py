"""How the bot introduces itself: each subcommand, one of them, and the menu; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.domain.model import Role
from bot.i18n import _
from bot.slack import blocks
from bot.slack.blocks import Message


class Described(Protocol):
    """A subcommand as it is registered: its summary and the prose of its usage are message ids."""

    @property
    def name(self) -> str:
        """The word that is typed."""

    @property
    def summary(self) -> str:
        """What it does."""

    @property
    def usage(self) -> Sequence[str]:
        """Examples, which begin with `/`, and prose."""

    @property
    def required_role(self) -> Role:
        """The role that it takes."""


def help_for(entry: Described, root: str) -> Message:
    """Return the help of one subcommand: what it does, who may use it, and examples."""
    examples = "\n".join(
        f"`{line.replace('/applivery', root, 1)}`" if line.startswith("/") else _(line) for line in entry.usage
    )
    role = (
        ""
        if entry.required_role is Role.MEMBER
        else "\n" + _("Needs the role *{role}*.", role=entry.required_role.word)
    )
    text = f"*{entry.name}* — {_(entry.summary)}\n{examples}{role}"
    return Message(f"{entry.name}: {_(entry.summary)}", (blocks.section(text),))


def help_for_all(entries: Sequence[Described], root: str, note: str = "") -> Message:
    """Return every subcommand in a line, with a note on which these are."""
    lines = [f"`{root} {entry.name}` — {_(entry.summary)}" for entry in entries]
    more = _(
        "More about one: `{command} help get` · Quotes for spaces, `-tag:nightly` means not, `*` stands for anything.",
        command=root,
    )
    listed = "; ".join(f"{entry.name}: {_(entry.summary)}" for entry in entries)
    text = _("What I can do: {listed}", listed=listed)
    noted = [blocks.section(note)] if note else []
    body = (*noted, *blocks.paragraphs([_("*What I can do*"), *lines]), blocks.context(more))
    return Message(f"{note} {text}".strip(), body)


def menu(root: str, twins: Sequence[tuple[str, str]]) -> Message:
    """Return what an empty command opens: the usual things as buttons (label, for later; command text)."""
    text = _("What would you like?")
    which = [blocks.button(_(label), f"run.v1#{number}", typed) for number, (label, typed) in enumerate(twins)]
    hint = _("Or type it: `{command} get courier` · `{command} help` lists everything.", command=root)
    there = _("{command} help lists everything.", command=root)
    return Message(f"{text} {there}", (blocks.section(f"*{text}*"), blocks.actions(*which), blocks.context(hint)))
