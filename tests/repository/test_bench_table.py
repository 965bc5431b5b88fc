"""The bench's own arithmetic: when a target is met, what the table says, and which answers to a crowd are right."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
from rich.console import Console

from bench.__main__ import COLUMNS, cells_of, figures, page, summary, table
from bench.clicks import ClickAnswers
from bench.crowd import MIX, judged
from bench.http import ClientExchange, ServerExchange, chunked, get
from bench.row import TableRow


def test_every_figure_can_be_measured_by_its_name() -> None:
    assert set(figures()) >= {
        "announcing",
        "click",
        "command",
        "crowd",
        "day",
        "downloads",
        "looking",
        "start",
        "upload",
        "watching",
    }


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
        (TableRow("flat", "ms", 1.0, target=1.1, grown=(1.02, 1.05)), True),
        (TableRow("it grows", "ms", 1.0, target=1.1, grown=(1.02, 1.3)), False),
    ],
)
def test_a_target_is_one_of_the_ratio_unless_it_stands_alone(row: TableRow, met: bool | None) -> None:
    assert row.met is met


def test_the_table_has_every_row_and_says_what_was_missed() -> None:
    rows = [TableRow("ack p99", "ms", 1234.5, 1000.0, target=1000, absolute=True), TableRow("lost", "", 0, target=0)]
    shown = io.StringIO()
    Console(file=shown, width=160).print(table([rows[:1], rows[1:]]))
    first = next(line for line in shown.getvalue().splitlines() if "ack p99" in line)
    assert [cell.strip() for cell in first.split("│")[1:-1]] == [
        "ack p99",
        "1,234 ms",
        "",
        "",
        "1,000 ms",
        "1.23 ×",
        "",
        "",
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


def test_page_has_ten_and_a_hundred_times_as_much_on_one_axis() -> None:
    look = TableRow("a look", "ms", 1.0, target=1.1, grown=(1.5, 2.0))
    beside = TableRow("a click", "ms", 2.0, 1.0, target=1.4, others={"floor": 0.5})
    assert cells_of(look) == ["a look", "1.00 ms", "1.50 ms", "2.00 ms", "", "2.00 ×", "", "", "≤ 1.1 ×", "missed"]
    assert cells_of(beside)[4:] == ["1.00 ms", "2.00 ×", "0.50 ms", "", "≤ 1.4 ×", "missed"]
    written = page([[look], [beside]], ["2026-11-30; a machine."])
    lines = [line for line in written.splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}
    assert "2026-11-30; a machine." in written


def clicked(token: str) -> bytes:
    text = f"2.4: https://download.example/v1/download/{token} — only for you"
    return json.dumps({"text": text, "response_type": "ephemeral", "replace_original": False}).encode()


def test_click_counts_with_one_fresh_token_even_if_others_failed() -> None:
    answers = ClickAnswers()
    answers.came = {0: [clicked("a")], 1: [clicked("b")], 2: [clicked("b")], 3: [clicked("c")] * 2, 4: [clicked("old")]}
    assert answers.right(6, ["a", "b", "c"]) == 1


async def test_bench_reads_what_comes_in_chunks() -> None:
    body = b"x" * 10_000
    server = await asyncio.get_running_loop().create_server(
        lambda: ServerExchange(lambda *_: chunked(body)), "127.0.0.1", 0
    )
    line = await ClientExchange.connect(server.sockets[0].getsockname()[1])
    for _ in range(2):
        assert await line.ask(get("/")) == (200, body)
    line.transport.close()
    server.close()
