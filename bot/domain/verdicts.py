"""What a user is told of a build and their own device."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.i18n import Text


class Prospect(Enum):
    """What is known of an installation: it works, as far as anyone can know it does, it cannot, or it depends."""

    WORKS = "works"
    STOPPED = "stopped"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one user is told of a build and their own device."""

    prospect: Prospect
    sentence: Text
