"""`tools/two_replicas.sh`: from a clone to a running pair of replicas, as docs/operations.md says."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pytest

from tests.repository.shell import ROOT, environment, run


@pytest.mark.postgres
def test_two_replicas_from_a_clone_are_ready() -> None:
    """It installs everything anew, from a package index."""
    if not os.environ.get("BARE_MACHINE"):
        pytest.skip("takes a minute and a package index: BARE_MACHINE=1 runs it")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL has a user of its own
        done = run("sh", "tools/two_replicas.sh", cwd=ROOT, env=environment(TMPDIR=folder), timeout=600)
        left = list(Path(folder).iterdir())
    assert done.code == 0, done.said
    assert re.search(r"\d+ s  two replicas, both ready\n\d+ s in all\n$", done.said), done.said
    assert left == [], "it leaves nothing behind"
