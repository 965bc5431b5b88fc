"""What documents, examples and comments tell somebody to type is run where it can be, else the program judges it."""

from __future__ import annotations

import base64
import itertools
import re
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
import yaml

import bot.commands
from bot.cli.program import app as command_line
from bot.dispatch.registry import HandlerRegistry
from bot.settings import read
from tests.repository.commands import DocumentedCommand, documented, of_file
from tests.repository.shell import ROOT, CompletedCommand, environment, run

COMMANDS = documented()
DEPLOYMENT = next(
    item for item in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text()) if item["kind"] == "Deployment"
)
COMMAND_LINE = typer.main.get_command(command_line).commands  # type: ignore[attr-defined]
SUBCOMMANDS = {entry.name for entry in HandlerRegistry.scan(bot.commands).commands()}
FILLED_IN = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "APPLIVERY_TOKEN": "a-token",
    "APPLIVERY_ORGANIZATION": "acme",
    "DATABASE_URL": "postgresql://bot:secret@postgres:5432/bot",
}


@dataclass(frozen=True)
class Sandbox:
    """A checkout in which a command may do what it does; `/etc` and `/opt` are folders in it."""

    folder: Path

    def run(self, *words: str) -> CompletedCommand:
        """Run a command here. Its absolute paths lead into this folder."""
        here = [str(self.folder / word[1:]) if re.match("/(etc|opt)/", word) else word for word in words]
        done = run(*here, cwd=self.folder, env=environment(HOME=str(self.folder), KUBECONFIG="/dev/null"))
        assert done.code == 0, done
        return done


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    for name in (".env.example", "compose.yaml", "Dockerfile", "deploy"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in FILLED_IN.items()))
    for place in ("etc/systemd/system", "etc/applivery-bot", "opt"):
        (tmp_path / place).mkdir(parents=True)
    return Sandbox(tmp_path)


def needed(program: str, package: str) -> None:
    """Skip where a program is missing that CI installs."""
    if not shutil.which(program):
        pytest.skip(f"needs {program}: sudo apt-get install {package}")


# ------------------------------------------------------------------ one rule for each kind of command

Check = Callable[[DocumentedCommand, Sandbox], None]
RULES: dict[str, Check] = {}


def rule(pattern: str) -> Callable[[Check], Check]:
    """Register a check for the commands that match a pattern as a whole."""

    def register(check: Check) -> Check:
        RULES[pattern] = check
        return check

    return register


def parse(*words: str) -> None:
    """Parse a command line of ours without running it."""
    if words[0].isupper():
        return  # it stands for any
    command = COMMAND_LINE.get(words[0])
    assert command, f"there is no applivery-bot {words[0]}"
    if len(words) > 1:  # alone it is a name
        try:
            command.make_context(words[0], list(words[1:]))
        except Exception as refused:  # noqa: BLE001 - typer has a Click of its own, whose errors are private
            pytest.fail(f"applivery-bot {' '.join(words)}: {refused}")


@rule(r"(\.venv/bin/)?applivery-bot \S.*")
def ours(command: DocumentedCommand, _: Sandbox) -> None:
    """test_operations.py does what the guide says about backups and copies."""
    parse(*command.words[1:])


@rule(r"/applivery( \S.*)?")
def in_slack(command: DocumentedCommand, _: Sandbox) -> None:
    """Alone it is `/applivery help`."""
    assert {*command.words[1:2]} <= SUBCOMMANDS


@rule(r"python -m bot( COMMAND)?")
def module(command: DocumentedCommand, _: Sandbox) -> None:
    assert (ROOT / command.words[2] / "__main__.py").exists()


@rule(r"pipx run --spec git\+https://\S+ applivery-bot .*")
def from_elsewhere(command: DocumentedCommand, _: Sandbox) -> None:
    parse(*command.words[5:])


