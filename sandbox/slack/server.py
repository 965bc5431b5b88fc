"""FakeSlack: one loopback server that plays Slack for one workspace and one app."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.faults import FaultQueue
from sandbox.slack.channel_actions import ChannelActions
from sandbox.slack.crawler import Crawler
from sandbox.slack.delivery import PayloadDelivery
from sandbox.slack.directory import Directory
from sandbox.slack.files import FileStore
from sandbox.slack.message import FakeMessage
from sandbox.slack.message_store import MessageStore
from sandbox.slack.middleware import gated
from sandbox.slack.modals import ViewStore
from sandbox.slack.people import FakeChannel, FakeUser, FakeUserGroup
from sandbox.slack.rate_limit import PostRateLimit
from sandbox.slack.responses import ResponseUrls
from sandbox.slack.server_state import ApiState
from sandbox.slack.signing import SignedHttp
from sandbox.slack.snapshot import NO_CONTENTS, restore, snapshot
from sandbox.slack.sockets import OpenSocket, SocketConnections
from sandbox.slack.user_actions import UserActions
from sandbox.slack.view import FakeView
from sandbox.slack.webapi import FakeWebApi, RecordedCall
from sandbox.slack.workspace import Listener, SlackWorkspace


class FakeSlack:
    """Slack, faked: Web API, Socket Mode, signed HTTP, response_urls, files, the crawler, and the people.

    Seeding: `user`, `channel`, `usergroup`, `dm`, `between`. Deeds: `command`, `click`, `submit`, `close`, `options`,
    `shortcut`, `event`, `mention`, `write`, `drop`, `say`, `home`, `share`, `pick`; with links `paste`, `compose`,
    `refresh`, `open_details`, `click_pane`; to a channel: `archive`,
    `unarchive`, `rename`, `convert`, `places.connect`, `places.disconnect`, and for the bot's own place in it `invite`,
    `remove`; to people and groups: `change`, `join`, `regroup`; to the app: `uninstall`, `reinstall`; of a whole
    organisation `install_for_organisation`, `add_to`, `remove_from`. Seeing: `messages`, `ephemerals`, `until`,
    `crawled`, `calls`.
    Trouble: `faults`, `disconnect`, `refuse_handshakes`, `silence`, `cut`, `revoke`, `enforce_pacing`,
    `history_seconds`, `other_bot_posts`, `scopes`.
    `clock` gives epoch seconds; `ack_seconds` is how long Slack waits for an acknowledgement; `response_url_life` is
    in seconds. A fault's target is a method's name, or "response_url", "socket", "upload", "file".
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        bot_token: str = "xoxb-sandbox",  # noqa: S107 -- made up
        app_token: str = "xapp-sandbox",  # noqa: S107 -- made up
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 -- made up
        ack_seconds: float = 3.0,
        response_url_life: float = 1800,
    ) -> None:
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.url = ""
        self.faults = FaultQueue()
        self.workspace = workspace = SlackWorkspace(clock)
        self.mailbox = MessageStore(workspace)
        self.modals = ViewStore(workspace)
        self.responses = ResponseUrls(workspace, self.mailbox, response_url_life)
        self.files = FileStore(workspace)
        self.files.tokens = {bot_token}
        self.pacing = PostRateLimit(workspace)
        self.socket_mode = SocketConnections(workspace)
        self.http = SignedHttp(workspace, signing_secret)
        self.delivery = PayloadDelivery(workspace, self.socket_mode, self.http, ack_seconds)
        self.desk = ApiState(
            workspace=workspace,
            mailbox=self.mailbox,
            modals=self.modals,
            responses=self.responses,
            files=self.files,
            sockets=self.socket_mode,
            pacing=self.pacing,
        )
        self.api = FakeWebApi(self.desk, self.faults, {bot_token: "bot", app_token: "app"})
        self.crawler = Crawler(workspace)
        self.mailbox.stored.append(self.crawler.look_at)
        self.person = UserActions(self.desk, self.delivery, lambda: self.url)
        workspace.listeners.append(self.person.echo)
        self.places = ChannelActions(self.person)
        self.directory = Directory(self.person)
        self._runner: web.AppRunner | None = None
        self._hand_out()

    def _hand_out(self) -> None:
        workspace, person, sockets = self.workspace, self.person, self.socket_mode
        self.user, self.channel, self.usergroup, self.dm = (
            workspace.user, workspace.channel, workspace.usergroup, workspace.dm,
        )  # fmt: skip
        self.between = workspace.between
        self.install_for_organisation = workspace.install_for_organisation
        self.until = workspace.until
        self.messages, self.ephemerals = self.mailbox.messages, self.mailbox.ephemerals
        self.command, self.click, self.options = person.command, person.click, person.options
        self.submit, self.close, self.shortcut = person.submit, person.close, person.shortcut
        self.event, self.mention, self.say = person.event, person.mention, person.say
        self.write, self.drop = person.write, person.drop
        self.paste, self.compose, self.refresh = person.paste, person.compose, person.refresh
        self.open_details, self.click_pane = person.open_details, person.click_pane
        self.reword, self.repeat = person.reword, self.delivery.repeat
        self.verify = self.delivery.verify
        self.home, self.share, self.pick = person.home, person.share, person.pick
        self.archive, self.unarchive, self.rename = self.places.archive, self.places.unarchive, self.places.rename
        self.invite, self.remove, self.convert = self.places.invite, self.places.remove, self.places.convert
        self.change, self.join, self.regroup = self.directory.change, self.directory.join, self.directory.regroup
        self.add_to, self.remove_from = self.directory.add_to, self.directory.remove_from
        self.disconnect, self.silence, self.cut = sockets.disconnect, sockets.silence, sockets.cut
        self.refuse_handshakes = sockets.refuse_handshakes
        self.settled = self.crawler.settled

    # ------------------------------------------------------------------ life

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; 0 takes any free port. Raises OSError when the port is taken."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/api/{method}", self.api.serve)
        app.router.add_get("/link/", gated(self.faults, "socket", self.socket_mode.serve))
        app.router.add_post("/response/{kind}/{team}/{word}", gated(self.faults, "response_url", self.responses.serve))
        app.router.add_post("/upload/v1/{file}", gated(self.faults, "upload", self.files.receive))
        app.router.add_get("/files/{file}/{name}", gated(self.faults, "file", self.files.download))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.desk.base_url = self.files.base_url = self.url

    async def stop(self) -> None:
        """Close everything; what the sandbox knows stays, and it can be started again."""
        await self.delivery.stop()
        await self.socket_mode.stop()
        await self.crawler.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # ------------------------------------------------------------------ who and where

    @property
    def api_url(self) -> str:
        """The base address of the Web API, for AsyncWebClient(base_url=…)."""
        return f"{self.url}/api/"

    @property
    def team_id(self) -> str:
        """The id of the workspace."""
        return self.workspace.team_id

    @property
    def bot_user_id(self) -> str:
        """The bot as a user."""
        return self.workspace.bot_user_id

    @property
    def bot_id(self) -> str:
        """The bot as a bot."""
        return self.workspace.bot_id

    @property
    def users(self) -> dict[str, FakeUser]:
        """All users by id, the bot included."""
        return self.workspace.users

    @property
    def channels(self) -> dict[str, FakeChannel]:
        """All conversations by id, direct messages included."""
        return self.workspace.channels

    @property
    def usergroups(self) -> dict[str, FakeUserGroup]:
        """All user groups by id."""
        return self.workspace.usergroups

    @property
    def listeners(self) -> list[Listener]:
        """Who is told of every change, as (what, about)."""
        return self.workspace.listeners

    # ------------------------------------------------------------------ what happened

    @property
    def calls(self) -> list[RecordedCall]:
        """Every call of the Web API, in order."""
        return self.api.calls

    def calls_of(self, method: str) -> list[RecordedCall]:
        """The calls of one method, in order."""
        return [call for call in self.api.calls if call.method == method]

    @property
    def crawled(self) -> list[str]:
        """Every address the crawler has visited, in order."""
        return self.crawler.crawled

    @property
    def posts_per_channel(self) -> dict[str, list[float]]:
        """When something was posted by the Web API (epoch seconds), by channel id."""
        return self.pacing.posts

    @property
    def views(self) -> list[FakeView]:
        """The modals that are open, oldest first."""
        return [view for view in self.modals.views.values() if view.type == "modal" and not view.closed]

    def modal(self, user: FakeUser) -> FakeView | None:
        """The modal this person has before them, or None."""
        return self.modals.top(user.id)

    def home_of(self, user: FakeUser) -> FakeView | None:
        """This person's Home, or None when nothing was published."""
        return self.modals.homes.get(user.id)

    @property
    def sockets(self) -> list[OpenSocket]:
        """The Socket Mode connections open now."""
        return [socket for socket in self.socket_mode.open if not socket.ws.closed]

    # ------------------------------------------------------------------ how it behaves

    @property
    def request_url(self) -> str | None:
        """Where commands, interactions and, once `verify` was answered, events are POSTed; None: over Socket Mode."""
        return self.delivery.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.delivery.set_request_url(url)

    @property
    def ack_seconds(self) -> float:
        """How long an acknowledgement may take."""
        return self.delivery.ack_seconds

    @ack_seconds.setter
    def ack_seconds(self, seconds: float) -> None:
        self.delivery.ack_seconds = seconds

    @property
    def scopes(self) -> set[str]:
        """What the bot token may do; take one away to meet missing_scope."""
        return self.workspace.scopes

    @scopes.setter
    def scopes(self, scopes: set[str]) -> None:
        self.workspace.scopes = set(scopes)

    @property
    def subscribed(self) -> set[str] | None:
        """The events the app's manifest asks for, by name; None delivers whatever happens."""
        return self.workspace.subscribed

    @subscribed.setter
    def subscribed(self, events: set[str] | None) -> None:
        self.workspace.subscribed = events

    @property
    def enforce_pacing(self) -> bool:
        """Whether more than `burst` posts at once in a channel, refilled at one a second, are answered 429."""
        return self.pacing.enforced

    @enforce_pacing.setter
    def enforce_pacing(self, on: bool) -> None:
        self.pacing.enforced = on

    @property
    def history_seconds(self) -> float | None:
        """How often channels and threads may be read, 15 objects at once, as of a distributed app; None: at will."""
        return self.desk.history_limit.seconds

    @history_seconds.setter
    def history_seconds(self, seconds: float | None) -> None:
        self.desk.history_limit.seconds = seconds

    @property
    def burst(self) -> int:
        """How many posts at once a channel takes when pacing is enforced."""
        return self.pacing.burst

    @burst.setter
    def burst(self, posts: int) -> None:
        self.pacing.burst = posts

    def other_bot_posts(
        self,
        channel: FakeChannel,
        text: str,
        *,
        metadata: dict[str, Any] | None = None,
        bot: tuple[str, str, str] = ("U0STAGING", "B0STAGING", "A0STAGING"),
        thread_ts: str | None = None,
    ) -> FakeMessage:
        """Post as another app in the same channel; `bot` is its user, bot and app id.

        `metadata` may be word for word what ours would carry: Slack shows one app's metadata to every other.
        https://docs.slack.dev/messaging/message-metadata
        """
        user, bot_id, app_id = bot
        about: dict[str, Any] = {"user": user, "bot_id": bot_id, "app_id": app_id, "thread_ts": thread_ts}
        return self.mailbox.post(channel, {"text": text, "metadata": metadata}, **about)

    def revoke(self, token: str | None = None) -> None:
        """Revoke a token, the bot's unless another is given."""
        self.api.revoked[token or self.bot_token] = "token_revoked"

    async def uninstall(self, *, tell: bool = True) -> None:
        """Take the app out of the workspace: its token is answered account_inactive, and two events say so.

        In either order; both name no channel. https://docs.slack.dev/reference/events/app_uninstalled
        https://docs.slack.dev/reference/events/tokens_revoked https://docs.slack.dev/reference/methods/auth.test#errors
        """
        self.api.revoked[self.bot_token] = "account_inactive"
        if tell:
            await self.event({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self.bot_user_id]}})
            await self.event({"type": "app_uninstalled"})

    def reinstall(self) -> None:
        """Let the bot's token be good again."""
        self.api.revoked.pop(self.bot_token, None)

    # ------------------------------------------------------------------ keeping

    def snapshot(self) -> dict[str, Any]:
        """Everything that outlives a restart, as JSON-able data, but for the bytes of files (`files.contents`)."""
        return snapshot(self.desk)

    def restore(self, saved: dict[str, Any], contents: Callable[[str], bytes] = NO_CONTENTS) -> None:
        """Put a snapshot back; `contents` gives the bytes of a file by its id."""
        restore(self.desk, saved, contents)
