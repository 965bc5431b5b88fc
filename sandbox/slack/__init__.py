"""Slack, pretended, and strict: the test double of every test and the other side of the demo."""

from sandbox.slack.interaction import Turn
from sandbox.slack.message import Message
from sandbox.slack.people import Channel, User, Usergroup
from sandbox.slack.server import PretendedSlack
from sandbox.slack.sockets import Socket
from sandbox.slack.validation import Refused
from sandbox.slack.view import View
from sandbox.slack.webapi import Call

__all__ = ["Call", "Channel", "Message", "PretendedSlack", "Refused", "Socket", "Turn", "User", "Usergroup", "View"]
