"""Reply to requests beyond the queue limit: in the acknowledgement if Slack shows it, otherwise by message."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any

from bot.dispatch.modal_submission import ModalSubmission
from bot.dispatch.refusals import RUN
from bot.dispatch.requests import clicked, parse_home_opened, parse_source
from bot.dispatch.responder import Responder
from bot.dispatch.spoken import Spoken, parse_spoken
from bot.domain.audit import Entrypoint
from bot.domain.outcomes import RequestOutcome
from bot.exceptions import Overloaded
from bot.observability.metrics import Metrics
from bot.slack import typed_text
from bot.slack.blocks import Message
from bot.slack.views import errors

PAUSE_SECONDS = 5.0  # between two messages to the same person


def user_id_of(body: dict[str, Any]) -> str:
    """Return the user who sent a request of any kind; empty for one without a user."""
    user = body.get("user") or {}
    event = body.get("event") or {}
    return str(body.get("user_id") or user.get("id") or event.get("user") or "")


def _entrypoint_of(body: dict[str, Any]) -> Entrypoint:
    """Return the entrypoint of a request, as far as the way to answer depends on it."""
    if "command" in body:
        return Entrypoint.COMMAND
    if body.get("type") == "event_callback":
        spoken = parse_spoken(body)
        return (
            spoken.source.entrypoint if spoken else Entrypoint.HOME if parse_home_opened(body) else Entrypoint.UNKNOWN
        )
    return Entrypoint.FORM if body.get("type") == "view_submission" else Entrypoint.BUTTON


def _repeat_action(body: dict[str, Any], command: str) -> tuple[str, str] | None:
    """Return the action and value of a button that repeats the request; None if no button can."""
    if spoken := parse_spoken(body):
        return repeat_of(spoken, command)
    if "command" in body:
        return repeat_of(str(body["text"]), command)
    return next(filter(None, (repeat_of(clicked(action), command) for action in body.get("actions") or [])), None)


def repeat_of(asked: object, command: str) -> tuple[str, str] | None:
    """Return the same for a typed text, a message to the bot, or a clicked button."""
    if isinstance(asked, str | Spoken):
        verb, rest = typed_text.split_command(asked if isinstance(asked, str) else asked.after, command)
        return RUN, f"{verb or 'menu'} {rest}".strip()
    if isinstance(asked, dict) and asked.get("type") == "button" and asked.get("action_id"):
        return str(asked["action_id"]), str(asked.get("value") or "")
    return None


class OverloadResponder:
    """Answer rejected requests, at a negligible cost even if there are many."""

    def __init__(self, responder: Responder, metrics: Metrics, command: str) -> None:
        self._responder = responder
        self._command = command
        self._metrics = metrics
        self._notified_at: dict[str, float] = {}

    async def acknowledgement(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the response for a slash command, or for a form (which stays open); empty for other requests.

        https://docs.slack.dev/interactivity/implementing-slash-commands#responding_immediate_response
        """
        entrypoint = _entrypoint_of(body)
        self._metrics.requests.labels(entrypoint.value, "", RequestOutcome.OVERLOADED).inc()
        if entrypoint is Entrypoint.COMMAND:
            return {**self._answer(body).payload(), "response_type": "ephemeral"}
        form = ModalSubmission(body.get("view") or {})
        if entrypoint is Entrypoint.FORM and form.keep_open(Overloaded(), None):
            return await form.acknowledgement()
        return {}

    def message(self, body: dict[str, Any]) -> Coroutine[Any, Any, None] | None:
        """Return the message for a user who does not see the acknowledgement; None if they got one just now."""
        entrypoint, who, now = _entrypoint_of(body), user_id_of(body), time.monotonic()
        self._notified_at = {key: at for key, at in self._notified_at.items() if at > now - PAUSE_SECONDS}
        if (
            entrypoint in (Entrypoint.COMMAND, Entrypoint.FORM, Entrypoint.UNKNOWN)
            or not who
            or who in self._notified_at
        ):
            return None
        self._notified_at[who] = now
        spoken = parse_spoken(body)
        where = spoken.source if spoken else parse_source(entrypoint, body)
        return self._responder.reply_privately(where, self._answer(body))

    def _answer(self, body: dict[str, Any]) -> Message:
        return errors.problem(Overloaded(), again=_repeat_action(body, self._command))
