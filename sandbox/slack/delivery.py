"""Which way a command, an interaction or an event takes to the app, and what happens when it is not acknowledged."""

from __future__ import annotations

import asyncio
from typing import Any

from sandbox.slack.ack import Acknowledgement
from sandbox.slack.interaction import Interaction
from sandbox.slack.signing import SignedHttp
from sandbox.slack.sockets import SocketConnections
from sandbox.slack.workspace import SlackWorkspace


class PayloadDelivery:
    """Sockets, or signed HTTP once `request_url` is set: then nothing goes over a socket, as with Slack.

    Until `verified`, events are not sent over HTTP: whoever sets the address has it answer a challenge first, by hand.
    https://docs.slack.dev/apis/events-api/using-http-request-urls
    `retry_delays` are the seconds before an event that was not acknowledged is sent again.
    https://docs.slack.dev/apis/events-api#retries
    """

    def __init__(
        self, workspace: SlackWorkspace, sockets: SocketConnections, signed: SignedHttp, ack_seconds: float
    ) -> None:
        self.workspace = workspace
        self.sockets = sockets
        self.signed = signed
        self.ack_seconds = ack_seconds
        self.request_url: str | None = None
        self.verified = False
        self.retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
        self._retrying: set[asyncio.Task[None]] = set()

    def set_request_url(self, url: str | None) -> None:
        """Type another address into the app's settings, which is not verified yet."""
        self.request_url, self.verified = url, False

    async def verify(self) -> bool:
        """Press *Retry* beside the request URL: whether the address answers the challenge."""
        self.verified = bool(self.request_url) and await self.signed.verify(str(self.request_url), self.ack_seconds)
        return self.verified

    async def ask(self, kind: str, payload: dict[str, Any], *, attempt: int = 0, reason: str = "") -> Acknowledgement:
        """Deliver once, of the kind "slash_commands", "interactive" or "events_api"."""
        if self.request_url:
            return await self.signed.ask(
                self.request_url, kind, payload, self.ack_seconds, attempt=attempt, reason=reason
            )
        return await self.sockets.ask(kind, payload, self.ack_seconds, attempt=attempt, reason=reason)

    async def repeat(self, turn: Interaction, *, same_envelope: bool = False) -> Acknowledgement:
        """Deliver what a turn was about once more, although it was acknowledged; the turn stays as it was.

        Over Socket Mode in a new envelope or the same one, both of which have been seen:
        https://github.com/slackapi/bolt-js/issues/2188, https://github.com/slackapi/bolt-js/issues/2487
        """
        sent = [each for each in (*self.sockets.delivered, *self.signed.delivered) if each["payload"] is turn.payload]
        last = sent[-1]
        if self.request_url:
            return await self.ask(last["type"], turn.payload, attempt=1, reason="timeout")
        own = str(last["envelope_id"]) if same_envelope else ""
        return await self.sockets.ask(last["type"], turn.payload, self.ack_seconds, envelope_id=own)

    async def put(self, turn: Interaction, kind: str, payload: dict[str, Any]) -> Interaction:
        """Deliver a person's deed and write the outcome into the turn."""
        turn.payload = payload
        ack = await self.ask(kind, payload)
        note(turn, ack)
        return turn

    async def event(self, turn: Interaction, payload: dict[str, Any], retries: int = 0) -> Interaction:
        """Deliver an event; unacknowledged it is sent again in the background, up to three times.

        `retries` sends it that many times more although it was acknowledged: the ack that got lost on its way back.
        """
        turn.payload = payload
        if self.request_url and not self.verified:
            return turn
        ack = await self.ask("events_api", payload)
        note(turn, ack)
        for attempt in range(1, retries + 1):
            await self.ask("events_api", payload, attempt=attempt, reason="timeout")
        if not ack.ok and ack.retry:
            task = asyncio.create_task(self._again(turn, payload, ack))
            self._retrying.add(task)
            task.add_done_callback(self._retrying.discard)
        return turn

    def tell(self, turn: Interaction, payload: dict[str, Any]) -> None:
        """Deliver an event in the background."""
        task = asyncio.create_task(self._told(turn, payload))
        self._retrying.add(task)
        task.add_done_callback(self._retrying.discard)

    async def _told(self, turn: Interaction, payload: dict[str, Any]) -> None:
        await self.event(turn, payload)
        self.workspace.changed("turn", {"kind": turn.kind})

    async def _again(self, turn: Interaction, payload: dict[str, Any], ack: Acknowledgement) -> None:
        for attempt, delay in enumerate(self.retry_delays, 1):
            await asyncio.sleep(delay)
            ack = await self.ask("events_api", payload, attempt=attempt, reason=ack.reason)
            if ack.ok or not ack.retry:
                break
        note(turn, ack)
        self.workspace.changed("turn", {"kind": turn.kind})

    async def stop(self) -> None:
        """Give up what is still to be sent again."""
        for task in list(self._retrying):
            task.cancel()


def note(turn: Interaction, ack: Acknowledgement) -> None:
    """Write an outcome into a turn."""
    turn.acked, turn.ack_seconds, turn.error = ack.ok, ack.seconds if ack.ok else None, ack.error
    turn.ack_body = ack.body
