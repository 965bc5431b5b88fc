"""Asks every question of both clients, in a process of its own, and says how each ended and the memory it took."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp

from bot import http_client
from bot.applivery import parse
from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.multipart import Pieces, StreamedFile
from bot.applivery.rate_budget import RequestBudget
from bot.applivery.upload import UploadTimeouts
from bot.domain.model import App, Build, FileKind, Link, Stage
from bot.domain.uploads import UploadMetadata
from bot.slack import blocks
from bot.slack.blocks import FileAttachment, HomeView, Message, Modal
from bot.slack.client import MessageRef, SlackClient
from bot.slack.message_lookup import SearchPeriod
from tests.support import replica

HELLO = Message("hello", (blocks.section("hello"),))
LINK = Link(url="https://x.test/v1/download/t", token="t" * 20, kind=FileKind.AUTO, expires_at=None)
ONCE = UploadTimeouts(attempts=1, wait=0.0, looks=(0.0,))
THEN = datetime(2026, 11, 1, tzinfo=UTC)
AROUND = SearchPeriod(THEN.timestamp())

Question = Callable[[], Awaitable[object]]


@asynccontextmanager
async def bytes_of_a_file() -> AsyncIterator[Pieces]:
    async def pieces() -> Pieces:
        yield b"PK\x03\x04" + b"x" * 96

    yield pieces()


def of_applivery(client: AppliveryClient, app_id: str, build_id: str) -> dict[str, Question]:
    parcel = StreamedFile("courier.ipa", 100, bytes_of_a_file)
    app = App(id=app_id, slug="courier", name="Courier")
    build = Build(id=build_id, app=app, stage=Stage.READY, status="processed")
    app_builds = client.app_builds(app)
    return {
        "organization": client.organization,
        "apps": client.apps,
        "app": lambda: client.app("courier"),
        "role": lambda: client.role(app.id),
        "notifications": client.notifications,
        "subscribe_webhook": lambda: client.subscribe_webhook("https://bot.test/webhooks/applivery/x"),
        "builds": lambda: client.builds(app),
        "build": lambda: client.build(app.id, build.id),
        "mint": lambda: client.mint(build, FileKind.AUTO),
        "resolve": lambda: client.resolve(LINK),
        "downloads_by_user": lambda: client.downloads_by_user(app.id),
        "fold_downloads": lambda: client.fold_downloads(parse.RowList, app.id),
        "newest": app_builds.newest,
        "upload": lambda: app_builds.upload(parcel, UploadMetadata()),
        "attach": lambda: app_builds.attach(build.id, parcel),
        "employees": client.recipients(app).employees,
    }


def of_slack(poster: SlackClient, url: str) -> dict[str, Question]:
    return {
        "post": lambda: poster.post("C1", HELLO),
        "edit": lambda: poster.edit("C1", "1.1", HELLO),
        "delete": lambda: poster.delete("C1", "1.1"),
        "respond": lambda: poster.respond(f"{url.removesuffix('api')}response/commands/T1/word", HELLO),
        "whisper": lambda: poster.post_ephemeral("C1", "U1", HELLO),
        "file": lambda: poster.upload_file(MessageRef("C1", "1.1"), FileAttachment("a.csv", b"a")),
        "file_facts": lambda: poster.file_facts("F1"),
        "open_form": lambda: poster.open_modal("1.2", Modal("x", "X", HELLO.blocks)),
        "publish": lambda: poster.publish_home("U1", HomeView(())),
        "identity": lambda: poster.identity(younger_than=0.0),
        "find": lambda: poster.find_messages("C1", ("key",), (AROUND,)),
        "find in a thread": lambda: poster.find_messages("C1", ("key",), (AROUND,), thread_ts="1.1"),
        "channel": lambda: poster.channel("C1"),
        "groups": poster.groups,
        "members": lambda: poster.members("C1"),
        "group_members": lambda: poster.group_members("S1"),
        "workspace_admins": poster.workspace_admins,
        "user": lambda: poster.user("U1"),
    }


def peak() -> float:
    """The most memory this process has had so far, in MB."""
    status = Path("/proc/self/status").read_text()  # getrusage has the parent's in it
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


async def ended(question: Question) -> str:
    try:
        answer = await question()
    except Exception as error:  # noqa: BLE001 - its name is what is asked for
        return type(error).__name__
    return repr(answer)[:200]


def in_a_process(*about: str) -> dict[str, Any]:
    """How each question ended, `ends`, and the growth in MB, `growth`; `about` are the arguments of `_ask`."""
    ours, its = replica.forks.Pipe(duplex=False)
    process = replica.forks.Process(target=_run, args=(its, about), daemon=True)
    process.start()
    its.close()
    try:
        found: dict[str, Any] = ours.recv()  # EOFError when it ends without a word
    finally:
        ours.close()
        process.join()
    return found


def _run(its: Connection, about: tuple[str, ...]) -> None:
    its.send(asyncio.run(_ask(*about)))


async def _ask(slack: str, slack_token: str, url: str, token: str, app_id: str, build_id: str) -> dict[str, Any]:
    slack_url = slack.rstrip("/")
    hosts = AppliveryHosts(api=url, upload=url, download=url, dashboard=url)
    client = AppliveryClient(hosts=hosts, organization="acme", token=token, budget=RequestBudget(10_000), timeouts=ONCE)
    async with client, http_client.session(timeout=aiohttp.ClientTimeout(total=30)) as session:
        poster = SlackClient(token=slack_token, base_url=f"{slack_url}/", session=session, pace=0.0)
        await ended(client.organization)  # the first question of each makes what all of them use
        await ended(poster.identity)
        before, ends = peak(), {}
        for name, question in {**of_applivery(client, app_id, build_id), **of_slack(poster, slack_url)}.items():
            ends[name] = await ended(question)
    return {"ends": ends, "growth": peak() - before}
