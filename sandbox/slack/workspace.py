"""The fake workspace: who and where, the clock, the ids, and who is told when something changes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from sandbox.slack.pane import FakePane
from sandbox.slack.people import FakeChannel, FakeMembership, FakeOrganisation, FakeUser, FakeUserGroup
from sandbox.waiting import STILL_SECONDS, while_it_moves

Listener = Callable[[str, dict[str, Any]], None]

# What an app of this kind is granted; chat:write.public is not among it, so that "not_in_channel" is met.
SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "links:read",
        "links:write",
        "mpim:read",
        "reactions:write",
        "team:read",
        "usergroups:read",
        "users:read",
        "users:read.email",
    }
)


SISTER_TEAM = "T0SISTER"


def join(user: FakeUser, organisation: FakeOrganisation, home: str) -> None:
    """Give a person of the home workspace the record of an Enterprise Grid user; a bot keeps that of its workspace.

    The record has no `team_id`, and their payloads name the organisation instead of a workspace.
    https://github.com/abdolence/slack-morphism-rust/pull/215, https://github.com/slackapi/bolt-js/issues/1875
    """
    if user.bot or user.team_id != home:
        return
    user.grid = FakeMembership(user.id, organisation.id, organisation.name, [home])
    user.team_id = organisation.id


class SlackWorkspace:
    """The state everything else shares. Ids are stable: the same order of seeding gives the same ids."""

    team_id = "T0SANDBOX"
    team_domain = "sandbox"
    team_name = "Sandbox"
    app_id = "A0SANDBOX"
    bot_user_id = "U0APPLIVERY"
    bot_id = "B0APPLIVERY"
    verification_token = "sandbox-verification"  # noqa: S105 -- Slack's deprecated field, no secret

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.organisation: FakeOrganisation | None = None  # that of an Enterprise Grid workspace
        # users.info has, beside the organisation's id, the one it was asked for ("asked"), or it has only the one with
        # which a person acts ("own"); else both. Slack's documentation does not say which.
        self.shown_ids = "both"
        self.users: dict[str, FakeUser] = {}
        self.channels: dict[str, FakeChannel] = {}
        self.usergroups: dict[str, FakeUserGroup] = {}
        self.scopes: set[str] = set(SCOPES)
        self.subscribed: set[str] | None = None
        self.unsupported_blocks: set[str] = set()  # types that this workspace does not have yet
        self.unloadable: set[str] = set()  # addresses of pictures that Slack cannot download
        self.home_enabled = True  # features.app_home.home_tab_enabled of the manifest
        self.messages_read_only = False  # features.app_home.messages_tab_read_only_enabled of the manifest
        self.unfurl_domains: tuple[str, ...] = ()  # features.unfurl_domains of the manifest
        # "Work Object Previews" of the app's settings: "on", "off", or "refused" with an error
        self.work_objects = "off"
        self.unfurl_ids: dict[str, tuple[str, str]] = {}  # the place of the message that each is about
        self.drafts: dict[tuple[str, str], str] = {}  # what is typed and not sent yet, by its unfurl's place
        self.panes: dict[str, FakePane] = {}  # the flexpane that a user has open, by user id
        self.listeners: list[Listener] = []
        self.counts: dict[str, int] = {}
        self.random = random.Random()  # noqa: S311 -- ids, not secrets
        self._last_ts = 0
        self._last_change = (0.0, "nothing")
        self._waiting: list[tuple[Callable[[], object], asyncio.Future[object]]] = []
        # Slack's own, which says of itself that it is no bot
        self.slackbot = FakeUser("USLACKBOT", "slackbot", "Slackbot", None, self.team_id, tz="Etc/UTC")
        self.users[self.bot_user_id] = FakeUser(
            self.bot_user_id, "applivery", "Applivery", None, self.team_id, tz="Etc/UTC", bot=True
        )

    # ------------------------------------------------------------------ ids and time

    def new_id(self, prefix: str) -> str:
        """The next id such as U0S000001."""
        self.counts[prefix] = self.counts.get(prefix, 0) + 1
        return f"{prefix}0S{self.counts[prefix]:06d}"

    def new_word(self, length: int = 24) -> str:
        """A word nobody guesses, for triggers, tickets and addresses."""
        return "".join(self.random.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=length))

    def new_ts(self) -> str:
        """A message timestamp, later than every one before."""
        micros = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        self._last_ts = micros
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    def continue_after(self, ts: str) -> None:
        """Let every new timestamp be later than this one."""
        seconds, _, fraction = ts.partition(".")
        self._last_ts = max(self._last_ts, int(seconds) * 1_000_000 + int(fraction))

    # ------------------------------------------------------------------ telling

    def changed(self, what: str, about: dict[str, Any] | None = None) -> None:
        """Tell the listeners, and everyone who waits for a state, that something is different."""
        self._last_change = (time.monotonic(), what)
        for listener in list(self.listeners):
            listener(what, about or {})
        for entry in list(self._waiting):
            self._look(*entry)

    def _look(self, predicate: Callable[[], object], future: asyncio.Future[object]) -> None:
        if future.done():
            return
        try:
            seen = predicate()
        except Exception as error:  # noqa: BLE001 -- it belongs to the one who waits, not to the one who changed something
            future.set_exception(error)
            return
        if seen:
            future.set_result(seen)

    async def until(
        self,
        predicate: Callable[[], object],
        timeout: float = STILL_SECONDS,  # noqa: ASYNC109 -- a test's patience, said at the call
    ) -> object:
        """Wait until `predicate()` is true and return what it gave; asked again at every change, never by the clock.

        Raises NothingMoves, a TimeoutError, when nothing has changed for `timeout` seconds.
        """
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        entry = (predicate, future)
        self._waiting.append(entry)
        try:
            self._look(*entry)
            return await while_it_moves(predicate, future, lambda: self._last_change, timeout)
        finally:
            self._waiting.remove(entry)

    # ------------------------------------------------------------------ people and places

    def user(
        self,
        handle: str,
        *,
        name: str | None = None,
        email: str | None = None,
        admin: bool = False,
        owner: bool = False,
        guest: bool = False,
        tz: str = "Europe/Madrid",
        locale: str = "en-US",
        team_id: str | None = None,
        prefix: str = "U",
    ) -> FakeUser:
        """The user with this handle, made when there is none; whoever exists is returned as they are.

        In an Enterprise Grid workspace they are of the organisation, unless `team_id` is a stranger's.
        """
        for known in self.users.values():
            if known.handle == handle:
                return known
        user = FakeUser(
            self.new_id(prefix), handle, name or handle.title(), email or f"{handle}@acme.test",
            team_id or self.team_id, admin, owner, guest, tz, locale,
        )  # fmt: skip
        if self.organisation:
            join(user, self.organisation, self.team_id)
        self.users[user.id] = user
        self.changed("user", {"user": user.id})
        return user

    def person(self, user_id: object) -> FakeUser | None:
        """The user whose id this is: the one they act with, or the other one that Enterprise Grid knows them by.

        "In most cases these IDs can be used interchangeably." https://docs.slack.dev/reference/objects/user-object
        """
        if not isinstance(user_id, str):
            return None
        known = self.users.get(user_id)
        if known or self.organisation is None:
            return known
        return next((each for each in self.users.values() if user_id in each.ids), None)

    def join_organisation(self) -> FakeOrganisation:
        """Let the workspace be one of two in an Enterprise Grid organisation, with everybody who is there."""
        if self.organisation is None:
            teams = {self.team_id: self.team_domain, SISTER_TEAM: "sandbox-sister"}
            self.organisation = FakeOrganisation("E0SANDBOX", "Sandbox Group", teams)
            for user in self.users.values():
                join(user, self.organisation, self.team_id)
            self.changed("organisation")
        return self.organisation

    def install_for_organisation(self) -> FakeOrganisation:
        """Let the app be installed once for the whole organisation, and be added to both of its workspaces."""
        organisation = self.join_organisation()
        organisation.added_to = list(organisation.teams)
        return organisation

    @property
    def org_install(self) -> FakeOrganisation | None:
        """The organisation that the app is installed for; None when it is in this workspace alone."""
        return self.organisation if self.organisation and self.organisation.added_to is not None else None

    def channel(
        self,
        name: str,
        *,
        private: bool = False,
        bot_is_member: bool = True,
        members: tuple[FakeUser, ...] | list[FakeUser] = (),
        archived: bool = False,
        shared: bool = False,
    ) -> FakeChannel:
        """The channel with this name (without #), made when there is none; an existing one gains the members."""
        channel = next((each for each in self.channels.values() if each.name == name and not each.is_im), None)
        if channel is None:
            channel = FakeChannel(self.new_id("C"), name, private, archived, shared, created=int(self.clock()))
            channel.members = [self.bot_user_id] if bot_is_member else []
            self.channels[channel.id] = channel
        channel.members += [user.id for user in members if user.id not in channel.members]
        self.changed("channel", {"channel": channel.id})
        return channel

    def dm(self, user: FakeUser | str) -> FakeChannel:
        """The direct message between the bot and this user, opened when there is none."""
        known = self.person(user) if isinstance(user, str) else user
        user_id = known.id if known else str(user)
        for channel in self.channels.values():
            if channel.im_user == user_id and self.bot_user_id in channel.members:
                return channel
        channel = FakeChannel(
            self.new_id("D"), "", members=[self.bot_user_id, user_id], im_user=user_id, created=int(self.clock())
        )
        self.channels[channel.id] = channel
        self.changed("channel", {"channel": channel.id})
        return channel

    def between(self, *people: FakeUser, bot_is_member: bool = False) -> FakeChannel:
        """A new direct message of two people, in which no app can be, or a group direct message of more.

        https://docs.slack.dev/reference/objects/conversation-object
        """
        members = [user.id for user in people]
        if len(people) == 2:
            channel = FakeChannel(self.new_id("D"), "", members=members, im_user=people[1].id)
        else:
            name = f"mpdm-{'--'.join(user.handle for user in people)}-1"
            members += [self.bot_user_id] if bot_is_member else []
            channel = FakeChannel(self.new_id("G"), name, private=True, members=members, group=True)
        channel.created = int(self.clock())
        self.channels[channel.id] = channel
        self.changed("channel", {"channel": channel.id})
        return channel

    def usergroup(
        self, handle: str, users: tuple[FakeUser, ...] | list[FakeUser] = (), *, team_id: str = ""
    ) -> FakeUserGroup:
        """The user group with this handle, made when there is none, with exactly these users when any are given."""
        group = next((each for each in self.usergroups.values() if each.handle == handle), None)
        if group is None:
            group = FakeUserGroup(self.new_id("S"), handle, handle, team_id=team_id)
            self.usergroups[group.id] = group
        if users:
            group.users = [user.listed_as or user.id for user in users]
        self.changed("usergroup", {"usergroup": group.id})
        return group
