"""Reading the locks."""

from __future__ import annotations

from pathlib import Path

from tests.repository.shell import ROOT


def pins(lock: str, *, root: Path = ROOT) -> dict[str, str]:
    """The lines of a lock that pin each package, by its name, hashes and all."""
    found: dict[str, str] = {}
    name = ""
    for line in (root / lock).read_text().splitlines(keepends=True):
        if line.startswith("#") or line.lstrip().startswith("#"):
            continue
        if not line.startswith(" "):
            name = line.split("==")[0].split("[")[0]
        found[name] = found.get(name, "") + line
    return found
