"""make mutate: changes one thing at a time, and finds the changes that tests do not notice."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import mutate

MODULE = Path("bot/domain/limits.py")
CODE = b'''"""Not a mutant: 1 < 2."""
MOST = 9

def fits(size: int, often: bool = False) -> bool:
    return size <= MOST and not often
'''


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("a < b == c", ["(a <= b == c)", "(a < b != c)"]),
        ("a and b or c", ["((a and b) and c)", "(a or b)"]),
        ("é = 'ñ' + a", ["('ñ' - a)"]),
        ("x = not (a or b)", ["(a or b)", "(a and b)"]),
        ("x = True", ["False"]),
        ("x = 2.5", ["1.5", "3.5"]),
        ("def f() -> Literal[3]:\n    return a", ["return None"]),
        ("def f():\n    return None", []),
        ("x: Literal[3] = f'{a < b}'", []),
    ],
)
def test_each_mutant_is_one_change(code: str, after: list[str]) -> None:
    found = mutate.mutants(MODULE, code.encode())
    assert sorted(mutant.after for mutant in found) == sorted(after)
    for mutant in found:
        compile(mutant.applied(code.encode()), "mutant", "exec")


def test_a_mutant_says_where_it_is_and_changes_only_that() -> None:
    first, *_ = mutate.mutants(MODULE, CODE)
    assert str(first) == "bot/domain/limits.py:2: 9 → 10"
    assert first.applied(CODE) == CODE.replace(b"9", b"10")


def test_survivors_are_printed_with_the_share_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The test knows nothing of the limit itself: one more or less makes no difference to it, nor does `<`."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        MODULE: CODE.decode(),
        Path("bot/domain/untested.py"): "MOST = 1\n",
        Path("bot/__init__.py"): "",
        Path("bot/domain/__init__.py"): "",
        Path("tests/__init__.py"): "import hypothesis\nhypothesis.settings.register_profile('quick')\n",
        Path("tests/unit/domain/test_limits.py"): (
            "from bot.domain.limits import fits\n\ndef test_small_fits():\n"
            "    assert fits(1) is True\n    assert fits(99) is False\n    assert fits(1, True) is False\n"
        ),
    }.items():
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_text(text)
    Path("tests/conftest.py").write_text("import tests\n")
    subprocess.run(["git", "init", "-q"], check=True)
    assert mutate.main(["bot/domain", "--sample", "4"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "left out, as no test file is named like them: bot/domain/untested.py",
        "survived: bot/domain/limits.py:2: 9 → 10",
        "survived: bot/domain/limits.py:2: 9 → 8",
        "survived: bot/domain/limits.py:5: size <= MOST → (size < MOST)",
        "1 of 4 killed, 25%; 7 possible, seed 1",
    ]
    assert MODULE.read_bytes() == CODE
    Path("tests/unit/domain/test_limits.py").write_text("def test_nothing():\n    pass\n")
    assert mutate.main([str(MODULE)]) == 2
    assert "pass without it" in capsys.readouterr().out
