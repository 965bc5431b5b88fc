"""Slack, pretended, and strict: the test double of every test and the other side of the demo."""

from bot.sandbox.slack.message import Message
from bot.sandbox.slack.people import Channel, User, Usergroup
from bot.sandbox.slack.server import PretendedSlack
from bot.sandbox.slack.sockets import Socket
from bot.sandbox.slack.strict import Refused
from bot.sandbox.slack.turn import Turn
from bot.sandbox.slack.view import View
from bot.sandbox.slack.webapi import Call

__all__ = ["Call", "Channel", "Message", "PretendedSlack", "Refused", "Socket", "Turn", "User", "Usergroup", "View"]
