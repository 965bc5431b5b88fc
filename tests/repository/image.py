"""Reading the Dockerfile, and doing its steps."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.repository.shell import ROOT, environment, run

STEPS = "tools/image_steps.sh"


@dataclass(frozen=True)
class ImageInstruction:
    """A line of the Dockerfile: its first word, and the rest."""

    word: str
    rest: str


def dockerfile() -> list[list[ImageInstruction]]:
    """The stages of the Dockerfile, each from its FROM."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
    stages: list[list[ImageInstruction]] = []
    for written in filter(None, map(str.strip, text.splitlines())):
        line = ImageInstruction(*written.split(maxsplit=1))
        if line.word == "ARG" and not stages:
            continue  # arguments() has what stands before the first stage
        if line.word == "FROM":
            stages.append([])
        stages[-1].append(line)
    return stages


def arguments() -> dict[str, str]:
    """The build arguments that a FROM can use, with their defaults."""
    head = (ROOT / "Dockerfile").read_text().partition("\nFROM ")[0]
    return dict(re.findall(r"^ARG (\w+)=(\S+)$", head, re.MULTILINE))


def last(word: str) -> str:
    """What the last stage says after this word, once."""
    [line] = [line for line in dockerfile()[-1] if line.word == word]
    return line.rest


def variables() -> dict[str, str]:
    """The environment that the image gives its program."""
    return dict(pair.split("=", 1) for pair in shlex.split(last("ENV")))


def step(*words: str | Path, root: Path = ROOT) -> str:
    """Do a step of the image; what it said."""
    done = run("sh", root / STEPS, *words, cwd=root, env=environment(PYTHON=sys.executable))
    assert done.code == 0, done.said
    return done.said
