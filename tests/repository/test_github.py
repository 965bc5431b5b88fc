""".github, pre-commit and renovate: they call targets that exist, on every Python and database that is promised."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repository.shell import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z_][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
HOSTS = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|unpkg|jsdelivr|docker\.io|ghcr\.io|quay\.io|proxy\.golang")


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_calls_targets_that_exist(file: Path) -> None:
    programs = "\n".join(step.get("run", "") for step in steps(read(file)))
    called = re.findall(r"^\s*make ([a-z-]+)", programs, re.MULTILINE)
    assert set(called) <= TARGETS
    assert called or file.name != "ci.yml"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_do_no_more_than_it_needs(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())
    for step in steps(workflow):
        assert "${{" not in step.get("run", "").replace("${{ matrix.tests }}", ""), "a value goes in by env"


def test_every_promised_python_and_database_is_tested() -> None:
    matrix = read(ROOT / ".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = [line.rpartition(" ")[2] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)]
    assert matrix["python"] == promised == ["3.11", "3.12", "3.13", "3.14"]
    assert project["requires-python"] == f">={promised[0]}"
    assert matrix["database"] == ["sqlite", "postgresql"]


def test_the_release_needs_the_tag_of_its_version() -> None:
    [step] = [step for step in steps(read(ROOT / ".github/workflows/release.yml")) if step.get("run") == "make release"]
    assert step["env"]["TAG"] == "${{ github.ref_name }}"
    assert step["env"]["ENGINE"] == "docker", "a release without its image is none"


def test_hooks_are_local_and_their_targets_exist() -> None:
    [repo] = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    for hook in repo["hooks"]:
        program, *targets = hook["entry"].split()
        assert program == "make"
        assert set(targets) <= TARGETS, hook["id"]


def test_forms_are_forms() -> None:
    for file in sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")):
        form = read(file)
        assert form.keys() >= {"name", "description", "body"} or file.name == "config.yml", file.name


def test_owners_own_what_there_is() -> None:
    paths = [line.split()[0] for line in (ROOT / ".github/CODEOWNERS").read_text().splitlines() if line[:1] == "/"]
    assert [path for path in paths if not (ROOT / path.strip("/")).exists()] == []


def test_locks_are_written_anew_by_the_same_command() -> None:
    rules = json.loads((ROOT / "renovate.json").read_text())
    assert rules["postUpgradeTasks"]["commands"] == ["make lock"]
    assert "make lock" in (ROOT / "requirements.lock").read_text()


def test_no_package_registry_is_named() -> None:
    files = [*WORKFLOWS, *(ROOT / name for name in (".pre-commit-config.yaml", "renovate.json", "mkdocs.yml"))]
    assert [file.name for file in files if HOSTS.search(file.read_text())] == []
