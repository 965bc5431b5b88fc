"""What a Slack client knows of an installed app, its commands and shortcuts, and who may sit before the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Persona:
    """Somebody one can be on the page: a user's handle, and the words under the name."""

    handle: str
    title: str


@dataclass(frozen=True)
class SlashCommand:
    """A slash command as the composer offers it; with `should_escape` it sends people and channels as ids."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True)
class Shortcut:
    """A shortcut; `type` is "message" (in a message's menu) or "global" (behind the slash)."""

    callback_id: str
    name: str
    type: str = "message"
    description: str = ""


@dataclass(frozen=True)
class CommandHint:
    """The first word after the command: what may follow it, and what it does. Slack has no such thing."""

    verb: str
    usage: str = ""
    says: str = ""


@dataclass(frozen=True)
class InstalledApp:
    """The app as the fake workspace has installed it."""

    commands: tuple[SlashCommand, ...] = (SlashCommand("/applivery"),)
    shortcuts: tuple[Shortcut, ...] = ()
    hints: tuple[CommandHint, ...] = ()

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any], hints: Sequence[CommandHint] = ()) -> InstalledApp:
        """Read a Slack app manifest, given as a mapping; what is not in it is left empty.

        https://docs.slack.dev/reference/app-manifest
        """
        features = manifest.get("features") or {}
        commands = tuple(
            SlashCommand(
                each["command"],
                each.get("description") or "",
                each.get("usage_hint") or "",
                bool(each.get("should_escape")),
            )
            for each in features.get("slash_commands") or ()
        )
        shortcuts = tuple(
            Shortcut(each["callback_id"], each["name"], each.get("type", "message"), each.get("description") or "")
            for each in features.get("shortcuts") or ()
        )
        return cls(commands, shortcuts, tuple(hints))