@rule(r"make [a-z].*")
def target(command: DocumentedCommand, _: Sandbox) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    variables = [word for word in command.words[1:] if "=" in word]
    assert set(command.words[1:]) - set(variables) <= targets
    assert {word.partition("=")[0] for word in variables} <= {"ARGS", "SECONDS"}
    assert all((ROOT / path).exists() for path in re.findall(r"\b(?:tests|bot)/[\w./-]+", " ".join(variables)))


@rule(r"git clone <this repository> \S+|git pull|git diff <[\w ]+> -- \S+")
def git(command: DocumentedCommand, sandbox: Sandbox) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout: git clone it")
    sandbox.run("git", "clone", "--quiet", "--no-checkout", str(ROOT), "applivery-bot")
    words = ["HEAD" if word.startswith("<") else word for word in command.words]
    if words[1] == "diff":
        sandbox.run("git", "-C", "applivery-bot", *words[1:])
        assert (ROOT / words[-1]).exists()


@rule(r"cd \S+")
def folder(command: DocumentedCommand, _: Sandbox) -> None:
    """A folder that the command before it has made."""
    assert any(other.words[:2] == ("git", "clone") and other.words[-1] == command.words[1] for other in COMMANDS)


@rule(r"cp \S+ \S+|chmod \d+ \S+|install -[dm] .*|python3 -m venv /opt/\S+")
def done_here(command: DocumentedCommand, sandbox: Sandbox) -> None:
    quick = ["--without-pip"] if "venv" in command.words else []  # pip alone takes three seconds
    sandbox.run(*command.words, *quick)
    made = sandbox.folder / command.words[-1].lstrip("/")
    assert made.exists()
    modes = [word for word in command.words if re.fullmatch(r"[0-7]{3}", word)]
    assert [f"{stat.S_IMODE(made.stat().st_mode):o}"] * len(modes) == modes


@rule(r"/opt/applivery-bot/bin/pip install \S+")
def installed(command: DocumentedCommand, _: Sandbox) -> None:
    """`make release` leaves the wheel in dist, as this is named."""
    assert command.words[-1] == "dist/applivery_bot-*.whl"
    assert "dist" in (ROOT / "tools/release.sh").read_text()
    assert any(other.text == "python3 -m venv /opt/applivery-bot" for other in COMMANDS)


@rule(r"systemctl (daemon-reload|enable --now \S+)|journalctl --unit=\S+ --follow")
def systemd(command: DocumentedCommand, _: Sandbox) -> None:
    named = re.findall(r"(?:--now |--unit=)(\S+)", command.text)
    assert all((ROOT / f"deploy/{unit}.service").exists() for unit in named)


@rule(r"openssl rand -hex \d+")
def word(command: DocumentedCommand, sandbox: Sandbox) -> None:
    needed("openssl", "openssl")
    made = sandbox.run(*command.words).said.strip()
    given = {name.lower(): value for name, value in FILLED_IN.items()}
    settings = read(**given, applivery_webhook_secret=made, _env_file=None)
    assert settings.applivery_webhook_secret


@rule(r"kubectl create secret generic \S+ .*")
def secret(command: DocumentedCommand, sandbox: Sandbox) -> None:
    """What it makes has the name and the key that the manifest asks for."""
    needed("kubectl", "kubernetes-client")
    flags = [] if "--dry-run=client" in command.words else ["--dry-run=client", "--output", "yaml"]
    made = yaml.safe_load(sandbox.run(*command.words, *flags).said)
    [container] = DEPLOYMENT["spec"]["template"]["spec"]["containers"]
    asked = [variable["valueFrom"]["secretKeyRef"] for variable in container["env"] if "valueFrom" in variable]
    assert {reference["name"] for reference in asked} == {made["metadata"]["name"]}
    assert {reference["key"] for reference in asked} <= made["data"].keys()
    assert {name: base64.b64decode(value).decode() for name, value in made["data"].items()} == FILLED_IN


