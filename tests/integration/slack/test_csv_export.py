"""CSV files: they open right in Excel and LibreOffice, and no reader finds a formula in them, wherever it splits."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.csv_export import CsvWriter, separator_for

FORMULA = "=+-@"
SEPARATORS = ",;\t"
AWKWARD = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\t\r\n,;\" '\xa0\u200b\ufeff\u2028\x0b\x85\x00a1é"
TRICKS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\r\n=1", "2.4;=1+1;", "a,=1", "a\t=1", "a\n=1", "a\r\n+1",
    "＝1", "＋1", "－1", "＠A", "a;＝1", ' "=1', 'a;"=1"', 'a;""=1', " =1", "\xa0=1", "\u200b=1", "a; =1", "a\u2028=1",
    "a;\t=1", "=cmd|' /C calc'!A0", '",=1', '";=1', ";-", "-", "\ufeff=1", "a,;=1",
]  # fmt: skip


def file_of(*rows: tuple[str | int | None, ...], separator: str = ",") -> str:
    sheet = CsvWriter(separator)
    for row in rows:
        sheet.write_row(*row)
    return sheet.to_bytes().decode("utf-8-sig")


def cells(text: str) -> Iterator[str]:
    """What a reader can take for a cell: split at each separator, minding quotes and not."""
    for separator, doubled, skipping in product(SEPARATORS, (True, False), (True, False)):
        read = csv.reader(
            io.StringIO(text, newline=""), delimiter=separator, doublequote=doubled, skipinitialspace=skipping
        )
        yield from (cell for row in read for cell in row)
    for separator in SEPARATORS:
        yield from (cell for line in text.splitlines() for cell in line.split(separator))
    yield from re.split(r"[,;\t\r\n]", text)


def begins_a_formula(cell: str) -> bool:
    start = unicodedata.normalize("NFKC", cell.lstrip('"').lstrip("\ufeff\u200b\x00").lstrip(" \xa0").lstrip('"'))
    return start[:1] in {*FORMULA, "\t"} or cell[:1] in ("\t", "\r", "\n")


def read(text: str, separator: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("trick", TRICKS)
def test_no_reader_finds_a_formula(trick: str, separator: str) -> None:
    text = file_of((trick, "b", trick), ("a", trick), (trick,), separator=separator)
    assert [cell for cell in cells(text) if begins_a_formula(cell)] == []


@given(st.lists(st.lists(st.text(AWKWARD, max_size=12), min_size=1, max_size=4), min_size=1, max_size=3))
def test_no_text_at_all_becomes_a_formula(rows: list[list[str]]) -> None:
    for separator in ",;":
        text = file_of(*map(tuple, rows), separator=separator)
        assert [cell for cell in cells(text) if begins_a_formula(cell)] == []
        found = [cell.replace("'", "") for row in read(text, separator) for cell in row]
        assert found == [cell.replace("'", "") for row in rows for cell in row], "only apostrophes are added"


@given(st.text())
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    plain = re.sub(r"[^\w.:/() ]|^ +", "", text)
    assert read(file_of((plain,)), ",") == [[plain]]


def test_every_cell_is_quoted_behind_a_byte_order_mark() -> None:
    sheet = CsvWriter(";")
    sheet.write_row("José", None, 3, "")
    assert sheet.to_bytes() == b"\xef\xbb\xbf" + '"José";"";"3";""\r\n'.encode()


def test_sheets_joined_have_one_byte_order_mark() -> None:
    head, body = CsvWriter(","), CsvWriter(",")
    head.write_row("a")
    body.write_row("b")
    assert head.to_bytes(body) == b'\xef\xbb\xbf"a"\r\n"b"\r\n'


def test_a_number_stays_one_and_a_text_stays_text() -> None:
    [row] = read(file_of((-5, 0, 7, "-5", "+34 600 000 000", "007", "1.10")), ",")
    assert row == ["-5", "0", "7", "'-5", "'+34 600 000 000", "007", "1.10"]


def test_half_a_surrogate_pair_breaks_no_file() -> None:
    assert file_of(("a\ud83d", "b")) == '"a?","b"\r\n'


@pytest.mark.parametrize(
    ("locale", "separator"),
    [
        ("en-US", ","), ("en-GB", ","), ("es-ES", ";"), ("es_ES", ";"), ("es", ";"), ("es-LA", ";"), ("de-DE", ";"),
        ("fr-FR", ";"), ("it-IT", ";"), ("pt-BR", ";"), ("ru-RU", ";"), ("ja-JP", ","), ("zh-TW", ","), ("es-MX", ","),
        ("", ","), ("x", ","), ("not a locale", ","), ("../en", ","),
    ],
)  # fmt: skip
def test_the_separator_follows_the_decimal_sign(locale: str, separator: str) -> None:
    assert separator_for(locale) == separator


# ------------------------------------------------------------------ a real spreadsheet

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
# https://help.libreoffice.org/latest/en-US/text/shared/guide/csv_params.html: separator, quote, UTF-8, …, the last but
# two evaluates formulas
READ = "CSV:{},34,76,1,,0,false,true,false,false,false,0,true"
WRITE = "csv:Text - txt - csv (StarCalc):124,34,76,1,,0,false,true,false,{}"


def opened(folder: Path, content: bytes, split_at: str, *, formulas: bool = False) -> list[list[str]]:
    """The cells LibreOffice shows of a file that it splits at `split_at`, or the formulas behind them."""
    assert OFFICE
    (folder / "in.csv").write_bytes(content)
    subprocess.run(
        [OFFICE, "--headless", f"-env:UserInstallation={(folder / 'office').as_uri()}", "--convert-to",
         WRITE.format("true" if formulas else "false"), f"--infilter={READ.format(ord(split_at))}",
         "--outdir", str(folder / "out"), str(folder / "in.csv")],
        check=True, capture_output=True, timeout=300, env=os.environ | {"HOME": str(folder)},
    )  # fmt: skip
    text = (folder / "out" / "in.csv").read_text("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter="|"))


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is missing: apt-get install libreoffice-calc")
def test_libreoffice_shows_text_and_computes_nothing(tmp_path: Path) -> None:
    sheet = CsvWriter(";")
    sheet.write_row("José", 'a,"b";c', -5, "2.4.0")
    for trick in TRICKS:
        if "\x00" not in trick:
            sheet.write_row(trick, trick)
    head, *_ = opened(tmp_path, sheet.to_bytes(), ";")
    assert head == ["José", 'a,"b";c', "-5", "2.4.0"]
    for split_at in SEPARATORS:
        shown = opened(tmp_path, sheet.to_bytes(), split_at)
        behind = opened(tmp_path, sheet.to_bytes(), split_at, formulas=True)
        assert shown == behind, "a formula would be shown as what it comes to"
