"""Help by task, help of one command, and the menu; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct
from slack_sdk.models.blocks import ButtonElement

from bot.domain.model import Role
from bot.i18n import _
from bot.i18n.verbatim import code
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import escape

RELATED = 10  # buttons


class Described(Protocol):
    """A registered command: its summary and the prose of its usage are message ids."""

    @property
    def name(self) -> str:
        """The name of the command."""

    @property
    def summary(self) -> str:
        """What the command does."""

    @property
    def usage(self) -> Sequence[str]:
        """Examples, whose lines begin with `/`, and prose."""

    @property
    def required_role(self) -> Role:
        """The role that the command requires."""


class TaskHelp(Struct, frozen=True):
    """A task of users: its label (a message id), examples, and the commands for it."""

    label: str
    examples: Sequence[str]
    commands: Sequence[Described]


def help_by_task(tasks: Sequence[TaskHelp], root: str, note: str = "") -> Message:
    """Return each task with its examples and a button for more; `note` says which apps the examples are about."""
    title = _("What you can do")
    how = _("Type `{command}` and, for example:", command=root) if root else _("Type, for example:")
    body = [blocks.section("\n".join(filter(None, (f"*{title}*", note, how))))]
    spoken = []
    for number, task in enumerate(tasks):
        lines = [code(escape(example)) for example in task.examples]
        more = blocks.button(
            _("More"),
            f"run.v1#{number}",
            f"help {task.commands[0].name}",
            accessibility_label=_("More: {task}", task=_(task.label)),
        )
        body.append(blocks.section("\n".join((f"*{_(task.label)}*", *lines)), accessory=more))
        spoken.append("; ".join(f"{command.name}: {_(command.summary)}" for command in task.commands))
    said = [f"{_(task.label)}: {commands}" for task, commands in zip(tasks, spoken, strict=True)]
    return Message(" ".join(filter(None, (note, f"{title}.", *said))), tuple(body))


def help_for(
    entry: Described,
    root: str,
    *,
    usage: Sequence[str] = (),
    safe: Sequence[str] = (),
    options: Sequence[str] = (),
    related: Sequence[Described] = (),
) -> Message:
    """Return the help of one command: what it does, who may use it, and examples.

    `usage` has the examples with the person's own apps; the `safe` ones have a button. `options` are the keys it takes,
    `related` the commands for the same task.
    """
    lines = [
        _typed(root, line[1:].partition(" ")[2]) if line.startswith("/") else _(line) for line in usage or entry.usage
    ]
    role = [] if entry.required_role is Role.MEMBER else [_("Needs the role *{role}*.", role=entry.required_role.word)]
    summary = _(entry.summary)
    body = [blocks.section("\n".join((f"*{entry.name}*: {summary}", *lines, *role)))]
    if options:
        keys = " ".join(code(f"{key}:") for key in options)
        body.append(blocks.context(_("Options: {keys}. `-tag:nightly` excludes, `*` matches anything.", keys=keys)))
    run = [blocks.button(example, f"run.v1#{number}", example) for number, example in enumerate(safe)]
    body += [blocks.actions(*run)] if run else []
    others = [_help_button(command, number) for number, command in enumerate(related[:RELATED])]
    body += [blocks.context(_("See also")), blocks.actions(*others)] if others else []
    return Message(f"{entry.name}: {summary}", tuple(body))


def menu(root: str, items: Sequence[tuple[str, str]], first: tuple[str, str] | None = None) -> Message:
    """Return the menu of an empty command: common tasks as buttons (label, command); `first` is translated."""
    text = _("What would you like to do?")
    quick = [blocks.button(first[0], "run.v1#first", first[1], style="primary")] if first else []
    which = [
        blocks.button(_(label), f"run.v1#{number}", typed, style=None if quick or number else "primary")
        for number, (label, typed) in enumerate(items)
    ]
    hint = _("Or type it: {command}", command=_typed(root, "get courier"))
    return Message(
        f"{text} {hint}", (blocks.section(f"*{text}*"), blocks.actions(*quick, *which), blocks.context(hint))
    )


def _typed(root: str, example: str) -> str:
    return code(escape(f"{root} {example}".strip()))


def _help_button(command: Described, number: int) -> ButtonElement:
    return blocks.button(
        command.name,
        f"run.v1#help{number}",
        f"help {command.name}",
        accessibility_label=f"{command.name}: {_(command.summary)}",
    )
