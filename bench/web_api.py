"""What Slack's Web API says in a measurement: records of the documented shape, for any person and any channel.

https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

import json
import time
from itertools import count
from typing import Any
from urllib.parse import parse_qs

from sandbox.slack.people import FakeChannel, FakeUser

TEAM, BOT = "T0BENCH", "U0BOT"
# https://docs.slack.dev/reference/methods/auth.test
IDENTITY = {
    "url": "https://bench.slack.com/",
    "team": "Bench",
    "user": "applivery",
    "team_id": TEAM,
    "user_id": BOT,
    "bot_id": "B0BOT",
    "is_enterprise_install": False,
}
PERSON = FakeUser(id="U0PERSON", handle="ana", name="Ana", email="ana@bench.test", team_id=TEAM).wire(home_team=TEAM)
BOT_USER = FakeUser(id=BOT, handle="applivery", name="Applivery", email=None, team_id=TEAM, bot=True).wire(
    home_team=TEAM
)
CHANNEL = FakeChannel(id="C0RELEASES", name="releases", members=[BOT, "U0PERSON0"]).wire(bot_user=BOT, home_team=TEAM)
CHANNELS = {"C0RELEASES": "releases", "C0BETA": "beta"}
# Lists with no entry, by the name of the field that is the list.
EMPTY = {
    "conversations.history": "messages",
    "conversations.replies": "messages",
    "usergroups.list": "usergroups",
    "usergroups.users.list": "users",
    "auth.teams.list": "teams",
}
_numbers = count(1)


def web_api(method: str, body: bytes) -> dict[str, Any]:
    """Slack's answer to a call, whose arguments are a query, a form or JSON; `unknown_method` for another method."""
    given = arguments(body)
    answer = _answer(method, given)
    return {"ok": False, "error": "unknown_method"} if answer is None else {"ok": True, **answer}


def arguments(body: bytes) -> dict[str, Any]:
    """The arguments of a call. https://docs.slack.dev/apis/web-api/#methods"""
    if body.startswith(b"{"):
        return dict(json.loads(body))
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


def person(user_id: str, **more: Any) -> dict[str, Any]:
    """The record of a person. https://docs.slack.dev/reference/objects/user-object"""
    return {**(BOT_USER if user_id == BOT else PERSON), "id": user_id, **more}


def channel(channel_id: str) -> dict[str, Any]:
    """The record of a channel. https://docs.slack.dev/reference/objects/conversation-object"""
    name = CHANNELS.get(channel_id, channel_id.lower())
    return {**CHANNEL, "id": channel_id, "name": name, "name_normalized": name}


def posted(given: dict[str, Any], at: float | None = None) -> dict[str, Any]:
    """What `chat.postMessage` says: a message id of its own. https://docs.slack.dev/reference/methods/chat.postMessage"""
    ts = f"{int(time.time() if at is None else at)}.{next(_numbers):06d}"
    where = str(given["channel"])
    message = {"type": "message", "user": BOT, "bot_id": "B0BOT", "team": TEAM, "ts": ts, "text": given.get("text", "")}
    return {"channel": f"D{where[1:]}" if where.startswith("U") else where, "ts": ts, "message": message}


def _answer(method: str, given: dict[str, Any]) -> dict[str, Any] | None:
    if method in EMPTY:
        return {EMPTY[method]: [], "has_more": False, "response_metadata": {"next_cursor": ""}}
    match method:
        case "auth.test":
            return IDENTITY
        case "users.info":
            return {"user": person(given["user"])}
        case "users.list":
            return {"members": [person("U0PERSON0"), BOT_USER], "response_metadata": {"next_cursor": ""}}
        case "conversations.info":
            return {"channel": channel(given["channel"])}
        case "conversations.members":
            return {"members": [BOT, "U0PERSON0"], "response_metadata": {"next_cursor": ""}}
        case "users.conversations":
            return {"channels": [channel(known) for known in CHANNELS], "response_metadata": {"next_cursor": ""}}
        case "conversations.open":
            return {"channel": {"id": f"D{given['users'][1:]}"}}
        case "chat.postMessage":
            return posted(given)
        case "chat.update":
            return {"channel": given["channel"], "ts": given["ts"], "text": given.get("text", "")}
        case "chat.delete":
            return {"channel": given["channel"], "ts": given["ts"]}
        case "chat.postEphemeral":
            return {"message_ts": f"{int(time.time())}.{next(_numbers):06d}"}
        case "chat.getPermalink":
            where = f"https://bench.slack.com/archives/{given['channel']}/p{given['message_ts'].replace('.', '')}"
            return {"channel": given["channel"], "permalink": where}
        case "bots.info":
            return {"bot": {"id": "B0BOT", "deleted": False, "name": "applivery", "user_id": BOT, "app_id": "A0BENCH"}}
        case "views.open" | "views.publish" | "views.update" | "views.push":
            return {"view": {"id": f"V{next(_numbers)}", "type": "modal", "hash": "1.1"}}
    return None
