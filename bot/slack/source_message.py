"""The message a shortcut was used on, as far as handlers need it; pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bot.slack.mrkdwn import unescape


class SourceFile(Struct, frozen=True):
    """A file of a message; if Slack did not send them, its name is empty and its size (bytes) None."""

    id: str
    name: str = ""
    size: int | None = None


class SourceMessage(Struct, frozen=True):
    """A message: its text as people read it, and its files."""

    text: str = ""
    files: tuple[SourceFile, ...] = ()


NO_MESSAGE = SourceMessage()


def read_message(message: dict[str, Any]) -> SourceMessage:
    """Parse a message of Slack. https://docs.slack.dev/reference/objects/file-object"""
    files = [file for file in message.get("files") or [] if isinstance(file, dict) and file.get("id")]
    return SourceMessage(unescape(str(message.get("text") or "")), tuple(_read_file(file) for file in files))


def _read_file(facts: dict[str, Any]) -> SourceFile:
    size = facts.get("size")
    return SourceFile(str(facts["id"]), str(facts.get("name") or ""), size if isinstance(size, int) else None)
