"""What one person sees of both sides, as plain JSON in named sections; pure reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sandbox.applivery import FakeApp, FakeApplivery, FakeBuild
from sandbox.page.manifest import InstalledApp, Persona
from sandbox.slack import FakeChannel, FakeMessage, FakeSlack, FakeUser, FakeView

Json = dict[str, Any]

MOST_MESSAGES = 300  # a channel's newest; a browser has no use for more
MOST_BUILDS = 40  # an app's newest
TOPICS = {
    "releases": "Every build that is ready to test",
    "mobile-team": "The people who make Courier, Storefront and Field Notes",
    "general": "Everything else",
}
PANE = "pane"  # the id of a flexpane among the views
_TINTS = 6


def picture(
    slack: FakeSlack, applivery: FakeApplivery, person: FakeUser, cast: Sequence[Persona], installed: InstalledApp
) -> Json:
    """Everything the page shows this person: section name → JSON. Sections change apart from each other."""
    rooms = _rooms(slack, person)
    sections: Json = {
        "workspace": _workspace(slack, person, cast, installed),
        "channels": [_channel(slack, room, person) for room in rooms],
        "views": [*(_view(view) for view in slack.views if view.user == person.id), *_pane(slack, person)],
        "home": None,
        "apps": [_app(applivery, app, index) for index, app in enumerate(applivery.apps)],
        "counters": {
            "minted": len(applivery.minted),
            "used": len(applivery.spent),
            "crawled": len(slack.crawled),
        },
    }
    if home := slack.home_of(person):
        sections["home"] = _view(home)
    for room in rooms:
        sections[f"messages/{room.id}"] = [_message(each) for each in _seen(slack, room, person)]
    return sections


# ------------------------------------------------------------------ who and where


def _workspace(slack: FakeSlack, person: FakeUser, cast: Sequence[Persona], installed: InstalledApp) -> Json:
    by_handle = {user.handle: user for user in slack.users.values()}
    people = [(persona, by_handle[persona.handle]) for persona in cast if persona.handle in by_handle]
    bot = slack.users[slack.bot_user_id]
    return {
        "team": {"name": slack.workspace.team_name},
        "me": person.id,
        "bot": {
            **_user(bot, 0),
            "online": _online(slack),
            "home": _has_home(slack),
            "reads": "im:history" in slack.scopes,
        },
        "people": [{**_user(user, index), "title": persona.title} for index, (persona, user) in enumerate(people)],
        "users": [_user(user, index) for index, user in enumerate(_people_first(slack, people))],
        "channels": [_channel(slack, room, person) for room in _rooms(slack, person)],
        "groups": {group.id: f"@{group.handle}" for group in slack.usergroups.values()},
        **asdict(installed),
    }


def _online(slack: FakeSlack) -> bool:
    return bool(slack.sockets or slack.delivery.request_url)


def _has_home(slack: FakeSlack) -> bool:
    """Whether there is a Home tab to open, by the app's manifest."""
    return slack.workspace.home_enabled and (slack.subscribed is None or "app_home_opened" in slack.subscribed)


def _people_first(slack: FakeSlack, people: Iterable[tuple[Persona, FakeUser]]) -> list[FakeUser]:
    """The cast keeps the colours it has in the sidebar."""
    first = [user for _, user in people]
    return first + [user for user in slack.users.values() if user not in first]


def _user(user: FakeUser, index: int) -> Json:
    return {
        "id": user.id,
        "handle": user.handle,
        "name": user.name,
        "tint": index % _TINTS,
        "bot": user.bot,
        "guest": user.guest,
    }


def _rooms(slack: FakeSlack, person: FakeUser) -> list[FakeChannel]:
    def sees(room: FakeChannel) -> bool:
        if room.is_im:
            return person.id in room.members
        return person.id in room.members or not (room.private or person.guest)

    return [room for room in slack.channels.values() if sees(room)]