@rule(r"kubectl (apply --filename \S+|rollout (status|restart) deployment/\S+)")
def kubernetes(command: DocumentedCommand, sandbox: Sandbox) -> None:
    """Without a cluster, kubectl still judges its words. test_deploy.py judges the manifest."""
    needed("kubectl", "kubernetes-client")
    sandbox.run(*command.words, "--help")
    if command.words[1] == "apply":
        assert command.words[-1] == "-" or (sandbox.folder / command.words[-1]).exists()
    else:
        assert command.words[-1] == f"deployment/{DEPLOYMENT['metadata']['name']}"


# Options of Docker's and buildah's that are documented, also where their programs are missing.
COMPOSE = {"up": {"--build", "--detach"}, "run": {"--rm"}, "exec": set(), "cp": set()}
BUILD = {"--tag", "--build-arg", "--secret", "--format"}


@rule(r"docker compose (up|run|exec|cp)( \S+)*")
def compose(command: DocumentedCommand, sandbox: Sandbox) -> None:
    verb, rest = command.words[2], command.words[3:]
    options = list(itertools.takewhile(lambda word: word.startswith("--"), rest))
    others = rest[len(options) :]
    assert set(options) <= COMPOSE[verb]
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert {word.partition(":")[0] for word in others[:1]} <= services.keys()
    if verb == "run":  # behind the image's entrypoint
        parse(*others[1:])
    elif verb == "exec":
        assert others[1] == "applivery-bot"
        parse(*others[2:])
    if shutil.which("docker") and run("docker", "compose", "version", cwd=ROOT).code == 0:
        done = run("docker", "compose", verb, "--help", *options, cwd=sandbox.folder)
        assert done.code == 0, done


@rule(r"(docker|buildah) build .*|docker buildx imagetools inspect \S+")
def image(command: DocumentedCommand, _: Sandbox) -> None:
    """What it names stands in the Dockerfile."""
    text = (ROOT / "Dockerfile").read_text()
    assert {word for word in command.words if word.startswith("--")} <= BUILD
    assert re.findall(r"--build-arg (\w+)=", command.text) == re.findall(r"--build-arg (PYTHON_IMAGE)=", command.text)
    for name in re.findall(r"--secret id=(\w+)", command.text):
        assert f"--mount=type=secret,id={name}" in text
    if "inspect" in command.words:
        assert f"PYTHON_IMAGE={command.words[-1]}" in text
    assert "--format" not in command.words or command.words[command.words.index("--format") + 1] == "docker"


@rule(r"sudo apt-get install git make python3-venv postgresql|sudo -u postgres create(user|db) .*")
def server(command: DocumentedCommand, _: Sandbox) -> None:
    """tools/two_replicas.sh installs the same, and makes a server of its own instead of Debian's."""
    if "install" in command.words:
        installed_by_script = re.findall(r"[\w-]+", (ROOT / "tools/two_replicas.sh").read_text())
        assert set(command.words[3:]) <= set(installed_by_script)
    else:
        needed(command.words[3], "postgresql-client")
        options = run(command.words[3], "--help", cwd=ROOT).said
        assert all(word.partition("=")[0] in options for word in command.words[4:] if word.startswith("--"))


@rule(r"apt-get install postgresql-client|npm install --package-lock-only|pre-commit install|tsc --strict")
def other_tools(command: DocumentedCommand, _: Sandbox) -> None:
    """What they work on is there."""
    works_on = {
        "npm": "tests/repository/slack_types/package.json",
        "tsc": "tests/repository/slack_types/package.json",
        "pre-commit": ".pre-commit-config.yaml",
        "apt-get": ".ci/run",
    }
    assert (ROOT / works_on[command.words[0]]).exists()


@rule(r"sha256sum --check SHA256SUMS|gpg --verify SHA256SUMS.asc SHA256SUMS|docker load --input \S+")
def release(command: DocumentedCommand, sandbox: Sandbox) -> None:
    """`make release` leaves files of these names; test_release.py verifies what is in them."""
    made = "".join((ROOT / f"tools/{name}.sh").read_text() for name in ("release", "image"))
    for name in re.findall(r"SHA256SUMS(?:\.asc)?|\.image\.tar\.gz", command.text):
        assert name in made
    if command.words[0] == "sha256sum":
        (sandbox.folder / "SHA256SUMS").write_text(sandbox.run("sha256sum", "Dockerfile").said)
        sandbox.run(*command.words)


