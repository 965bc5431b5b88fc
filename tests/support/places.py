"""Where the same test is run: in a workspace of its own, in one of an Enterprise organisation, in all of it."""

from __future__ import annotations

from enum import StrEnum

import pytest


class Place(StrEnum):
    """What the bot is installed in. In an organisation there are a sister workspace, partners, guests and W… ids."""

    ALONE = "alone"
    GRID = "grid"
    ORGANISATION = "organisation"


everywhere = pytest.mark.parametrize("world", list(Place), indirect=True)
# For what takes long: the one that differs most from a workspace alone.
in_organisation = pytest.mark.parametrize("world", [Place.ORGANISATION], indirect=True)
