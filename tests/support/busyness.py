"""How busy the machine is: patience that depends on time is multiplied by it."""

from __future__ import annotations

import os


def busyness() -> float:
    """How many programs want each core, over the last minute; 1.0 on a quiet machine, and at least."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
