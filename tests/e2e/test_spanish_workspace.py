"""Everything the bot can be asked, in a workspace of Spanish speakers: nobody is told anything in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.conftest import Environment
from tests.support.everything import everything
from tests.support.seeing import every_message
from tools import catalogue

# Words that a sentence of English can hardly do without, and one of Spanish never has
ENGLISH = re.compile(
    r"(?<![\w`:/.<-])(the|is|are|was|were|you|your|and|of|to|not|it|that|this|from|with|have|can|cannot|will|been|ask|type)(?![\w`:])"
)
# What was done and how it ended is written down once, in English, and shown to admins as it is.
AUDIT = re.compile(r"^(Registro de auditoría: )?<!date.* · ", re.MULTILINE)
CODE = re.compile(r"`[^`]*`|<[^<>]*>|“[^”]*”|^>.*$", re.MULTILINE)


def texts(of: Any) -> Iterator[str]:
    """Every text of a payload that a person reads."""
    if isinstance(of, dict):
        word = of["text"]["text"] if of.get("type") == "button" else None
        for key, value in of.items():
            if key == "text" and word and of.get("value") == f"help {word}":
                continue  # "See also": a command is typed in English
            if isinstance(value, str) and key in {"text", "accessibility_label", "alt_text", "title", "fallback"}:
                yield value
            else:
                yield from texts(value)
    elif isinstance(of, list):
        for value in of:
            yield from texts(value)


async def test_spanish_workspace_reads_no_english(world: Environment) -> None:
    for user in world.slack.users.values():
        user.locale = "es-ES"
    await world.start(language="es", links_per_minute=10_000, links_per_hour=10_000)
    await everything(world)
    messages: list[Any] = [message.saved() for message in every_message(world.slack)]
    forms: list[Any] = [view.payload for view in world.slack.modals.views.values()]
    for said in (messages, forms):
        read = {text for item in said for text in texts(item) if not AUDIT.search(text)}
        assert {text for text in read if ENGLISH.search(CODE.sub("", text))} == set()
        assert read & only_english() == set()
        assert len(read) > 50


def only_english() -> set[str]:
    """Every sentence and label of the catalogue that reads otherwise in Spanish."""
    known = [message for message in catalogue.read("es") if isinstance(message.id, str) and message.id]
    return {str(message.id) for message in known} - {str(message.string) for message in known}
