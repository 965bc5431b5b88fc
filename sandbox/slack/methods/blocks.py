"""blocks.validate: whether Slack would take blocks, a message or a view; stores nothing.

https://docs.slack.dev/reference/methods/blocks.validate
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.slack.server_state import Answer, ApiState, CallArguments, method
from sandbox.slack.validation import SlackApiError, block_faults, check_blocks, check_view, walk
from sandbox.slack.validation.schema import ValidationErrors

KINDS = ("blocks", "view", "message")
ONE_OF_THEM = "must provide exactly one of `blocks`, `view`, or `message`"


# It takes no token and needs no scope: https://github.com/slackapi/node-slack-sdk/pull/2659
@method("blocks.validate", token="none")  # noqa: S106 -- a kind, not a secret
def validate(desk: ApiState, args: CallArguments) -> Answer:
    """Say whether it is valid; an answer that is not names each fault with its JSON pointer."""
    given = [kind for kind in KINDS if args.text(kind) is not None]
    if len(given) != 1:
        raise SlackApiError("invalid_arguments", response_metadata={"messages": [ONE_OF_THEM]})
    [kind] = given
    payload = args.data(kind, "invalid_arguments")
    faults = _faults(kind, payload) + _unsupported(desk, kind, payload)
    if faults:
        raise SlackApiError(f"invalid_{kind}", errors=faults)
    return {}


def _faults(kind: str, payload: Any) -> list[Answer]:
    try:
        if kind == "view":
            check_view(payload, home=isinstance(payload, dict) and payload.get("type") == "home")
        elif kind == "message":
            _check_message(payload)
        else:
            check_blocks(payload)
    except SlackApiError as refused:
        return [_fault(each, kind) for each in refused.messages or [f"{refused.error} [json-pointer:]"]]
    return []


def _check_message(payload: Any) -> None:
    """Take blocks and attachments alone: `text` is refused, as the live method does (the same pull request)."""
    found = ValidationErrors()
    if not isinstance(payload, dict):
        found.add("must provide an object", "")
        raise SlackApiError("invalid_message", found.said)
    for name in payload.keys() - {"blocks", "attachments"}:
        found.add(f"invalid additional property: {name}", "")
    for index, attachment in enumerate(payload.get("attachments") or []):
        if isinstance(attachment, dict) and "blocks" in attachment:
            found.said += block_faults(attachment["blocks"], "message", f"/attachments/{index}/blocks").said
    if found:
        raise SlackApiError("invalid_message", found.said)
    check_blocks(payload.get("blocks", []))


def _unsupported(desk: ApiState, kind: str, payload: Any) -> list[Answer]:
    found = payload if kind == "blocks" else payload.get("blocks") if isinstance(payload, dict) else None
    blocks = [str(block.get("type")) for block in walk(found)]
    at = "" if kind == "blocks" else "/blocks"
    return [
        _fault(f"unsupported type: {name} [json-pointer:{at}/{index}/type]", "message")
        for index, name in enumerate(blocks)
        if name in desk.workspace.unsupported_blocks
    ]


def _fault(said: str, kind: str) -> Answer:
    words, _, at = said.removesuffix("]").rpartition(" [json-pointer:")
    own = {"blocks": "/blocks", "view": "/view"}.get(kind, "")
    return {"code": "failed_constraint", "message": words, "pointer": re.sub(f"^{own}", "", at)}
