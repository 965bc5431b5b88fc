"""The bench's own arithmetic: when a target is met, what the table says, and which answers to a crowd are right."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bench.__main__ import figures, summary, table
from bench.crowd import MIX, judged
from bench.row import TableRow


def test_every_figure_can_be_measured_by_its_name() -> None:
    assert set(figures()) >= {"ack", "announcing", "click", "crowd", "day", "downloads", "start", "upload", "watching"}


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (TableRow("no target", "ms", 5.0, 1.0), None),
        (TableRow("a ratio", "ms", 1.1, 1.0, target=1.15), True),
        (TableRow("a ratio", "ms", 1.2, 1.0, target=1.15), False),
        (TableRow("more is better", "/s", 81.0, 100.0, target=0.8, better="higher"), True),
        (TableRow("more is better", "/s", 79.0, 100.0, target=0.8, better="higher"), False),
        (TableRow("nothing beside it", "/s", 399.0, target=400, better="higher"), False),
        (TableRow("only shown beside", "ms", 900.0, 100.0, target=1000, absolute=True), True),
        (TableRow("none may be lost", "", 0, target=0), True),
        (TableRow("none may be lost", "", 1, target=0), False),
        (TableRow("it shrank", "%", -2.0, target=5), True),
    ],
)
def test_a_target_is_one_of_the_ratio_unless_it_stands_alone(row: TableRow, met: bool | None) -> None:
    assert row.met is met


def test_the_table_has_every_row_and_says_what_was_missed() -> None:
    rows = [TableRow("ack p99", "ms", 1234.5, 1000.0, target=1000, absolute=True), TableRow("lost", "", 0, target=0)]
    shown = io.StringIO()
    Console(file=shown, width=120).print(table([rows[:1], rows[1:]]))
    first = next(line for line in shown.getvalue().splitlines() if "ack p99" in line)
    assert [cell.strip() for cell in first.split("│")[1:-1]] == [
        "ack p99",
        "1,234 ms",
        "1,000 ms",
        "1.23 ×",
        "≤ 1,000 ms",
        "missed",
    ]
    assert summary(rows, ["upload"]) == "1 of 2 targets met\nmissed: ack p99\nnot measured: upload"


def said(number: int, token: str = "t0ken") -> bytes:
    words = MIX[number % len(MIX)][1].format(user=f"U0PERSON{number}")
    link = f" https://download.example/v1/download/{token}" if MIX[number % len(MIX)][0].startswith("get ") else ""
    return json.dumps({"text": words + link, "response_type": "ephemeral"}).encode()


def test_bench_crowd_correct_with_one_private_answer_each() -> None:
    people = range(len(MIX))
    answers = {number: [said(number, f"token-{number}")] for number in people}
    assert judged(answers, people) == {"right": len(MIX), "wrong": 0, "repeated": 0, "lost": 0}


def test_bench_detects_lost_repeated_public_and_foreign_answers() -> None:
    people = range(len(MIX))
    answers = {number: [said(number, f"token-{number}")] for number in people}
    del answers[1]
    answers[3] *= 2
    answers[2] = [said(2, "token-0")]
    answers[5] = [answers[5][0].replace(b"ephemeral", b"in_channel")]
    assert judged(answers, people) == {"right": len(MIX) - 4, "wrong": 2, "repeated": 1, "lost": 1}