def closed_because(slack: FakeSlack, room: FakeChannel, person: FakeUser) -> str:
    """Why Slack has no message field there: a word, or "" where it has one."""
    if room.is_im:
        return "read_only" if slack.workspace.messages_read_only else ""
    if room.archived:
        return "archived"
    return "" if person.id in room.members else "not_member"


def _channel(slack: FakeSlack, room: FakeChannel, person: FakeUser) -> Json:
    return {
        "id": room.id,
        "name": slack.users[slack.bot_user_id].handle if room.is_im else room.name,
        "kind": "dm" if room.is_im else "channel",
        "private": room.private,
        "closed": closed_because(slack, room, person),
        "bot": slack.bot_user_id in room.members,
        "topic": TOPICS.get(room.name, ""),
    }


# ------------------------------------------------------------------ messages and views


def _seen(slack: FakeSlack, room: FakeChannel, person: FakeUser) -> list[FakeMessage]:
    """Threads included: the page sorts them out by itself."""
    stored = slack.mailbox.by_channel.get(room.id, ())
    mine = [each for each in stored if not each.deleted and each.ephemeral_to in (None, person.id)]
    return mine[-MOST_MESSAGES:]


def _message(message: FakeMessage) -> Json:
    return {
        "ts": message.ts,
        "channel": message.channel,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "files": [{**file, "page_path": f"/files/{file['id']}"} for file in message.files if "id" in file],
        "reactions": message.reactions,
        "thread_ts": message.thread_ts,
        "broadcast": message.reply_broadcast,
        "edited": message.edited,
        "ephemeral": message.ephemeral,
    }


def _pane(slack: FakeSlack, person: FakeUser) -> list[Json]:
    """The details of a Work Object that this person has opened, shown as a form without fields."""
    pane = slack.workspace.panes.get(person.id)
    if pane is None or not pane.blocks:
        return []
    payload = {"type": "modal", "title": {"type": "plain_text", "text": "Details"}, "blocks": pane.blocks}
    return [{"id": PANE, "hash": pane.trigger_id, "payload": payload, "values": {}}]


def _view(view: FakeView) -> Json:
    return {"id": view.id, "hash": view.hash, "payload": view.payload, "values": view.values}


# ------------------------------------------------------------------ Applivery


def _app(applivery: FakeApplivery, app: FakeApp, index: int) -> Json:
    builds = sorted(applivery.builds_of(app), key=lambda build: str(build.wire.get("createdAt")), reverse=True)
    return {
        "id": app.id,
        "name": app.name,
        "slug": app.slug,
        "oss": list(app.get("oss") or ()),
        "tint": index % 4,
        "next": next_version(builds)[0],
        "builds": [_build(build) for build in builds[:MOST_BUILDS]],
    }


def _build(build: FakeBuild) -> Json:
    wire = build.wire
    info = (wire.get("deployer") or {}).get("info") or {}
    return {
        "id": build.id,
        "version": str(wire.get("versionName") or "?"),
        "number": str(wire.get("versionCode") or "?"),
        "os": str(wire.get("os") or "?"),
        "status": build.status,
        "branch": info.get("branch") or info.get("tag"),
        "created_at": wire.get("createdAt"),
        "error": wire.get("error"),
    }


def next_version(builds: Sequence[FakeBuild]) -> tuple[str, str]:
    """The version and the number a new build would get: the highest version with its last part one higher."""
    versions = [_parts(str(build.wire.get("versionName"))) for build in builds]
    numbers = [int(number) for build in builds if (number := str(build.wire.get("versionCode"))).isdigit()]
    highest = max((version for version in versions if version), default=(1, 0, -1))
    raised = (*highest[:-1], highest[-1] + 1)
    return ".".join(map(str, raised)), str(max(numbers, default=0) + 1)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split("."))) if re.fullmatch(r"\d{1,9}(\.\d{1,9})*", version) else ()
