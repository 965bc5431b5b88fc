"""Report failures of commands: a sentence or, with --json, a JSON object, and the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

DONE, FAILED, USAGE = 0, 1, 2
STOPPED = "Stopped"


def wants_json(words: Sequence[str]) -> bool:
    """Return whether these arguments request JSON, without parsing the others, which may be invalid."""
    return any(word == "--json" or word.startswith("--json=") for word in words)


def told(
    kind: str,
    sentence: str,
    next_step: str = "",
    *,
    code: int | str | None = None,
    facts: Mapping[str, Any] | None = None,
    as_json: bool,
) -> None:
    """Print a failure as text on stderr, or as the only JSON object on stdout."""
    line = "".join(letter if letter.isprintable() else " " for letter in f"{sentence} {next_step}")
    line = " ".join(line.split())
    print(line if len(line) <= 4000 else f"{line[:3999]}…", file=sys.stderr, flush=True)  # noqa: T201
    if as_json:
        result(error(kind, sentence, next_step, code=code, facts=facts))


def error(
    kind: str, message: str, next_step: str, *, code: int | str | None = None, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the JSON object of a failure."""
    said = {"kind": kind, "code": code, "message": message, "next_step": next_step}
    return {"ok": False, **(facts or {}), "error": said}


def result(found: Mapping[str, Any]) -> None:
    """Print a JSON object on its own line, in ASCII, which is valid in every encoding."""
    print(json.dumps(found), flush=True)  # noqa: T201
