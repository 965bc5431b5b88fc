"""Render errors: what happened, what to do next, and the choices; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from slack_sdk.models.blocks import ButtonElement

from bot.domain import grammar
from bot.domain.corrections import corrected
from bot.domain.grammar import ParsedText
from bot.domain.lookup import AmbiguousInput
from bot.domain.text_limits import TextTooLong
from bot.exceptions import ADMINS_FIX, BotError, BuildRecalled, Choice, PermissionDenied, UserInputError
from bot.i18n import _, gettext_noop, localize
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Message
from bot.slack.blocks.paging import PagedItems, page_buttons

CHOICES = 10  # buttons on a page: as many as a phone shows without scrolling
MORE_CHOICES = "more.choices.v1"
SOON = 60.0  # seconds: a shorter wait is shown in seconds, a longer one as a time of day
SAME_DAY = timedelta(hours=12)
IN_THESE = gettext_noop("Use it in {channels}.")
IN_SOME = gettext_noop("Use it in {channels} and {number} more.")
CHANNELS = 50  # named at most
ADMINS = 3  # named at most


def problem(
    error: BotError,
    reference: str | None = None,
    *,
    now: datetime | None = None,
    again: tuple[str, str] | None = None,
    is_admin: bool = False,
    admins: Sequence[str] = (),
) -> Message:
    """Return what happened, the next step, and for an unexpected error the reference that is also in the log.

    A temporary error names the time when it ends, from `now` (aware), and has a button with the action and value of
    `again`. The next step depends on the reader: `is_admin`, or another user, who can ask one of `admins`.
    """
    sentence, step = _busy(error, now), ""
    if not sentence:
        sentence, step = safe(_(error.sentence)), _step(error, admins, is_admin=is_admin)
    return _message(error, sentence, step, reference, again)


def _step(error: BotError, admins: Sequence[str], *, is_admin: bool) -> str:
    step = error.step_for(admin=is_admin)
    if step == ADMINS_FIX and admins:
        return _("Ask {admins} to fix this.", admins=", ".join(f"<@{admin}>" for admin in admins[:ADMINS]))
    return safe(_(step))


def _message(
    error: BotError, sentence: str, step: str, reference: str | None, again: tuple[str, str] | None
) -> Message:
    small = [blocks.context(_("Reference `{reference}`", reference=reference))] if reference else []
    if isinstance(error, TextTooLong):
        small.append(blocks.copyable(error.typed_text))
    if error.passing and again and len(again[1]) <= blocks.BUTTON_VALUE:
        small.append(blocks.actions(blocks.button(_("Try again"), *again)))
    if isinstance(error, BuildRecalled) and error.instead:
        name, value = error.instead
        small.append(blocks.actions(blocks.button(_("Get {build}", build=name), "get.v1", value, style="primary")))
    quoted = _("(reference {reference})", reference=reference) if reference else ""
    text = " ".join(part for part in (sentence, step, quoted) if part)
    return Message(text, (blocks.section(f"{sentence}\n{step}" if step else sentence), *small))


def _busy(error: BotError, now: datetime | None) -> str:
    """Return until when the other side is busy, in the reader's zone; empty if that is less than a minute."""
    if now is None or not error.until or error.retry_after < SOON:
        return ""
    over = now + timedelta(seconds=error.retry_after)
    if over.second or over.microsecond:
        # rounded up, as times are shown without seconds
        over = over.replace(second=0, microsecond=0) + timedelta(minutes=1)
    style = "{time}" if over - now < SAME_DAY else "{date_short_pretty} {time}"
    return _(error.until, time=mrkdwn.date_tag(over, style))


def slow() -> Message:
    """Return the notice that Applivery takes longer than usual."""
    return Message(_("⏳ Applivery is slow. I'm still trying."))


def denied(
    error: PermissionDenied,
    *,
    now: datetime | None = None,
    again: tuple[str, str] | None = None,
    is_admin: bool = False,
    admins: Sequence[str] = (),
    request: int | None = None,
) -> Message:
    """Return a refusal, with the channels to use, or a button for the access request with the number `request`."""
    if request is not None:  # then the button is the next step
        text = safe(_(error.sentence))
        ask = blocks.button(_("Request access"), "ask.v1", str(request))
        return Message(text, (blocks.section(text, accessory=ask),))
    if error.channels:
        listed = ", ".join(
            f"<#{channel}>" for channel in error.channels[:CHANNELS]
        )  # our own marks: quoted text is escaped
        left = len(error.channels) - CHANNELS
        there = _(IN_SOME, channels=listed, number=left) if left > 0 else _(IN_THESE, channels=listed)
        text = f"{safe(_(error.sentence))} {there}"
        return Message(text, (blocks.section(text),))
    return problem(error, now=now, again=again, is_admin=is_admin, admins=admins)


def safe(text: str) -> str:
    """Escape a sentence that may quote typed text, but keep its own `code` and *bold*."""
    return mrkdwn.escape(text)


def with_choice(error: UserInputError, verb: str, chosen: str, words: ParsedText) -> str | None:
    """Return the command with one of the choices filled in; None if it has no place for it."""
    if error.replaces is None:
        return chosen
    if isinstance(error, AmbiguousInput):
        return " ".join(part for part in (verb, chosen, _rest(error, chosen, words)) if part)
    text = corrected(words.text, error.replaces, chosen)
    return None if text is None or not verb else f"{verb} {grammar.escaped(text)}"


def choices(error: UserInputError, page: PagedItems[Choice], typed: Sequence[str | None], again: str) -> Message:
    """Return a page of the choices as buttons; `typed` has their values, `again` is the value of the page buttons."""
    which = [
        blocks.button(localize(label), f"run.v1#{number}", value)
        for number, ((label, _), value) in enumerate(zip(page.items, typed, strict=True))
        if value
    ]
    question = error.question if which else error.next_step
    said = "\n".join(filter(None, (safe(_(error.sentence)), safe(_(question)))))
    row = [*which, *_commands(error)]
    body = (blocks.section(said), *([blocks.actions(*row)] if row else []), *page_buttons(page, MORE_CHOICES, again))
    return Message(_spoken(error, page), body)


def with_commands(message: Message, error: BotError) -> Message:
    """Return an error message with buttons for the next steps."""
    buttons = _commands(error)
    if not buttons:
        return message
    return replace(message, blocks=(*(message.blocks or (blocks.section(message.text),)), blocks.actions(*buttons)))


def _commands(error: BotError) -> list[ButtonElement]:
    return [
        blocks.button(localize(label), f"run.v1#next{number}", command)
        for number, (label, command) in enumerate(error.commands)
    ]


def _spoken(error: UserInputError, page: PagedItems[Choice]) -> str:
    """Return the error as text, including the names of the choices."""
    text = safe(f"{_(error.sentence)} {_(error.next_step)}").strip()
    if not isinstance(error, AmbiguousInput):
        return text
    listed = ", ".join(mrkdwn.escape_inline(label) for label, _ in page.items)
    return f"{text} {listed}."


def _rest(error: AmbiguousInput, typed: str, words: ParsedText) -> str:
    if error.left is not None:
        return grammar.explain(error.left)
    # a choice of two words names an app and a build, and replaces both; later words and options stay
    return grammar.explain(ParsedText(words.plain[2 if " " in typed else 1 :], words.options))