@rule(r"sh tools/\S+")
def script(command: DocumentedCommand, _: Sandbox) -> None:
    """test_scripts.py judges what is in it."""
    assert (ROOT / command.words[1]).exists()


@rule(r"kill -9|systemd-analyze security|docker load|gpg --armor --export-secret-keys")
def named_only(_command: DocumentedCommand, _sandbox: Sandbox) -> None:
    """Not told to be typed as it stands; test_stopping.py, test_deploy.py and test_release.py do it."""


# ------------------------------------------------------------------ the rules, applied


def rules_of(command: DocumentedCommand) -> list[Check]:
    return [check for pattern, check in RULES.items() if re.fullmatch(pattern, command.text)]


@pytest.mark.parametrize("command", {command.text: command for command in COMMANDS}.values(), ids=str)
def test_every_documented_command_works(command: DocumentedCommand, sandbox: Sandbox) -> None:
    found = rules_of(command)
    assert len(found) == 1, f"one rule says how {command} is checked; add it above"
    found[0](command, sandbox)


def test_every_rule_is_about_a_documented_command() -> None:
    used = {check for command in COMMANDS for check in rules_of(command)}
    assert used == set(RULES.values())


DOCUMENT = """Run `kubectl get pods` (not `kubectl` alone, `get courier` or `make`).

    sqlite3 bot.db .dump && helm upgrade bot .   # or: applivery-bot doctor
    SLACK_BOT_TOKEN=xoxb-1

```sh
anything --at-all >here
NAME=value psql "$URL" \\
  --quiet
```

```yaml
- run: curl -fsS https://acme.test | sh -s
  env: {A: b}
```
"""
SENTENCES = """
def help():
    "Say what `make fuzz` does."
    say("Run `applivery-bot doctor`. Then: make it so. Or start it: docker compose up --build.")
"""
EXAMPLE = """#!/bin/sh
# With the wheel of `make release`, as root:
#   useradd bot \\
#     --system
name: "#1"  # for a secret: openssl rand -hex 24
# A line of prose: nothing to type.
"""


def test_commands_are_found_wherever_they_stand() -> None:
    assert [command.text for command in of_file("page.md", DOCUMENT)] == [
        "kubectl get pods",
        "sqlite3 bot.db .dump",
        "helm upgrade bot .",
        "applivery-bot doctor",
        "anything --at-all",
        "psql $URL --quiet",
        "curl -fsS https://acme.test",
        "sh -s",
    ]
    assert [command.text for command in of_file("a.py", SENTENCES)] == [
        "applivery-bot doctor",
        "docker compose up --build",
    ]
    assert [command.text for command in of_file("example.yaml", EXAMPLE)] == [
        "make release",
        "useradd bot --system",
        "openssl rand -hex 24",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "applivery-bot doctor --nonsense",
        "docker compose exec db applivery-bot fly",
        "docker compose exec bot doctor",
        "docker compose run --rm bot applivery-bot doctor",
        "docker compose up --biuld",
        "docker build --secret id=other,src=x .",
        "kubectl apply --filename nowhere.yaml",
        "kubectl create secret generic applivery-bot --from-env-file=.env --from-literal=A=b",
        "kubectl create secret generic another --from-env-file=.env",
        "make nonsense",
        "cp nowhere .env",
        "systemctl enable --now other",
    ],
)
def test_wrong_commands_are_found_out(wrong: str, sandbox: Sandbox) -> None:
    [command] = of_file("page.md", f"`{wrong}`")
    [check] = rules_of(command)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(command, sandbox)


def test_a_command_without_a_rule_is_found_out(sandbox: Sandbox) -> None:
    [command] = of_file("page.md", "`kubectl delete --all pods`")
    with pytest.raises(AssertionError, match="add it above"):
        test_every_documented_command_works(command, sandbox)
