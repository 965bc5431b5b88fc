"""Leave out the parts of a message that Slack refuses, one kind at a time, and do not send them again for a day."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

from bot.exceptions import MessageRejected
from bot.observability.logging import logger
from bot.slack.blocks import TOGETHER, Block, Message
from bot.slack.refused_blocks import RefusedBlocks

log = logger(__name__)

T = TypeVar("T")

# https://docs.slack.dev/reference/methods/chat.postMessage#errors
REFUSED_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "only_one_table_allowed"})
REMEMBER_SECONDS = 24 * 3600.0  # by then the workspace may support the blocks, and a picture may be available again
MOST = 500  # remembered pictures

IMAGE = "image"
CHARTS = frozenset({"data_visualization"})
TABLES = frozenset({"data_table", "table"})


class FormAttempt:
    """One version of a message, to be sent within an `async with`, which records a refusal of its blocks."""

    def __init__(
        self,
        form: Message,
        parts: set[str],
        before: MessageRejected | None,
        remember: Callable[[set[str]], Awaitable[None]],
    ) -> None:
        self._form = form
        self._parts = parts  # parts that the previous version had and this one lacks
        self._before = before
        self._remember = remember
        self.refused: MessageRejected | None = None

    async def __aenter__(self) -> Message:
        return self._form

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, MessageRejected) and error.code in REFUSED_BLOCKS:
            self.refused = error
            return True
        if error is None and self._before is not None:
            log.warning("slack.parts_refused", code=self._before.code, parts=sorted(self._parts))
            await self._remember(self._parts)
        return False


class FallbackSender:
    """Send a message in the fullest version that this workspace accepts.

    Slack downloads each picture when a message is posted, and refuses the whole message when it cannot; a workspace
    without charts or tables refuses theirs: https://docs.slack.dev/reference/block-kit/blocks
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, memory: RefusedBlocks | None = None) -> None:
        self._clock = clock
        # stores refused types of blocks; without it, and for pictures, only this process remembers
        self._memory = memory
        self._refused: dict[str, float] = {}  # the address of a picture or a type of block: when its refusal expires

    async def forms(self, message: Message) -> Iterator[FormAttempt]:
        """Return one attempt after another, each for an `async with`, until one is not refused for its blocks.

        Raises: MessageRejected, from the iterator, when Slack takes none of the forms.
        """
        parts = _refusable_parts(message)
        remembered = await self._memory.load() if self._memory and parts & (CHARTS | TABLES) else frozenset()
        return self._attempts(self._without_refused(message, remembered))

    def _attempts(self, known: Message) -> Iterator[FormAttempt]:
        refused = None
        first: tuple[set[str], Message] = (set(), known)
        for parts, form in chain((first,), _simpler_forms(known)):
            attempt = FormAttempt(form, parts, refused, self._remember)
            yield attempt
            refused = attempt.refused
        if refused is not None:
            raise refused

    async def send(self, message: Message, send: Callable[[Message], Awaitable[T]]) -> T:
        """Send the message without the parts that Slack refuses.

        Raises: MessageRejected when Slack accepts none of its versions, and other errors of `send`.
        """
        if not _refusable_parts(message):  # most messages have only one version
            return await send(message)
        for attempt in await self.forms(message):
            async with attempt as form:
                return await send(form)
        raise AssertionError("an attempt that is not refused returns or raises")

    def _without_refused(self, message: Message, remembered: frozenset[str]) -> Message:
        now = self._clock()
        refused = {part for part, until in self._refused.items() if until > now} | remembered
        if not refused & _refusable_parts(message):
            return message
        return _without_parts(message, refused)

    async def _remember(self, parts: set[str]) -> None:
        if self._memory and (types := parts & (CHARTS | TABLES)):
            await self._memory.save(types)
            parts = parts - types
        now = self._clock()
        if len(self._refused) > MOST:
            self._refused = {part: until for part, until in self._refused.items() if until > now}
        self._refused |= dict.fromkeys(parts, now + REMEMBER_SECONDS)


def _simpler_forms(message: Message) -> Iterator[tuple[set[str], Message]]:
    """Yield simpler versions of a message, each with the parts that it lacks compared to the previous one."""
    parts = _refusable_parts(message)
    pictures = {part for part in parts if part not in CHARTS | TABLES}
    dropped: set[str] = set()
    for kind in (pictures, parts & CHARTS, parts & TABLES):
        if kind:
            dropped |= kind
            yield kind, _without_parts(message, dropped)


def _without_parts(message: Message, refused: set[str]) -> Message:
    """Return a message without its refused parts, with their replacement blocks if it has any."""
    if message.fallback is not None and refused & _refusable_parts(message) & (CHARTS | TABLES):
        return message.fallback
    kept = [left for block in message.blocks for left in _keep_block(block, refused)]
    return replace(message, blocks=tuple(kept), text_only=message.text_only or (not kept and bool(message.blocks)))


def _keep_block(block: Block, refused: set[str]) -> Iterator[Block]:
    if TOGETHER in block:
        yield {**block, TOGETHER: tuple(left for inner in block[TOGETHER] for left in _keep_block(inner, refused))}
    elif str(block.get("type")) in refused or _picture_url(block) in refused:
        return
    elif _picture_url(block.get("accessory")) in refused:
        yield {name: value for name, value in block.items() if name != "accessory"}
    elif any(_picture_url(element) in refused for element in _elements(block)):
        if elements := [element for element in _elements(block) if _picture_url(element) not in refused]:
            yield {**block, "elements": elements}
    else:
        yield block


def _refusable_parts(message: Message) -> set[str]:
    """Return the parts that a workspace may refuse: the addresses of pictures, charts and tables."""
    found: set[str] = set()
    for block in (inner for outer in message.blocks for inner in outer.get(TOGETHER, (outer,))):
        pictures = (block, block.get("accessory"), *_elements(block))
        found |= {address for part in pictures if (address := _picture_url(part))}
        found |= {str(block.get("type"))} & (CHARTS | TABLES)
    return found


def _elements(block: Mapping[str, Any]) -> list[Any]:
    elements = block.get("elements")
    return elements if isinstance(elements, list) else []


def _picture_url(part: Any) -> str:
    """Return the address of a picture; empty for everything else."""
    return str(part.get("image_url") or "") if isinstance(part, dict) and part.get("type") == IMAGE else ""
