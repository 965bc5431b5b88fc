"""Whether a build installs on the user's own device."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from bot.i18n import Text


class Prospect(Enum):
    """The expected result of an installation: it works, as far as known; it cannot; or it depends."""

    WORKS = "works"
    STOPPED = "stopped"
    OPEN = "open"


class Verdict(Struct, frozen=True):
    """What one user is told of a build and their own device."""

    prospect: Prospect
    sentence: Text
