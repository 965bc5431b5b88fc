"""The documents: short, linked, complete, and what they name exists."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

import bot.commands
from bot.dispatch.registry import HandlerRegistry
from bot.settings import Settings, UploadSettings
from tests.repository.shell import ROOT, run
from tools import catalogue, reference

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text(), re.MULTILINE)
}
GUIDES = [page for page in PAGES if page.parent.name not in ("reference", "decisions")]
FOR_USERS = [
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("tester", "release-manager", "manager", "admin")),
]
THE_SAME_IN_ALL_LANGUAGES = {"CSV"}
# Labels of Slack's and Applivery's own pages; a path of theirs has an arrow in it.
ELSEWHERE = {
    "Viewer",
    "Developer",
    "OAuth & Permissions",
    "Basic Information",
    "Install to Workspace",
    "Messages",
    "Android",
}
# Environment variables that are no settings of the bot.
FOREIGN = {
    "CREDENTIALS_DIRECTORY",
    "COMPOSE_PROFILES",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "BARE_MACHINE",
    "BUILD_IMAGE",
    "POSTGRES_PASSWORD",
    "SSL_CERT_FILE",
    "RELEASE_KEY",
    "RELEASE_SIGNING_KEY",
}
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The fragments that lead into a page, as GitHub makes them of its headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def labels(page: Path) -> set[str]:
    """What a page sets in italics and capital letters: the words of a button, field or menu."""
    found = re.findall(r"(?<![*\w])\*([A-Z][^*\n]*(?:\n[^*\n]+)?)\*(?![*\w])", page.read_text())
    return {" ".join(label.split()) for label in found if "→" not in label} - ELSEWHERE


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = {field.upper() for field in {*Settings.model_fields, *UploadSettings.model_fields}} | FOREIGN
    named = re.findall(r"`\$?([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", page.read_text())
    assert [word for word in named if word not in known] == []


@pytest.mark.parametrize("page", FOR_USERS, ids=name)
def test_every_button_that_is_named_exists(page: Path) -> None:
    messages = [
        text for message in catalogue.messages() for text in ((message,) if isinstance(message, str) else message)
    ]
    known = {message.strip() for message in messages} | THE_SAME_IN_ALL_LANGUAGES
    known |= {shortcut.name for shortcut in HandlerRegistry.scan(bot.commands).shortcuts()}
    with_values = [
        re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)) for text in known if re.search(r"[A-Za-z]{3}.*\{", text)
    ]
    unknown = [label for label in labels(page) - known if not any(re.fullmatch(text, label) for text in with_values)]
    assert unknown == [], "italics name a button as the bot shows it"


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    assert {"    make demo", "    make test"} <= set(lines)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, fragment in re.findall(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)]+))?\)", page.read_text()):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        assert not fragment or fragment in anchors(file), f"{target}#{fragment}"


def test_every_page_can_be_reached() -> None:
    site = (ROOT / "mkdocs.yml").read_text()
    assert [page for page in PAGES if name(page).removeprefix("docs/") not in site and page.name != "README.md"] == []


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is missing: make test brings it, with requirements-dev.lock")
    done = run(sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path, cwd=ROOT)
    assert done.code == 0, done.said
    assert 'src="https' not in (tmp_path / "index.html").read_text(), "nothing is loaded from elsewhere"


def test_the_glossary_has_forty_terms_at_most() -> None:
    [_, _, *rows] = [line.split(" | ") for line in ROW.findall((ROOT / "docs/glossary.md").read_text())]
    terms = [row[0] for row in rows]
    assert 0 < len(terms) <= 40
    assert terms == sorted(terms, key=str.casefold)
    assert len(set(terms)) == len(terms)
    assert all(len(row) == 3 and all(row) for row in rows)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:bot|sandbox|tests|tools|deploy|docs|bench|\.github)/[\w./-]*)`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_http_path_is_documented() -> None:
    page = (ROOT / "docs/reference/http.md").read_text()
    server = (ROOT / "bot/web/server.py").read_text()
    paths = {re.sub(r":.*?\}", "}", path) for path in re.findall(r'add_\w+\((?:"\*", )?r?"(/[^"]+)"', server)}
    assert {"/healthz", "/b/{ticket}"} <= paths
    assert [path for path in paths if f"{path}`" not in page] == []


def test_the_architecture_draws_the_layers_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    picture = (ROOT / "docs/architecture.md").read_text().split("```\n")[1].partition("\n\n")[0]
    drawn = [re.split(r"\s{3,}", line.strip())[0].replace("│", "|") for line in picture.splitlines()]
    assert drawn == [layer for layer in layers if not layer.startswith("(")]


def test_every_guarantee_has_tests_and_they_exist() -> None:
    text = (ROOT / "docs/guarantees.md").read_text()
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [int(section.split(".")[0]) for section in sections] == list(range(1, len(sections) + 1))
    for section in sections:
        named = set(re.findall(r"`(test_\w+)`", section.partition("\nTests: ")[2]))
        assert named, section.splitlines()[0]
        assert named - TESTS == set(), section.splitlines()[0]


def test_every_promise_to_operators_has_a_test() -> None:
    """That the files exist is checked for every path that is named."""
    table = (ROOT / "docs/operations.md").read_text().partition("## Each promise has a test")[2]
    rows = [row.split(" | ") for row in ROW.findall(table)][2:]
    assert len(rows) >= 12
    assert [row for row in rows if not re.fullmatch(r"`tests/[\w/]+/test_\w+\.py`", row[-1])] == []


def test_every_decision_has_its_four_parts() -> None:
    for page in sorted((ROOT / "docs/decisions").glob("0*.md")):
        assert re.findall(r"^\*\*(\w+)\.\*\*", page.read_text(), re.MULTILINE) == [
            *("Context", "Decision", "Consequences", "Measured")
        ], page.name
        assert f"({page.name})" in (ROOT / "docs/decisions/README.md").read_text()


def test_the_reference_pages_are_what_the_code_says() -> None:
    assert reference.main(["--check"]) == 0, "make reference"


def test_a_stale_page_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(reference.PAGES, "docs/reference/settings.md", lambda: "other")
    assert reference.main(["--check"]) == 1
    assert capsys.readouterr().err == "reference: docs/reference/settings.md is stale: make reference\n"
