"""What the tests of the frame share: a package index in reach, and the words when there is none."""

from __future__ import annotations

import sys

import pytest

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
