"""The rules of whole messages, views and answers to menus: counts, ids, metadata, and which error Slack calls them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.slack.validation.blocks import SURFACES
from sandbox.slack.validation.objects import IDENTIFIER, OPTION, OPTION_GROUP, plain
from sandbox.slack.validation.schema import (
    ObjectSchema,
    Rule,
    ValidationErrors,
    boolean,
    items,
    key,
    one_of,
    small,
    text,
    together,
    unique,
)

TEXT_LIMIT = 40_000
MARKDOWN_LIMIT = 12_000
METADATA_LIMIT = 16_384  # Slack documents that there is a limit, not which; large enough for any honest use
VIEW_LIMIT = 250_000  # "greater than 250kb", https://docs.slack.dev/reference/methods/views.open
TABLES = ("table", "data_table")


class SlackApiError(Exception):
    """Slack's "no": the error name and, where it has them, the messages with their JSON pointers."""

    def __init__(self, error: str, messages: list[str] | None = None, **extra: Any) -> None:
        self.error = error
        self.messages = messages or []
        self.extra = extra
        super().__init__(f"{error} {'; '.join(self.messages)}".strip())

    def body(self) -> dict[str, Any]:
        """The JSON answer."""
        said: dict[str, Any] = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            said["errors"] = self.messages
            said["response_metadata"] = {"messages": [f"[ERROR] {each}" for each in self.messages]}
        return said


def walk(blocks: Any) -> Iterator[dict[str, Any]]:
    """Every block, those inside containers included."""
    for block in blocks if isinstance(blocks, list) else []:
        if isinstance(block, dict):
            yield block
            yield from walk(block.get("child_blocks"))


def block_faults(blocks: Any, surface: str, at: str = "/blocks") -> ValidationErrors:
    """What is wrong with these blocks on "message", "modal" or "home"."""
    most = 50 if surface == "message" else 100
    found = ValidationErrors()
    least = 0 if surface == "message" else 1
    together(items(one_of(SURFACES[surface]), most, least), unique("block_id", key("block_id")))(blocks, at, found)
    return found


def check_blocks(blocks: Any) -> None:
    """Refuse message blocks as chat.postMessage does: invalid_blocks, only_one_table_allowed and the like."""
    if not isinstance(blocks, list):
        raise SlackApiError("invalid_blocks_format")
    found = block_faults(blocks, "message")
    if found:
        raise SlackApiError("invalid_blocks", found.said)
    kinds = [block["type"] for block in walk(blocks)]
    if sum(kind in TABLES for kind in kinds) > 1:
        raise SlackApiError("invalid_blocks", ["only_one_table_allowed [json-pointer:/blocks]"])
    if kinds.count("data_visualization") > 2:
        raise SlackApiError(
            "invalid_blocks", ["no more than 2 data_visualization blocks allowed [json-pointer:/blocks]"]
        )
    marked = sum(len(block["text"]) for block in walk(blocks) if block["type"] == "markdown")
    if marked > MARKDOWN_LIMIT:
        raise SlackApiError("msg_too_long")
    if len(json.dumps(blocks)) > VIEW_LIMIT:
        raise SlackApiError("msg_blocks_too_long")


def check_metadata(metadata: Any) -> None:
    """Refuse message metadata that is not `{event_type, event_payload: object}`.

    https://docs.slack.dev/messaging/message-metadata
    """
    if not isinstance(metadata, dict):
        raise SlackApiError("invalid_metadata_format")
    if not metadata:
        return
    allowed = {"event_type", "event_payload", "entities"}
    if set(metadata) - allowed or not ("entities" in metadata or {"event_type", "event_payload"} <= set(metadata)):
        raise SlackApiError("invalid_metadata_schema")
    if not isinstance(metadata.get("event_type", ""), str) or not isinstance(metadata.get("event_payload", {}), dict):
        raise SlackApiError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > METADATA_LIMIT:
        raise SlackApiError("metadata_too_large")


