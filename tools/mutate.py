"""Sampled mutation testing: `make mutate ARGS="--sample 20 bot/domain"`, also of single files.

Each mutant is one small change of one module; the tests of that module run against it, in a copy of this folder, one
mutant at a time. Tests that still pass have not noticed the change: it is printed as a survivor. Some survivors are
equivalent, which a person has to judge; so survivors are no failure, and this is not a step of CI. The exit code is 2
when the tests fail without any change, or pass without the module.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bot/domain", "bot/db", "bot/services")
BROKEN = "raise ImportError"  # in place of a module: its tests have to fail then
FIRST_LIMIT = 300.0  # seconds for the tests without a change; a mutant may take some times as long as they took

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """One change of a module: the bytes from `start` to `end` become `after`."""

    path: Path
    line: int
    start: int
    end: int
    before: str
    after: str

    def applied(self, source: bytes) -> bytes:
        """Return the module with this change."""
        return source[: self.start] + self.after.encode() + source[self.end :]

    def __str__(self) -> str:
        """Return file, line, before and after, on one line."""
        return f"{self.path}:{self.line}: {' '.join(self.before.split())} → {self.after}"


def main(words: Sequence[str] | None = None) -> int:
    """Test a sample of mutants; print the survivors and the share that was killed."""
    options = _options(words)
    modules = sorted(
        {
            file
            for name in options.paths
            for file in ([Path(name)] if name.endswith(".py") else Path(name).rglob("*.py"))
        }
    )
    tests = {module: options.tests or tests_of(module) for module in modules}
    untested = [str(module) for module in modules if not tests[module] and mutants(module, module.read_bytes())]
    if untested:
        _say(f"left out, as no test file is named like them: {', '.join(untested)}")
    every = [mutant for module in modules if tests[module] for mutant in mutants(module, module.read_bytes())]
    # The same seed finds the same sample in the same code.
    chosen = random.Random(options.seed).sample(range(len(every)), min(options.sample, len(every)))  # noqa: S311
    survivors: list[Mutant] = []
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(Path(folder))
        for module, group in groupby((every[place] for place in sorted(chosen)), key=lambda mutant: mutant.path):
            try:
                survivors += _survivors(Path(folder), module, list(group), tests[module])
            except ValueError as wrong:
                _say(str(wrong))
                return 2
    killed = len(chosen) - len(survivors)
    share = f", {killed / len(chosen):.0%}" if chosen else ""
    _say(f"{killed} of {len(chosen)} killed{share}; {len(every)} possible, seed {options.seed}")
    return 0


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutate", description="Sampled mutation testing.")
    parser.add_argument("paths", nargs="*", default=PACKAGES, help="packages or files (default: %(default)s)")
    parser.add_argument("--sample", type=int, default=20, help="how many mutants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (default: %(default)s)")
    parser.add_argument("--tests", nargs="+", type=Path, help="test files, in place of those named like the module")
    return parser.parse_args(words)


def tests_of(module: Path) -> list[Path]:
    """Return the test files of a module: those named like it in its package's folders, else in any."""
    name = f"test_{module.stem}.py"
    own = [Path("tests", kind, *module.parts[1:-1], name) for kind in ("unit", "integration")]
    found = [path for path in own if path.exists()]
    return found or sorted(path for kind in ("unit", "integration") for path in Path("tests", kind).rglob(name))


def mutants(path: Path, source: bytes) -> list[Mutant]:
    """Return every mutant of a module, in the order of its lines."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node, after in _changes(ast.parse(source)):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        found.append(Mutant(path, node.lineno, start, end, source[start:end].decode(), after))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.after))


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Yield what may be replaced below a node, and by which text."""
    if isinstance(node, ast.JoinedStr):  # Python 3.11 does not know where the parts of an f-string are
        return
    yield from ((node, after) for after in _replacements(node) if isinstance(node, ast.expr | ast.stmt))
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):  # tests cannot tell, types are for mypy
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changes(child)


def _replacements(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            for place, operator in enumerate(ops):
                other = COMPARISONS[type(operator)]()
                yield _text(ast.Compare(left, [*ops[:place], other, *ops[place + 1 :]], comparators))
        case ast.BoolOp(op=operator, values=values):
            yield _text(ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in ARITHMETIC:
            yield _text(ast.BinOp(left, ARITHMETIC[type(operator)](), right))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _text(operand)
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield from (str(value + 1), str(value - 1))
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield "return None"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"  # what stands around it cannot bind closer


def copy_tree(folder: Path) -> None:
    """Copy what git tracks or would track: a mutant never touches the files that are worked on."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if Path(name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, folder / name)


def _survivors(folder: Path, module: Path, sample: list[Mutant], tests: list[Path]) -> Iterator[Mutant]:
    """Run a module's tests against each of its mutants; print and yield those they do not notice.

    Raises ValueError when the tests cannot tell: they fail anyway, or do not use the module.
    """
    source = (folder / module).read_bytes()
    names = " ".join(map(str, tests))
    started = time.monotonic()
    if not passes(folder, tests, FIRST_LIMIT):
        raise ValueError(f"{module}: its tests fail without any change: {names}")
    limit = 10 + 5 * (time.monotonic() - started)
    try:
        (folder / module).write_text(BROKEN)
        if passes(folder, tests, limit):
            raise ValueError(f"{module}: its tests pass without it: {names}")
        for mutant in sample:
            (folder / module).write_bytes(mutant.applied(source))
            if passes(folder, tests, limit):
                _say(f"survived: {mutant}")
                yield mutant
    finally:
        (folder / module).write_bytes(source)


def passes(folder: Path, tests: Sequence[Path], limit: float) -> bool:
    """Return whether these tests pass in a folder within `limit` seconds; a mutant that never ends is noticed too."""
    # The folder is first on the path, before what is installed. Without byte code on the disk, as two mutants of one
    # size within one second would be taken for the same file.
    words = ["-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", "--hypothesis-profile=quick"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *words, *map(str, tests)],
            cwd=folder,
            env=environment,
            timeout=limit,
            check=False,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
