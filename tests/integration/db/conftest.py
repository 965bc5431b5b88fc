"""A fresh store for each test, on each database."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.db.database import Database
from tests.support.postgres import PostgresServer

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of this test's own, with the tables."""
    yield from _address(request, tmp_path, "fresh")


@pytest.fixture(params=BOTH)
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of this test's own with nothing in it."""
    yield from _address(request, tmp_path, "empty")


def _address(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Iterator[str]:
    if request.param == "sqlite":
        if kind == "fresh":
            shutil.copy(request.getfixturevalue("empty_database"), tmp_path / "bot.db")
        yield f"sqlite:///{tmp_path}/bot.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    database = server.fresh() if kind == "fresh" else server.empty()
    yield database
    server.drop(database)


@pytest.fixture
async def store(address: str) -> AsyncIterator[Database]:
    """An open store."""
    store = await Database.open(address)
    yield store
    await store.close()