def check_message(content: Mapping[str, Any]) -> None:
    """Refuse a message by its `text`, `blocks`, `attachments` and `metadata`, in Slack's words."""
    words, blocks = content.get("text"), content.get("blocks")
    if words is not None and not isinstance(words, str):
        raise SlackApiError("invalid_arguments", ["must be a string [json-pointer:/text]"])
    if content.get("metadata") is not None:
        check_metadata(content["metadata"])
    if blocks:
        check_blocks(blocks)
    elif blocks is not None and not isinstance(blocks, list):
        raise SlackApiError("invalid_blocks_format")
    if words and len(words) > TEXT_LIMIT:
        raise SlackApiError("msg_too_long")
    if not (words and words.strip()) and not any(content.get(part) for part in ("blocks", "attachments", "files")):
        raise SlackApiError("no_text")


_VIEW: dict[str, Rule] = {
    "callback_id": text(255, 0),
    "private_metadata": together(text(3000, 0), small(3000)),
    "external_id": text(255, 0),
}
_SHELVED: Rule = lambda value, at, found: None  # noqa: E731 -- the blocks are checked apart, by surface
# `submit_disabled` is for steps of workflows alone: @slack/types 3.2.0 (WorkflowStepView)
MODAL = ObjectSchema(
    {"title": plain(24), "blocks": _SHELVED},
    {
        **_VIEW,
        "close": plain(24),
        "submit": plain(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
    },
)
HOME = ObjectSchema({"blocks": _SHELVED}, _VIEW)


def check_view(view: Any, *, home: bool = False) -> None:
    """Refuse a modal or Home view as views.* do: invalid_arguments with pointers. https://docs.slack.dev/reference/views"""
    found = ValidationErrors()
    shape: Callable[..., None] = one_of({"home": HOME} if home else {"modal": MODAL})
    shape(view, "/view", found)
    if isinstance(view, dict) and "blocks" in view:
        found.said += block_faults(view["blocks"], "home" if home else "modal", "/view/blocks").said
        inputs = any(block.get("type") == "input" for block in walk(view["blocks"]))
        if inputs and not home and not view.get("submit"):
            found.add("missing required field: submit", "/view")
    if found:
        raise SlackApiError("invalid_arguments", found.said)
    if len(json.dumps(view)) > VIEW_LIMIT:
        raise SlackApiError("view_too_large")


def check_options(answer: Any) -> list[dict[str, Any]]:
    """Refuse an answer to a block_suggestion; hand back its options or its groups."""
    if not isinstance(answer, dict) or ("options" in answer) == ("option_groups" in answer):
        raise SlackApiError("invalid_arguments", ["exactly one of options and option_groups [json-pointer:]"])
    found = ValidationErrors()
    if "options" in answer:
        items(OPTION, 100, 0)(answer["options"], "/options", found)
    else:
        items(OPTION_GROUP, 100, 0)(answer["option_groups"], "/option_groups", found)
    if found:
        raise SlackApiError("invalid_arguments", found.said)
    listed: list[dict[str, Any]] = answer["options"] if "options" in answer else answer["option_groups"]
    return listed


def check_submission(answer: Any, block_ids: set[str]) -> None:
    """Refuse the answer to a view_submission. https://docs.slack.dev/surfaces/modals#displaying_errors"""
    if not isinstance(answer, dict) or not answer:
        return
    action = answer.get("response_action")
    if action == "errors":
        errors = answer.get("errors")
        if not isinstance(errors, dict) or not errors or set(errors) - block_ids:
            raise SlackApiError(
                "invalid_arguments", ["errors must name input blocks of the view [json-pointer:/errors]"]
            )
        found = ValidationErrors()
        for name, words in errors.items():
            text(3000)(words, f"/errors/{name}", found)
        if found:
            raise SlackApiError("invalid_arguments", found.said)
    elif action in ("update", "push"):
        check_view(answer.get("view"))
    elif action != "clear":
        raise SlackApiError("invalid_arguments", ["must be a valid enum value [json-pointer:/response_action]"])


__all__ = [
    "IDENTIFIER",
    "SlackApiError",
    "block_faults",
    "check_blocks",
    "check_message",
    "check_metadata",
    "check_options",
    "check_submission",
    "check_view",
    "walk",
]
