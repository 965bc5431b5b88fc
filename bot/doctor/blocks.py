"""Check whether Slack accepts every message, modal and Home view; posts nothing, and needs no scope and no channel.

https://docs.slack.dev/reference/methods/blocks.validate
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from slack_sdk.errors import SlackApiError

from bot.doctor.context import CheckContext
from bot.doctor.results import CheckResult, broken, skipped, warning, well
from bot.doctor.slack import BLOCKS
from bot.exceptions import MessageRejected, SlackError, SlackRateLimited
from bot.i18n import format_number
from bot.observability.causes import cause
from bot.slack.blocks import MESSAGE_BLOCKS
from bot.slack.web_api import WebAPI

if TYPE_CHECKING:
    from bot.doctor.message_examples import Example

SECONDS = 600.0  # in total, since Slack limits this method without publishing a figure
UNKNOWN = ("unknown_method", "method_not_supported", "deprecated_endpoint", "method_deprecated")
REFUSED = ("invalid_blocks", "invalid_message", "invalid_view")
# What one message may hold: https://docs.slack.dev/reference/block-kit/blocks
AT_MOST = {"data_table": 1, "data_visualization": 2}
SHOWN = 20  # refusals
UPDATE = "Update this bot. If it is the newest version, report this line."
MESSAGE = "message"
WORDS = {MESSAGE: ("message", "messages"), "modal": ("modal", "modals"), "home": ("Home view", "Home views")}


class Refusal(Struct, frozen=True):
    """Why Slack refuses an example, and the JSON pointer of the place."""

    example: Example
    reason: str
    pointer: str


class _NoTimeLeft(Exception):
    """Slack's Retry-After is longer than the remaining time."""


class _Validator:
    """Validate with Slack's method within its rate limit."""

    def __init__(self, api: WebAPI, ends_at: float) -> None:
        self._api = api
        self._ends_at = ends_at
        self.accepted: list[Example] = []
        self.refused: list[Refusal] = []

    async def check(self, found: Sequence[Example]) -> None:
        """Validate all examples: messages in batches, and one by one if Slack refuses a batch."""
        for batch in batches([example for example in found if example.surface == MESSAGE]):
            together = [block for example in batch for block in example.blocks]
            if len(batch) > 1 and not await self._faults("blocks", together):
                self.accepted += batch
                continue
            for example in batch:
                await self._check_one(example, "message")
        for example in found:
            if example.surface != MESSAGE:
                await self._check_one(example, "view")

    async def _check_one(self, example: Example, kind: str) -> None:
        faults = await self._faults(kind, example.payload)
        self.refused += [Refusal(example, reason, pointer) for reason, pointer in faults]
        if not faults:
            self.accepted.append(example)

    async def _faults(self, kind: str, payload: Any) -> list[tuple[str, str]]:
        """Return why and where Slack refuses this; empty if it does not. Raises SlackError, _NoTimeLeft."""
        while True:
            try:
                # as a form, since the SDK's own method would put all of it into the URL
                await self._api.api_call("blocks.validate", data={kind: json.dumps(payload)})
            except SlackRateLimited as busy:
                if time.monotonic() + busy.retry_after > self._ends_at:
                    raise _NoTimeLeft from busy
                await asyncio.sleep(busy.retry_after)
            except SlackError as error:
                if error.code not in REFUSED and not isinstance(error, MessageRejected):
                    raise
                return list(_reasons(error)) or [(error.code, "")]
            else:
                return []
            if time.monotonic() > self._ends_at:
                raise _NoTimeLeft


def _reasons(error: SlackError) -> Iterator[tuple[str, str]]:
    """Yield the message and the JSON pointer of each error."""
    said = error.__cause__.response.data if isinstance(error.__cause__, SlackApiError) else None
    answer = said if isinstance(said, dict) else {}
    details = answer.get("response_metadata")
    faults = answer.get("errors") or (details.get("messages") if isinstance(details, dict) else None)
    for fault in faults if isinstance(faults, list) else ():
        if isinstance(fault, dict):
            yield str(fault.get("message") or fault.get("code") or error.code), str(fault.get("pointer") or "")
        else:
            yield str(fault), ""


def batches(found: Sequence[Example]) -> Iterator[list[Example]]:
    """Yield messages whose blocks fit into one message."""
    batch: list[Example] = []
    for example in found:
        if batch and not _fit([*batch, example]):
            yield batch
            batch = []
        batch.append(example)
    if batch:
        yield batch


def _fit(batch: Sequence[Example]) -> bool:
    kinds = Counter(str(block["type"]) for example in batch for block in example.blocks)
    return kinds.total() <= MESSAGE_BLOCKS and all(kinds[kind] <= most for kind, most in AT_MOST.items())


async def blocks(case: CheckContext) -> list[CheckResult]:
    """Validate an example of each message, in every language, short, long and odd."""
    from bot.doctor.message_examples import examples  # noqa: PLC0415 - it loads every view and command

    found = await asyncio.to_thread(examples)
    validator = _Validator(case.poster.api, time.monotonic() + SECONDS)
    try:
        await validator.check(found)
    except _NoTimeLeft:
        return [*_results(validator), _unfinished(validator, found)]
    except SlackError as error:
        return [*_results(validator), _unasked(case, error)]
    return _results(validator)


def _results(validator: _Validator) -> list[CheckResult]:
    counts = Counter(str(example.surface) for example in validator.accepted)
    named = ", ".join(
        f"{format_number(counts[kind])} {words[counts[kind] > 1]}" for kind, words in WORDS.items() if counts[kind]
    )
    return [*([well(BLOCKS, f"{named} accepted.")] if named else []), *_refusals(validator.refused)]


def _refusals(refused: Sequence[Refusal]) -> list[CheckResult]:
    """Return a result for each reason why a function's examples are refused, with its first place."""
    alike: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in refused:
        alike.setdefault((refusal.example.name, refusal.reason), []).append(refusal)
    lines = [broken(BLOCKS, _words(group), UPDATE) for group in alike.values()]
    more = [broken(BLOCKS, f"{len(lines) - SHOWN} more refused.", UPDATE)] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]


def _words(group: Sequence[Refusal]) -> str:
    example, others = group[0].example, len({id(refusal.example) for refusal in group}) - 1
    manner = f"{example.manner}; {others} more like it" if others else example.manner
    where = f" (at {group[0].pointer})" if group[0].pointer else ""
    return f"Slack refuses the {example.surface} {example.name} ({manner}): {group[0].reason}{where}."


def _unfinished(validator: _Validator, found: Sequence[Example]) -> CheckResult:
    asked = len(validator.accepted) + len({id(refusal.example) for refusal in validator.refused})
    left = format_number(len(found) - asked)
    return warning(BLOCKS, f"Slack's rate limit left {left} unchecked.", "Run `doctor --blocks` again later.")


def _unasked(case: CheckContext, error: SlackError) -> CheckResult:
    if error.code in UNKNOWN:
        text = f"{case.settings.slack_api_url} doesn't know blocks.validate."
        return skipped(BLOCKS, text, "Point SLACK_API_URL at Slack itself, or let the proxy pass this method on.")
    return broken(BLOCKS, f"can't ask Slack ({cause(error)}).", "Try again. If it still fails, check SLACK_API_URL.")
