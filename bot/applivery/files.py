"""A file on this machine as something to send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bot.applivery.multipart import Parcel, Pieces
from bot.errors import BadInput, FileLost

_T = TypeVar("_T")
PIECE = 1024 * 1024  # bytes; larger ones cost memory and bring no speed


def local(path: Path, name: str | None = None) -> Parcel:
    """The file at `path`, read piece by piece in a thread. Raises BadInput when there is none that can be read."""
    try:
        if not path.is_file():
            raise BadInput(f"There is no file “{path}”.", "Check the path.")
        with path.open("rb"):
            size = path.stat().st_size
    except OSError as error:
        raise BadInput(f"“{path}” cannot be read: {error.strerror}.", "Check who may read it.") from None

    @asynccontextmanager
    async def opened() -> AsyncIterator[Pieces]:
        file = await _asked(partial(path.open, "rb", buffering=0))
        try:
            yield _pieces(file)
        finally:
            await asyncio.to_thread(file.close)

    return Parcel(name or path.name, size, opened)


async def _pieces(file: Any) -> Pieces:
    while piece := await _asked(partial(file.read, PIECE)):
        yield piece


async def _asked(work: Callable[[], _T]) -> _T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise FileLost(f"The file cannot be read any more: {error.strerror}.") from None
