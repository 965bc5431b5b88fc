"""The image: every step of the Dockerfile is a line of tools/image_steps.sh, and those lines are run here."""

from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import shutil
import ssl
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bot
from bot.settings import Settings
from tests.repository.image import STEPS, arguments, dockerfile, last, step, variables
from tests.repository.locks import pins
from tests.repository.shell import ROOT, environment, run

BUILD_SECONDS = 600.0  # a busy machine, and packages from far away

# ------------------------------------------------------------------ what is written


def test_the_dockerfile_has_only_words_that_docker_knows() -> None:
    known = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "LABEL", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK"}
    assert {line.word for stage in dockerfile() for line in stage} <= known | {"ENTRYPOINT", "CMD"}


def test_the_image_does_nothing_that_make_does_not_also_do() -> None:
    ran = [shlex.split(line.rest) for stage in dockerfile() for line in stage if line.word == "RUN"]
    for words in ran:
        command = [word for word in words if not word.startswith("--mount=")]
        assert command[0] == "sh"
        assert Path(command[1]).name == "image_steps.sh"
        assert command[2] in {"install", "package", "prove", "seal"}  # each has a test below
    assert len(ran) == 4


def test_the_image_is_made_in_the_order_of_make_image_steps() -> None:
    [build, final] = dockerfile()
    ran = [shlex.split(line.rest) for line in build if line.word == "RUN"]
    assert [words[-2] for words in ran] == ["install", "package", "prove"]
    assert [line.rest.split()[-4] for line in final if line.word == "RUN"] == ["seal"]
    assert f"{STEPS} all" in (ROOT / "Makefile").read_text()


def test_image_stages_share_the_python_of_the_environment() -> None:
    """The environment points to the Python of its stage, so both stages have the same."""
    assert {stage[0].rest.removesuffix(" AS build") for stage in dockerfile()} == {"${PYTHON_IMAGE}"}


def test_image_base_is_an_argument_that_renovate_pins() -> None:
    """A digest, once Renovate has looked it up, stands behind the tag."""
    assert re.fullmatch(r"python:3\.13-slim(@sha256:[0-9a-f]{64})?", arguments()["PYTHON_IMAGE"])
    rules = json.loads((ROOT / "renovate.json").read_text())["packageRules"]
    assert {"matchDatasources": ["docker"], "pinDigests": True} in rules


