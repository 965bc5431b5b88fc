"""Slack, faked, and strict: the test double of every test and the other side of the demo."""

from sandbox.slack.grid import GridPeople, seed_grid
from sandbox.slack.interaction import Interaction
from sandbox.slack.message import FakeMessage
from sandbox.slack.people import FakeChannel, FakeUser, FakeUserGroup
from sandbox.slack.server import FakeSlack
from sandbox.slack.sockets import OpenSocket
from sandbox.slack.validation import SlackApiError
from sandbox.slack.view import FakeView
from sandbox.slack.webapi import RecordedCall

__all__ = [
    "FakeChannel",
    "FakeMessage",
    "FakeSlack",
    "FakeUser",
    "FakeUserGroup",
    "FakeView",
    "GridPeople",
    "Interaction",
    "OpenSocket",
    "RecordedCall",
    "SlackApiError",
    "seed_grid",
]
