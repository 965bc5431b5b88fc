"""Files: the upload address, the bytes, and the file object. https://docs.slack.dev/messaging/working-with-files"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import quote

from aiohttp import web

from sandbox.slack.workspace import SlackWorkspace


@dataclass
class FakeFile:
    """One file; `complete` once it was shared or finished, `channels` are ids.

    `elsewhere` is the address of a remote file, whose bytes Slack does not have.
    """

    id: str
    name: str
    length: int
    title: str = ""
    content: bytes = b""
    user: str = ""
    complete: bool = False
    arrived: bool = False
    channels: list[str] = field(default_factory=list)
    alt_text: str = ""
    elsewhere: str = ""


_SAVED = [each.name for each in fields(FakeFile) if each.name != "content"]


class FileStore:
    """All files of the workspace."""

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace
        self.files: dict[str, FakeFile] = {}
        self.base_url = ""
        self.tokens: set[str] = set()

    def announce(self, name: str, length: int) -> FakeFile:
        """A place for a file of `length` bytes that is about to be uploaded."""
        file = FakeFile(self.workspace.new_id("F"), name, length, title=name)
        self.files[file.id] = file
        return file

    def add(self, name: str, content: bytes, user: str) -> FakeFile:
        """A whole file at once, as a person drops it into a channel."""
        file = self.announce(name, len(content))
        file.content, file.user, file.arrived, file.complete = content, user, True, True
        return file

    def move(self, old: str, new: str) -> None:
        """Let what was shared in a channel be there under its new id."""
        for file in self.files.values():
            file.channels = [new if each == old else each for each in file.channels]

    def wire(self, file: FakeFile) -> dict[str, Any]:
        """The file object. https://docs.slack.dev/reference/objects/file-object"""
        url = file.elsewhere or f"{self.base_url}/files/{file.id}/{quote(file.name)}"
        return {
            "id": file.id,
            "name": file.name,
            "title": file.title or file.name,
            "mimetype": mimetypes.guess_type(file.name)[0] or "application/octet-stream",
            "filetype": file.name.rpartition(".")[2],
            "size": file.length,
            "user": file.user,
            "mode": "external" if file.elsewhere else "hosted",
            "is_external": bool(file.elsewhere),
            "is_public": bool(file.channels),
            "channels": list(file.channels),
            "url_private": url,
            "url_private_download": url,
            "permalink": f"https://{self.workspace.team_domain}.slack.com/files/{file.user}/{file.id}/{file.name}",
        }

    async def receive(self, request: web.Request) -> web.Response:
        """Take the bytes POSTed to an upload address."""
        file = self.files.get(request.match_info["file"])
        if file is None or file.arrived:
            return web.Response(status=404, text="not found")
        if request.content_type == "multipart/form-data":
            form = await request.post()
            part = next((each for each in form.values() if isinstance(each, web.FileField)), None)
            content = part.file.read() if part is not None else b""
        else:
            content = await request.read()
        if len(content) != file.length:
            return web.Response(status=400, text="wrong length")
        file.content, file.arrived = content, True
        return web.Response(text=f"OK - {len(content)}")

    async def download(self, request: web.Request) -> web.Response:
        """Hand out the bytes to who shows a token; others get Slack's log-in page, with a 200 as Slack does."""
        file = self.files.get(request.match_info["file"])
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or "files:read" not in self.workspace.scopes:
            return web.Response(text="<!DOCTYPE html><title>Slack log in</title>", content_type="text/html")
        if file is None:
            return web.Response(status=404)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return web.Response(body=file.content, content_type=kind)

    def seen(self, file: FakeFile) -> bool:
        """Whether the bot may see a file: one from a form of its own, or in a conversation it is in."""
        mine = self.workspace.bot_user_id
        inside = [mine in self.workspace.channels[channel].members for channel in file.channels]
        return file.complete and (any(inside) or not inside)

    def saved(self) -> list[dict[str, Any]]:
        """The files as JSON-able data, without their bytes: those are in `contents`."""
        return [{name: getattr(file, name) for name in _SAVED} for file in self.files.values()]

    def contents(self) -> dict[str, bytes]:
        """The bytes of the files that have arrived, by id."""
        return {file.id: file.content for file in self.files.values() if file.content}
