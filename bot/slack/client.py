"""Client of Slack's Web API: post, edit, upload and look up, with a rate limit per channel for posts."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct
from slack_sdk.models.metadata import EntityMetadata

from bot.domain.colleagues import Home, is_admin
from bot.domain.model import is_person
from bot.exceptions import DeliveryUnknown, SlackError, SlackRateLimited, SlackSilent, kind_of
from bot.observability.logging import logger
from bot.slack.blocks import FileAttachment, HomeView, Message, Modal
from bot.slack.errors import call_api, find_header, response_error
from bot.slack.fallbacks import FallbackSender
from bot.slack.group_homes import GroupHomes
from bot.slack.identities import Identities
from bot.slack.message_lookup import METADATA_EVENT, Author, MessageLookup, SearchPeriod
from bot.slack.pagination import iterate_pages, read_list
from bot.slack.refused_blocks import RefusedBlocks
from bot.slack.scopes import feature_off
from bot.slack.slack_clock import SlackClock
from bot.slack.token_standing import TokenStanding
from bot.slack.web_api import WebAPI
from bot.slack.work_objects import ENTITIES_REFUSED, WorkObjectSupport
from bot.slack.workspaces import Workspaces
from bot.timeouts import PERSON_SECONDS, call_limit, longest_wait, person_waits, retry_after, time_left

log = logger(__name__)

HTTP_SECONDS = 15.0
JSON = {"Content-Type": "application/json; charset=utf-8"}
ADMINS = 20  # at most, of a workspace
PERMALINK_SECONDS = 3.0
SCOPES_SECONDS = 10.0  # until a missing scope is looked up again
MARGIN = 10.0  # seconds to search before and after an attempt: clocks that agree may still differ a little


class BotIdentity(Struct, frozen=True):
    """The bot's identity in Slack; `name` is what people type after the @, `scopes` None if Slack did not send them.

    `team` is the name of the workspace, or of the organisation if the app is installed for all of it. In that case
    `team_id` and `enterprise_id` are both the organisation's id, which identifies the installation.
    """

    team_id: str
    user_id: str
    bot_id: str
    name: str
    scopes: frozenset[str] | None = None
    team: str = ""
    enterprise_id: str = ""
    is_org_install: bool = False


class ChannelInfo(Struct, frozen=True):
    """A channel as Slack describes it.

    `member` is whether the bot is in it, `shared` whether it is shared with another organisation; None if unknown.
    `private` is False only if Slack says so.
    """

    id: str
    name: str
    is_member: bool | None
    is_archived: bool = False
    is_shared: bool | None = None
    is_private: bool = True


class UserGroup(Struct, frozen=True):
    """A user group; `handle` is what people type after the @ to mention it."""

    id: str
    handle: str


class MessageRef(Struct, frozen=True):
    """The place of a message; for a direct message `channel` is the D… id."""

    channel: str
    ts: str


def granted_scopes(headers: Mapping[str, str]) -> frozenset[str] | None:
    """Return the scopes of a token, from the header that every response has. https://docs.slack.dev/reference/scopes"""
    for name, value in headers.items():
        if name.lower() == "x-oauth-scopes":
            return frozenset(scope.strip() for scope in value.split(",") if scope.strip())
    return None


def read_boolean(said: object) -> bool | None:
    """Return a boolean of a response; None for anything else."""
    return said if isinstance(said, bool) else None


def read_identity(answer: Any, scopes: frozenset[str] | None) -> BotIdentity:
    """Return the bot's identity from `auth.test`; for an organisation `team_id` may be its id, a workspace's, or null.

    https://docs.slack.dev/reference/methods/auth.test
    """
    team_id = str(answer.get("team_id") or "")
    enterprise_id = str(answer.get("enterprise_id") or (team_id if team_id.startswith("E") else ""))
    is_org = bool(enterprise_id) and (answer.get("is_enterprise_install") is True or team_id == enterprise_id)
    installation = enterprise_id if is_org else team_id
    if not installation or not answer.get("user_id"):
        raise SlackSilent(code="incomplete_identity")
    return BotIdentity(
        team_id=installation,
        user_id=str(answer["user_id"]),
        bot_id=str(answer.get("bot_id") or ""),
        name=str(answer.get("user") or "applivery"),
        scopes=scopes,
        team=str(answer.get("team") or ""),
        enterprise_id=enterprise_id,
        is_org_install=is_org,
    )


