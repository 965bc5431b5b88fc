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

    The address *is* the credential, so no repr, log line or row may carry it (guarantee 1).
    """

    url: str = field(repr=False)
    token: str = field(repr=False)
    kind: FileKind
    expires_at: datetime | None = None
    by_page: bool = False  # a claim page that mints when its button is pressed; the token is then a ticket

    def fingerprint(self) -> str:
        """Return a hash of the token: enough to recognise it again, useless to spend it."""
        return hashlib.sha256(self.token.encode()).hexdigest()
