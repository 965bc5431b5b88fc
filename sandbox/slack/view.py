"""A modal or Home view as the fake Slack keeps it, and how the Web API writes it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.slack.message import elements_of, find_element

if TYPE_CHECKING:
    from sandbox.slack.interaction import Interaction

DEFAULTS: dict[str, Any] = {
    "private_metadata": "",
    "callback_id": "",
    "external_id": "",
    "clear_on_close": False,
    "notify_on_close": False,
    "submit_disabled": False,
    "title": None,
    "close": None,
    "submit": None,
}


@dataclass(eq=False)
class FakeView:
    """One view, alive: updates change it in place; earlier payloads are in `history`. `user` is who sees it (an id).

    `payload` is what the app sent, with ids filled in; `values` what the person has typed so far.
    """

    id: str
    user: str
    payload: dict[str, Any]
    hash: str
    root_view_id: str
    previous_view_id: str | None = None
    closed: bool = False
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    turn: Interaction | None = None

    @property
    def type(self) -> str:
        """Either "modal" or "home"."""
        return str(self.payload["type"])

    @property
    def title(self) -> str:
        """The words in the title bar; empty for Home."""
        return str((self.payload.get("title") or {}).get("text", ""))

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """The blocks, with the ids Slack gave to those that had none."""
        blocks: list[dict[str, Any]] = self.payload["blocks"]
        return blocks

    @property
    def callback_id(self) -> str:
        """The app's name for this kind of view."""
        return str(self.payload.get("callback_id") or "")

    @property
    def private_metadata(self) -> str:
        """What the app hid in the view."""
        return str(self.payload.get("private_metadata") or "")

    @property
    def external_id(self) -> str:
        """The app's own id of this view; empty when it gave none."""
        return str(self.payload.get("external_id") or "")

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The same."""
        return self.blocks

    def elements(self) -> list[tuple[str, dict[str, Any]]]:
        """Every interactive element with the id of its block."""
        return elements_of(self.blocks)

    def element(self, action_id: str) -> dict[str, Any]:
        """The element with this action_id; KeyError names those there are."""
        return find_element(self.blocks, action_id)[1]

    def wire(self, *, team_id: str, app_id: str, bot_id: str, state: dict[str, Any] | None = None) -> dict[str, Any]:
        """The view object of views.* answers and of interactions."""
        return {
            **copy.deepcopy(DEFAULTS | self.payload),
            "id": self.id,
            "team_id": team_id,
            "app_id": app_id,
            "app_installed_team_id": team_id,
            "bot_id": bot_id,
            "hash": self.hash,
            "root_view_id": self.root_view_id,
            "previous_view_id": self.previous_view_id,
            "state": {"values": copy.deepcopy(state or {})},
        }

    def saved(self) -> dict[str, Any]:
        """Everything about it as JSON-able data."""
        names = ("id", "user", "payload", "hash", "root_view_id", "previous_view_id", "closed", "values", "errors")
        return {name: copy.deepcopy(getattr(self, name)) for name in names}
