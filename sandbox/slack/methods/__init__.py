"""The Web API methods, a file for each family; importing them registers them."""

from sandbox.slack.methods import blocks, chat, conversations, files, previews, team, users, views
from sandbox.slack.server_state import METHODS

__all__ = ["METHODS", "blocks", "chat", "conversations", "files", "previews", "team", "users", "views"]
