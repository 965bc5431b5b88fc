"""Cards about downloads, large numbers in them, and how they read in Spanish."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.adoption import Adoption
from bot.domain.downloads import DownloadGap, GroupBy
from bot.domain.model import Download, Member, MemberDownloads
from bot.domain.reports import DownloadReport, PreviousPeriod, report
from bot.i18n import use_locale
from bot.slack.views import downloads, missing, report_series, scheduled_report
from tests.support.downloads import summarise
from tests.support.facts import NOON
from tests.support.reading import buttons, check, seen


@pytest.fixture(params=["es"])
def spanish(request: pytest.FixtureRequest) -> Iterator[None]:
    with use_locale(request.param):
        yield


NOW = Adoption((("ios", "2.4.0"),), newest=1200)
LATER = Adoption((("ios", "2.5.0"),), older=1200)


def busy(**more: Any) -> DownloadReport:
    """12,345 downloads by 1,200 people and anonymous."""
    download = Download(at=NOON, version="2.4.0", os="iOS 17", source="agent")
    rows = [MemberDownloads(Member("user", f"u{n}", None, f"Ana {n}"), (download,), 1) for n in range(1200)]
    rows.append(MemberDownloads(Member("agency"), (replace(download, at=NOON - timedelta(days=2)),) * 3, 11_145))
    made = replace(report("Courier", "", summarise(rows), tz="Europe/Madrid"), typed="courier")
    return replace(made, **more)


def test_large_numbers_are_written_so_that_they_can_be_read() -> None:
    card = downloads.headline(busy(links=4242, before=PreviousPeriod(20_000, 1300, "the 7 days before"), adopted=NOW))
    for words in (
        "12,345 downloads · 1,200 people (1,200) · anonymous (11,145).",
        "▼ 7,655 fewer than the 7 days before (20,000) · ▼ 100 fewer people (1,300).",
        "On the newest version (2.4.0): 1,200 of 1,200 people (100%).",
    ):
        assert words in card.text
    assert "Links requested in Slack: 4,242 · Unattributed: 11,145" in seen(card)
    assert "Applivery counts 12,345 downloads but lists only 1,203." in seen(card)
    chart, table = downloads.thread(busy(by=GroupBy.OS))
    assert chart.text == "Downloads by OS: unknown OS: 11,142, iOS 17: 1,203."
    assert chart.fallback is not None
    assert " 1,203 · iOS 17" in seen(chart.fallback)
    assert "*iOS 17* · 1,203 downloads" in table.text
    number = {"type": "raw_number", "value": 1203, "text": "1,203"}
    assert table.blocks[0]["rows"][2][1] == number, "a table sorts numbers"
    assert downloads.people(busy(), 1).blocks[0]["caption"].startswith("101–200 of 1,200 people who downloaded")


def test_a_summary_reads_in_spanish_as_it_does_in_english(spanish: None) -> None:
    card = downloads.headline(
        busy(span="hasta ahora", before=PreviousPeriod(1, 1, "el día anterior"), adopted=LATER), by="U1"
    )
    assert card.text == (
        "Descargas de Courier hasta ahora: 12.345 descargas · 1.200 personas (1.200) · anónimas (11.145). "
        "▲ 12.344 más que en el día anterior (1) · ▲ 1.199 personas más (1). "
        "En la última versión (2.5.0): 0 de 1.200 personas (0\N{NO-BREAK SPACE}%) · Anteriores: 1.200."
    )
    assert "Lo pidió <@U1>" in seen(card)
    check(card, live=frozenset({"@U1"}))


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (
            3,
            PreviousPeriod(2, 2, "el día anterior"),
            "▲ 1 más que en el día anterior (2) · ▲ 1 persona más (2).",
        ),
        (1, PreviousPeriod(3, 3, "el día anterior"), "▼ 2 menos que en el día anterior (3) · ▼ 2 personas menos (3)."),
        (
            2,
            PreviousPeriod(2, 2, "el día anterior"),
            "Igual que en el día anterior (2) · las mismas personas (2).",
        ),
    ],
)
def test_more_and_fewer_agree_in_number(spanish: None, now: int, before: PreviousPeriod, words: str) -> None:
    rows = [MemberDownloads(Member("user", str(n)), (Download(at=NOON),), 1) for n in range(now)]
    assert words in downloads.headline(replace(busy(), summary=summarise(rows), crowd=now, before=before)).text


@pytest.mark.parametrize("by", GroupBy)
def test_no_english_word_is_left_in_a_thread(spanish: None, by: GroupBy) -> None:
    for card in downloads.thread(busy(by=by)):
        said = f"{card.text} {seen(card)}".casefold()
        assert not [word for word in ("downloads", " by ", "share", "version", "people") if word in said], said


def test_days_weeks_and_months_of_a_chart_are_said(spanish: None) -> None:
    last = date(2026, 11, 21)
    firsts = [
        report_series.series([(last, 1)], (last - timedelta(days=back), last)).points[0][0] for back in (2, 28, 300)
    ]
    assert firsts == ["19 nov", "desde el 19 oct", "ene 2026"]


def test_missing_headline_agrees_in_number(spanish: None) -> None:
    message = missing.headline("Courier", "<#C1>", DownloadGap(("U1",), ("U2", "U3"), ()))
    none = missing.headline("Courier", "<#C1>", DownloadGap((), ("U2",), ()))
    every = missing.headline("Courier", "<#C1>", DownloadGap(("U1", "U2"), (), ()))
    assert message.text == "*1 de 3 personas* de <#C1> descargaron Courier."
    assert none.text == "*0 de 1 persona* de <#C1> descargó Courier."
    assert every.text == "*2 de 2 personas* de <#C1> descargaron Courier."
    assert missing.nudged("Courier", 1, skipped=2, without_access=0).text == (
        "*Se lo pedí a 1 persona*: probar Courier. Omití a 2 (ya se lo pedí o no quieren)."
    )


def test_a_report_is_told_in_the_language_its_words_are_in() -> None:
    made = busy(span="hasta ahora", language="es")
    card = scheduled_report.summary(made)
    assert card.text.startswith("Descargas de Courier hasta ahora: ")
    assert "Porcentaje" in seen(scheduled_report.summary(replace(made, by=GroupBy.VERSION)).thread[-1])
    assert list(buttons(scheduled_report.summary(busy(span="so far", language="en")).thread[-1])) == ["Next page ›"]


@pytest.mark.parametrize("unknown", ["", "tlh", "../en"])
def test_report_in_unknown_language_uses_reader_language(spanish: None, unknown: str) -> None:
    assert scheduled_report.summary(busy(span="hasta ahora", language=unknown)).text.startswith("Descargas de Courier")
