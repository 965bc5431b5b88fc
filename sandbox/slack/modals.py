"""Triggers and the views they open: the stack of modals, Home, hashes and external ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.slack.interaction import Interaction
from sandbox.slack.message_store import with_ids
from sandbox.slack.validation import SlackApiError, check_view
from sandbox.slack.view import FakeView
from sandbox.slack.workspace import SlackWorkspace

TRIGGER_LIFE = 3.0
STACK_LIMIT = 3


@dataclass
class ViewTrigger:
    """A ticket to show one person one view; `view` is the modal it was given in, if any."""

    id: str
    user: str
    born: float
    turn: Interaction
    view: FakeView | None = None
    used: bool = False


class ViewStore:
    """All views. `trigger_errors` are the names for too late and used twice.

    The guide says trigger_expired and trigger_exchanged, apps have also seen expired_trigger_id and
    exchanged_trigger_id: https://docs.slack.dev/interactivity/handling-user-interaction
    """

    trigger_errors = ("trigger_expired", "trigger_exchanged")

    def __init__(self, workspace: SlackWorkspace) -> None:
        self.workspace = workspace
        self.views: dict[str, FakeView] = {}
        self.homes: dict[str, FakeView] = {}
        self.triggers: dict[str, ViewTrigger] = {}
        self.trigger_life = TRIGGER_LIFE

    # ------------------------------------------------------------------ triggers

    def trigger(self, turn: Interaction, view: FakeView | None = None) -> str:
        """A fresh trigger_id for what this person just did."""
        word = f"{self.workspace.new_word(12)}.{self.workspace.new_word(12)}.{self.workspace.new_word(32)}"
        self.triggers[word] = ViewTrigger(word, turn.user, self.workspace.clock(), turn, view)
        return word

    def exchange(self, trigger_id: Any) -> ViewTrigger:
        """Spend a trigger; raises SlackApiError when it is unknown, too old or spent."""
        trigger = self.triggers.get(str(trigger_id))
        if trigger is None:
            raise SlackApiError("invalid_trigger_id" if trigger_id else "invalid_arguments")
        if self.workspace.clock() - trigger.born > self.trigger_life:
            raise SlackApiError(self.trigger_errors[0])
        if trigger.used:
            raise SlackApiError(self.trigger_errors[1])
        trigger.used = True
        return trigger

    # ------------------------------------------------------------------ what views.* do

    def open(self, trigger_id: Any, payload: Any) -> FakeView:
        """Open a modal at the bottom of a new stack."""
        check_view(payload)
        self._external_id_is_free(payload)
        trigger = self.exchange(trigger_id)
        return self._show("view_opened", self._new(trigger.user, payload), trigger.turn)

    def push(self, trigger_id: Any, payload: Any) -> FakeView:
        """Put a modal on top of the one the trigger was given in."""
        check_view(payload)
        self._external_id_is_free(payload)
        trigger = self.exchange(trigger_id)
        if trigger.view is None:
            raise SlackApiError("invalid_arguments", ["push needs a trigger_id from within a modal"])
        return self.push_on(trigger.view, payload, trigger.turn)

    def push_on(self, below: FakeView, payload: dict[str, Any], turn: Interaction) -> FakeView:
        """Put a modal on top of `below`; raises SlackApiError when there are three already."""
        if len(self.stack(below)) >= STACK_LIMIT:
            raise SlackApiError("push_limit_reached")
        view = self._new(below.user, payload)
        view.root_view_id, view.previous_view_id = below.root_view_id, below.id
        return self._show("view_pushed", view, turn)

    def update(self, payload: Any, *, view_id: Any = None, external_id: Any = None, hash_: Any = None) -> FakeView:
        """Give an open view new content; raises SlackApiError not_found, hash_conflict."""
        view = self._find(view_id, external_id)
        check_view(payload, home=view.type == "home")
        if hash_ and hash_ != view.hash:
            raise SlackApiError("hash_conflict")
        if payload.get("external_id") != view.external_id:
            self._external_id_is_free(payload)
        return self.replace(view, payload, view.turn)

    def replace(self, view: FakeView, payload: dict[str, Any], turn: Interaction | None) -> FakeView:
        """Change a view in place; what was typed into inputs that are still there stays."""
        view.history.append(view.payload)
        view.payload, view.hash = self._with_ids(payload), self._hash()
        there = {(block, part["action_id"]) for block, part in view.elements()}
        view.values = {
            block: kept
            for block, typed in view.values.items()
            if (kept := {action: value for action, value in typed.items() if (block, action) in there})
        }
        view.errors = {}
        return self._show("view_updated", view, turn)

    def publish(self, user_id: Any, payload: Any, hash_: Any = None) -> FakeView:
        """Set somebody's Home, without any trigger; raises SlackApiError.

        A hash that is not that of the Home there now is a conflict.
        https://docs.slack.dev/reference/methods/views.publish#errors
        """
        person = self.workspace.person(user_id)
        if person is None:
            raise SlackApiError("user_not_found" if user_id else "invalid_arguments")
        user_id = person.id
        check_view(payload, home=True)
        if not self.workspace.home_enabled:
            raise SlackApiError("not_enabled")
        known = self.homes.get(user_id)
        if known is None:
            known = self.homes[user_id] = self._new(user_id, payload)
            return self._show("home", known, None)
        if hash_ and hash_ != known.hash:
            raise SlackApiError("hash_conflict")
        return self.replace(known, payload, known.turn)

    # ------------------------------------------------------------------ the stack

    def stack(self, view: FakeView) -> list[FakeView]:
        """The open views of this stack, the bottom one first."""
        return [each for each in self.views.values() if each.root_view_id == view.root_view_id and not each.closed]

    def close(self, view: FakeView, *, all_of_it: bool = False) -> None:
        """Close a view, and all it stands on when asked."""
        for each in self.stack(view) if all_of_it else [view]:
            each.closed = True
        self.workspace.changed("view_closed", {"view": view.id, "user": view.user})

    def top(self, user_id: str) -> FakeView | None:
        """The modal this person has before them, or None."""
        mine = [
            each for each in self.views.values() if each.user == user_id and not each.closed and each.type == "modal"
        ]
        return mine[-1] if mine else None

    # ------------------------------------------------------------------ within

    def _find(self, view_id: Any, external_id: Any) -> FakeView:
        for view in self.views.values():
            if not view.closed and (
                (view_id and view.id == view_id) or (external_id and view.external_id == external_id)
            ):
                return view
        raise SlackApiError("not_found")

    def _external_id_is_free(self, payload: dict[str, Any]) -> None:
        wanted = payload.get("external_id")
        if wanted and any(view.external_id == wanted and not view.closed for view in self.views.values()):
            raise SlackApiError("duplicate_external_id")

    def _new(self, user_id: str, payload: dict[str, Any]) -> FakeView:
        view_id = self.workspace.new_id("V")
        view = FakeView(view_id, user_id, self._with_ids(payload), self._hash(), view_id)
        self.views[view_id] = view
        return view

    def _with_ids(self, payload: dict[str, Any]) -> dict[str, Any]:
        word: Callable[[int], str] = self.workspace.new_word
        return {**payload, "blocks": with_ids(payload["blocks"], word)}

    def _hash(self) -> str:
        return f"{int(self.workspace.clock())}.{self.workspace.new_word(8)}"

    def _show(self, what: str, view: FakeView, turn: Interaction | None) -> FakeView:
        view.turn = turn
        if turn is not None:
            turn.views.append(view)
        self.workspace.changed(what, {"view": view.id, "user": view.user})
        return view
