"""Every command that a document, an example or its comments tell somebody to type."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.repository.shell import ROOT

# What a command begins with, `/applivery` in Slack included. The list may be long: a command without a rule in
# test_commands.py fails there.
_NAMES = """
/applivery applivery-bot apt apt-get awk bash brew buildah cat cd chmod chown cp createdb crontab curl dnf
docker docker-compose dpkg echo export find git gpg grep gunzip gzip helm install journalctl kill killall
kubectl kustomize ln ls make mkdir mv nginx node npm npx openssl pg_dump pg_restore pgbouncer pip pip3 pipx
pkill podman poetry pre-commit promtool ps psql python python3 rm rsync scp sed sh sha256sum source sqlite3
ssh sudo systemctl systemd-analyze systemd-creds tar tee touch tsc umask unzip useradd uv vi wget yum
"""
PROGRAMS = frozenset(_NAMES.split())
# Behind a program's name stand words, and in front of it none.
_NAMED = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, PROGRAMS))})[ \t]")
FILES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(path for path in (ROOT / "deploy").iterdir() if path.suffix != ".json"),
    *(ROOT / name for name in (".env.example", "compose.yaml", "Dockerfile", "manifest.yml", "Makefile")),
    *sorted((ROOT / "bot").rglob("*.py")),
]
# English words too: they begin a command in backticks and in code, not behind a colon.
VERBS = frozenset({"export", "find", "install", "kill", "make", "source", "touch"})


@dataclass(frozen=True)
class DocumentedCommand:
    """A command as it is written, without what feeds it or takes its output."""

    file: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {' '.join(self.words)}"

    @property
    def text(self) -> str:
        """The words, with a space in between."""
        return " ".join(self.words)


def documented() -> list[DocumentedCommand]:
    """Return all of them."""
    return [command for file in FILES for command in of_file(str(file.relative_to(ROOT)), file.read_text())]


def of_file(name: str, text: str) -> Iterator[DocumentedCommand]:
    """Return the commands in a text: Markdown, Python's sentences, or a file whose comments begin with `#`."""
    read = {".md": _of_markdown, ".py": _of_sentences}.get(Path(name).suffix, _of_comments)
    for number, line in read(text):
        yield from (DocumentedCommand(name, number, words) for words in _simple(line))


def _of_markdown(text: str) -> Iterator[tuple[int, str]]:
    """Return the lines of code, and the code in lines, that are commands."""
    fence: str | None = None
    for number, line in _joined(text):
        if mark := re.match(r"\s*```(\w*)", line):
            fence = None if fence is not None else mark[1]
        elif fence is None and not line.startswith("    "):
            yield from ((number, code) for code in _in_prose(line, colons=False))
        elif fence == "sh":
            yield from _of_shell(number, line)
        elif fence is None:  # an indented block: settings, or commands
            if re.match(r"    [a-z./]", line):
                yield from _of_shell(number, line.strip())
        else:  # a job of a CI system
            code = re.sub(r"^\s*(?:- )?(?:run: |script: )?", "", line)
            if _begins(code):
                yield from _of_shell(number, code)


def _of_shell(number: int, line: str) -> Iterator[tuple[int, str]]:
    code, _, comment = line.partition(" #")
    yield number, code
    yield from ((number, other) for other in _in_prose(comment, colons=True))


def _of_sentences(text: str) -> Iterator[tuple[int, str]]:
    """Return the commands in what a program says; its docstrings say nothing."""
    if not _NAMED.search(text):
        return  # most files: to parse them all takes a second, which each worker of a test run would pay
    nodes = list(ast.walk(ast.parse(text)))
    silent = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            said = (code for line in node.value.splitlines() for code in _in_prose(line, colons=True))
            yield from ((node.lineno, code) for code in said)


def _of_comments(text: str) -> Iterator[tuple[int, str]]:
    comments = "\n".join(re.sub(r"^.*?(?:^|\s)#|^(?!.*(?:^|\s)#).*", "", line) for line in text.splitlines())
    for number, line in _joined(comments):
        if re.match(r" {2,}", line) and _begins(line.strip()):
            yield number, line.strip()
        else:
            yield from ((number, code) for code in _in_prose(line, colons=True))


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Return the lines with their numbers, those that end in a backslash with the next."""
    whole, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first or number
        whole += line.strip() if whole else line
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        yield first, whole
        whole, first = "", 0


def _in_prose(line: str, *, colons: bool) -> Iterator[str]:
    """Return the commands that stand in backticks and, with `colons`, those behind a colon."""
    quoted = re.findall(r"`([^`]+)`", line)
    bare = re.findall(r"(?<=: )\s*([^:,;`]+)", line) if colons else []
    bare = [code.rstrip(". ") for code in bare if code.split()[0] not in VERBS]
    yield from (code.replace("\\|", "|").strip() for code in [*quoted, *bare] if _begins(code.strip()))


def _begins(code: str) -> bool:
    """Whether this begins as a command does, and says more than a program's name."""
    words = re.sub(r"^(?:[A-Z_]+=\S* )*", "", code).split()
    return len(words) > 1 and bool({words[0], Path(words[0]).name} & PROGRAMS)


def _simple(line: str) -> Iterator[tuple[str, ...]]:
    """Split at what joins commands, and drop assignments in front, redirections and comments."""
    try:
        words = shlex.split(re.sub(r"<([\w ]+)>", r"'<\1>'", line), comments=True)
    except ValueError:
        return  # prose with an apostrophe
    parts: list[list[str]] = [[]]
    for word in words:
        if word in {"&&", "||", "|", ";"}:
            parts.append([])
        elif not re.match(r"\d?>|<[^\w]?$", word) and (parts[-1] or not re.match(r"[A-Z_]+=", word)):
            parts[-1].append(word)
    yield from (tuple(part) for part in parts if part)
