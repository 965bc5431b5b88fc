"""`make release`: the version of the tag, a bill of materials of everything that is pinned, the same twice."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

import bot
from tests.repository.locks import pins
from tests.repository.shell import ROOT, CompletedCommand, environment, program, run
from tools import sbom

VERSION = bot.__version__
LOCK = (ROOT / "requirements.lock").read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what a release reads, and programs that only say that they ran."""
    (tmp_path / "bot").mkdir()
    (tmp_path / "tools").mkdir()
    for name in ("bot/__init__.py", "tools/release.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(f"## [{VERSION}]\n")
    program(tmp_path / "tools/image_steps.sh", 'echo "image $*"')
    program(tmp_path / "python", f'echo "ran $*"; touch "dist/applivery_bot-{VERSION}-py3-none-any.whl"')
    return tmp_path


def release(folder: Path, **more: str) -> CompletedCommand:
    return run("sh", "tools/release.sh", cwd=folder, env=environment(PYTHON="./python", **more))


def test_a_release_is_a_wheel_its_materials_and_checksums(checkout: Path) -> None:
    done = release(checkout, TAG=f"v{VERSION}")
    assert done.code == 0, done.said
    assert f"ran tools/sbom.py dist/applivery_bot-{VERSION}.cdx.json" in done.said
    assert "image all build/image" in done.said
    assert f"applivery_bot-{VERSION}-py3-none-any.whl" in (checkout / "dist/SHA256SUMS").read_text()


def test_a_tag_of_another_version_is_refused(checkout: Path) -> None:
    done = release(checkout, TAG="v9.9.9")
    assert done.code == 1
    assert f"the tag is v9.9.9, bot/__init__.py says {VERSION}" in done.said
    assert not (checkout / "dist").exists()


def test_a_version_without_a_changelog_is_refused(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("## [Unreleased]\n")
    assert release(checkout, TAG=f"v{VERSION}").code == 1
    assert release(checkout).code == 0, "without a tag it is a trial"


def test_the_bill_of_materials_has_every_pin_with_its_hashes() -> None:
    found = json.loads(sbom.document(LOCK, VERSION, 0))
    assert found["specVersion"] == "1.6"
    assert found["metadata"]["component"]["version"] == VERSION
    listed = {part["name"]: part for part in found["components"]}
    assert listed.keys() == pins("requirements.lock").keys()
    for name, block in pins("requirements.lock").items():
        assert f"=={listed[name]['version']}" in block
        assert {digest["content"] for digest in listed[name]["hashes"]} == set(sbom.hashes(block)), name
    known = {found["metadata"]["component"]["bom-ref"], *(part["bom-ref"] for part in found["components"])}
    for dependency in found["dependencies"]:
        assert {dependency["ref"], *dependency.get("dependsOn", [])} <= known


def test_the_same_commit_has_the_same_bill_of_materials() -> None:
    assert sbom.document(LOCK, VERSION, 1) == sbom.document(LOCK, VERSION, 1)
    assert sbom.document(LOCK, VERSION, 1) != sbom.document(LOCK, "9.9.9", 1)


def test_sbom_needs_name_of_one_file() -> None:
    done = run(sys.executable, "tools/sbom.py", cwd=ROOT)
    assert (done.code, done.said) == (2, "sbom: name the file to write\n")
