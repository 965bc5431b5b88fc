"""What a Web API method works with: the arguments of the call, and the desk with everything the sandbox keeps."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.slack.files import FileStore
from sandbox.slack.message_store import MessageStore
from sandbox.slack.modals import ViewStore
from sandbox.slack.people import FakeChannel
from sandbox.slack.rate_limit import HistoryLimit, PostRateLimit
from sandbox.slack.responses import ResponseUrls
from sandbox.slack.sockets import SocketConnections
from sandbox.slack.validation import SlackApiError
from sandbox.slack.workspace import SlackWorkspace

Answer = dict[str, Any]


class CallArguments:
    """The arguments of one call, whether they came as JSON or as a form."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    def text(self, name: str) -> str | None:
        """A string argument, or None."""
        value = self.given.get(name)
        return None if value is None or value == "" else str(value)

    def needed(self, name: str, error: str | None = None) -> str:
        """A string argument that must be there; raises SlackApiError."""
        value = self.text(name)
        if value is None:
            if error:
                raise SlackApiError(error)
            raise SlackApiError("invalid_arguments", [f"missing required field: {name} [json-pointer:/{name}]"])
        return value

    def flag(self, name: str) -> bool | None:
        """A yes or no, or None when nothing was said."""
        value = self.given.get(name)
        if value is None or value == "":
            return None
        return value in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 1 to `most`; raises SlackApiError invalid_limit."""
        value = self.given.get(name)
        if value in (None, "", 0, "0"):
            return default
        try:
            return min(most, int(str(value)))
        except ValueError:
            raise SlackApiError("invalid_limit") from None

    def data(self, name: str, error: str) -> Any:
        """A nested argument, decoded when it is a JSON string; raises SlackApiError with `error`."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackApiError(error) from None

    def content(self) -> dict[str, Any]:
        """What a message is made of."""
        return {
            "text": self.given.get("text"),
            "blocks": self.data("blocks", "invalid_blocks_format"),
            "attachments": self.data("attachments", "invalid_attachments"),
            "metadata": self.data("metadata", "invalid_metadata_format"),
            "unfurl_links": self.flag("unfurl_links"),
            "unfurl_media": self.flag("unfurl_media"),
        }


class ApiState:
    """Everything a method may look at or change."""

    def __init__(
        self,
        *,
        workspace: SlackWorkspace,
        mailbox: MessageStore,
        modals: ViewStore,
        responses: ResponseUrls,
        files: FileStore,
        sockets: SocketConnections,
        pacing: PostRateLimit,
    ) -> None:
        self.workspace = workspace
        self.mailbox = mailbox
        self.modals = modals
        self.responses = responses
        self.files = files
        self.sockets = sockets
        self.pacing = pacing
        self.history_limit = HistoryLimit(workspace)
        self.base_url = ""
        self.client_msg_ids: set[str] = set()

    @property
    def identity(self) -> dict[str, Any]:
        """Who the bot is, for the wires of messages and views."""
        return {"team_id": self.workspace.team_id, "app_id": self.workspace.app_id}

    def need(self, *scopes: str) -> None:
        """Refuse with missing_scope unless one of these is granted; all that would do are named, parted by commas."""
        if not self.workspace.scopes.intersection(scopes):
            provided = ",".join(sorted(self.workspace.scopes))
            raise SlackApiError("missing_scope", needed=",".join(scopes), provided=provided)

    def in_it(self, channel: FakeChannel) -> bool:
        """Whether the bot is a member."""
        return self.workspace.bot_user_id in channel.members

    def see(self, name: str | None) -> FakeChannel:
        """The channel with this id, as far as the bot may know of it; raises SlackApiError channel_not_found."""
        channel = self.workspace.channels.get(name or "")
        if channel is None or ((channel.private or channel.is_im) and not self.in_it(channel)):
            raise SlackApiError("channel_not_found")
        self._admit(channel)
        return channel

    def post_to(self, name: str) -> FakeChannel:
        """The channel a message goes to: an id, a public channel's name or a user's id (opens the direct message)."""
        workspace = self.workspace
        person = workspace.person(name)
        if name == workspace.slackbot.id or (person and person.bot):
            raise SlackApiError("cannot_dm_bot")
        if person:
            return workspace.dm(person)
        plain = name.removeprefix("#")
        by_name = next((each for each in workspace.channels.values() if each.name == plain and not each.is_im), None)
        channel = workspace.channels.get(name) or by_name
        if channel is None or (channel.private and not self.in_it(channel)):
            raise SlackApiError("channel_not_found")
        self._admit(channel)
        if channel.archived:
            raise SlackApiError("is_archived")
        if not self.in_it(channel) and "chat:write.public" not in workspace.scopes:
            raise SlackApiError("not_in_channel")
        if channel.refusal:
            raise SlackApiError(channel.refusal)
        return channel

    def _admit(self, channel: FakeChannel) -> None:
        """Refuse a channel of a workspace that an organisation's app is not in."""
        installed, team_id = self.workspace.org_install, channel.team_id or self.workspace.team_id
        if installed and not channel.is_im and team_id not in (installed.added_to or ()):
            raise SlackApiError("team_access_not_granted")


def page(
    args: CallArguments, things: Sequence[Any], default: int, most: int, held_to: int | None = None
) -> tuple[list[Any], str]:
    """One page of things and the cursor of the next ("" at the end); `held_to` is a limit that no `limit` raises.

    https://docs.slack.dev/apis/web-api/pagination
    """
    start, cursor = 0, args.text("cursor")
    if cursor:
        try:
            start = int(base64.b64decode(cursor).decode().removeprefix("next:"))
        except ValueError:
            raise SlackApiError("invalid_cursor") from None
    size = args.number("limit", default, most)
    end = start + (size if held_to is None else min(size, held_to))
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(things) else ""
    return list(things[start:end]), following


@dataclass(frozen=True)
class ApiMethod:
    """One Web API method: what runs, the scopes of which one is needed, and the kind of token it takes."""

    name: str
    run: Callable[[ApiState, CallArguments], Answer]
    scopes: tuple[str, ...] = ()
    token: str = "bot"  # noqa: S105 -- a kind, not a secret


METHODS: dict[str, ApiMethod] = {}


def method(
    name: str,
    *scopes: str,
    token: str = "bot",  # noqa: S107 -- a kind, not a secret
) -> Callable[[Callable[[ApiState, CallArguments], Answer]], Callable[[ApiState, CallArguments], Answer]]:
    """Register a Web API method under its name."""

    def register(run: Callable[[ApiState, CallArguments], Answer]) -> Callable[[ApiState, CallArguments], Answer]:
        METHODS[name] = ApiMethod(name, run, scopes, token)
        return run

    return register
