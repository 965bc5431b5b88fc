"""`.ci/run`: installs what is lacking and nothing else, tries apt twice, and fails when something failed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.repository.shell import ROOT, CompletedCommand, bare_path, environment, program, run

BARE = ["bash", "sh", "env", "dirname", "id", "cat", "tee", "chmod", "rm", "grep", "git", "mktemp", "tail"]
STEPS = ["check", "audit", "test"]
PRESENT = [
    "chromium",
    "haproxy",
    "kubectl",
    "openssl",
    "pgbouncer",
    "promtool",
    "postgres",
    "python3",
    "shellcheck",
    "systemd-analyze",
    "tinyproxy",
    "ip",
    "make",
]


class Machine:
    """A checkout and a PATH on which only the programs named are found; apt-get writes down what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "main"
        self.bin = bare_path(folder / "bin", *BARE)
        self.log = folder / "log"
        self.policy = folder / "policy-rc.d"
        (self.checkout / ".ci").mkdir(parents=True)
        shutil.copy(ROOT / ".ci/run", self.checkout / ".ci/run")
        for name in PRESENT:
            program(self.bin / name, f'echo "{name} $*" >>"{self.log}"')
        program(self.bin / "fc-list", "echo a font")
        program(self.bin / "sleep", f'echo "sleep $*" >>"{self.log}"')
        program(self.bin / "apt-get", f'echo "apt-get $*" >>"{self.log}"; cat "{self.policy}" >>"{self.log}"')
        program(self.bin / "sudo", 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"')

    def ci(self) -> CompletedCommand:
        env = environment(PATH=str(self.bin), CI_POLICY_FILE=str(self.policy))
        return run("bash", ".ci/run", cwd=self.checkout, env=env)

    def did(self, program_name: str) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.removeprefix(f"{program_name} ") for line in lines if line.startswith(f"{program_name} ")]

    def lose(self, name: str) -> None:
        """The program is missing until apt-get has installed something."""
        (self.bin / name).rename(self.bin / f".{name}")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_where_nothing_is_lacking_nothing_is_installed(machine: Machine) -> None:
    done = machine.ci()
    assert done.code == 0, done.said
    assert machine.did("apt-get") == []
    assert machine.did("make") == STEPS


def test_ci_installs_only_what_is_missing(machine: Machine) -> None:
    machine.lose("chromium")
    done = machine.ci()
    assert done.code == 0, done.said
    assert [words.split()[0] for words in machine.did("apt-get")] == ["update", "install"]
    assert machine.did("apt-get")[1].endswith("--force-confold chromium")


def test_no_service_is_started_by_what_it_installs(machine: Machine) -> None:
    machine.lose("chromium")
    machine.ci()
    assert machine.log.read_text().count("exit 101") == 2, "while apt-get runs, invoke-rc.d is told no"
    assert not machine.policy.exists(), "and afterwards the machine is as it was"


def test_apt_get_is_tried_twice(machine: Machine) -> None:
    machine.lose("chromium")
    program(machine.bin / "apt-get", f'echo "apt-get $*" >>"{machine.log}"; exit 100')
    done = machine.ci()
    assert done.code == 100, done.said
    assert machine.did("apt-get") == ["update --quiet --quiet"] * 2
    assert machine.did("make") == []
    assert "ci: FAILED" in done.said


@pytest.mark.parametrize("word", STEPS)
def test_ci_runs_all_steps_and_fails_when_any_fails(machine: Machine, word: str) -> None:
    program(machine.bin / "make", f'echo "make $*" >>"{machine.log}"; [ "$1" != {word} ]')
    done = machine.ci()
    assert done.code == 1
    assert f"ci: failed: make {word}" in done.said
    assert machine.did("make") == STEPS


def test_ci_reads_no_input_and_sets_ci_variable(machine: Machine) -> None:
    program(machine.bin / "make", '[ "$CI" = true ] && [ -z "$(cat)" ]')
    assert machine.ci().code == 0
