"""The page to watch both fake sides in, and to be a person in the fake Slack."""

from sandbox.page.manifest import CommandHint, InstalledApp, Persona, Shortcut, SlashCommand
from sandbox.page.server import DemoPage

__all__ = ["CommandHint", "DemoPage", "InstalledApp", "Persona", "Shortcut", "SlashCommand"]
