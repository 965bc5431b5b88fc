"""The bench's own arithmetic: when a target is met, what the table says, and which answers to a crowd are right."""

from __future__ import annotations

import asyncio
import io
import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import COLUMNS, cells_of, figures, main, measure, notes, page, summary, table
from bench.clicks import ClickAnswers
from bench.crowd import MIX, judged
from bench.http import ClientExchange, ServerExchange, chunked, get
from bench.questions import QUESTIONS, fill
from bench.rounds import Partial, Unfinished, in_turn
from bench.row import TableRow
from bench.web_api import web_api
from bot.db.database import Database


def test_every_figure_can_be_measured_by_its_name() -> None:
    assert set(figures()) >= {
        "ageing",
        "announcing",
        "click",
        "command",
        "crowd",
        "day",
        "downloads",
        "looking",
        "polling",
        "start",
        "store",
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
        (TableRow("quick in a slow round", "ms", 9.0, 2.0, target=1.1, by_round=1.05), True),
        (TableRow("not measured", "ms", math.nan, target=1.1), None),
    ],
)
def test_a_target_is_one_of_the_ratio_unless_it_stands_alone(row: TableRow, met: bool | None) -> None:
    assert row.met is met


def test_the_table_has_every_row_and_says_what_was_missed() -> None:
    rows = [TableRow("ack p99", "ms", 1234.5, 1000.0, target=1000, absolute=True), TableRow("lost", "", 0, target=0)]
    shown = io.StringIO()
    Console(file=shown, width=180).print(table([rows[:1], rows[1:]]))
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
        "",
        "≤ 1,000 ms",
        "missed",
    ]
    assert summary(rows, ["upload: no curl"]) == "1 of 2 targets met\nmissed: ack p99\nnot measured: upload: no curl"


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
    assert cells_of(look) == ["a look", "1.00 ms", "1.50 ms", "2.00 ms", "", "2.00 ×", "", "", "", "≤ 1.1 ×", "missed"]
    assert cells_of(beside)[4:] == ["1.00 ms", "2.00 ×", "", "0.50 ms", "", "≤ 1.4 ×", "missed"]
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


@dataclass(frozen=True)
class Cost:
    """What one round measured."""

    ms: float


async def test_ratio_is_the_median_of_the_ratios_of_the_rounds() -> None:
    slow = [1.0, 10.0, 1.0, 3.0]  # what else the machine does in a round meets both

    async def measure(name: str, cost: float, number: int) -> Cost:
        return Cost(cost * slow[number])

    found = await in_turn({"ours": 3.0, "bare": 2.0, "before": 6.0}, measure, 3)
    row = found.row("a click", "ms", "ms", target=1.5)
    assert (row.ours, row.bare, row.ratio, row.before, row.before_ratio, row.met) == (9.0, 6.0, 1.5, 18.0, 3.0, True)
    assert cells_of(row)[5:7] == ["1.50 ×", "18.0 ms (3.00 ×)"]


async def test_rounds_before_a_failure_are_not_lost() -> None:
    async def measure(name: str, cost: float, number: int) -> Cost:
        if (name, number) == ("ours", 3):
            raise TimeoutError("too slow")
        return Cost(cost)

    found = await in_turn({"ours": 3.0, "bare": 2.0}, measure, 5)
    row = found.row("a click", "ms", "ms", target=2.0)
    assert (row.ours, row.ratio, row.met) == (3.0, 1.5, True)
    assert cells_of(row)[-1] == "met, incomplete"
    assert summary([row], []) == "1 of 1 targets met\nincomplete: a click: ours, round 3: TimeoutError too slow"


async def test_another_program_that_fails_ends_only_its_own_rounds() -> None:
    async def measure(name: str, cost: float, number: int) -> Cost:
        if name == "bare":
            raise RuntimeError("gone")
        return Cost(cost)

    found = await in_turn({"ours": 3.0, "bare": 2.0, "floor": 1.0}, measure, 2)
    assert {name: len(rounds) for name, rounds in found.found.items()} == {"ours": 2, "bare": 0, "floor": 2}
    assert cells_of(found.row("a click", "ms", "ms", target=2.0))[1] == "3.00 ms"


