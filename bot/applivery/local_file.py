"""Local files as uploads."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from bot.applivery.multipart import Pieces, StreamedFile
from bot.exceptions import FileReadError, UserInputError
from bot.i18n import english

PIECE = 1024 * 1024  # bytes; larger pieces need memory and are no faster


def local(path: Path, name: str | None = None) -> StreamedFile:
    """Return the file at `path`, streamed. Raises UserInputError when it cannot be read."""
    try:
        if not path.exists():
            raise UserInputError(english(f"No file “{shown(path)}”."), english("Check the path."))
        if not path.is_file():  # a pipe or device has no size, and can be read only once
            raise UserInputError(english(f"“{shown(path)}” isn't a file."), english("Use the path of the file itself."))
        with path.open("rb"):
            size = path.stat().st_size
    except OSError as error:
        raise UserInputError(
            english(f"Can't read “{shown(path)}”: {error.strerror}."),
            english("Check the path and its permissions."),
        ) from None

    @asynccontextmanager
    async def opened() -> AsyncIterator[Pieces]:
        with _reading():
            file = path.open("rb", buffering=0)
        with file:
            yield _pieces(file)

    return StreamedFile(name or shown(Path(path.name)), size, opened)


def shown(path: Path) -> str:
    """Return the path as text, with replacements for invalid UTF-8 and control characters."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


async def _pieces(file: BinaryIO | FileIO) -> Pieces:
    # Read in this thread: another one would take five times as long, and the CLI does nothing else.
    while piece := _piece(file):
        yield piece


def _piece(file: BinaryIO | FileIO) -> bytes:
    with _reading():
        return file.read(PIECE)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileReadError(english(f"Can't read the file any more: {error.strerror}.")) from None
