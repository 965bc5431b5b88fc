"""What the tests of the frame share: a package index in reach, and the words when there is none."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import pytest

from tests.frame.image import step
from tests.frame.locks import pins
from tests.frame.shell import run


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where nothing can be installed: without ensurepip, or without a package index."""
    folder = tmp_path_factory.mktemp("index")
    if run(sys.executable, "-c", "import ensurepip, venv", cwd=folder).code:
        pytest.skip("this Python has no ensurepip; Debian and Ubuntu: apt-get install python3-venv")
    assert run(sys.executable, "-m", "venv", folder / "venv", cwd=folder).code == 0
    lock = folder / "one.lock"
    lock.write_text(pins("requirements.lock")["idna"])
    got = run(
        folder / "venv/bin/python", "-m", "pip", "download", "--retries=1", "--require-hashes", "-r", lock, cwd=folder
    )
    if got.code:
        pytest.skip("no package index in reach: connect this machine to one, or set PIP_INDEX_URL to a mirror")


@pytest.fixture(scope="session")
def program(index: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the image copies, made by the very steps of the Dockerfile: once for all workers of a run."""
    own = tmp_path_factory.getbasetemp()
    prefix = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "an image" / "bot"
    prefix.parent.mkdir(exist_ok=True)
    with (prefix.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made := prefix.parent / "made").exists():
            step("install", prefix)
            step("package", prefix)
            made.touch()
    return prefix
