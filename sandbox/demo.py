"""The whole sandbox: both pretended sides and the page, with something in them, kept in a folder."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sandbox import seed_data
from sandbox.applivery import FakeApplivery
from sandbox.page import CommandHint, DemoPage, InstalledApp, Persona
from sandbox.slack import FakeSlack

VERSION = 1
SAVE_AFTER_SECONDS = 0.3  # a burst of changes is written once


class RunnableServer(Protocol):
    """One of the three servers."""

    async def start(self, port: int = 0) -> None:
        """Listen; raises OSError when the port is taken."""

    async def stop(self) -> None:
        """Stop listening."""


class DemoEnvironment:
    """Both pretended sides and the page, made by `DemoEnvironment.open`; `slack` and `applivery` do all that they do
    alone.

    With a folder everything is kept in its state.json: messages, builds, ids, tokens, and the ports, which are taken
    again when they are free so that links in old messages go on working.
    """

    def __init__(self, folder: Path | None, slack: FakeSlack, applivery: FakeApplivery, page: DemoPage) -> None:
        self.folder = folder
        self.slack = slack
        self.applivery = applivery
        self.page = page
        self.ports: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None

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
            slack.subscribed = _subscribed(manifest or {})
            slack.workspace.home_enabled = _has_home(manifest or {})
            applivery = FakeApplivery(clock=clock, processing=processing)
            installed = InstalledApp.from_manifest(seed_data.MANIFEST if manifest is None else manifest, hints)
            sandbox = cls(folder, slack, applivery, DemoPage(slack, applivery, cast=cast, installed=installed))
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
        if self.folder is not None:
            self.slack.listeners.append(self._changed)
            self.applivery.listeners.append(self._changed)
            self.save()

    async def close(self) -> None:
        """Write everything down and stop; does no harm when it is stopped already."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
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

    def environment(self) -> dict[str, str]:
        """The bot's settings that point it at this sandbox, by their names in the environment."""
        applivery = self.applivery.url
        return {
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
            self._timer = asyncio.get_running_loop().call_later(SAVE_AFTER_SECONDS, self._save_now)

    def _save_now(self) -> None:
        self._timer = None
        self.save()

    def save(self) -> None:
        """Write state.json whole or not at all; does nothing without a folder. Raises OSError."""
        if self.folder is None:
            return
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
            json.dump(state, file)
        fresh.replace(self.folder / "state.json")

    def _restore(self, state: Mapping[str, Any]) -> None:
        seed_data.name_workspace(self.slack)
        self.slack.restore(state["slack"])
        self.slack.crawler.crawled.extend(state.get("crawled", ()))
        self.applivery.restore(state["applivery"])


def _subscribed(manifest: Mapping[str, Any]) -> set[str] | None:
    """The events a manifest asks for; None where it does not say."""
    events = manifest.get("settings", {}).get("event_subscriptions", {}).get("bot_events")
    return None if events is None else set(events)


def _has_home(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest turns the Home tab on; it need not say so here."""
    return bool(manifest.get("features", {}).get("app_home", {}).get("home_tab_enabled", True))


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


async def _on_a_port(server: RunnableServer, *wished: int) -> None:
    """Start on the first wished port that is free; 0 is no wish, and any port will do in the end."""
    for port in filter(None, wished):
        try:
            return await server.start(port)
        except OSError:
            await server.stop()
    return await server.start(0)