class Refusing(http.server.BaseHTTPRequestHandler):
    """A package index with nothing in it, which remembers whether somebody trusted it enough to ask."""

    def do_GET(self) -> None:
        self.server.asked = True  # type: ignore[attr-defined]
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def inspected(tmp_path: Path) -> Iterator[http.server.HTTPServer]:
    """A package index that company-ca.pem alone vouches for, as behind a proxy that inspects TLS."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "company-ca.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as listening:
        listening.asked = False  # type: ignore[attr-defined]
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize("is_trusted", [False, True])
def test_image_build_trusts_the_company_s_certificates(
    tmp_path: Path, inspected: http.server.HTTPServer, is_trusted: bool
) -> None:
    given = {"CA_FILE": str(tmp_path / "company-ca.pem")} if is_trusted else {}
    index = f"https://localhost:{inspected.server_port}/simple"
    own = {"PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_FIND_LINKS"}
    env = environment(PYTHON=sys.executable, PIP_INDEX_URL=index, PIP_EXTRA_INDEX_URL="", PIP_CONFIG_FILE="/dev/null")
    env |= {"PIP_RETRIES": "0", "NO_PROXY": "localhost", **given}
    env = {name: value for name, value in env.items() if name not in own or is_trusted}
    done = run("sh", ROOT / STEPS, "install", tmp_path / "image", cwd=tmp_path, env=env)
    assert done.code != 0  # nothing is in it
    assert inspected.asked is is_trusted, done.said  # type: ignore[attr-defined]


def test_image_takes_the_certificates_as_a_secret_of_the_build() -> None:
    [install] = [line.rest for line in dockerfile()[0] if line.rest.endswith("install /opt/bot")]
    assert "--mount=type=secret,id=ca" in install
    assert "${CA_FILE:-/run/secrets/ca}" in (ROOT / STEPS).read_text()


def test_image_runs_as_unprivileged_user() -> None:
    user, group = last("USER").split(":")
    assert int(user) >= 10_000
    assert int(group) >= 10_000
    [seal] = [line.rest.split() for line in dockerfile()[-1] if line.word == "RUN"]
    assert seal[-2:] == ["/data", user]


def test_image_started_stopped_and_stored_as_readme_says() -> None:
    assert json.loads(last("ENTRYPOINT")) == ["applivery-bot"]
    assert json.loads(last("CMD")) == ["run"]
    assert json.loads(last("VOLUME")) == ["/data"]
    assert last("EXPOSE") == variables()["PORT"]


def test_the_settings_of_the_image_are_ones_that_the_bot_accepts() -> None:
    given = {name.lower(): value for name, value in variables().items() if name.lower() in Settings.model_fields}
    assert given.keys() == {"host", "port", "log_format", "database_url"}
    assert {name for name in variables() if name.lower() not in given} <= {
        "PATH",
        "HOME",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "MALLOC_ARENA_MAX",
    }
    needed = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "applivery_token": "t"}
    settings = Settings(_env_file=None, **needed, applivery_organization="acme", **given)
    assert (settings.host, settings.database_url) == ("0.0.0.0", "sqlite:////data/bot.db")


def test_everything_that_is_copied_is_there_and_is_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set()
    for line in dockerfile()[0]:
        if line.word == "COPY":
            copied |= set(line.rest.split()[:-1])
    assert all((ROOT / name).exists() for name in copied)
    assert copied == let_through


def test_no_secret_gets_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in ignored if not line.startswith("#")) == "*"
    assert {"**/.env*", "**/*.db"} <= set(ignored)
    assert not any(re.search("TOKEN|SECRET|PASSWORD", name) for name in variables())


# ------------------------------------------------------------------ the health check


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers /healthz with the status that its server was given."""

    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/healthz" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def health(port: int) -> int:
    command = json.loads(re.sub(r"^.*CMD ", "", last("HEALTHCHECK")))
    assert command[0] == "python"
    env = environment(PORT=str(port), http_proxy="http://127.0.0.1:9")  # a proxy must not be asked
    return subprocess.run([sys.executable, *command[1:]], env=env, capture_output=True, check=False).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_the_health_check_passes_only_when_the_bot_says_so(
    server: http.server.HTTPServer, status: int, code: int
) -> None:
    server.status = status  # type: ignore[attr-defined]
    assert health(server.server_port) == code


def test_the_health_check_fails_where_nothing_listens(server: http.server.HTTPServer) -> None:
    port = server.server_port
    server.server_close()
    assert health(port) != 0


# ------------------------------------------------------------------ the steps, run


def test_the_program_starts_with_nothing_else_on_the_path(program: Path) -> None:
    assert "starts" in step("prove", program)


