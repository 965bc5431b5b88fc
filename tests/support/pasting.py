"""The same words as Slack would deliver them: typed on a phone, pasted from a card, formatted by the composer."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain import grammar
from bot.slack import typed_text
from sandbox.slack.composing import delivered


def pasted(words: str) -> Iterator[str]:
    """What an app gets when somebody types or pastes these words."""
    escaped = _escaped(words)
    sent = delivered(escaped)
    yield sent
    yield escaped
    yield sent.replace(" ", "\u00a0")
    yield f"\u200b{sent}\ufeff"
    yield sent.replace(" ", " \u200b")
    yield sent.replace("'", "’").replace('"', "”").replace("-", "–")
    yield _escaped(words.upper())
    yield f" {sent} "
    for mark in "*_~":
        if not sent.startswith(mark) and not sent.endswith(mark):
            yield f"{mark}{sent}{mark}"
    if "`" not in sent:
        yield f"`{sent}`"
    if not set("“”\"'’") & set(words):
        yield f"“{sent}”"


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def received(sent: str) -> str:
    """The words as the parser has them before it splits them."""
    return grammar.unescaped(typed_text.normalize(sent))
