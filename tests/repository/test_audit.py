"""`make audit`: a known weakness fails it, a list that cannot be reached does not, and it says which of them it was."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.repository.locks import pins
from tests.repository.shell import ROOT, CompletedCommand, program, run

SOUND = {"name": "idna", "version": "3.10", "vulns": []}
UNKNOWN = {"name": "segno", "skip_reason": "Dependency not found on PyPI and could not be audited: segno (1.6.6)"}
WEAKNESS = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1", "GHSA-1"], "fix_versions": ["9.9"], "description": "x"}
WEAK = {"name": "aiohttp", "version": "3.14.0", "vulns": [WEAKNESS]}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The script, the locks, and a Python beside which a made-up pip-audit can be put."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for lock in ("requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / lock, tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    return tmp_path


def audited(checkout: Path, *report: dict[str, Any], said: str = "", code: int = 0) -> CompletedCommand:
    """Run it with a pip-audit that gives this report, or says something else."""
    answer = checkout / "answer"
    answer.write_text(said or json.dumps({"dependencies": report, "fixes": []}))
    program(checkout / "bin/pip-audit", f'echo "$@" >"{checkout}/asked"; cat "{answer}"; exit {code}')
    return run(checkout / "bin/python", "tools/audit.py", cwd=checkout)


def test_audit_without_weakness_passes_with_number_checked(checkout: Path) -> None:
    done = audited(checkout, SOUND, UNKNOWN)
    assert done.code == 0
    assert done.said == (
        "audit: not audited, as PyPI says nothing of them: segno\naudit: 1 of 2 releases audited, 0 with a weakness\n"
    )


def test_audit_known_weakness_fails_with_fixed_version(checkout: Path) -> None:
    done = audited(checkout, SOUND, WEAK, code=1)
    assert done.code == 1
    assert "aiohttp 3.14.0 (in the bot): PYSEC-2026-1, CVE-2026-1, GHSA-1, mended in 9.9" in done.said
    done = audited(checkout, WEAK | {"name": "pytest"}, code=1)
    assert "pytest 3.14.0 (in development only)" in done.said


@pytest.mark.parametrize("name", ["PYSEC-2026-1", "GHSA-1"])
def test_audit_ignored_by_any_name_passes_until_its_date(checkout: Path, name: str) -> None:
    today = datetime.now(UTC).date()
    (checkout / "tools/audit-ignore.txt").write_text(f"# why\n\n{name} {today} nobody can reach it\n")
    assert audited(checkout, WEAK, code=1).code == 0
    (checkout / "tools/audit-ignore.txt").write_text(f"{name} {today - timedelta(days=2)} nobody can reach it\n")
    done = audited(checkout, WEAK, code=1)
    assert done.code == 1
    assert "was to be looked at again" in done.said


@pytest.mark.parametrize(
    ("report", "said"), [([UNKNOWN], ""), ([], ""), ([], "ERROR: no route to host"), ([], "<html>")]
)
def test_audit_unreachable_pypi_passes_with_loud_warning(
    checkout: Path, report: list[dict[str, Any]], said: str
) -> None:
    done = audited(checkout, *report, said=said, code=1 if said else 0)
    assert done.code == 0
    assert "audit: NOT AUDITED" in done.said


def test_without_pip_audit_it_says_how_to_get_it(checkout: Path) -> None:
    done = run(checkout / "bin/python", "tools/audit.py", cwd=checkout)
    assert done.code == 2
    assert "make audit" in done.said


def test_audit_asks_by_hash_and_installs_nothing(checkout: Path) -> None:
    audited(checkout, SOUND)
    asked = (checkout / "asked").read_text().split()
    assert {"--require-hashes", "--disable-pip"} <= set(asked)
    assert asked[-2:] == ["--requirement", str(checkout / "requirements-dev.lock")]
    assert "pip-audit" in pins("requirements-dev.lock")
    assert "pip-audit" not in pins("requirements.lock")


def test_audit_ignored_entries_have_date_and_reason() -> None:
    for line in (ROOT / "tools/audit-ignore.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            _, until, why = line.split(maxsplit=2)
            assert datetime.fromisoformat(until)
            assert len(why) > 10


def test_the_real_one_runs(tmp_path: Path) -> None:
    tool = Path(sys.executable).with_name("pip-audit")
    if not tool.exists():
        pytest.skip("pip-audit is missing: make test brings it, with requirements-dev.lock")
    done = run(sys.executable, ROOT / "tools/audit.py", cwd=tmp_path)
    assert done.said.startswith("audit: ")
    assert done.code in (0, 1)
