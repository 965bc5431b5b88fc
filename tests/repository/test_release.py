"""`make release`: the version of the tag, wheel, bill of materials, image, checksums, a signature; the same twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot
from tests.repository.locks import pins
from tests.repository.shell import ROOT, CompletedCommand, bare_path, environment, program, run
from tools import sbom

VERSION = bot.__version__
LOCK = (ROOT / "requirements.lock").read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what a release reads, and programs that only say that they ran."""
    (tmp_path / "bot").mkdir()
    (tmp_path / "tools").mkdir()
    for name in ("bot/__init__.py", "tools/release.sh", "tools/image.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(f"## [{VERSION}]\n")
    program(tmp_path / "tools/image_steps.sh", 'echo "image $*"')
    program(tmp_path / "python", f'echo "ran $*"; touch "dist/applivery_bot-{VERSION}-py3-none-any.whl"')
    return tmp_path


def release(folder: Path, **more: str) -> CompletedCommand:
    env = environment(**{"PYTHON": "./python", "ENGINE": "none", "RELEASE_KEY": "", "TAG": "", **more})
    return run("sh", "tools/release.sh", cwd=folder, env=env)


@pytest.fixture
def keys() -> Iterator[Path]:
    """A GNUPGHOME with one secret key, release@acme.test; gpg's agent wants a short path, and ends with it."""
    if not shutil.which("gpg"):
        pytest.skip("gpg is missing; on Debian: apt-get install gpg gpg-agent")
    with tempfile.TemporaryDirectory(prefix="keys-", dir="/tmp") as folder:
        home = Path(folder)
        make = ("--passphrase", "", "--quick-generate-key", "release@acme.test", "ed25519", "sign")
        assert gpg(home, "--batch", *make).code == 0
        yield home
        subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False)


def gpg(home: Path, *words: str | Path) -> CompletedCommand:
    return run("gpg", *words, cwd=home, env=environment(GNUPGHOME=str(home)))


def test_a_release_is_a_wheel_its_materials_and_checksums(checkout: Path) -> None:
    done = release(checkout, TAG=f"v{VERSION}")
    assert done.code == 0, done.said
    assert f"ran tools/sbom.py dist/applivery_bot-{VERSION}.cdx.json" in done.said
    assert "image all build/image" in done.said
    assert f"applivery_bot-{VERSION}-py3-none-any.whl" in (checkout / "dist/SHA256SUMS").read_text()


def test_a_release_is_signed_with_the_key_that_is_named(checkout: Path, keys: Path) -> None:
    done = release(checkout, RELEASE_KEY="release@acme.test", GNUPGHOME=str(keys))
    assert done.code == 0, done.said
    dist = checkout / "dist"
    assert gpg(keys, "--verify", dist / "SHA256SUMS.asc", dist / "SHA256SUMS").code == 0
    (dist / "SHA256SUMS").write_text("something else")
    assert gpg(keys, "--verify", dist / "SHA256SUMS.asc", dist / "SHA256SUMS").code == 1


def test_a_key_that_is_not_there_stops_the_release(checkout: Path, keys: Path) -> None:
    done = release(checkout, RELEASE_KEY="other@acme.test", GNUPGHOME=str(keys))
    assert done.code == 1
    assert "gpg has no secret key other@acme.test, which RELEASE_KEY names" in done.said
    assert not (checkout / "dist").exists()


def test_a_release_without_a_key_says_that_it_is_not_signed(checkout: Path) -> None:
    assert "not signed: RELEASE_KEY names no key" in release(checkout).said


@pytest.mark.parametrize("engine", ["docker", "podman", "buildah"])
def test_the_image_is_built_by_the_engine_that_answers(checkout: Path, engine: str) -> None:
    words = [
        "dirname",
        "basename",
        "sed",
        "grep",
        "git",
        "rm",
        "mkdir",
        "touch",
        "cat",
        "cut",
        "du",
        "sha256sum",
        "mktemp",
        "gzip",
        "sh",
        "env",
    ]
    path = bare_path(checkout / "bin", *words)
    for each in ("docker", "podman", "buildah"):
        program(path / each, f'[ "$1" != info ] || [ {each} = {engine} ] || exit 1\n{ENGINE}')
    done = release(checkout, ENGINE="", PATH=str(path))
    assert done.code == 0, done.said
    assert f"image: applivery-bot:v{VERSION} by {engine}" in done.said
    assert "started" in done.said
    archive = f"applivery-bot-{VERSION}.image.tar.gz"
    assert archive in (checkout / "dist/SHA256SUMS").read_text()
    assert run("gzip", "--decompress", "--stdout", checkout / "dist" / archive, cwd=checkout).said == "an image\n"


TOOLS = [
    "cat",
    "cut",
    "dirname",
    "du",
    "env",
    "git",
    "grep",
    "gzip",
    "mkdir",
    "mktemp",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "touch",
]

# docker, podman and buildah, as far as a release uses them
ENGINE = """case $1 in
    from) echo container ;;
    run) echo started ;;
    save) echo an image >"$3" ;;
    push) file=${4#docker-archive:}; echo an image >"${file%%:*}" ;;
esac"""


def test_a_release_says_why_it_has_no_image(checkout: Path) -> None:
    path = bare_path(
        checkout / "bin", *["dirname", "sed", "grep", "git", "rm", "mkdir", "touch", "cat", "sha256sum", "sh", "env"]
    )
    done = release(checkout, ENGINE="", PATH=str(path))
    assert done.code == 0, done.said
    assert "image: not built: docker, podman and buildah are not installed, or do not answer" in done.said
    assert "image" not in (checkout / "dist/SHA256SUMS").read_text()
    assert "image: not built: ENGINE is none" in release(checkout).said


def test_an_engine_that_was_named_and_fails_stops_the_release(checkout: Path) -> None:
    path = bare_path(
        checkout / "bin",
        *["dirname", "sed", "grep", "git", "rm", "mkdir", "touch", "cat", "mktemp", "sha256sum", "sh", "env"],
    )
    done = release(checkout, ENGINE="docker", PATH=str(path))
    assert (done.code, "docker is not installed, or does not answer" in done.said) == (1, True)
    program(path / "docker", '[ "$1" != build ]')
    done = release(checkout, ENGINE="docker", PATH=str(path))
    assert (done.code, "image: not built: docker failed" in done.said) == (1, True)
    assert not (checkout / "dist/SHA256SUMS").exists()


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


def test_the_bill_of_materials_is_what_cyclonedx_says_one_is() -> None:
    """Their own JSON schema judges; `make release` asks it too, before it writes."""
    written = sbom.document(LOCK, VERSION, 0)
    assert sbom.invalid(written) is None
    assert "specVersion" in (sbom.invalid(written.replace('"specVersion": "1.6"', '"specVersion": 6')) or "")


def test_the_same_commit_has_the_same_bill_of_materials() -> None:
    assert sbom.document(LOCK, VERSION, 1) == sbom.document(LOCK, VERSION, 1)
    assert sbom.document(LOCK, VERSION, 1) != sbom.document(LOCK, "9.9.9", 1)


def test_sbom_needs_name_of_one_file() -> None:
    done = run(sys.executable, "tools/sbom.py", cwd=ROOT)
    assert (done.code, done.said) == (2, "sbom: name the file to write\n")
