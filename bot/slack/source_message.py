"""The message a shortcut was used on, as far as a handler may know it; pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bot.slack.mrkdwn import unescape


class SourceFile(Struct, frozen=True):
    """A file of a message; a name and a size (bytes) that Slack did not say are empty and None."""

    id: str
    name: str = ""
    size: int | None = None


class SourceMessage(Struct, frozen=True):
    """A message: its text as people read it, and its files."""

    text: str = ""
    files: tuple[SourceFile, ...] = ()


NO_MESSAGE = SourceMessage()


def read_message(message: dict[str, Any]) -> SourceMessage:
    """Return what Slack sends of a message. https://docs.slack.dev/reference/objects/file-object"""
    files = [file for file in message.get("files") or [] if isinstance(file, dict) and file.get("id")]
    return SourceMessage(unescape(str(message.get("text") or "")), tuple(_read_file(file) for file in files))


def _read_file(facts: dict[str, Any]) -> SourceFile:
    size = facts.get("size")
    return SourceFile(str(facts["id"]), str(facts.get("name") or ""), size if isinstance(size, int) else None)