def test_the_program_folder_holds_exactly_what_the_lock_names(program: Path) -> None:
    code = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    found = json.loads(run(program / "bin/python", "-I", "-c", code, cwd=program).said)
    locked = {}
    for line in pins("requirements.lock").values():
        requirement = Requirement(line.split("\\")[0])
        if not requirement.marker or requirement.marker.evaluate():
            locked[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    assert {canonicalize_name(name): version for name, version in found.items() if name != "applivery-bot"} == locked


def test_the_wheel_has_every_file_of_the_bot(program: Path) -> None:
    [wheel] = program.with_name("bot.dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        inside = {name for name in packed.namelist() if name.startswith("bot/")}
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "bot", cwd=ROOT)
    if listed.code:
        pytest.skip("this is not a git checkout: git clone it")
    assert {name for name in listed.said.splitlines() if (ROOT / name).exists()} <= inside


def test_no_installer_and_no_build_tool_is_in_the_program_folder(program: Path) -> None:
    modules = program.glob("lib/python3*/site-packages/*")
    assert not {"pip", "setuptools", "wheel", "hatchling", "editables"} & {path.name for path in modules}
    assert not list(program.glob("bin/pip*"))


def test_image_contains_bytecode_as_it_cannot_write_it(program: Path) -> None:
    assert list(program.glob("lib/python3*/site-packages/bot/__pycache__/*.pyc"))


@pytest.mark.usefixtures("index")
def test_image_sealing_removes_installers_and_makes_data_folder(tmp_path: Path) -> None:
    python = tmp_path / "usr local"
    assert run(sys.executable, "-m", "venv", python, cwd=tmp_path).code == 0
    assert run(python / "bin/python", "-m", "pip", "--version", cwd=tmp_path).code == 0
    step("seal", python, tmp_path / "data", "10001")
    assert run(python / "bin/python", "-m", "pip", "--version", cwd=tmp_path).code != 0
    assert not list(python.glob("bin/pip*"))
    assert run(python / "bin/python", "-c", "import sqlite3, ssl", cwd=tmp_path).code == 0
    made = (tmp_path / "data").stat()
    assert stat.S_IMODE(made.st_mode) == 0o700
    assert made.st_uid == (10001 if os.getuid() == 0 else os.getuid())


@pytest.mark.usefixtures("index")
def test_a_package_whose_hash_is_wrong_does_not_get_in(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / STEPS).write_text((ROOT / STEPS).read_text())
    (tmp_path / "requirements-build.lock").write_text((ROOT / "requirements-build.lock").read_text())
    pin = pins("requirements.lock")["idna"].split("\\")[0]
    (tmp_path / "requirements.lock").write_text(f"{pin} --hash=sha256:{'0' * 64}\n")
    done = run("sh", STEPS, "install", tmp_path / "image", cwd=tmp_path, env=environment(PYTHON=sys.executable))
    assert done.code != 0
    assert "HASHES" in done.said


# ------------------------------------------------------------------ the image, built


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which buildah has a store of its own with the base image in it; skips where it can't be had."""
    if not os.environ.get("BUILD_IMAGE"):
        pytest.skip("takes minutes: BUILD_IMAGE=1 builds the whole image")
    for name in ("buildah", "debootstrap"):
        if not shutil.which(name):
            pytest.skip(f"{name} is missing; on Debian: apt-get install {name}")
    if os.getuid():
        pytest.skip("only root can make the base image: tools/base_image.sh")
    store = tmp_path / "storage.conf"
    store.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/graph"\nrunroot = "{tmp_path}/run"\n')
    env = environment(CONTAINERS_STORAGE_CONF=str(store), ENGINE="buildah")
    base = run("sh", "tools/base_image.sh", cwd=ROOT, env=env, timeout=BUILD_SECONDS)
    if base.code:
        pytest.skip(f"the base image cannot be made here: {base.said}")
    yield env
    shutil.rmtree(tmp_path / "graph", ignore_errors=True)


@pytest.mark.usefixtures("index")
def test_image_built_by_buildah_starts(buildah: dict[str, str], tmp_path: Path) -> None:
    """The whole Dockerfile, by the script of the release: the image's program answers, and its settings are there."""
    file = tmp_path / "image.tar.gz"
    done = run("sh", "tools/image.sh", "bot:test", file, cwd=ROOT, env=buildah, timeout=BUILD_SECONDS)
    assert done.code == 0, done.said
    assert f"\n{bot.__version__}\n" in done.said
    with tarfile.open(file) as archive:
        [manifest] = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = json.load(archive.extractfile(manifest["Config"]))["config"]  # type: ignore[arg-type]
    assert "docker.io/library/bot:test" in manifest["RepoTags"], "the name that docker load gives it"
    assert config["User"] == last("USER")
    assert config["Healthcheck"]["Test"][0] == "CMD", "an OCI image would have none"
    assert config["Entrypoint"] == json.loads(last("ENTRYPOINT"))
