"""Links to files of a build."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FileKind(StrEnum):
    """Which file a download token is for: Applivery's `type` parameter."""

    AUTO = "auto"
    FILE = "file"
    AAB = "aab"


@dataclass(frozen=True, slots=True)
class Link:
    """A fresh, single-use download address.

    The address *is* the credential, so no repr, log line or row may contain it (guarantee 1).
    """

    url: str = field(repr=False)
    token: str = field(repr=False)
    kind: FileKind
    expires_at: datetime | None = None
    # whether it leads to a claim page, which creates the download link on a click; the token is then a ticket
    by_page: bool = False

    def fingerprint(self) -> str:
        """Return a hash of the token, by which it can be recognised but not used."""
        return hashlib.sha256(self.token.encode()).hexdigest()
