"""The bytes of uploaded files, each in a file of its own beside state.json, written once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


class StoredFiles:
    """A folder of contents by name; a content never changes, so what is there is not written again.

    `written_bytes` counts what was written since this was made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._there: set[str] = set()
        self.written_bytes = 0

    def missing(self, contents: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the contents that are not there yet."""
        return {name: content for name, content in contents.items() if name not in self._there}

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Write each content that is not there yet, whole or not at all. Raises OSError."""
        for name, content in self.missing(contents).items():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._path(name).with_suffix(".new")
            # Nobody else on this machine needs to read them.
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            fresh.replace(self._path(name))
            self._there.add(name)
            self.written_bytes += len(content)

    def read(self, name: str) -> bytes:
        """Return a content. Raises ValueError for a name that is none, LookupError when it is not there."""
        try:
            content = self._path(name).read_bytes()
        except OSError as error:
            raise LookupError(f"the file {name} is not in {self._folder}") from error
        self._there.add(name)
        return content

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a stored file")
        return self._folder / name
