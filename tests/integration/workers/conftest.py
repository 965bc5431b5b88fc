"""What the tests of the jobs share; where it is about what is remembered, they run on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.conftest import Environment

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the database is not what it is about
on_postgresql = pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def world(database: str, world: Environment) -> Environment:
    # `database` comes first, so that it is dropped last, when nobody uses it any more.
    world.database = database
    world.tuning = replace(world.tuning, lease_seconds=0.7, slack_seconds=0.6)
    return world


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines
