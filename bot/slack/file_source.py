"""Read files that people posted in Slack, only from Slack's own host."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bot import http_client
from bot.applivery.multipart import Pieces, StreamedFile
from bot.exceptions import FileReadError, SlackError, UnsupportedFile
from bot.i18n import Text, gettext_noop
from bot.slack.client import SlackClient

HOST = "https://files.slack.com"
CONNECT_SECONDS = 15.0
SILENCE_SECONDS = 60.0
WHOLE_SECONDS = 7200.0  # enough for the largest file on a slow connection, with two at once
BUFFER = 256 * 1024  # bytes to buffer between Slack and Applivery; up to twice as many, besides those being sent
AGAIN = gettext_noop("Nothing was uploaded. Post the file again, and then upload it.")


@dataclass(frozen=True, slots=True)
class SlackFile:
    """A file as Slack describes it now; `size` is in bytes."""

    id: str
    name: str
    size: int
    url: str = field(repr=False)


class SlackFileSource:
    """Look up a file and stream its bytes.

    A file's address comes from outside, and the request carries our token: so only Slack's file host is contacted,
    by https, without following redirects. A Slack configured by `api_url` has its files on its own host.
    """

    def __init__(self, slack_client: SlackClient, *, token: str, api_url: str) -> None:
        self._slack_client = slack_client
        self._token = token
        own = urlsplit(api_url)
        foreign = (own.hostname or "") != "slack.com" and not (own.hostname or "").endswith(".slack.com")
        self._origins = {HOST, *([_origin(api_url)] if foreign else [])}

    async def get_file(self, file_id: str) -> SlackFile:
        """Return a file as Slack describes it. Raises FileReadError if it does not, UnsupportedFile if on another host.

        https://docs.slack.dev/reference/methods/files.info
        """
        try:
            facts = await self._slack_client.file_facts(file_id)
        except SlackError as problem:
            if problem.code in ("file_not_found", "file_deleted", "not_visible", "access_denied"):
                raise FileReadError(
                    Text("Slack no longer has that file, or I'm not in the conversation it was posted in."),
                    Text("Nothing was uploaded. Send me the file in a direct message, or choose it with `upload`."),
                ) from None
            raise
        return self._check_facts(file_id, facts)

    def _check_facts(self, file_id: str, facts: dict[str, Any]) -> SlackFile:
        name, size = str(facts.get("name") or "file"), facts.get("size")
        url = str(facts.get("url_private_download") or facts.get("url_private") or "")
        if facts.get("is_external") or facts.get("mode") not in ("hosted", None) or _origin(url) not in self._origins:
            raise UnsupportedFile(
                Text("“{name}” isn't stored in Slack, and I can only read files from Slack.", name=name[:80]),
                Text("Download it and post the file here."),
            )
        return SlackFile(file_id, name, size if isinstance(size, int) else 0, url)

    def open_stream(self, file: SlackFile) -> StreamedFile:
        """Return the file as a source to upload from; its bytes are read on demand."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Pieces]:
            if _origin(file.url) not in self._origins:
                raise AssertionError("the token goes to Slack's file host only")
            limits = aiohttp.ClientTimeout(total=WHOLE_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
            headers = {"Authorization": f"Bearer {self._token}", "Accept-Encoding": "identity"}
            async with (
                http_client.session(
                    timeout=limits, cookie_jar=aiohttp.DummyCookieJar(), read_bufsize=BUFFER
                ) as session,
                aclosing(_read_chunks(session, file, headers)) as pieces,
            ):
                yield pieces

        return StreamedFile(file.name, file.size, opened)


async def _read_chunks(
    session: aiohttp.ClientSession, file: SlackFile, headers: dict[str, str]
) -> AsyncGenerator[bytes, None]:
    try:
        async with session.get(URL(file.url, encoded=True), headers=headers, allow_redirects=False) as answer:
            _check(answer, file)
            async for piece in answer.content.iter_any():
                yield piece
            return
    except (aiohttp.ClientError, OSError, TimeoutError):
        pass
    # raised outside of `except`: the message and context of the library's error may contain the token
    raise FileReadError(
        Text("The connection to Slack was lost while I was reading “{name}”.", name=file.name[:80]), Text(AGAIN)
    )


def _check(answer: aiohttp.ClientResponse, file: SlackFile) -> None:
    """Raise FileReadError if this is not the file: without permission Slack sends a log-in page with status 200."""
    if answer.status in (404, 410):
        raise FileReadError(Text("“{name}” was deleted in Slack.", name=file.name[:80]), Text(AGAIN))
    page = answer.content_type == "text/html"
    packed = answer.headers.get("Content-Encoding", "identity") != "identity"  # although the request did not accept one
    if answer.status != 200 or page or packed:
        raise FileReadError(
            Text("Slack didn't let me read “{name}”.", name=file.name[:80]),
            Text("Nothing was uploaded. If it happens again, tell an admin of this bot."),
            Text("Nothing was uploaded. Check that this bot has the scope `files:read`."),
        )
    if answer.content_length is not None and answer.content_length != file.size:
        raise FileReadError(
            Text("“{name}” doesn't have the size that Slack reported.", name=file.name[:80]), Text(AGAIN)
        )


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.username or parts.password or parts.scheme not in ("http", "https"):
        return ""
    usual = port in (None, 443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{parts.hostname}" + ("" if usual else f":{port}")
