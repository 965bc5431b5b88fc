"""The fake workspace written down as JSON and read back, so that a demo survives its restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from sandbox.applivery.builds import FakeBuildsWorkspace
from sandbox.applivery.contents import FileContent
from sandbox.applivery.models import DownloadToken, FakeApp, FakeBuild, FakeDownload, ScheduledStatus

VERSION = 1
_NOTHING: dict[str, bytes] = {}
NO_CONTENTS = _NOTHING.__getitem__


def dump(world: FakeBuildsWorkspace) -> dict[str, Any]:
    """Give everything worth keeping, fit for JSON; requests, faults and sent webhooks are not.

    The bytes of attachments are in `contents`.
    """
    return {
        "version": VERSION,
        "counter": world.counter,
        "secret": world.secret,
        "organization": dict(world.organization),
        "apps": [{"wire": dict(app), "token": app.token} for app in world.apps],
        "builds": [_dump_build(build) for build in world.builds],
        "members": [dict(member) for member in world.members],
        "collaborators": [dict(collaborator) for collaborator in world.collaborators],
        "employees": [dict(employee) for employee in world.employees],
        "downloads": [asdict(row) for row in world.downloads],
        "notifications": [dict(wire) for wire in world.notifications],
        "minted": [asdict(token) for token in world.minted],
        "spent": [token.token for token in world.spent],
    }


def contents(world: FakeBuildsWorkspace) -> dict[str, bytes]:
    """Give the bytes of the files that were kept, by file id."""
    files = {key: content for build in world.builds for key, content in build.contents.items()}
    return {key: content.kept for key, content in files.items() if content.kept}


def _dump_build(build: FakeBuild) -> dict[str, Any]:
    return {
        "app": build.app.id,
        "wire": dict(build.wire),
        "contents": {key: content.dump() for key, content in build.contents.items()},
        "form": dict(build.form),
        "steps": [asdict(step) for step in build.steps],
        "outcome": list(build.outcome) if build.outcome else None,
        "entered_at": build.entered_at,
    }


def load(world: FakeBuildsWorkspace, data: dict[str, Any], read: Callable[[str], bytes]) -> None:
    """Replace what the workspace remembers by what `dump` gave; `read` gives the bytes of a file by its id.

    Raises ValueError for a dump of another version.
    """
    if data.get("version") != VERSION:
        raise ValueError(f"this snapshot has version {data.get('version')}, not {VERSION}")
    world.counter = data["counter"]
    world.secret = data["secret"]
    world.organization = data["organization"]
    world.apps = [FakeApp(app["wire"], app["token"]) for app in data["apps"]]
    apps = {app.id: app for app in world.apps}
    world.builds = [_load_build(apps[build["app"]], build, read) for build in data["builds"]]
    world.members = list(data["members"])
    world.collaborators = list(data.get("collaborators", ()))
    world.employees = list(data.get("employees", ()))
    world.downloads = [FakeDownload(**row) for row in data["downloads"]]
    world.notifications = list(data["notifications"])
    world.minted = [DownloadToken(**token) for token in data["minted"]]
    minted = {token.token: token for token in world.minted}
    world.spent = [minted[token] for token in data["spent"]]


def _load_build(app: FakeApp, data: dict[str, Any], read: Callable[[str], bytes]) -> FakeBuild:
    return FakeBuild(
        app,
        data["wire"],
        {key: FileContent.load(content, partial(read, key)) for key, content in data["contents"].items()},
        data["form"],
        [ScheduledStatus(**step) for step in data["steps"]],
        (data["outcome"][0], data["outcome"][1]) if data["outcome"] else None,
        data["entered_at"],
    )
