"""A canary: everything is done once with known tokens and secrets, and then looked for wherever they must not be."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from bot.db import audit, key_value
from bot.domain.audit import AuditAction, AuditEntry
from bot.observability.logging import logger
from tests.conftest import Environment, logged
from tests.support.everything import dump, everything, said_to_everybody
from tests.support.handing import mints, ready, start_with_page
from tests.support.seeing import TICKET, every_message, everything_stored

WEBHOOK = "canary-webhook-secret"


@pytest.fixture
def logs() -> Iterator[list[io.StringIO]]:
    """Every line that is logged at DEBUG, as `run` would write it: in each of both styles, side by side."""
    root = logging.getLogger()
    with logged("DEBUG", "console") as console:
        [on_console] = root.handlers
        with logged("DEBUG", "json") as as_json:
            root.addHandler(on_console)
            yield [as_json, console]


@dataclass
class Found:
    """All that can be read by others than the one who asked."""

    logs: list[str]
    rows: str
    stored: bytes
    everybody: str
    metrics: str
    private: list[tuple[str | None, str]]

    def leaks(self, secret: str) -> list[str]:
        """The places where a secret stands."""
        texts = {"log": "".join(self.logs), "rows": self.rows, "messages": self.everybody, "metrics": self.metrics}
        found = [name for name, text in texts.items() if secret in text]
        return found + ["files"] * (secret.encode() in self.stored)

    def addresses(self) -> list[str]:
        """Log lines with an address of a link, even where the token in it was taken out."""
        marks = ("/v1/download/", "/b/", "manifest.plist")
        lines = (line for log in self.logs for line in log.splitlines())
        return [line for line in lines if any(mark in line for mark in marks)]

    def readers(self, secret: str) -> set[str | None]:
        """Who reads it in a private message."""
        return {reader for reader, text in self.private if secret in text}


async def look_everywhere(world: Environment, logs: list[io.StringIO]) -> Found:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{world.bot.web.port}/metrics") as answer:
            metrics = await answer.text()
    rows = dump(world)
    await world.stop()
    private = [
        (message.ephemeral_to or world.slack.channels[message.channel].im_user, json.dumps(message.saved()))
        for message in every_message(world.slack, own=False)
        if message.ephemeral_to or world.slack.channels[message.channel].is_im
    ]
    everybody = [message.saved() for message in said_to_everybody(world)]
    everybody += [view.payload for view in world.slack.modals.views.values()]  # type: ignore[misc]
    everybody += [bytes(file.content).decode("utf-8", "replace") for file in world.slack.desk.files.files.values()]  # type: ignore[misc]
    stored = everything_stored(world.folder)
    written = [log.getvalue() for log in logs]
    return Found(written, rows, stored, json.dumps(everybody, default=str), metrics, private)


def secrets(world: Environment) -> list[str]:
    """What the settings hold that nobody may read."""
    return ["xoxb-sandbox", "xapp-sandbox", "sandbox-signing-secret", world.applivery.token, WEBHOOK]


async def owners(world: Environment) -> dict[str, str]:
    """Who was given which token, by its hash."""
    every = await world.bot.store.run(audit.list_entries, limit=10_000)
    return {entry.token_hash: entry.user_id for entry in every if entry.token_hash}


# Each way in, with and without a claim page, one of them on PostgreSQL; each in both styles of logs.
WAYS: dict[str, tuple[str, bool]] = {"socket": ("", False), "http": ("http", False), "page": ("", True)}


@pytest.mark.parametrize("way", ["socket", "page"])
async def test_tokens_and_secrets_appear_only_in_private_replies(
    world: Environment, logs: list[io.StringIO], way: str
) -> None:
    await run(world, way)
    await hold(world, logs, way)


@pytest.mark.postgres
async def test_nor_on_postgresql(world: Environment, logs: list[io.StringIO], postgres_url: str) -> None:
    world.database = postgres_url
    await run(world, "http")
    await hold(world, logs, "http")


async def run(world: Environment, way: str) -> None:
    mode, page = WAYS[way]
    changes: dict[str, Any] = {"links_per_minute": 10_000, "links_per_hour": 10_000, "log_level": "DEBUG"}
    changes |= {"applivery_webhook_secret": WEBHOOK} | ({"slack_app_token": None} if mode else {})
    if page:
        await start_with_page(world, **changes)
    else:
        await world.start(**changes)
    await everything(world)
    async with aiohttp.ClientSession() as session:
        for secret in (WEBHOOK, "guess"):
            await session.post(f"http://127.0.0.1:{world.bot.web.port}/webhooks/applivery/{secret}", json={})
        if page:
            for ticket in tickets(world):  # the newest for each person and file are open
                for ask in (session.get, session.head, session.post):
                    await ask(f"http://127.0.0.1:{world.bot.web.port}/b/{ticket}", allow_redirects=False)


def tickets(world: Environment) -> list[str]:
    """The claim tickets that private messages carry, in order."""
    said = [message.text for message in every_message(world.slack)]
    return list(dict.fromkeys(ticket for text in said for ticket in TICKET.findall(text)))


async def hold(world: Environment, logs: list[io.StringIO], way: str) -> None:
    given = await owners(world)
    made = [token.token for token in world.applivery.minted] + tickets(world)
    found = await look_everywhere(world, logs)

    assert len(made) >= (10 if way == "page" else 40), "everything was really done"
    assert way != "page" or mints(world) >= 3
    shown = 0
    for token in made:
        assert found.leaks(token) == []
        readers = found.readers(token)
        assert readers <= {given.get(hashlib.sha256(token.encode()).hexdigest())}, "only who asked reads it"
        shown += bool(readers)
    assert shown >= 10, "the private replies do carry them, so this test can see one"
    for secret in secrets(world):
        assert found.leaks(secret) == []
        assert found.readers(secret) == set()
    assert found.addresses() == [], "nobody logs a link, not even one that is made harmless on the way"
    for log in found.logs:
        assert "request.problem" in log, "there were mishaps whose causes are in the log"
        assert "Traceback" in log
    assert world.courier.id in found.rows
    assert "applivery_bot_mints_total" in found.metrics
    assert "Courier 2.4.0" in found.everybody


# ------------------------------------------------------------------ the canary sings


async def leak(world: Environment, where: str, token: str) -> None:
    """What a careless hand would do."""
    address = f"{world.applivery.url}/v1/download/{token}"
    if where == "a log line":
        logger("careless").info("link.made", token=token)
    elif where == "a debug line of a library":
        logging.getLogger("some.library").debug("got %s", token)
    elif where == "an exception":
        try:
            raise RuntimeError(f"could not use {token}")
        except RuntimeError:
            logger("careless").exception("link.broke")
    elif where == "a logged address":
        logger("careless").info("link.made", url=address)
    elif where == "a row":
        await world.bot.store.run(
            audit.add_entry, AuditEntry(datetime.now(UTC), "T1", "U1", AuditAction.GET, f"minted {token}")
        )
    elif where == "a note":
        await world.bot.store.run(key_value.set_value, "last link", address)
    elif where == "a channel":
        flags = {"unfurl_links": False, "unfurl_media": False}
        about = {"user": world.slack.bot_user_id, "bot_id": world.slack.bot_id}
        world.slack.mailbox.post(world.releases, {"text": address, **flags}, **about)
    elif where == "a button":
        button = {"type": "button", "text": {"type": "plain_text", "text": "x"}, "action_id": "x", "value": token}
        content = {"text": "x", "blocks": [{"type": "actions", "elements": [button]}]}
        world.slack.mailbox.post(world.releases, content, user=world.slack.bot_user_id, bot_id=world.slack.bot_id)
    elif where == "a metric":
        world.bot.metrics.mints.labels(token).inc()


@pytest.mark.parametrize(
    "where",
    [
        "a log line",
        "a debug line of a library",
        "an exception",
        "a logged address",
        "a row",
        "a note",
        "a channel",
        "a button",
        "a metric",
    ],
)
async def test_canary_detects_token_in_any_place(world: Environment, logs: list[io.StringIO], where: str) -> None:
    await world.start()
    ready(world)
    await world.ask("get courier")
    [token] = world.applivery.minted
    await leak(world, where, token.token)
    found = await look_everywhere(world, logs)
    assert found.leaks(token.token) or found.addresses(), where
    if "log" in found.leaks(token.token):
        assert all(token.token in log for log in found.logs), "each style would show it"
