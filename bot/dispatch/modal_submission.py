"""Submitted forms: keep one open until its result is known, or restore it with its input."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.dispatch.requests import opened_with, preset_values
from bot.domain.text_limits import TextTooLong
from bot.exceptions import BotError, UserInputError
from bot.i18n import _
from bot.i18n.verbatim import unmarked
from bot.slack import blocks
from bot.slack.blocks import Block, Modal
from bot.slack.blocks.inputs import with_initial_value
from bot.slack.markup import strip_formatting
from bot.slack.mrkdwn import escape_inline, truncate

SUBMIT_SECONDS = 2.2  # Slack's limit is three
ERROR = 500  # characters below a field


class InvalidFields(UserInputError, kind="WrongFields"):
    """Errors of several fields of a form, by the names of their blocks."""

    def __init__(self, fields: dict[str, BotError]) -> None:
        first = next(iter(fields.values()))
        super().__init__(first.sentence, first.next_step)
        self.fields = fields


@contextmanager
def attribute_to_field(name: str) -> Iterator[None]:
    """Attribute an error raised in the context to this field of the form."""
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
        self.is_accepted = False  # the request was carried out, or the next form shown
        self._response: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def acknowledgement(self) -> dict[str, Any]:
        """Return the response for Slack; if there is none in time, the form closes."""
        await asyncio.wait({self._response}, timeout=SUBMIT_SECONDS)
        self._respond({})
        return self._response.result()

    def _respond(self, answer: dict[str, Any]) -> bool:
        """Set the response for Slack; return False if there was one already."""
        if self._response.done():
            return False
        self._response.set_result(answer)
        return True

    def close(self) -> None:
        """Accept the form: close it and the forms below."""
        self.is_accepted = True
        self._respond({"response_action": "clear"} if self.view.get("previous_view_id") else {})

    def push(self, form: Modal) -> bool:
        """Show the next form on top, from which Cancel leads back; return False if the form is closed already."""
        self.is_accepted = True
        return self._respond({"response_action": "push", "view": form.view()})

    def keep_open(self, problem: BotError, reference: str | None, *, is_admin: bool = False) -> bool:
        """Show an error next to its field; return False if the form is closed already."""
        errors = self._errors(problem, reference, is_admin)
        return bool(errors) and self._respond({"response_action": "errors", "errors": errors})

    def _errors(self, problem: BotError, reference: str | None, is_admin: bool) -> dict[str, str]:
        names = [str(block["block_id"]) for block in _input_blocks(self.view)]
        wrong = problem.fields if isinstance(problem, InvalidFields) else {problem.field or "": problem}
        said = {name: truncate(_error_text(bot_error, reference, is_admin), ERROR) for name, bot_error in wrong.items()}
        return {name if name in names else names[0]: words for name, words in said.items()} if names else {}


def _error_text(problem: BotError, reference: str | None, is_admin: bool) -> str:
    """Return the error and the next step in plain text."""
    step = problem.step_for(admin=is_admin)
    text = unmarked(strip_formatting(f"{_(problem.sentence)} {_(step)}".strip()))
    return f"{text} {_('(reference {reference})', reference=reference)}" if reference else text


def _input_blocks(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        block
        for block in view.get("blocks") or []
        if block.get("type") == "input" and block.get("block_id") and block.get("element")
    ]


def _input_state(view: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    """Return the value of the input of a block."""
    values = ((view.get("state") or {}).get("values") or {}).get(block["block_id"]) or {}
    return next(iter(values.values()), {})


def check_lengths(view: dict[str, Any]) -> None:
    """Raise InvalidFields for texts that are longer than their inputs allow, which Slack's apps prevent."""
    wrong: dict[str, BotError] = {}
    for block in _input_blocks(view):
        text, most = _input_state(view, block).get("value"), block["element"].get("max_length")
        if text and isinstance(most, int) and len(text) > most:
            wrong[str(block["block_id"])] = TextTooLong(_label(block), text, most)
    if wrong:
        raise InvalidFields(wrong)


def restore_modal(view: dict[str, Any]) -> Modal:
    """Return the form as it was submitted, with all its input."""
    body: list[Block] = []
    picked: dict[str, str] = dict(preset_values(view))
    for block in view.get("blocks") or []:
        if block not in _input_blocks(view):
            body.append(block)
            continue
        typed = _input_state(view, block)
        if files := typed.get("files"):
            picked[block["block_id"]] = str(files[0].get("id"))
            body.append(blocks.section(f"*{escape_inline(files[0].get('name') or _label(block), 120)}*"))
        else:
            body.append(with_initial_value(block, typed))
    title, submit = view.get("title") or {}, view.get("submit") or {}
    return Modal(
        str(view.get("callback_id") or ""),
        str(title.get("text") or "–"),
        tuple(body),
        submit=str(submit.get("text") or "OK"),
        private_metadata=opened_with(view),
        preset_values=picked,
    )


def typed_texts(view: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the texts that were typed into a form, each with its label."""
    found = [(block, _input_state(view, block).get("value")) for block in _input_blocks(view)]
    return [(escape_inline(_label(block), 120), str(text)) for block, text in found if text]


def _label(block: dict[str, Any]) -> str:
    return str((block.get("label") or {}).get("text") or "–")
