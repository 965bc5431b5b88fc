"""What the tests of the frame share: a package index in reach, and the words when there is none."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.repository.image import step
from tests.repository.locks import pins
from tests.repository.shell import run


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where nothing can be installed: without ensurepip, or without a package index. Asked once in a run."""
    with once(tmp_path_factory, "index") as (folder, asked):
        missing = folder / "missing"
        if not asked:
            missing.write_text(_missing(folder))
    if words := missing.read_text():
        pytest.skip(words)


def _missing(folder: Path) -> str:
    if run(sys.executable, "-c", "import ensurepip, venv", cwd=folder).code:
        return "this Python has no ensurepip; Debian and Ubuntu: apt-get install python3-venv"
    assert run(sys.executable, "-m", "venv", folder / "venv", cwd=folder).code == 0
    lock = folder / "one.lock"
    lock.write_text(pins("requirements.lock")["idna"])
    got = run(
        folder / "venv/bin/python", "-m", "pip", "download", "--retries=1", "--require-hashes", "-r", lock, cwd=folder
    )
    return (
        "no package index in reach: connect this machine to one, or set PIP_INDEX_URL to a mirror" if got.code else ""
    )


@contextmanager
def once(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """A folder for all workers of a run, and whether one of them has been here; the others wait for it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "made"
        yield folder, made.exists()
        made.touch()


@pytest.fixture(scope="session")
def program(index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the image copies, made by the very steps of the Dockerfile: once for all workers of a run."""
    with once(tmp_path_factory, "an image") as (folder, made):
        prefix = folder / "bot"
        if not made:
            step("install", prefix)
            step("package", prefix)
    return prefix
