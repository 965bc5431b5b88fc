"""Every command that a document, an example or its comments tell somebody to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.repository.shell import ROOT

# What a command begins with. One that has no rule in test_commands.py fails there, so this list may be long.
_NAMES = """
applivery-bot apt apt-get awk bash brew buildah cat cd chmod chown cp createdb crontab curl dnf docker docker-compose
dpkg echo export find git gpg grep gunzip gzip helm install journalctl kill killall kubectl kustomize ln ls make mkdir
mv nginx node npm npx openssl pg_dump pg_restore pgbouncer pip pip3 pipx pkill podman poetry pre-commit promtool ps
psql python python3 rm rsync scp sed sh source sqlite3 ssh sudo systemctl systemd-analyze systemd-creds tar tee touch
tsc umask unzip useradd uv vi wget yum
"""
PROGRAMS = frozenset(_NAMES.split())
FILES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(path for path in (ROOT / "deploy").iterdir() if path.suffix != ".json"),
    *(ROOT / name for name in (".env.example", "compose.yaml", "Dockerfile", "manifest.yml")),
]


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
    """Return the commands in a text: Markdown, or a file whose comments begin with `#`."""
    lines = list(_of_markdown(text) if name.endswith(".md") else _of_comments(text))
    for number, line in lines:
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
        else:  # a job of a CI system, or an indented block
            code = re.sub(r"^\s*(?:- )?(?:run: |script: )?", "", line)
            if _begins(code):
                yield from _of_shell(number, code)


def _of_shell(number: int, line: str) -> Iterator[tuple[int, str]]:
    code, _, comment = line.partition(" #")
    yield number, code
    yield from ((number, other) for other in _in_prose(comment, colons=True))


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
    yield from (code.replace("\\|", "|").strip() for code in [*quoted, *bare] if _begins(code.strip()))


def _begins(code: str) -> bool:
    """Whether this begins as a command does, and says more than a program's name."""
    words = re.sub(r"^(?:[A-Z_]+=\S* )*", "", code).split()
    return len(words) > 1 and Path(words[0]).name in PROGRAMS


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
