"""The shell scripts: they parse, and shellcheck has nothing to say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.repository.shell import ROOT, run

SCRIPTS = [*sorted((ROOT / "tools").glob("*.sh")), ROOT / "tests/repository/sealed.sh", ROOT / ".ci/run"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_parses(script: Path) -> None:
    shell = script.read_text().split("\n")[0].split("/")[-1].split()[-1]
    assert run(shell, "-n", script, cwd=ROOT).code == 0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_what_it_is_and_stops_at_the_first_fault(script: Path) -> None:
    lines = script.read_text().splitlines()
    assert lines[1].startswith("# ")
    assert any(line.startswith("set -eu") for line in lines)


def test_ci_can_be_executed() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_shellcheck_has_nothing_to_say() -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is missing: apt-get install shellcheck")
    done = run("shellcheck", *SCRIPTS, cwd=ROOT)
    assert done.code == 0, done.said
