"""A submitted form: it stays open with its words until it is known what became of them, or can be opened again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.dispatch.requests import given, remembered
from bot.domain.text_limits import TextTooLong
from bot.exceptions import BotError, UserInputError
from bot.i18n import _
from bot.i18n.verbatim import unmarked
from bot.slack import blocks
from bot.slack.blocks import Block, Modal
from bot.slack.blocks.inputs import refilled
from bot.slack.markup import without_formatting
from bot.slack.mrkdwn import cut, inline

SUBMIT_SECONDS = 2.2  # Slack waits three
ERROR = 500  # characters below a field


class InvalidFields(UserInputError, kind="WrongFields"):
    """What is wrong with several fields of a form, by the names of their blocks."""

    def __init__(self, fields: dict[str, BotError]) -> None:
        first = next(iter(fields.values()))
        super().__init__(first.sentence, first.next_step)
        self.fields = fields


@contextmanager
def in_field(name: str) -> Iterator[None]:
    """Show an error raised within the block next to this field of the form."""
    try:
        yield
    except BotError as problem:
        problem.field = problem.field or name
        raise


class ModalSubmission:
    """A submitted form that is still open: its acknowledgement closes it, or keeps it open.

    https://docs.slack.dev/surfaces/modals#displaying_errors
    """

    def __init__(self, view: dict[str, Any]) -> None:
        self.view = view
        self.accepted = False  # what was asked for has been done, or is shown in the next form
        self._answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def acknowledgement(self) -> dict[str, Any]:
        """What Slack is to be answered; when that is not known in time, the form closes."""
        await asyncio.wait({self._answer}, timeout=SUBMIT_SECONDS)
        self._answered({})
        return self._answer.result()

    def _answered(self, answer: dict[str, Any]) -> bool:
        """Whether this is what Slack hears; not when it has been answered before."""
        if self._answer.done():
            return False
        self._answer.set_result(answer)
        return True

    def close(self) -> None:
        """It was accepted: close it, and what it was opened from."""
        self.accepted = True
        self._answered({"response_action": "clear"} if self.view.get("previous_view_id") else {})

    def go_on(self, form: Modal) -> bool:
        """Show the next form on top of it, which leads back when it is cancelled; False when it is closed already."""
        self.accepted = True
        return self._answered({"response_action": "push", "view": form.view()})

    def keep_open(self, problem: BotError, reference: str | None) -> bool:
        """Say what is wrong next to the field it is about; False when the form is closed already."""
        errors = self._errors(problem, reference)
        return bool(errors) and self._answered({"response_action": "errors", "errors": errors})

    def _errors(self, problem: BotError, reference: str | None) -> dict[str, str]:
        names = [str(block["block_id"]) for block in _inputs(self.view)]
        wrong = problem.fields if isinstance(problem, InvalidFields) else {problem.field or "": problem}
        said = {name: cut(_words(bot_error, reference), ERROR) for name, bot_error in wrong.items()}
        return {name if name in names else names[0]: words for name, words in said.items()} if names else {}


def _words(problem: BotError, reference: str | None) -> str:
    """What happened and what to do, in plain text."""
    text = unmarked(without_formatting(f"{_(problem.sentence)} {_(problem.next_step)}".strip()))
    return f"{text} ({reference})" if reference else text


def _inputs(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        block
        for block in view.get("blocks") or []
        if block.get("type") == "input" and block.get("block_id") and block.get("element")
    ]


def _typed(view: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    """What stands in the input of a block."""
    values = ((view.get("state") or {}).get("values") or {}).get(block["block_id"]) or {}
    return next(iter(values.values()), {})


def check_lengths(view: dict[str, Any]) -> None:
    """Raise InvalidFields for texts that are longer than their inputs allow, which Slack's own apps do not send."""
    wrong: dict[str, BotError] = {}
    for block in _inputs(view):
        text, most = _typed(view, block).get("value"), block["element"].get("max_length")
        if text and isinstance(most, int) and len(text) > most:
            wrong[str(block["block_id"])] = TextTooLong(_label(block), text, most)
    if wrong:
        raise InvalidFields(wrong)


def again(view: dict[str, Any]) -> Modal:
    """The form as it was sent, with all that was filled in."""
    body: list[Block] = []
    picked: dict[str, str] = dict(given(view))
    for block in view.get("blocks") or []:
        if block not in _inputs(view):
            body.append(block)
            continue
        typed = _typed(view, block)
        if files := typed.get("files"):
            picked[block["block_id"]] = str(files[0].get("id"))
            body.append(blocks.section(f"*{inline(files[0].get('name') or _label(block), 120)}*"))
        else:
            body.append(refilled(block, typed))
    title, submit = view.get("title") or {}, view.get("submit") or {}
    return Modal(
        str(view.get("callback_id") or ""),
        str(title.get("text") or "–"),
        tuple(body),
        submit=str(submit.get("text") or "OK"),
        memory=remembered(view),
        given=picked,
    )


def texts(view: dict[str, Any]) -> list[tuple[str, str]]:
    """What was typed into a form, each text with its label."""
    found = [(block, _typed(view, block).get("value")) for block in _inputs(view)]
    return [(inline(_label(block), 120), str(text)) for block, text in found if text]


def _label(block: dict[str, Any]) -> str:
    return str((block.get("label") or {}).get("text") or "–")
