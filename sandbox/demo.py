"""The whole sandbox: both fake sides and the page, with something in them, kept in a folder."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from sandbox import seed_data
from sandbox.applivery import FakeApplivery
from sandbox.page import CommandHint, DemoPage, InstalledApp, Persona
from sandbox.slack import FakeSlack
from sandbox.stored_files import StoredFiles

VERSION = 1
SAVE_AFTER_SECONDS = 0.3  # a burst of changes is written once
LOOPBACK = "127.0.0.1"  # where the fake Applivery's pages are; Slack would not register it, as it has no name


class RunnableServer(Protocol):
    """One of the three servers."""

    async def start(self, port: int = 0) -> None:
        """Listen; raises OSError when the port is taken."""

    async def stop(self) -> None:
        """Stop listening."""


class DemoEnvironment:
    """Both fake sides and the page, made by `DemoEnvironment.open`; `slack` and `applivery` do all that they do
    alone.

    With a folder everything is kept in its state.json: messages, builds, ids, tokens, and the ports, which are taken
    again when they are free so that links in old messages go on working. The bytes of uploaded files are in its folder
    `files`, each written once, so that a change after a large upload costs no more than any other.
    """

    def __init__(self, folder: Path | None, slack: FakeSlack, applivery: FakeApplivery, page: DemoPage) -> None:
        self.folder = folder
        self.slack = slack
        self.applivery = applivery
        self.page = page
        self.ports: dict[str, int] = {}
        self.files = StoredFiles(folder / "files") if folder is not None else None
        self.state_bytes = 0  # of the state.json that was written last
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        folder: Path | None,
        *,
        page_port: int = 0,
        processing: tuple[float, float] | None = (3.0, 5.0),
        manifest: Mapping[str, Any] | None = None,
        hints: Sequence[CommandHint] = (),
        cast: Sequence[Persona] = seed_data.CAST,
        clock: Callable[[], float] = time.time,
    ) -> DemoEnvironment:
        """Start everything on 127.0.0.1, with what `folder` remembers, or freshly seeded.

        `page_port` is tried first for the page, then the port it had last time, then any (0 means no wish).
        `processing` is how long a new upload stays (pending, in progress), in seconds. `manifest` is the bot's Slack
        app manifest as a mapping: the page offers the commands and shortcuts in it, and `hints` as what follows a
        command. `clock` gives epoch seconds.
        A state.json that cannot be used is set aside as state.json.broken and the seed takes its place. Raises OSError
        when the folder cannot be used.
        """

        async def begin(state: Mapping[str, Any]) -> DemoEnvironment:
            slack = FakeSlack(clock=clock)
            applivery = FakeApplivery(clock=clock, processing=processing)
            sandbox = cls(folder, slack, applivery, DemoPage(slack, applivery, cast=cast))
            sandbox.install(manifest, hints)
            try:
                await sandbox._start(state, page_port)
            except BaseException:
                await sandbox._stop()
                raise
            return sandbox

        try:
            return await begin(_load(folder))
        except (ValueError, LookupError, TypeError, AttributeError):
            if not _set_aside(folder):
                raise
            return await begin({})

    def install(
        self, manifest: Mapping[str, Any] | None, hints: Sequence[CommandHint] = (), *, optional_scopes: bool = True
    ) -> None:
        """Install the app with this manifest (a mapping; None: the seed's), and these hints behind its command.

        It is granted the scopes that the manifest asks for: without `optional_scopes` only those that it cannot do
        without, as somebody chooses who installs it. https://docs.slack.dev/changelog/2026/03/16/optional-scopes
        """
        asked = manifest or {}
        self.slack.scopes = _granted(asked, optional=optional_scopes) or self.slack.scopes
        self.slack.subscribed = _subscribed(asked)
        self.slack.workspace.home_enabled = _has_home(asked)
        self.slack.workspace.messages_read_only = _is_read_only(asked)
        domains = asked.get("features", {}).get("unfurl_domains", ())
        self.slack.workspace.unfurl_domains = (*domains, LOOPBACK) if domains else ()
        self.slack.workspace.work_objects = "on"
        self.page.installed = InstalledApp.from_manifest(seed_data.MANIFEST if manifest is None else manifest, hints)
        self.slack.workspace.changed("installed")

    async def _start(self, state: Mapping[str, Any], page_port: int) -> None:
        ports = state.get("ports", {})
        await _on_a_port(self.slack, ports.get("slack", 0))
        await _on_a_port(self.applivery, ports.get("applivery", 0))
        if state:
            self._restore(state)
        else:
            seed_data.seed_slack(self.slack)
            seed_data.seed_applivery(self.applivery)
        await _on_a_port(self.page, page_port, ports.get("page", 0))
        urls = {"slack": self.slack.url, "applivery": self.applivery.url, "page": self.page.url}
        self.ports = {side: int(url.rpartition(":")[2]) for side, url in urls.items()}
        self.ports["bot"] = _free_port(ports.get("bot", 0))
        self.page.phone.bot_url = self.bot_url
        if self.folder is not None:
            self.slack.listeners.append(self._changed)
            self.applivery.listeners.append(self._changed)
            self.save()

    async def close(self) -> None:
        """Write everything down and stop; does no harm when it is stopped already."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._saving is not None:
            await self._saving
        if self.folder is not None:
            self.save()
        await self._stop()

    async def _stop(self) -> None:
        for listeners in (self.slack.listeners, self.applivery.listeners):
            if self._changed in listeners:
                listeners.remove(self._changed)
        await self.page.stop()
        await self.applivery.stop()
        await self.slack.stop()

    # ------------------------------------------------------------------ where things are

    @property
    def page_url(self) -> str:
        """The one address a person needs."""
        return f"{self.page.url}/"

    @property
    def bot_url(self) -> str:
        """Where the bot's own pages are, once it runs with the settings of `environment`."""
        return f"http://127.0.0.1:{self.ports['bot']}"

    def environment(self) -> dict[str, str]:
        """The bot's settings that point it at this sandbox, by their names in the environment.

        Its claim page is on: it is where the bot listens, on this machine only.
        """
        applivery = self.applivery.url
        return {
            "HOST": "127.0.0.1",
            "PORT": str(self.ports["bot"]),
            "PUBLIC_URL": self.bot_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "APPLIVERY_TOKEN": self.applivery.token,
            "APPLIVERY_ORGANIZATION": str(self.applivery.organization["slug"]),
            "APPLIVERY_API_URL": applivery,
            "APPLIVERY_UPLOAD_URL": applivery,
            "APPLIVERY_DOWNLOAD_URL": applivery,
            "APPLIVERY_DASHBOARD_URL": applivery,
        }

    # ------------------------------------------------------------------ keeping

    def _changed(self, what: str, about: dict[str, Any]) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SAVE_AFTER_SECONDS, self._begin_saving)

    def _begin_saving(self) -> None:
        self._saving = asyncio.create_task(self._save_off_the_loop())

    async def _save_off_the_loop(self) -> None:
        """Write the files that are new in a thread, and then the state, which names them."""
        assert self.files is not None
        if new := self.files.missing(self._contents()):
            await asyncio.to_thread(self.files.write, new)
        self._timer = None
        self._save_state()

    def _contents(self) -> dict[str, bytes]:
        sides = {"slack": self.slack.files.contents(), "applivery": self.applivery.contents()}
        return {f"{side}-{key}": content for side, contents in sides.items() for key, content in contents.items()}

    def save(self) -> None:
        """Write the files that are new and state.json, each whole or not at all; does nothing without a folder.

        Raises OSError.
        """
        if self.files is None:
            return
        self.files.write(self._contents())
        self._save_state()

    def _save_state(self) -> None:
        assert self.folder is not None
        state = {
            "version": VERSION,
            "ports": self.ports,
            "slack": self.slack.snapshot(),
            "applivery": self.applivery.snapshot(),
            "crawled": list(self.slack.crawled),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / "state.json.new"
        # Tokens and messages: nobody else on this machine needs to read them.
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            self.state_bytes = file.write(json.dumps(state))
        fresh.replace(self.folder / "state.json")

    def _restore(self, state: Mapping[str, Any]) -> None:
        seed_data.name_workspace(self.slack)
        files = self.files
        assert files is not None
        self.slack.restore(state["slack"], lambda key: files.read(f"slack-{key}"))
        self.slack.crawler.crawled.extend(state.get("crawled", ()))
        self.applivery.restore(state["applivery"], lambda key: files.read(f"applivery-{key}"))


def _subscribed(manifest: Mapping[str, Any]) -> set[str] | None:
    """The events a manifest asks for; None where it does not say."""
    events = manifest.get("settings", {}).get("event_subscriptions", {}).get("bot_events")
    return None if events is None else set(events)


def _granted(manifest: Mapping[str, Any], *, optional: bool) -> set[str]:
    """The scopes that a manifest asks for; none where it does not say."""
    scopes = manifest.get("oauth_config", {}).get("scopes", {})
    return set(scopes.get("bot", ())) - (set() if optional else set(scopes.get("bot_optional", ())))


def _has_home(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest turns the Home tab on; it need not say so here."""
    return bool(manifest.get("features", {}).get("app_home", {}).get("home_tab_enabled", True))


def _is_read_only(manifest: Mapping[str, Any]) -> bool:
    """Whether people cannot write to the app in its Messages tab, as a manifest says."""
    return bool(manifest.get("features", {}).get("app_home", {}).get("messages_tab_read_only_enabled", False))


def _load(folder: Path | None) -> Mapping[str, Any]:
    """What was saved, or nothing. Raises ValueError when it is of another version or no JSON."""
    path = folder / "state.json" if folder is not None else None
    if path is None or not path.exists():
        return {}
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if state["version"] != VERSION:
        raise ValueError(f"state.json has version {state['version']}, not {VERSION}")
    return state


def _set_aside(folder: Path | None) -> bool:
    """Keep an unusable state.json under another name; whether there was one."""
    path = folder / "state.json" if folder is not None else None
    if path is None or not path.exists():
        return False
    path.replace(path.with_name("state.json.broken"))
    return True


def _free_port(wished: int) -> int:
    """A port that nobody listens on, the wished one if it is free; the bot takes it when it starts."""
    for port in (wished, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as held:
            return int(held.getsockname()[1])
    raise OSError("no port is free")


async def _on_a_port(server: RunnableServer, *wished: int) -> None:
    """Start on the first wished port that is free; 0 is no wish, and any port will do in the end."""
    for port in filter(None, wished):
        try:
            return await server.start(port)
        except OSError:
            await server.stop()
    return await server.start(0)
