"""The page to watch both pretended sides in, and to be a person in the pretended Slack."""

from sandbox.page.manifest import Command, Hint, Installed, Persona, Shortcut
from sandbox.page.server import Page

__all__ = ["Command", "Hint", "Installed", "Page", "Persona", "Shortcut"]