class SlackClient:
    """All requests of this bot to Slack's Web API.

    Posts never use the SDK's own retries, which repeat a request even if its connection broke after Slack had stored
    the message. All other requests do.
    """

    def __init__(
        self,
        *,
        token: str,
        base_url: str,
        session: aiohttp.ClientSession,
        pace: float = 1.0,
        refused: RefusedBlocks | None = None,
        group_homes: GroupHomes | None = None,
        app_name: str = "Applivery",
        installation: str = "",
    ) -> None:
        self._app_name = app_name
        self._session = session
        self._pace = pace
        self._free_at: dict[str, float] = {}
        self.moved: Mapping[str, str] = {}  # current ids of channels, by former ids
        self._identity: BotIdentity | None = None
        self._fallbacks = FallbackSender(memory=refused)
        self._work_objects = WorkObjectSupport(refused)
        self._identity_at = 0.0
        self.identities = Identities()
        self.api = WebAPI(token=token, base_url=base_url, session=session)
        self.lookup = MessageLookup(self.api)
        self._installation = installation
        self._once = WebAPI(token=token, base_url=base_url, session=session, once=True, beside=self.api)
        self.workspaces = Workspaces(self.api, self._home, group_homes)

    @property
    def clock(self) -> SlackClock:
        """The estimate of Slack's clock."""
        return self.api.clock

    # -------------------------------------------------------------- writing

    async def post(
        self,
        channel: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        key: str | None = None,
        before: float | None = None,
    ) -> MessageRef:
        """Post once, rate-limited per channel; a user id as `channel` reaches that user's direct messages.

        Parts that Slack refuses are left out (see `FallbackSender`). `key` marks the message so that it can be found
        again; after `before`, a time.monotonic(), no request is made any more (SlackRateLimited). Raises
        SlackRateLimited (nothing was posted), ChannelUnavailable, MessageRejected, SlackInvalidCredentials, or
        DeliveryUnknown if the message may have been stored.
        """
        channel = self._present(channel)
        about: dict[str, Any] = {"channel": self.identities.given(channel)}
        if key:
            mark = {"key": key, **({"installation": self._installation} if self._installation else {})}
            about["metadata"] = {"event_type": METADATA_EVENT, "event_payload": mark}
        if thread_ts:
            about["thread_ts"] = thread_ts
        for attempt in await self._fallbacks.forms(message):
            async with attempt as form:
                await self._wait_for_channel(channel, before)
                began = time.monotonic()
                answer = await self._once.api_call("chat.postMessage", json={**form.payload(), **about})
                if not answer.get("ts"):
                    raise DeliveryUnknown(code="incomplete_message")
                self.clock.read_stamp(str(answer["ts"]), began)
                return MessageRef(str(answer.get("channel") or channel), str(answer["ts"]))
        raise AssertionError("an attempt that is not refused returns or raises")

    def _present(self, channel: str) -> str:
        """Return the current id of a channel. https://docs.slack.dev/reference/events/channel_id_changed"""
        return self.moved.get(channel, channel)

    async def _wait_for_channel(self, channel: str, before: float | None) -> None:
        """Wait until this channel may get its next message: Slack allows about one a second.

        https://docs.slack.dev/apis/web-api/rate-limits
        """
        now = time.monotonic()
        turn = max(now, self._free_at.get(channel, 0.0))
        if person_waits():
            before = min(now + PERSON_SECONDS, before or math.inf)
        if not math.isinf(left := time_left()):
            before = min(now + left, before or math.inf)
        if before is not None and turn >= before:
            raise SlackRateLimited(retry_after=turn - now)
        if len(self._free_at) > 1000:
            self._free_at = {key: free for key, free in self._free_at.items() if free > now}
        self._free_at[channel] = turn + self._pace
        if turn > now:
            await asyncio.sleep(turn - now)

    async def edit(self, channel: str, ts: str, message: Message, *, before: float | None = None) -> None:
        """Replace one of our own messages; not after `before` (time.monotonic()). Raises as `post` does.

        Nothing is retried: a late retry would overwrite newer text.
        """
        if before is not None and time.monotonic() >= before:
            raise SlackRateLimited(retry_after=0.0)

        async def update(form: Message) -> None:
            where = {"channel": self._present(channel), "ts": ts}
            await self._once.api_call("chat.update", json={**where, **form.payload()})

        await self._fallbacks.send(message, update)

    async def permalink(self, message: MessageRef) -> str | None:
        """Return the address of a message; None if Slack does not answer soon, since it is only a shortcut.

        https://docs.slack.dev/reference/methods/chat.getPermalink
        """
        try:
            async with asyncio.timeout(PERMALINK_SECONDS):
                about = {"channel": message.channel, "message_ts": message.ts}
                answer = await self._once.api_call("chat.getPermalink", params=about, http_verb="GET")
        except (SlackError, TimeoutError) as error:
            log.info("slack.no_permalink", problem=kind_of(error))
            return None
        found = answer.get("permalink")
        return found if isinstance(found, str) and found.startswith("https://") else None

    async def delete(self, channel: str, ts: str) -> None:
        """Delete one of our own messages. Raises as `post` does."""
        await call_api(self.api.chat_delete(channel=await self._conversation(channel), ts=ts))

    async def respond(self, url: str, message: Message, *, replace: bool = False, thread_ts: str | None = None) -> None:
        """Answer through a response_url, visible to the user alone, in a thread if one is named.

        `replace` replaces the clicked message. Raises SlackError when the address was used too often or is too old.
        https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
        """

        async def respond(form: Message) -> None:
            body = {**form.payload(), "response_type": "ephemeral", "replace_original": replace}
            body |= {"thread_ts": thread_ts} if thread_ts else {}
            answer = await call_api(self._send_response(url, _encode(body)))
            if answer.status == 429:
                raise SlackRateLimited(retry_after=retry_after(find_header(answer.headers), otherwise=1.0))
            if answer.status != 200:
                raise response_error(answer.status, await answer.text())

        await self._fallbacks.send(message, respond)

    async def _send_response(self, url: str, body: bytes) -> aiohttp.ClientResponse:
        """Send a response, and again after a short rate limit: Slack has not accepted the first one then."""
        async with asyncio.timeout(call_limit()):
            answer = await self._send_once(url, body)
            wait = retry_after(find_header(answer.headers), otherwise=1.0)
            if answer.status != 429 or wait > longest_wait():
                return answer
            await asyncio.sleep(wait)
            return await self._send_once(url, body)

    async def _send_once(self, url: str, body: bytes) -> aiohttp.ClientResponse:
        async with self._session.post(url, data=body, headers=JSON) as answer:
            await answer.read()
            return answer

    async def post_ephemeral(self, channel: str, user: str, message: Message, *, thread_ts: str | None = None) -> None:
        """Post a message in a channel or thread that only one of its members sees.

        Slack documents no unfurl flags for this method and ignores unknown arguments. So they are sent, but never a
        secret.
        https://docs.slack.dev/reference/methods/chat.postEphemeral
        """
        where = {"channel": self._present(channel), "user": self.identities.given(user)}
        where |= {"thread_ts": thread_ts} if thread_ts else {}

        async def post(form: Message) -> None:
            await self._once.api_call("chat.postEphemeral", json={**where, **form.payload()})

        await self._fallbacks.send(message, post)

    async def unfurl(
        self, channel: str, ts: str, cards: Mapping[str, Message], entities: Sequence[EntityMetadata] = ()
    ) -> None:
        """Show a card below each of these links in a user's message, as Work Objects if the app has these.

        Slack shows the blocks if it can't show the entity of the same link. A refusal of entities is remembered for a
        day. A repeated call updates the card. Raises SlackError. https://docs.slack.dev/reference/methods/chat.unfurl
        """
        unfurls = {url: {"blocks": card.payload()["blocks"]} for url, card in cards.items()}
        request: dict[str, Any] = {"channel": self._present(channel), "ts": ts, "unfurls": unfurls}
        if entities and not await self._work_objects.is_refused():
            metadata = {"entities": [entity.to_dict() for entity in entities]}
            try:
                answer = await self.api.api_call("chat.unfurl", json={**request, "metadata": metadata})
            except SlackError as error:
                if error.code not in ENTITIES_REFUSED:
                    raise
                await self._work_objects.refuse(error.code)
            else:
                if (warned := str(answer.get("warning") or "")) in ENTITIES_REFUSED:
                    await self._work_objects.refuse(warned)
                return
        await self.api.api_call("chat.unfurl", json=request)

    async def present_details(
        self, trigger_id: str, entity: EntityMetadata | None, error: Mapping[str, Any] | None = None
    ) -> None:
        """Show a user the details of a card that they opened, or why they can't be shown. Raises SlackError.

        https://docs.slack.dev/reference/methods/entity.presentDetails
        """
        shown = {"metadata": entity.to_dict()} if entity else {"error": dict(error or {})}
        await self.api.api_call("entity.presentDetails", json={"trigger_id": trigger_id, **shown})

    async def upload_file(self, below: MessageRef, file: FileAttachment) -> None:
        """Put a file into the thread of a message.

        https://docs.slack.dev/reference/methods/files.completeUploadExternal
        """
        await call_api(
            self.api.files_upload_v2(
                filename=file.name, content=file.content, channel=below.channel, thread_ts=below.ts
            )
        )

    async def file_facts(self, file_id: str) -> dict[str, Any]:
        """Return Slack's record of a file. https://docs.slack.dev/reference/methods/files.info"""
        answer = await call_api(self.api.files_info(file=file_id))
        return dict(answer.get("file") or {})

    async def open_modal(self, trigger_id: str, form: Modal) -> None:
        """Open a modal. Raises SlackError, also when the trigger is older than the 3 seconds for which it is valid."""
        await self._once.api_call("views.open", json={"trigger_id": trigger_id, "view": form.view()})

    async def publish_home(self, user: str, home: HomeView, *, known: str | None = None) -> None:
        """Publish a user's Home tab; `known` is the hash of the one that it replaces, if known.

        Raises SlackError, with the code `hash_conflict` if the tab has been published again in the meantime.
        https://docs.slack.dev/reference/methods/views.publish
        """
        about = {"user_id": self.identities.given(user), "view": home.view(), **({"hash": known} if known else {})}
        await call_api(self.api.api_call("views.publish", json=about))

    # -------------------------------------------------------------- reading

    async def identity(self, *, younger_than: float = float("inf")) -> BotIdentity:
        """Return the bot's identity, cached for `younger_than` seconds (None: for ever). Raises SlackError."""
        refused = math.isfinite(younger_than) and self.standing.code
        if self._identity is None or refused or time.monotonic() - self._identity_at > younger_than:
            answer = await call_api(self.api.auth_test())
            self._identity = read_identity(answer, granted_scopes(answer.headers))
            self._identity_at = time.monotonic()
        return self._identity

    async def _home(self) -> tuple[str, bool]:
        found = await self.identity()
        return found.team_id, found.is_org_install

    @property
    def standing(self) -> TokenStanding:
        """Whether Slack accepts our token."""
        return self.api.standing

    async def is_token_accepted(self) -> bool:
        """Return whether Slack accepts our token, as far as known; while it does not, ask again now and then."""
        if self.standing.code and self.standing.may_ask:
            with suppress(SlackError):
                await call_api(self.api.auth_test())
        return not self.standing.code

    @property
    def identity_age(self) -> float:
        """The age of the identity in seconds; infinite if it is unknown."""
        return time.monotonic() - self._identity_at if self._identity else float("inf")

    async def bot_name(self) -> str:
        """Return what people type after the @ to invite the bot; the app's name while Slack does not answer."""
        try:
            return (await self.identity()).name
        except SlackError:
            return self._app_name

    async def granted_scopes(self) -> frozenset[str] | None:
        """Return the scopes of our token; None if Slack did not send them. Raises SlackError."""
        return (await self.identity()).scopes

    async def require_scope(self, scope: str) -> None:
        """Raise FeatureOff if this optional scope is known not to be granted.

        A missing scope is looked up again: a reinstallation can add scopes to the same token.
        """
        for age in (math.inf, SCOPES_SECONDS):
            try:
                given = (await self.identity(younger_than=age)).scopes
            except SlackError:
                return
            if given is None or scope in given:
                return
        if off := feature_off([scope]):
            raise off

    async def app_id(self) -> str | None:
        """Return the id of our app, as in the addresses of its settings; None while Slack does not answer.

        https://docs.slack.dev/reference/methods/bots.info
        """
        try:
            own = await self.identity()
            team_id = next(iter(await self.workspaces.ids()), None)
            answer = await call_api(self.api.bots_info(bot=own.bot_id, team_id=team_id))
        except SlackError:
            return None
        found = (answer.get("bot") or {}).get("app_id")
        return found if isinstance(found, str) and found.startswith("A") and found.isalnum() else None

    async def find_messages(
        self, channel: str, keys: Collection[str], periods: Sequence[SearchPeriod], *, thread_ts: str | None = None
    ) -> dict[str, str]:
        """Return the ts of each message with one of these keys that this installation posted in these periods.

        The periods are by Slack's clock. Raises SlackRateLimited; the same call then continues where this one ended.
        https://docs.slack.dev/reference/methods/conversations.history (needs the history scopes); with `thread_ts`,
        https://docs.slack.dev/reference/methods/conversations.replies
        """
        where = await self._conversation(channel)
        return await self.lookup.find(where, keys, periods, await self._author(), thread_ts=thread_ts)

    async def find_copies(self, channel: str, key: str, periods: Sequence[SearchPeriod]) -> frozenset[str]:
        """Return the ts of all messages with this key, not only of the first. Raises SlackError."""
        return await self.lookup.find_all(await self._conversation(channel), key, periods, await self._author())

    async def _author(self) -> Author:
        us = await self.identity()
        return Author(us.user_id, us.bot_id, self._installation)

    async def _conversation(self, channel: str) -> str:
        """Return a channel's id; for a user id, which only posts accept, the id of the direct message channel.

        https://docs.slack.dev/reference/methods/conversations.open
        """
        if not is_person(channel):
            return self._present(channel)
        answer = await call_api(self.api.conversations_open(users=self.identities.given(channel)))
        return str((answer.get("channel") or {}).get("id") or channel)

    async def channel(self, channel_id: str) -> ChannelInfo:
        """Return a channel as Slack describes it.

        Raises ChannelUnavailable if the bot cannot see it (a private one that the bot is not in), and SlackSilent for
        the record of another channel.

        https://docs.slack.dev/reference/objects/conversation-object
        """
        channel_id = self._present(channel_id)
        try:
            answer = await call_api(self.api.conversations_info(channel=channel_id))
        except SlackError as error:
            if error.code != "missing_scope" or not channel_id.startswith("D"):
                raise
            # describes our own direct messages without the scope im:read:
            # https://docs.slack.dev/reference/methods/conversations.open
            answer = await call_api(self.api.conversations_open(channel=channel_id, return_im=True))
        facts = answer.get("channel")
        if not isinstance(facts, dict) or facts.get("id") != channel_id:
            raise SlackSilent(code="incomplete_channel")
        direct = facts.get("is_im") is True and channel_id.startswith("D")
        return ChannelInfo(
            id=channel_id,
            name=str(facts.get("name") or ""),
            is_member=True if direct else read_boolean(facts.get("is_member")),
            is_archived=bool(facts.get("is_archived")),
            is_shared=_is_shared(facts, direct=direct),
            is_private=facts.get("is_private") is not False or bool(facts.get("is_mpim") or facts.get("is_im")),
        )

    async def groups(self) -> list[UserGroup]:
        """Return the user groups of every workspace of the installation, without the disabled ones.

        https://docs.slack.dev/reference/methods/usergroups.list
        """

        async def ask(team_id: str) -> list[UserGroup]:
            answer = await call_api(self.api.usergroups_list(team_id=team_id))
            listed = read_list(answer, "usergroups")
            return [UserGroup(str(item["id"]), str(item.get("handle") or "")) for item in listed]

        # an organisation's own groups are in each of its workspaces
        found = {group.id: group async for groups in self.workspaces.each(ask) for group in groups}
        return list(found.values())

    async def own_channels(self) -> dict[str, list[str]]:
        """Return the ids of the channels that the bot is in, without archived ones, by lower-case name.

        https://docs.slack.dev/reference/methods/users.conversations
        """
        found: dict[str, list[str]] = {}

        async def ask(team_id: str) -> None:
            def fetch(cursor: str | None) -> Awaitable[Any]:
                kinds = ("public_channel", "private_channel")
                return call_api(
                    self.api.users_conversations(
                        cursor=cursor, types=kinds, exclude_archived=True, limit=200, team_id=team_id
                    )
                )

            async for page in iterate_pages(fetch, "channels"):
                for item in page:
                    ids = found.setdefault(str(item.get("name") or "").casefold(), [])
                    ids.extend({str(item["id"])} - set(ids))

        async for _ in self.workspaces.each(ask):
            pass
        return found

    async def members(self, channel_id: str) -> list[str]:
        """Return the people (and bots) in a channel. https://docs.slack.dev/reference/methods/conversations.members"""

        def fetch(cursor: str | None) -> Awaitable[Any]:
            return call_api(
                self.api.conversations_members(channel=self._present(channel_id), limit=1000, cursor=cursor)
            )

        return [str(item) async for page in iterate_pages(fetch, "members") for item in page]

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        """Return whether a user is in a channel, by any of their ids. Raises as `members` does."""
        return not set(self.identities.all(user_id)).isdisjoint(await self.members(channel_id))

    async def group_members(self, group_id: str) -> frozenset[str]:
        """Return the people of a user group. https://docs.slack.dev/reference/methods/usergroups.users.list"""

        async def ask(team_id: str) -> frozenset[str]:
            answer = await call_api(self.api.usergroups_users_list(usergroup=group_id, team_id=team_id))
            return frozenset(str(item) for item in read_list(answer, "users"))

        return await self.workspaces.of_group(group_id, ask)

    async def workspace_admins(self) -> list[str]:
        """Return some admins and owners of the workspace.

        For an organisation, some of its own in the workspace of the request, or in the first that has any: an
        organisation can have hundreds of workspaces. https://docs.slack.dev/reference/methods/users.list
        """
        us = await self.identity()
        home = Home(us.team_id, us.enterprise_id)

        async def ask(team_id: str) -> list[str]:
            found: list[str] = []
            cursor: str | None = ""
            while cursor is not None and len(found) < ADMINS:
                answer = await call_api(self.api.users_list(limit=1000, cursor=cursor or None, team_id=team_id))
                people = [item for item in read_list(answer, "members") if not item.get("deleted")]
                found += [str(item["id"]) for item in people if is_admin(item, home)]
                cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "") or None
            return found

        async for admins in self.workspaces.each(ask):
            if admins:
                return admins
        return []

    async def user_by_email(self, email: str) -> str | None:
        """Return the id of the user with this email address; None if there is none.

        https://docs.slack.dev/reference/methods/users.lookupByEmail
        """
        try:
            answer = await call_api(self.api.users_lookupByEmail(email=email))
        except SlackError as problem:
            if problem.code == "users_not_found":
                return None
            raise
        facts = answer.get("user")
        user_id = facts.get("id") if isinstance(facts, dict) else None
        return user_id if isinstance(user_id, str) else None

    async def user(self, user_id: str) -> dict[str, Any]:
        """Return Slack's own record of a user. https://docs.slack.dev/reference/methods/users.info"""
        answer = await call_api(self.api.users_info(user=self.identities.given(user_id), include_locale=True))
        facts = answer.get("user")
        return facts if isinstance(facts, dict) else {}


def _encode(body: dict[str, Any]) -> bytes:
    """Return JSON in which a lone surrogate, which a name in Slack may contain, is escaped."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def _is_shared(facts: dict[str, Any], *, direct: bool) -> bool | None:
    """Return whether a channel is shared with another organisation, or about to be; None if Slack does not say.

    New members can read earlier messages, so a pending share counts.
    https://docs.slack.dev/reference/objects/conversation-object
    """
    if read_boolean(facts.get("is_pending_ext_shared")):
        return True
    return read_boolean(
        facts.get("is_ext_shared", False if direct else None)
    )  # Slack sends none of these fields for direct messages
