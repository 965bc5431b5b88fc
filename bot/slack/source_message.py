"""The message a shortcut was used on, as far as a handler may know it; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.slack.mrkdwn import as_typed


@dataclass(frozen=True, slots=True)
class QuotedFile:
    """A file of a message; a name and a size (bytes) that Slack did not say are empty and None."""

    id: str
    name: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """A message: its text as people read it, and its files."""

    text: str = ""
    files: tuple[QuotedFile, ...] = ()


NO_MESSAGE = Quoted()


def quoted(message: dict[str, Any]) -> Quoted:
    """What Slack sends of a message. https://docs.slack.dev/reference/objects/file-object"""
    files = [file for file in message.get("files") or [] if isinstance(file, dict) and file.get("id")]
    return Quoted(as_typed(str(message.get("text") or "")), tuple(_file(file) for file in files))


def _file(facts: dict[str, Any]) -> QuotedFile:
    size = facts.get("size")
    return QuotedFile(str(facts["id"]), str(facts.get("name") or ""), size if isinstance(size, int) else None)
