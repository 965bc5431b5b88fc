"""views.*: modals and Home. https://docs.slack.dev/reference/methods/views.open"""

from __future__ import annotations

from typing import Any

from sandbox.slack.server_state import Answer, ApiState, CallArguments, method
from sandbox.slack.validation import SlackApiError, walk
from sandbox.slack.view import FakeView


def _payload(desk: ApiState, args: CallArguments) -> Any:
    payload = args.data("view", "invalid_arguments")
    if payload is None:
        raise SlackApiError("invalid_arguments", ["missing required field: view [json-pointer:/view]"])
    asks = [block.get("element") or {} for block in walk(payload.get("blocks"))] if isinstance(payload, dict) else []
    if any(element.get("type") == "file_input" for element in asks if isinstance(element, dict)):
        # https://docs.slack.dev/reference/block-kit/block-elements/file-input-element
        desk.need("files:read")
    return payload


def _shown(desk: ApiState, view: FakeView) -> Answer:
    return {"view": view.wire(**desk.identity, bot_id=desk.workspace.bot_id)}


@method("views.open")
def open_view(desk: ApiState, args: CallArguments) -> Answer:
    """Open a modal with a fresh trigger_id."""
    payload = _payload(desk, args)
    trigger = args.text("trigger_id") or args.text("interactivity_pointer")
    return _shown(desk, desk.modals.open(trigger, payload))


@method("views.push")
def push(desk: ApiState, args: CallArguments) -> Answer:
    """Put a modal on top of the one the trigger_id comes from."""
    payload = _payload(desk, args)
    trigger = args.text("trigger_id") or args.text("interactivity_pointer")
    return _shown(desk, desk.modals.push(trigger, payload))


@method("views.update")
def update(desk: ApiState, args: CallArguments) -> Answer:
    """Change an open view by its id or external id."""
    payload = _payload(desk, args)
    view_id, external_id = args.text("view_id"), args.text("external_id")
    if bool(view_id) == bool(external_id):
        raise SlackApiError("invalid_arguments", ["exactly one of view_id and external_id is needed"])
    view = desk.modals.update(payload, view_id=view_id, external_id=external_id, hash_=args.text("hash"))
    return _shown(desk, view)


@method("views.publish")
def publish(desk: ApiState, args: CallArguments) -> Answer:
    """Set a user's Home."""
    payload = _payload(desk, args)
    return _shown(desk, desk.modals.publish(args.text("user_id"), payload, args.text("hash")))
