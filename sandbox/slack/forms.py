"""Filling in, sending and closing modals, and doing what the app answers to that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.slack.delivery import PayloadDelivery
from sandbox.slack.elements_state import STATEFUL, complaint, reported, untouched
from sandbox.slack.interaction import Interaction
from sandbox.slack.message import FakeMessage
from sandbox.slack.payloads import PayloadBuilder
from sandbox.slack.people import FakeUser
from sandbox.slack.server_state import ApiState
from sandbox.slack.validation import SlackApiError, check_submission, walk
from sandbox.slack.view import FakeView

State = dict[str, dict[str, Any]]
Suggested = Mapping[str, list[dict[str, Any]]]


class OpenForms:
    """The forms of all people."""

    def __init__(
        self, desk: ApiState, delivery: PayloadDelivery, payloads: PayloadBuilder, base_url: Callable[[], str]
    ) -> None:
        self.desk = desk
        self.delivery = delivery
        self.payloads = payloads
        self._base_url = base_url
        # What each person has chosen in a message: Slack keeps that in the client, not in the message.
        self._in_messages: dict[tuple[str, str, str], State] = {}

    def state(self, where: FakeMessage | FakeView, user: str, typed: State, suggested: Suggested) -> State:
        """The state.values of a message or view once `typed` is put on top; remembered for the next time.

        Raises KeyError when something typed has no input there.
        """
        key = ("", "", "") if isinstance(where, FakeView) else (where.channel, where.ts, user)
        kept = where.values if isinstance(where, FakeView) else self._in_messages.setdefault(key, {})
        elements = {(block, part["action_id"]): part for block, part in where.elements()}
        for block, inputs in typed.items():
            for action, value in inputs.items():
                if (block, action) not in elements:
                    raise KeyError(f"no input {block}/{action} here; there are {sorted(elements)}")
                element = elements[block, action]
                if element["type"] in STATEFUL:
                    kept.setdefault(block, {})[action] = reported(element, value, suggested.get(action, ()))
        return self._values(elements, kept)

    def _values(self, elements: Mapping[tuple[str, str], dict[str, Any]], kept: State) -> State:
        values: State = {}
        for (block, action), element in elements.items():
            if element["type"] in STATEFUL:
                values.setdefault(block, {})[action] = kept.get(block, {}).get(action) or untouched(element)
        return values

    async def submit(
        self, turn: Interaction, view: FakeView, user: FakeUser, typed: State, suggested: Suggested
    ) -> None:
        """Send a form and do what the answer says. Raises ValueError when Slack itself would not send it."""
        values = self.state(view, user.id, typed, suggested)
        inputs = [block for block in walk(view.blocks) if block["type"] == "input"]
        wrong = [complaint(block, values[block["block_id"]][block["element"]["action_id"]]) for block in inputs]
        if any(wrong):
            raise ValueError(f"Slack would not send this form: {'; '.join(filter(None, wrong))}")
        payload = self.payloads.interaction("view_submission", user)
        payload |= {
            "trigger_id": turn.trigger_id,
            "view": self.payloads.view(view, values),
            "response_urls": self._response_urls(turn, inputs, values),
        }
        view.turn = turn
        await self.delivery.put(turn, "interactive", payload)
        if turn.acked:
            self._follow(turn, view, {block["block_id"] for block in inputs})

    def _response_urls(self, turn: Interaction, inputs: list[dict[str, Any]], values: State) -> list[dict[str, str]]:
        urls = []
        for block in inputs:
            element = block["element"]
            report = values[block["block_id"]][element["action_id"]]
            channel = report.get("selected_conversation") or report.get("selected_channel")
            if element.get("response_url_enabled") and channel in self.desk.workspace.channels:
                turn.response_url = self._base_url() + self.desk.responses.issue(turn, channel)
                names = {"block_id": block["block_id"], "action_id": element["action_id"]}
                urls.append({**names, "channel_id": channel, "response_url": turn.response_url})
        return urls

    def _follow(self, turn: Interaction, view: FakeView, inputs: set[str]) -> None:
        body = turn.ack_body if isinstance(turn.ack_body, dict) else {}
        modals = self.desk.modals
        try:
            check_submission(body, inputs)
            action = body.get("response_action")
            if action == "errors":
                view.errors = dict(body["errors"])
                self.desk.workspace.changed("view_errors", {"view": view.id, "user": view.user})
            elif action == "update":
                modals.replace(view, body["view"], turn)
            elif action == "push":
                modals.push_on(view, body["view"], turn)
            else:
                modals.close(view, all_of_it=action == "clear")
        except SlackApiError as refused:
            turn.error = refused.error

    async def close(self, turn: Interaction, view: FakeView, user: FakeUser, *, all_of_it: bool) -> None:
        """Close a view, or its stack; tell the app when the view asked for it."""
        clears = all_of_it or bool(view.payload.get("clear_on_close"))
        values = self.state(view, user.id, {}, {})
        self.desk.modals.close(view, all_of_it=clears)
        turn.acked = True
        if view.payload.get("notify_on_close"):
            payload = self.payloads.interaction("view_closed", user)
            payload |= {"view": self.payloads.view(view, values), "is_cleared": clears}
            await self.delivery.put(turn, "interactive", payload)
