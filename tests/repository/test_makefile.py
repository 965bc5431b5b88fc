"""make: sets up what it needs, once, on a machine with only Python, git and make."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.repository.locks import pins
from tests.repository.shell import ROOT, bare_path, environment, program, run

SHELL = ["sh", "make", "sed", "cat", "rm", "dirname", "touch", "printf"]
TINY = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "tiny"
version = "1"

[tool.hatch.build.targets.wheel]
packages = ["bot"]
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with spaces in its name, our Makefile in it, and a project so small that it is installed in seconds."""
    folder = tmp_path / "a fresh clone"
    (folder / "bot").mkdir(parents=True)
    (folder / "bot/__init__.py").touch()
    (folder / "sandbox").mkdir()
    (folder / "sandbox/__main__.py").write_text("import sys, idna\nprint('demo', *sys.argv[1:], sep='|')\n")
    (folder / "pyproject.toml").write_text(TINY)
    (folder / "requirements.lock").write_text(pins("requirements.lock")["idna"])
    shutil.copy(ROOT / "requirements-build.lock", folder)
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copytree(ROOT / "tools", folder / "tools")
    return folder


def without_uv(tmp_path: Path) -> dict[str, str]:
    return environment(PATH=str(bare_path(tmp_path / "bin", *SHELL)), PYTHON=sys.executable)


@pytest.mark.usefixtures("index")
def test_the_first_call_sets_up_and_the_second_costs_nothing(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".venv/bin").mkdir(parents=True)  # what an interrupted first call leaves
    env = without_uv(tmp_path)
    first = run("make", "demo", "ARGS=x 'y z'", cwd=checkout, env=env)
    assert (first.code, first.said.splitlines()[-1]) == (0, "demo|x|y z"), first.said
    assert "by pip" in first.said
    second = run("make", "demo", cwd=checkout, env=env)
    assert (second.code, second.said) == (0, "demo\n")
    assert run("make", "--question", ".venv/.stamp-run", cwd=checkout, env=env).code == 0


@pytest.mark.usefixtures("index")
def test_a_changed_lock_and_a_moved_folder_are_set_up_again(checkout: Path, tmp_path: Path) -> None:
    env = without_uv(tmp_path)
    assert run("make", "demo", cwd=checkout, env=env).code == 0
    lock = checkout / "requirements.lock"
    lock.write_text(lock.read_text() + "\n# newer\n")
    assert "setup:" in run("make", "demo", cwd=checkout, env=env).said
    moved = checkout.rename(tmp_path / "moved")
    done = run("make", "demo", cwd=moved, env=env)
    assert done.code == 0, done.said
    assert "setup:" in done.said
    assert str(moved) in (moved / ".venv/bin/pip").read_text()


@pytest.mark.usefixtures("index")
def test_uv_is_used_where_it_is(checkout: Path, tmp_path: Path) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{environment()['PATH']}")
    if not uv:
        pytest.skip("no uv here: make test brings it, with requirements-dev.lock")
    env = without_uv(tmp_path)
    (tmp_path / "bin/uv").symlink_to(uv)
    done = run("make", "demo", cwd=checkout, env=env)
    assert (done.code, done.said.splitlines()[-1]) == (0, "demo"), done.said
    assert "by uv" in done.said
    assert not (checkout / ".venv/bin/pip").exists()


def test_make_python_without_ensurepip_names_package_to_install(checkout: Path, tmp_path: Path) -> None:
    python = program(
        tmp_path / "debian/python3", f'case "$*" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"'
    )
    done = run("make", "demo", cwd=checkout, env=without_uv(tmp_path) | {"PYTHON": str(python)})
    assert done.code != 0
    assert "apt-get install python3-venv" in done.said
    assert not (checkout / ".venv").exists()


def test_make_without_recent_python_says_how_to_get_it(checkout: Path, tmp_path: Path) -> None:
    old = program(tmp_path / "bin/python3", "exit 1")
    done = run("make", "demo", cwd=checkout, env=without_uv(tmp_path) | {"PYTHON": str(old)})
    assert done.code != 0
    assert "Python 3.11 or newer" in done.said
    assert "apt-get install python3" in done.said


def test_a_lock_that_was_tampered_with_is_refused(checkout: Path, tmp_path: Path, index: None) -> None:
    lock = checkout / "requirements.lock"
    lock.write_text(f"{lock.read_text().split(chr(92))[0]} --hash=sha256:{'0' * 64}\n")
    done = run("make", "demo", cwd=checkout, env=without_uv(tmp_path))
    assert done.code != 0
    assert "HASHES" in done.said
    assert not (checkout / ".venv/.stamp-run").exists()


def test_help_lists_every_word_there_is(checkout: Path) -> None:
    said = run("make", cwd=checkout).said
    makefile = (ROOT / "Makefile").read_text()
    [phony] = [line for line in makefile.splitlines() if line.startswith(".PHONY:")]
    words = {word for word in phony.split()[1:] if not word.startswith("_")}
    assert {line.split()[1] for line in said.splitlines()} == words
    assert {"demo", "test", "check", "bench"} <= words


def test_check_goes_on_after_a_fault_and_fails_in_the_end(checkout: Path) -> None:
    bin_folder = checkout / ".venv/bin"
    program(bin_folder / "python", 'echo "ran $2"; [ "$2" != ruff ]')
    program(bin_folder / "lint-imports", "echo ran lint-imports")
    (checkout / "requirements-dev.lock").touch()
    (checkout / ".venv/.at").write_text(f"{checkout.resolve()}\n")
    (checkout / ".venv/.stamp-dev").touch()
    done = run("make", "check", cwd=checkout)
    assert done.code != 0
    assert [line for line in done.said.splitlines() if line.startswith("ran")] == [
        *["ran ruff"] * 2,
        "ran mypy",
        "ran lint-imports",
        "ran tools.reference",
        "ran tools.wording",
    ]
