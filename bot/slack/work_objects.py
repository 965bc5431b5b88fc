"""Remember whether this workspace refuses Work Objects from our app."""

from __future__ import annotations

import time

from bot.observability.logging import logger
from bot.slack.refused_blocks import LIFE, RefusedBlocks

log = logger(__name__)

# Slack's errors, or warnings with an `ok`, when it doesn't accept the entities of a request.
# https://docs.slack.dev/reference/methods/chat.unfurl#errors,
# https://docs.slack.dev/reference/methods/entity.presentDetails#errors
ENTITIES_REFUSED = frozenset(
    {
        "error_processing_metadata",
        "feature_not_enabled",
        "invalid_arguments",
        "invalid_metadata",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
    }
)
WORK_OBJECT = "work_object"  # stored with the refused types of blocks


class WorkObjectSupport:
    """Remember a refusal for a day, with a database for all replicas; then try again."""

    def __init__(self, memory: RefusedBlocks | None) -> None:
        self._memory = memory
        self._refused_until = 0.0

    async def is_refused(self) -> bool:
        """Return whether Slack has refused them lately."""
        if time.monotonic() < self._refused_until:
            return True
        return self._memory is not None and WORK_OBJECT in await self._memory.load()

    async def refuse(self, code: str) -> None:
        """Remember a refusal with this error code."""
        log.warning("slack.work_objects_refused", code=code)
        if self._memory is not None:
            await self._memory.save((WORK_OBJECT,))
        else:
            self._refused_until = time.monotonic() + LIFE.total_seconds()
