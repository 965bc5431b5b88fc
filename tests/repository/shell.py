"""Running programs as a person at a shell would, away from the make that runs these tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


def environment(**more: str) -> dict[str, str]:
    """Today's environment without what an outer make, a venv or a Python has put there; `more` wins."""
    inherited = ("MAKE", "MFLAGS", "ARGS", "VIRTUAL_ENV", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(inherited)} | more


def run(
    *command: str | Path, cwd: Path, env: dict[str, str] | None = None, timeout: float = PATIENCE
) -> CompletedCommand:
    return CompletedCommand(
        subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=environment() if env is None else env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
    )


class CompletedCommand:
    """How a program ended: its exit code and all it said."""

    def __init__(self, result: subprocess.CompletedProcess[str]) -> None:
        self.code = result.returncode
        self.said = result.stdout

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.said}"


def program(path: Path, text: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def bare_path(folder: Path, *names: str) -> Path:
    """Fill a folder with links to these programs and no others, to stand as a PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        where = shutil.which(name)
        assert where, f"{name} is not on the PATH"
        (folder / name).symlink_to(where)
    return folder
