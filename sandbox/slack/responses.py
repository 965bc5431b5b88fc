"""The response_url of a command or an interaction: five uses, half an hour, private unless said otherwise."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from sandbox.slack.interaction import Interaction
from sandbox.slack.message import FakeMessage
from sandbox.slack.message_store import MessageStore
from sandbox.slack.validation import SlackApiError
from sandbox.slack.workspace import SlackWorkspace

USES = 5  # https://docs.slack.dev/interactivity/handling-user-interaction#message_responses


@dataclass
class ResponseUrl:
    """One response_url. `message_ts` is the message that was clicked; None after a command or from a form."""

    word: str
    kind: str
    channel: str
    user: str
    born: float
    message_ts: str | None = None
    uses: int = 0


def said_yes(value: Any) -> bool:
    """Slack takes true and "true"."""
    return value is True or value == "true"


class ResponseUrls:
    """All response_urls. `replaces_by_default`: an answer to a click that does not say takes the place of the message.

    The guide and legacy behaviour differ on that default, so the sandbox takes the one that shows a careless answer.
    """

    def __init__(self, workspace: SlackWorkspace, mailbox: MessageStore, life: float) -> None:
        self.workspace = workspace
        self.mailbox = mailbox
        self.life = life
        self.replaces_by_default = True
        self.addresses: dict[str, ResponseUrl] = {}
        self.turns: dict[str, Interaction] = {}
        self.uses: list[tuple[str, dict[str, Any], int]] = []

    def move(self, old: str, new: str) -> None:
        """Let what answers into a channel answer there under its new id."""
        for address in self.addresses.values():
            address.channel = new if address.channel == old else address.channel

    def issue(self, turn: Interaction, channel: str, message: FakeMessage | None = None) -> str:
        """A fresh address; gives its path on this server."""
        word = self.workspace.new_word(24)
        kind = "commands" if turn.kind == "command" else "actions"
        self.addresses[word] = ResponseUrl(
            word, kind, channel, turn.user, self.workspace.clock(), message.ts if message else None
        )
        self.turns[word] = turn
        return f"/response/{kind}/{self.workspace.team_id}/{word}"

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a POST to a response_url."""
        raw = await request.text()
        try:
            body = json.loads(raw)
        except ValueError:
            return self._refuse("", {}, 400, SlackApiError("invalid_payload"))
        word = request.match_info["word"]
        address = self.addresses.get(word)
        if address is None or not isinstance(body, dict):
            return self._refuse(word, {}, 404 if address is None else 400, SlackApiError("invalid_payload"))
        if self.workspace.clock() - address.born > self.life:
            return self._refuse(word, body, 404, SlackApiError("expired_url"))
        if address.uses >= USES:
            return self._refuse(word, body, 404, SlackApiError("used_url"))
        try:
            self.use(address, body)
        except SlackApiError as refused:
            return self._refuse(word, body, 400, refused)
        self.uses.append((word, body, 200))
        return web.Response(text="ok")

    def use(self, address: ResponseUrl, body: dict[str, Any]) -> FakeMessage | None:
        """Do what a body asks for, once; raises SlackApiError."""
        original = self._original(address)
        if said_yes(body.get("delete_original")) and address.message_ts:
            if original is None:
                raise SlackApiError("message_not_found")
            self.mailbox.delete(original)
            message: FakeMessage | None = None
        elif address.message_ts and self._replaces(body):
            if original is None:
                raise SlackApiError("message_not_found")
            if original.bot_id != self.workspace.bot_id:  # what a user wrote is no app's to change
                raise SlackApiError("cant_update_message")
            message = self.mailbox.edit(original, body)
        else:
            message = self._post(address, body)
        address.uses += 1
        self._tell(address, message)
        return message

    def _replaces(self, body: dict[str, Any]) -> bool:
        if "replace_original" in body and body["replace_original"] is not None:
            return said_yes(body["replace_original"])
        return self.replaces_by_default

    def _original(self, address: ResponseUrl) -> FakeMessage | None:
        return self.mailbox.find_any(address.channel, address.message_ts) if address.message_ts else None

    def _post(self, address: ResponseUrl, body: dict[str, Any]) -> FakeMessage:
        kind = body.get("response_type") or "ephemeral"
        if kind not in ("ephemeral", "in_channel"):
            raise SlackApiError("invalid_arguments", ["must be a valid enum value [json-pointer:/response_type]"])
        about = {
            "user": self.workspace.bot_user_id,
            "bot_id": self.workspace.bot_id,
            "ephemeral_to": address.user if kind == "ephemeral" else None,
            "thread_ts": body.get("thread_ts"),
            "source": "response_url",
            "by_command": address.kind == "commands",
        }
        return self.mailbox.post(self.workspace.channels[address.channel], body, **about)

    def _tell(self, address: ResponseUrl, message: FakeMessage | None) -> None:
        turn = self.turns.get(address.word)
        if turn is not None and message is not None:
            turn.answers.append(message)
        self.workspace.changed("response", {"channel": address.channel, "user": address.user})

    def _refuse(self, word: str, body: dict[str, Any], status: int, refused: SlackApiError) -> web.Response:
        self.uses.append((word, body, status))
        return web.json_response(refused.body(), status=status)

    def saved(self) -> list[dict[str, Any]]:
        """The addresses as JSON-able data."""
        return [asdict(address) for address in self.addresses.values()]
