"""The whole sandbox: what a fresh one has, and what it remembers."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.applivery import FakeApplivery
from sandbox.demo import DemoEnvironment
from tests.support.waiting import busyness, patience

Open = Callable[..., Awaitable[DemoEnvironment]]


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Open]:
    """Open sandboxes that are closed after the test."""
    async with AsyncExitStack() as stack:

        async def opening(folder: Path | None = None, **options: object) -> DemoEnvironment:
            sandbox = await DemoEnvironment.open(folder, **options)
            stack.push_async_callback(sandbox.close)
            return sandbox

        yield opening


def builds_of(applivery: FakeApplivery, slug: str) -> list:
    app = applivery.find_app(slug)
    assert app is not None
    return applivery.builds_of(app)


# ------------------------------------------------------------------ what there is


async def test_a_fresh_sandbox_has_three_apps_with_builds(opened: Open) -> None:
    applivery = (await opened()).applivery
    assert {app.slug: app["oss"] for app in applivery.apps} == {
        "courier": ["ios", "android"],
        "storefront": ["android"],
        "field-notes": ["ios"],
    }
    courier = builds_of(applivery, "courier")
    assert len(courier) >= 12
    assert {"main", "release/2.4", "develop"} <= {build.wire["deployer"]["info"]["branch"] for build in courier}
    assert [build for build in courier if build.status == "error"]
    assert any(file["type"] == "attachment" for build in courier for file in build.wire["files"])
    assert {build.wire["originalExtension"] for build in builds_of(applivery, "storefront")} == {"aab"}
    signed = [build.wire["info"].get("ios", {}).get("mobileprovision", {}).get("signingType") for build in courier]
    assert "ad-hoc" in signed


async def test_courier_was_downloaded_by_people_of_every_member_type(opened: Open) -> None:
    applivery = (await opened()).applivery
    kinds = {row.member["type"] for row in applivery.downloads}
    assert kinds == {"user", "employee", "mdmUser", "otpUser", "unknown", "anonymous"}
    assert len(applivery.downloads) >= 25


async def test_demo_bot_in_releases_and_dm_with_every_user(opened: Open) -> None:
    slack = (await opened()).slack
    by_name = {channel.name: channel for channel in slack.channels.values() if not channel.is_im}
    assert slack.bot_user_id in by_name["releases"].members
    assert slack.bot_user_id not in by_name["general"].members
    assert {slack.users[room.im_user].handle for room in slack.channels.values() if room.is_im} == {
        "ana",
        "bruno",
        "carla",
    }
    assert slack.user("ana").admin
    assert slack.user("carla").guest


async def test_the_environment_points_at_both_sides(opened: Open) -> None:
    sandbox = await opened()
    environment = sandbox.environment()
    assert environment["SLACK_API_URL"] == f"{sandbox.slack.url}/api/"
    assert environment["APPLIVERY_ORGANIZATION"] == "acme"
    hosts = {value for name, value in environment.items() if name.startswith("APPLIVERY_") and name.endswith("_URL")}
    assert hosts == {sandbox.applivery.url}


# ------------------------------------------------------------------ what it remembers


async def test_a_restart_remembers_everything_on_the_same_ports(opened: Open, tmp_path: Path) -> None:
    first = await opened(tmp_path)
    ana, releases = first.slack.user("ana"), first.slack.channel("releases")
    said = first.slack.say("Hello http://127.0.0.1:9/x", ana, releases)
    await first.slack.settled()
    build = first.applivery.upload(first.applivery.apps[0], version="9.9.9")
    urls = (first.slack.url, first.applivery.url, first.page_url)
    crawled = list(first.slack.crawled)
    await first.close()

    second = await opened(tmp_path)
    assert (second.slack.url, second.applivery.url, second.page_url) == urls
    assert [message.ts for message in second.slack.messages(second.slack.channel("releases"))] == [said.ts]
    assert second.slack.user("ana").id == ana.id
    assert second.applivery.find_build(build.id) is not None
    assert len(second.applivery.apps) == 3
    assert second.slack.crawled == crawled != []
    assert second.slack.workspace.team_name == "Acme Mobile"


async def test_a_build_under_way_goes_on_after_a_restart(opened: Open, tmp_path: Path) -> None:
    first = await opened(tmp_path, processing=(0.05, 0.05))
    build = first.applivery.upload(first.applivery.apps[0], version="9.9.9")
    await first.close()
    assert not build.ready
    applivery = (await opened(tmp_path, processing=(0.05, 0.05))).applivery
    found = applivery.find_build(build.id)
    await applivery.until(lambda: found.ready)


async def test_a_change_is_written_down_without_closing(opened: Open, tmp_path: Path) -> None:
    sandbox = await opened(tmp_path)
    sandbox.slack.say("written soon", sandbox.slack.user("ana"), sandbox.slack.channel("releases"))
    async with patience():
        while "written soon" not in (tmp_path / "state.json").read_text():  # a file rings no bell
            await asyncio.sleep(0.02)


async def test_only_the_owner_can_read_what_is_written(opened: Open, tmp_path: Path) -> None:
    await opened(tmp_path)
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


async def test_another_port_is_taken_when_the_old_one_is_not_free(opened: Open, tmp_path: Path) -> None:
    first = await opened(tmp_path)
    old = first.ports
    await first.close()
    with socket.create_server(("127.0.0.1", old["slack"])), socket.create_server(("127.0.0.1", old["page"])):
        second = await opened(tmp_path, page_port=old["page"])
        assert second.ports["slack"] != old["slack"]
        assert second.ports["page"] != old["page"]
        assert second.ports["applivery"] == old["applivery"]


@pytest.mark.parametrize(
    "written",
    ["", "{", "[]", '{"version": 99}', '{"version": 1}', '{"version": 1, "slack": {}, "applivery": {"version": 1}}'],
)
async def test_a_state_that_cannot_be_used_is_set_aside(opened: Open, tmp_path: Path, written: str) -> None:
    (tmp_path / "state.json").write_text(written)
    sandbox = await opened(tmp_path)
    assert (tmp_path / "state.json.broken").read_text() == written
    assert len(sandbox.applivery.apps) == 3
    assert json.loads((tmp_path / "state.json").read_text())["version"] == 1


async def test_closing_twice_does_no_harm(opened: Open, tmp_path: Path) -> None:
    sandbox = await opened(tmp_path)
    await sandbox.close()
    await sandbox.close()


# ------------------------------------------------------------------ what keeping it costs

LARGE = 50 * 1024**2  # bytes
SMALL = 256 * 1024


async def saved(sandbox: DemoEnvironment, words: str) -> None:
    """Say something and wait until it is written down."""
    ana, releases = sandbox.slack.user("ana"), sandbox.slack.channel("releases")
    sandbox.slack.say(words, ana, releases)
    assert sandbox.folder is not None
    async with patience():
        while words not in (sandbox.folder / "state.json").read_text():
            await asyncio.sleep(0.02)


async def test_a_change_after_a_large_file_writes_few_bytes(opened: Open, tmp_path: Path) -> None:
    """The bytes are counted: 256 kB are serialised and written in a few milliseconds of the event loop."""
    sandbox = await opened(tmp_path)
    ana, releases = sandbox.slack.user("ana"), sandbox.slack.channel("releases")
    sandbox.slack.share("build.ipa", b"\0" * LARGE, ana, releases)
    await saved(sandbox, "the file is there")
    written = sandbox.files.written_bytes
    assert written >= LARGE
    await saved(sandbox, "a change after it")
    assert sandbox.files.written_bytes == written
    assert sandbox.state_bytes < SMALL
    started = time.process_time()
    sandbox.save()
    assert time.process_time() - started < 0.05 * busyness()


async def test_a_large_file_is_written_off_the_loop(opened: Open, tmp_path: Path) -> None:
    sandbox = await opened(tmp_path)
    threads: list[threading.Thread] = []
    write = sandbox.files.write

    def watched(contents: Mapping[str, bytes]) -> None:
        threads.append(threading.current_thread())
        write(contents)

    sandbox.files.write = watched
    sandbox.slack.share("build.ipa", b"bytes", sandbox.slack.user("ana"), sandbox.slack.channel("releases"))
    await saved(sandbox, "written")
    assert threads
    assert threading.main_thread() not in threads


async def test_files_are_back_after_a_restart(opened: Open, tmp_path: Path) -> None:
    first = await opened(tmp_path)
    ana, releases = first.slack.user("ana"), first.slack.channel("releases")
    first.slack.share("notes.txt", b"\x00\xff notes", ana, releases)
    plan = next(file for build in first.applivery.builds for file in build.contents.values() if file.is_kept)
    await first.close()
    second = await opened(tmp_path)
    [file] = second.slack.files.files.values()
    assert (file.name, file.content) == ("notes.txt", b"\x00\xff notes")
    assert plan in [file for build in second.applivery.builds for file in build.contents.values()]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "files").iterdir()} == {0o600}


async def test_a_state_with_files_in_it_still_loads(opened: Open, tmp_path: Path) -> None:
    """Up to version 0.1 the bytes were in state.json, in base64."""
    first = await opened(tmp_path)
    first.slack.share("notes.txt", b"notes", first.slack.user("ana"), first.slack.channel("releases"))
    await first.close()
    state = json.loads((tmp_path / "state.json").read_text())
    for file in state["slack"]["files"]:
        file["content"] = base64.b64encode(b"notes").decode()
    for build in state["applivery"]["builds"]:
        for key, content in build["contents"].items():
            stored = (tmp_path / f"files/applivery-{key}").read_bytes() if content["kept"] else None
            content["kept"] = base64.b64encode(stored).decode() if stored is not None else None
    del state["ports"]["bot"]
    (tmp_path / "state.json").write_text(json.dumps(state))
    shutil.rmtree(tmp_path / "files")
    second = await opened(tmp_path)
    assert [file.content for file in second.slack.files.files.values()] == [b"notes"]
    assert any(file.is_kept for build in second.applivery.builds for file in build.contents.values())
    assert not (tmp_path / "state.json.broken").exists()
