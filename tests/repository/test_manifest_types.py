"""Slack's own type of an app manifest (`@slack/web-api`, `tsc --strict`): every field, scope and event is one it knows.

The lengths are no part of a type: tests/support/slack_manifest.py has them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tarfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import bot.commands
from bot.dispatch.registry import HandlerRegistry
from bot.slack.manifest import manifest
from tests.repository.conftest import once
from tests.repository.shell import run
from tests.repository.test_slack_types import NODE, NPM, SECONDS, _npm_environment, compiled, compiler

__all__ = ["compiler"]  # the fixture

PACKAGE = "@slack/web-api@8.2.0"
INTEGRITY = "sha512-bIW8/8BLD/HLuHLIA2LfA7AhSokzui4swCbMJuwoRJxn/kzHVla6YEKLvN1nCFHK/DfX7g+4Wj3ess/ZSh/tWQ=="
TYPES = "package/dist/types/request/manifest.d.ts"
SHORTCUTS = HandlerRegistry.scan(bot.commands).shortcuts()
# `Manifest` takes unknown fields at its top; `Known` has only those it names
HEAD = """import type { Manifest } from "./manifest.js";
type Known = { [Field in keyof Manifest as string extends Field ? never : Field]: Manifest[Field] };
"""
MANIFESTS = {
    f"{'socket' if socket else 'http'}{' organization' if organization else ''} version {version}": {
        **manifest(
            command="/builds",
            public_url="https://bot.acme.test",
            socket_mode=socket,
            shortcuts=SHORTCUTS,
            organization=organization,
            unfurl_domains=["dashboard.applivery.io", "acme.applivery.io"],
        ),
        "_metadata": {"major_version": version},
    }
    for socket in (True, False)
    for organization in (True, False)
    for version in (1, 2)
}


@pytest.fixture(scope="session")
def types(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of Slack's types, from the package as it is pinned; kept between runs."""
    kept = request.config.cache.mkdir(f"slack_manifest-{hashlib.sha256(INTEGRITY.encode()).hexdigest()[:12]}")
    with once(tmp_path_factory, "slack_manifest") as (shared, asked):
        if not asked:
            (shared / "missing").write_text(_fetch(kept))
    if missing := (shared / "missing").read_text():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return (kept / "manifest.d.ts").read_text("utf-8")


def _fetch(kept: Path) -> str:
    """Unpack the one file, unless it is there; return what is missing."""
    if (kept / "manifest.d.ts").exists():
        return ""
    got = run(NODE, NPM, "pack", PACKAGE, "--silent", cwd=kept, env=_npm_environment(), timeout=SECONDS)
    archives = list(kept.glob("*.tgz"))
    if got.code or not archives:
        return "no npm registry in reach: connect this machine to one, or set npm_config_registry to a mirror"
    digest = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
    assert f"sha512-{digest}" == INTEGRITY, "not the package that is pinned"
    with tarfile.open(archives[0]) as archive:
        member = archive.extractfile(TYPES)
        assert member is not None
        (kept / "manifest.d.ts").write_bytes(member.read())
    return ""


def refused(compiler: Path, folder: Path, types: str, made: list[dict[str, Any]]) -> list[int]:
    """Return the numbers of the manifests that the compiler refuses."""
    (folder / "manifest.d.ts").write_text(types, "utf-8")
    (folder / "package.json").write_text('{"type": "module"}')
    lines = [f"export const e{at}: Known = {json.dumps(each)};" for at, each in enumerate(made)]
    done = compiled(compiler, folder, HEAD + "\n".join(lines) + "\n")
    found = re.findall(r"^examples\.ts\((\d+),\d+\): error", done.said, re.MULTILINE)
    assert bool(found) == bool(done.code), done.said
    return sorted({int(line) - 3 for line in found})


def test_slack_types_take_each_manifest(compiler: Path, types: str, tmp_path: Path) -> None:
    faults = refused(compiler, tmp_path, types, list(MANIFESTS.values()))
    assert [list(MANIFESTS)[at] for at in faults] == []


def test_slack_types_refuse_wrong_manifests(compiler: Path, types: str, tmp_path: Path) -> None:
    good = next(iter(MANIFESTS.values()))
    scope, event, field, top = (deepcopy(good) for _ in range(4))
    scope["oauth_config"]["scopes"]["bot_optional"].append("file:read")
    event["settings"]["event_subscriptions"]["bot_events"].append("channel_rename_to")
    field["features"]["bot_user"]["always_offline"] = True
    top["setings"] = {}
    assert refused(compiler, tmp_path, types, [good, scope, event, field, top]) == [1, 2, 3, 4]
