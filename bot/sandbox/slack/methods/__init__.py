"""The Web API methods, a file for each family; importing them registers them."""

from bot.sandbox.slack.desk import METHODS
from bot.sandbox.slack.methods import chat, conversations, files, team, users, views

__all__ = ["METHODS", "chat", "conversations", "files", "team", "users", "views"]
