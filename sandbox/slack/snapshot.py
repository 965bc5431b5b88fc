"""The fake workspace as JSON-able data, and back."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, TypeVar

from sandbox.slack.files import FakeFile
from sandbox.slack.message import FakeMessage
from sandbox.slack.people import FakeChannel, FakeOrganisation, FakeUser, FakeUserGroup
from sandbox.slack.responses import ResponseUrl
from sandbox.slack.server_state import ApiState
from sandbox.slack.view import FakeView

Thing = TypeVar("Thing")
_NOTHING: dict[str, bytes] = {}
NO_CONTENTS = _NOTHING.__getitem__


def snapshot(desk: ApiState) -> dict[str, Any]:
    """Everything that outlives a restart: people, places, messages, views, files, response_urls; turns do not."""
    workspace = desk.workspace
    return {
        "counts": dict(workspace.counts),
        "scopes": sorted(workspace.scopes),
        "organisation": asdict(workspace.organisation) if workspace.organisation else None,
        "users": [asdict(each) for each in workspace.users.values()],
        "channels": [asdict(each) for each in workspace.channels.values()],
        "usergroups": [asdict(each) for each in workspace.usergroups.values()],
        "messages": [message.saved() for listed in desk.mailbox.by_channel.values() for message in listed],
        "views": [view.saved() for view in desk.modals.views.values() if not view.closed],
        "files": desk.files.saved(),
        "responses": desk.responses.saved(),
    }


def _made(kind: type[Thing], saved: dict[str, Any]) -> Thing:
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in saved.items() if name in known})


def restore(desk: ApiState, saved: dict[str, Any], contents: Callable[[str], bytes]) -> None:
    """Put a snapshot back in place of what is there; keys it does not have leave things empty.

    `contents` gives the bytes of a file by its id; an older snapshot has them in itself.
    """
    workspace = desk.workspace
    workspace.counts.update(saved.get("counts", {}))
    workspace.scopes = set(saved.get("scopes", workspace.scopes))
    organisation = saved.get("organisation")
    workspace.organisation = _made(FakeOrganisation, organisation) if organisation else None
    workspace.users |= {each["id"]: _made(FakeUser, each) for each in saved.get("users", [])}
    workspace.channels = {each["id"]: _made(FakeChannel, each) for each in saved.get("channels", [])}
    workspace.usergroups = {each["id"]: _made(FakeUserGroup, each) for each in saved.get("usergroups", [])}
    desk.mailbox.by_channel = {}
    for message in map(FakeMessage.from_saved, saved.get("messages", [])):
        desk.mailbox.by_channel.setdefault(message.channel, []).append(message)
        workspace.continue_after(message.edited_ts or message.ts)
    desk.modals.views = {each["id"]: _made(FakeView, each) for each in saved.get("views", [])}
    desk.modals.homes = {view.user: view for view in desk.modals.views.values() if view.type == "home"}
    for each in saved.get("files", []):
        file = desk.files.files[each["id"]] = _made(FakeFile, {**each, "content": b""})
        if file.arrived and file.length:
            file.content = base64.b64decode(each["content"]) if "content" in each else contents(file.id)
    desk.responses.addresses = {each["word"]: _made(ResponseUrl, each) for each in saved.get("responses", [])}
    workspace.changed("restored")
