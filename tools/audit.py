"""Asks PyPI whether a pinned release has a known weakness: `make audit`, also a step of CI.

Exit code 0 when none is known, or when PyPI cannot be asked (it says so: then nothing is known); 1 for a weakness that
`tools/audit-ignore.txt` does not name, and for a name there whose day has come; 2 when pip-audit is not there.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-dev.lock"  # the other locks are parts of it; a test holds that
SHIPPED = ROOT / "requirements.lock"
IGNORED = ROOT / "tools" / "audit-ignore.txt"
SECONDS = 300
FOUND_NONE, FOUND, NO_TOOL = 0, 1, 2


@dataclass(frozen=True)
class Vulnerability:
    """A known weakness of a pinned release; `names` are its ids, the first one PyPI's."""

    package: str
    version: str
    names: tuple[str, ...]
    mended_in: tuple[str, ...]


def main() -> int:
    """Audit the lock; says what it finds, and what it could not find out."""
    try:
        report = _asked()
    except FileNotFoundError:
        _say("pip-audit is missing: `make audit` brings it")
        return NO_TOOL
    if report is None or not (audited := [entry for entry in report if "vulns" in entry]):
        _say("NOT AUDITED: PyPI's list of weaknesses cannot be reached from here; nothing is known")
        return FOUND_NONE
    skipped = [entry["name"] for entry in report if "vulns" not in entry]
    if skipped:
        _say(f"not audited, as PyPI says nothing of them: {', '.join(skipped)}")
    ignored = dict(_ignored(IGNORED.read_text(), datetime.now(UTC).date()))
    open_ones = [candidate for candidate in _weaknesses(audited) if not set(candidate.names) & ignored.keys()]
    for weakness in open_ones:
        _say(_words(weakness))
    _say(f"{len(audited)} of {len(report)} releases audited, {len(open_ones)} with a weakness")
    return FOUND if open_ones else FOUND_NONE


def _asked() -> list[dict[str, object]] | None:
    """What pip-audit says of each release; None when it did not come to that."""
    words = "--format=json --progress-spinner=off --require-hashes --disable-pip --timeout=15 --requirement"
    tool = str(Path(sys.executable).with_name("pip-audit"))
    try:
        command = [tool, *words.split(), str(LOCK)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        found: list[dict[str, object]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return None
    except (ValueError, KeyError):
        _say(f"pip-audit said: {' '.join(done.stderr.split())[-300:]}")
        return None
    return found


def _weaknesses(report: Iterable[dict[str, object]]) -> list[Vulnerability]:
    return [
        Vulnerability(
            str(release["name"]), str(release["version"]), (vuln["id"], *vuln["aliases"]), tuple(vuln["fix_versions"])
        )
        for release in report
        for vuln in release["vulns"]  # type: ignore[attr-defined]
    ]


def _ignored(text: str, today: date) -> Iterable[tuple[str, str]]:
    """Each weakness that may stand for now, and why: `ID until-day why` a line."""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, until, why = line.split(maxsplit=2)
            if date.fromisoformat(until) >= today:
                yield name, why
            else:
                _say(f"{name} was to be looked at again on {until}: {why}")


def _words(weakness: Vulnerability) -> str:
    shipped = re.search(rf"^{re.escape(weakness.package)}==", SHIPPED.read_text(), re.MULTILINE)
    where = "in the bot" if shipped else "in development only"
    mended = f"mended in {', '.join(weakness.mended_in)}" if weakness.mended_in else "not mended yet"
    return f"{weakness.package} {weakness.version} ({where}): {', '.join(weakness.names)}, {mended}"


def _say(words: str) -> None:
    sys.stdout.write(f"audit: {words}\n")


if __name__ == "__main__":
    sys.exit(main())