async def test_a_part_of_a_slow_round_is_shown() -> None:
    async def measure(name: str, cost: float, number: int) -> Cost:
        raise Unfinished(Cost(cost), "7 of 10 announced")

    found = await in_turn({"ours": 3.0}, measure, 2)
    row = found.row("announcing", "/s", "ms")
    assert (row.ours, row.incomplete) == (3.0, "ours, round 0: Unfinished 7 of 10 announced")


async def test_no_round_begins_after_the_time_of_a_figure() -> None:
    async def measure(name: str, cost: float, number: int) -> Cost:
        return Cost(cost)

    found = await in_turn({"ours": 3.0}, measure, 5, seconds=-1.0)
    assert found.values("ours", "ms") == [3.0]
    assert found.words == "1 of 5 rounds"


def test_a_figure_that_nothing_measured_has_dashes() -> None:
    partial = Partial()
    with partial.keeping("start"):
        raise OSError("no such program")
    row = TableRow("a click", "ms", math.nan, math.nan, target=2.0, incomplete=partial.words)
    assert (cells_of(row)[1], cells_of(row)[5], cells_of(row)[-1]) == ("–", "–", "incomplete")


def test_notes_below_the_table_survive_the_next_one() -> None:
    written = page([[TableRow("a look", "ms", 1.0)]], ["2026-11-30."])
    assert notes(written) == ""
    assert notes(f"{written}\n## Where the time goes\n\n- a note\n") == "\n## Where the time goes\n\n- a note\n"


def test_an_interrupted_bench_prints_what_was_measured() -> None:
    async def quick() -> list[TableRow]:
        return [TableRow("a click", "ms", 1.0)]

    async def interrupted() -> list[TableRow]:
        raise KeyboardInterrupt

    async def broken() -> list[TableRow]:
        raise RuntimeError("no port")

    console = Console(file=io.StringIO())
    found = measure(console, {"broken": broken, "click": quick, "start": interrupted, "upload": quick})
    assert found["click"] == [TableRow("a click", "ms", 1.0)]
    assert (found["broken"], found["start"], found["upload"]) == ("RuntimeError no port", "interrupted", "interrupted")


def test_against_names_a_checkout_of_the_bot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--against", str(tmp_path), "--list"]) == 2
    assert "No checkout of the bot" in capsys.readouterr().out


async def test_bench_client_refuses_a_connection_that_was_closed() -> None:
    server = await asyncio.get_running_loop().create_server(lambda: ServerExchange(lambda *_: b""), "127.0.0.1", 0)
    line = await ClientExchange.connect(server.sockets[0].getsockname()[1])
    line.transport.close()
    with pytest.raises(ConnectionResetError):
        await line.ask(get("/"))
    server.close()


async def test_every_store_question_can_be_asked(tmp_path: Path, empty_database: Path) -> None:
    url = f"sqlite:///{shutil.copy(empty_database, tmp_path / 'bot.db')}"
    fill(url, 1)
    store = await Database.open(url)
    for ask in QUESTIONS.values():
        await ask(store)
    assert await QUESTIONS["who received a build"](store) == 1
    assert len(await QUESTIONS["known builds of a page"](store)) == 50  # type: ignore[arg-type]
    await store.close()


def test_bench_slack_gives_documented_records() -> None:
    """https://docs.slack.dev/reference/objects/user-object and conversation-object."""
    user = web_api("users.info", b"user=U0PERSON7")["user"]
    assert {"id", "team_id", "name", "deleted", "is_bot", "is_restricted", "is_admin", "tz", "profile"} <= user.keys()
    assert (user["id"], user["is_bot"], user["deleted"]) == ("U0PERSON7", False, False)
    assert web_api("users.info", b"user=U0BOT")["user"]["is_bot"]
    channel = web_api("conversations.info", b'{"channel": "C0BETA"}')["channel"]
    assert (channel["id"], channel["name"], channel["is_member"]) == ("C0BETA", "beta", True)
    assert web_api("chat.everything", b"") == {"ok": False, "error": "unknown_method"}
    first, second = (web_api("chat.postMessage", b'{"channel": "C0BETA", "text": "a"}')["ts"] for _ in range(2))
    assert first != second
