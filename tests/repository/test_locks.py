"""The locks: they pin what pyproject.toml asks for, with hashes, and belong together."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.repository.locks import pins
from tests.repository.shell import ROOT

LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"]


def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def versions(lock: str) -> dict[str, Version]:
    found = {}
    for line in pins(lock).values():
        requirement = Requirement(line.split("\\")[0])
        [pin] = requirement.specifier
        assert pin.operator == "=="
        found[canonicalize_name(requirement.name)] = Version(pin.version)
    return found


def asked_for(lock: str) -> list[str]:
    asked = project()
    groups = asked["dependency-groups"]
    return {
        "requirements.lock": asked["project"]["dependencies"],
        "requirements-dev.lock": [*asked["project"]["dependencies"], *groups["dev"], *groups["docs"], *groups["build"]],
        "requirements-build.lock": [*groups["build"], *asked["build-system"]["requires"]],
    }[lock]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_that_pyproject_asks_for(lock: str) -> None:
    locked = versions(lock)
    for text in asked_for(lock):
        wanted = Requirement(text)
        name = canonicalize_name(wanted.name)
        assert name in locked, f"{lock} lacks {name}: make lock"
        assert wanted.specifier.contains(locked[name]), f"{lock} has {name} {locked[name]}, not {wanted}: make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    for name, line in pins(lock).items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), name


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)", text, re.MULTILINE)


def test_the_locks_agree_so_that_one_venv_can_hold_them_all() -> None:
    development = versions("requirements-dev.lock")
    for lock in LOCKS:
        assert versions(lock).items() <= development.items(), lock


def test_the_lock_holds_on_each_python_from_the_oldest_promised() -> None:
    assert project()["project"]["requires-python"] == ">=3.11"
    assert "--python-version 3.11" in (ROOT / "tools/lock.sh").read_text()
