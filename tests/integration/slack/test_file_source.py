"""Reading a file out of Slack: from Slack's own host alone, whole or not at all, and the token goes nowhere else."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.exceptions import FileReadError, UnsupportedFile
from bot.slack.file_source import BUFFER, SlackFile, SlackFileSource
from sandbox.faults import Fault
from tests.conftest import Environment

CONTENT = b"PK\x03\x04" + bytes(range(256)) * 5000


async def read(files: SlackFileSource, file: SlackFile) -> bytes:
    parcel = files.open_stream(file)
    async with parcel.open() as pieces:
        return b"".join([piece async for piece in pieces])


@asynccontextmanager
async def somewhere_else() -> AsyncIterator[tuple[str, list[Any]]]:
    """A server that writes down what it is asked; gives its address."""
    heard: list[Any] = []

    async def serve(request: web.Request) -> web.Response:
        heard.append(dict(request.headers))
        return web.Response(body=CONTENT)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", heard
    await runner.cleanup()


async def test_a_file_is_read_whole_with_its_own_size_and_name(world: Environment) -> None:
    await world.start()
    message = world.slack.share("línea ñ.ipa", CONTENT, world.ana, world.releases)
    files = world.bot.upload_runner.files
    file = await files.get_file(message.files[0]["id"])
    assert (file.name, file.size) == ("línea ñ.ipa", len(CONTENT))
    assert await read(files, file) == CONTENT
    assert world.slack.url not in repr(file)


async def test_a_slow_upload_holds_little_of_a_large_file(world: Environment) -> None:
    await world.start()
    content = bytes(8 * 1024 * 1024)
    message = world.slack.share("large.ipa", content, world.ana, world.releases)
    files = world.bot.upload_runner.files
    sizes = []
    async with files.open_stream(await files.get_file(message.files[0]["id"])).open() as pieces:
        async for piece in pieces:
            sizes.append(len(piece))
            for _ in range(200):  # so long that Slack could send all of it meanwhile
                await asyncio.sleep(0)
    assert sum(sizes) == len(content)
    assert max(sizes) <= 2 * BUFFER + 256 * 1024, "what waits, and one more read of the socket"
    assert max(sizes) <= 1024 * 1024


@pytest.mark.parametrize(
    "url",
    [
        "http://files.slack.com/f",  # not encrypted
        "https://files.slack.com.evil.test/f",
        "https://evil.test/files.slack.com/f",
        "https://files.slack.com@evil.test/f",
        "https://token@files.slack.com/f",
        "https://files.slack.com:8443/f",
        "https://slack.com/f",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://[broken/f",
        "",
    ],
)
async def test_any_other_address_is_refused_before_anything_is_asked(world: Environment, url: str) -> None:
    await world.start()
    message = world.slack.share("a.ipa", CONTENT, world.ana, world.releases)
    file = world.slack.desk.files.files[message.files[0]["id"]]
    wire = world.slack.desk.files.wire
    world.slack.desk.files.wire = lambda other_file: {  # type: ignore[method-assign]
        **wire(other_file), "url_private": url, "url_private_download": url,
    }  # fmt: skip
    with pytest.raises(UnsupportedFile, match="isn't stored in Slack"):
        await world.bot.upload_runner.files.get_file(file.id)
    with pytest.raises(AssertionError, match="Slack's file host only"):
        await read(world.bot.upload_runner.files, SlackFile("F1", "a.ipa", 4, url))


async def test_a_remote_file_is_refused(world: Environment) -> None:
    await world.start()
    async with somewhere_else() as (address, heard):
        message = world.slack.share("a.ipa", b"", world.ana, world.releases, elsewhere=f"{address}/a.ipa")
        with pytest.raises(UnsupportedFile, match="Download it and post the file here"):
            await world.bot.upload_runner.files.get_file(message.files[0]["id"])
    assert not heard


async def test_file_source_redirect_not_followed_and_token_not_sent(world: Environment) -> None:
    async with somewhere_else() as (target, heard):

        async def redirect(request: web.Request) -> web.Response:
            raise web.HTTPFound(f"{target}/stolen")

        app = web.Application()
        app.router.add_get("/f", redirect)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        own = f"http://127.0.0.1:{runner.addresses[0][1]}"
        await world.start()
        files = SlackFileSource(world.bot.slack_client, token="xoxb-secret", api_url=f"{own}/api")
        with pytest.raises(FileReadError, match="didn't let me read"):
            await read(files, SlackFile("F1", "a.ipa", 4, f"{own}/f"))
        await runner.cleanup()
        assert not heard


async def test_a_file_that_comes_packed_is_not_taken(world: Environment) -> None:
    await world.start()
    message = world.slack.share("a.ipa", CONTENT, world.ana, world.releases)
    world.slack.faults.add("file", Fault(packed=zlib.compress(CONTENT * 50), coding="deflate"), times=None)
    files = world.bot.upload_runner.files
    with pytest.raises(FileReadError, match="didn't let me read"):
        await read(files, await files.get_file(message.files[0]["id"]))


def test_with_the_real_slack_its_file_host_alone_is_good(world: Environment) -> None:
    files = SlackFileSource(None, token="xoxb", api_url="https://slack.com/api")  # type: ignore[arg-type]
    assert files._origins == {"https://files.slack.com"}
    proxied = SlackFileSource(None, token="xoxb", api_url="http://127.0.0.1:9000/api")  # type: ignore[arg-type]
    assert proxied._origins == {"https://files.slack.com", "http://127.0.0.1:9000"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=404), "was deleted in Slack"),
        (Fault(status=403), "didn't let me read"),
        (Fault(status=200, body="<html>"), "doesn't have the size"),
        (Fault(drop=True), "connection to Slack was lost"),
        (Fault(drop_at=0.5), "connection to Slack was lost"),
    ],
)
async def test_file_source_partial_file_error_hides_token_and_address(
    world: Environment, fault: Fault, words: str
) -> None:
    await world.start()
    message = world.slack.share("a.ipa", CONTENT, world.ana, world.releases)
    files = world.bot.upload_runner.files
    file = await files.get_file(message.files[0]["id"])
    world.slack.faults.add("file", fault, times=None)
    with pytest.raises(FileReadError, match=words) as raised:
        await read(files, file)
    error: BaseException | None = raised.value
    while error is not None:
        assert "xoxb" not in repr(error)
        assert world.slack.url not in str(error)
        error = error.__cause__ or error.__context__


async def test_file_source_without_scope_rejects_login_page(world: Environment) -> None:
    """Without the scope Slack answers with its login page, which is not taken for the file."""
    await world.start()
    message = world.slack.share("a.ipa", CONTENT, world.ana, world.releases)
    files = world.bot.upload_runner.files
    file = await files.get_file(message.files[0]["id"])
    world.slack.scopes = world.slack.scopes - {"files:read"}
    with pytest.raises(FileReadError, match="scope `files:read`"):
        await read(files, file)
