"""Cards about downloads: whatever was recorded can be told, in tables and charts or in words, to whom it may."""

from __future__ import annotations

import dataclasses
import json
import time
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.db.serialization import fact_of_report, report_of
from bot.domain.adoption import NewestVersions, adoption
from bot.domain.downloads import DownloadGap, GroupBy
from bot.domain.model import Download, Member, MemberDownloads
from bot.domain.reports import DownloadReport, PreviousPeriod, report
from bot.domain.scheduled_reports import ScheduledReport
from bot.domain.timeparse import period
from bot.i18n import LANGUAGES, _, use_locale
from bot.slack.blocks import charts
from bot.slack.blocks.paging import paginate
from bot.slack.views import downloads, missing, report_series, scheduled_report, sent_direct
from sandbox.slack.validation import check_message
from tests.support import facts
from tests.support.downloads import summarise
from tests.support.facts import NOON
from tests.support.reading import buttons, check, messages, seen

languages = st.sampled_from(LANGUAGES)
NEWEST = NewestVersions((("ios", "2.4.0"),))


def courier(rows: list[MemberDownloads], **more: Any) -> DownloadReport:
    """A report of Courier."""
    return replace(
        report("Courier", "so far", summarise(rows), tz="Europe/Madrid"),
        **{"typed": "courier", "adopted": adoption(summarise(rows).people, NEWEST), **more},
    )


def people(count: int) -> list[MemberDownloads]:
    download = Download(at=NOON, version="2.4.0", device="iPhone 15 <Pro>", os="iOS 17.1")
    said = "A & B _C_ " * 8
    return [
        MemberDownloads(Member("user", f"u{n}", f"p{n}@acme.test", f"{said}{n}"), (download,), 1) for n in range(count)
    ]


PERIODS = [period.parse(since, None, now=NOON, tz="Europe/Madrid") for since in (None, "7d", "90d", "2021-01-01")]

reports = st.builds(
    lambda rows, what, since, by, before, links, newest: replace(
        report(what, _(since.words) if since else "so far", summarise(rows), tz="Europe/Madrid", by=by),
        before=before,
        links=links,
        adopted=None
        if newest is None
        else adoption(summarise(rows).people, NewestVersions((("ios", newest), ("android", newest)))),
        typed="courier all",
        stretch=(since.start.date(), since.end.date()) if since else None,
    ),
    st.lists(facts.rows, max_size=12),
    facts.texts,
    st.sampled_from(PERIODS),
    st.sampled_from(GroupBy),
    facts.maybe(st.builds(PreviousPeriod, st.integers(0, 99), st.integers(0, 9), st.just("the 7 days before"))),
    facts.maybe(st.integers(0, 99)),
    facts.maybe(facts.texts),
)


@given(reports, st.booleans(), languages)
def test_any_report_can_be_told_with_names_and_without(report: DownloadReport, names: bool, spoken: str) -> None:
    shown = report.shared("acme.test") if names else report.without_names()
    with use_locale(spoken):
        for card in (downloads.headline(shown, by="U0ANA"), *downloads.thread(shown)):
            check(card, live=frozenset({"@U0ANA"}))
        failures = report.by is GroupBy.FAILURE  # of which these reports have none
        assert bool(downloads.thread(report)) is (bool(report.summary.recorded) and not failures)
        for permalink in (None, "https://acme.slack.com/archives/D1/p1"):
            sent = dataclasses.replace(downloads.headline(report), thread=downloads.thread(report))
            check(sent_direct.pointer(dataclasses.replace(sent, pointer=downloads.here(report, share=True)), permalink))
            check(sent_direct.pointer(sent, permalink))
        if report.named:
            check(downloads.people(report, 0))
        check(downloads.nothing(report))


@given(reports)
def test_any_report_outlives_being_written_down(report: DownloadReport) -> None:
    assume(repr(report).isprintable() and "\\ud" not in repr(report))  # half a character does not get past the parser
    assert report_of(fact_of_report(report)) == report


@given(reports)
def test_downloads_without_names_show_no_name(report: DownloadReport) -> None:
    marked = replace(
        report,
        what="Courier",
        adopted=None,
        versions_now=(),
        summary=replace(
            report.summary,
            versions=(("1", report.summary.recorded),),
            systems=(("1", report.summary.recorded),),
            sources=(("1", report.summary.recorded),),
            people=tuple(
                replace(each, name=f"MARK {each.name}", emails=("mark@x.test",)) for each in report.summary.people
            ),
        ),
    ).without_names()
    said = [downloads.headline(marked), *downloads.thread(marked)]
    assert "MARK" not in repr(marked)
    assert not [message for card in said for message in messages(card) if "MARK" in f"{message.payload()}"]


def test_downloads_counts_in_headline_and_users_only_in_thread() -> None:
    rows = [MemberDownloads(Member("user", "u1", "ana@acme.test", "Ana Pérez"), (Download(at=NOON),), 3)]
    report = courier([*rows, MemberDownloads(Member("anonymous"), (), 2)], adopted=None)
    card = downloads.headline(report)
    assert card.text == "Downloads of Courier so far: 5 downloads · 1 person (3) · anonymous (2)."
    assert "Applivery counts 5 downloads but lists only 1." in seen(card)
    assert "Ana" not in f"{card.payload()}"
    (below,) = downloads.thread(report)
    assert below.text.startswith("*Ana Pérez* · 3 downloads · last <!date^")
    assert "_Anonymous visitors_ · 2 downloads" in below.text


def test_both_sides_are_counted_and_joined() -> None:
    unknown = MemberDownloads(Member("unknown"), tuple(Download() for _ in range(9)))
    report = courier([*people(22), unknown], links=42)
    line = "Links requested in Slack: 42 · Unattributed: 9"
    assert line in seen(downloads.headline(report))
    assert "Links requested in Slack (last 90 days): 42 ·" in seen(downloads.headline(replace(report, remembered=90)))


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (3, PreviousPeriod(1, 1, "the day before"),
         "▲ 2 more than the day before (1) · ▲ 2 more people (1)."),
        (1, PreviousPeriod(3, 2, "the day before"), "▼ 2 fewer than the day before (3) · ▼ 1 fewer person (2)."),
        (2, PreviousPeriod(2, 2, "the period before"), "Same as the period before (2) · same number of people (2)."),
    ],
)  # fmt: skip
def test_downloads_compared_with_previous_period_in_words(now: int, before: PreviousPeriod, words: str) -> None:
    assert words in downloads.headline(courier(people(now), before=before)).text


def test_a_page_of_the_widest_people_fits_into_one_table() -> None:
    wide = Download(at=NOON, version="🦋" * 80, device="漢" * 80)
    rows = [MemberDownloads(Member("user", str(n), None, "𝔛" * 90), (wide,), 10**9) for n in range(100)]
    card = downloads.people(courier(rows), 0)
    check_message(card.payload())
    assert len(card.blocks[0]["rows"]) == 101
    assert not buttons(card)


def test_pages_lead_to_each_other_and_the_first_and_last_to_one() -> None:
    report = courier(people(230))
    assert [list(buttons(downloads.people(report, number))) for number in (0, 1, 2)] == [
        ["Next page ›"],
        ["‹ Earlier page", "Next page ›"],
        ["‹ Earlier page"],
    ]
    assert [len(downloads.people(report, number).blocks[0]["rows"]) - 1 for number in (0, 1, 2)] == [100, 100, 30]
    assert buttons(downloads.people(report, 1))["Next page ›"]["value"] == "2 courier"


def test_downloads_text_too_long_for_button_has_no_button() -> None:
    report = courier(people(230), typed="x" * 2001)
    for card in (downloads.headline(report), downloads.people(report, 0), downloads.here(report, share=True)):
        assert card is not None
        assert not buttons(card)


@pytest.mark.parametrize("by", [by for by in GroupBy if by is not GroupBy.FAILURE])
def test_downloads_long_lists_are_cut_and_rest_is_counted(by: GroupBy) -> None:
    """Hundreds of versions, days, systems and sources are cut, and what is left out is counted."""
    texts = set(Download.__struct_fields__) - {"at"}
    rows = [
        MemberDownloads(
            Member("user", str(n)),
            (Download(at=NOON - timedelta(days=n), **dict.fromkeys(texts, f"{n}" + "x" * 60)),),
        )
        for n in range(400)
    ]
    for card in downloads.thread(courier(rows, by=by)):
        check(card)
    if by is not GroupBy.PERSON:
        last = downloads.thread(courier(rows, by=by))[-1]
        assert "The CSV has every row." in seen(last)
        table = last.blocks[0]["rows"][1:]
        assert sum(row[1]["value"] for row in table) == 400
        assert table[-1][0]["text"] == f"{401 - len(table)} others"


def test_downloads_every_unnamed_kind_is_in_a_line() -> None:
    rows = [MemberDownloads(Member(f"kind {n}"), (Download(),) * (n + 1)) for n in range(70)]
    card = downloads.thread(courier(rows))[-1]
    check(card)
    told = [block["elements"][0]["text"] for block in card.blocks if block["type"] == "context"]
    assert sum(int(line.rpartition("·")[2].split()[0].replace(",", "")) for line in told) == sum(range(71))


def test_a_report_of_an_earlier_version_is_read() -> None:
    person = {"name": "Ana", "kind": "user", "recorded": 1, "latest": None, "email": None}
    summary = {"recorded": 1, "people": [person], "buckets": [], "versions": [["2.4.0", 1]], "listed": 1}
    old = {"what": "Courier", "span": "so far", "tz": "UTC", "by": GroupBy.PERSON, "summary": summary, "crowd": 1}
    found = report_of(json.dumps({**old, "adoption": [["2.4.0", 1]], "newest": "2.4.0", "before": None}))
    assert downloads.headline(found).text == "Downloads of Courier so far: 1 download · 1 person."
    assert "totals" not in seen(downloads.headline(found))


# ------------------------------------------------------------------ charts


SAME = "Release candidate number "


@given(
    st.lists(st.one_of(facts.texts, st.integers(0, 40).map(lambda n: f"{SAME}{n}"), st.just("🦋" * 30)), max_size=60)
)
def test_labels_are_short_visible_and_different(texts: list[str]) -> None:
    for limit in (12, 20, 60):
        labels = charts.distinguish_labels(texts, limit)
        assert len(set(labels)) == len(texts)
        assert all(label.strip() and len(label.encode("utf-16-le", "replace")) <= 2 * limit for label in labels)


def test_ten_labels_that_begin_alike_are_taken() -> None:
    points = [(f"The same sixteen {n}", n) for n in range(20)]
    check_message({"text": "x", "blocks": [charts.chart("bar", "t", "s", points)]})
    check_message({"text": "x", "blocks": [charts.chart("bar", "t", "s", [("🦋" * 30, 1)] * 20)]})


def test_thousands_of_equal_labels_take_no_time() -> None:
    started = time.process_time()
    assert len(set(charts.distinguish_labels(["Ana", "Ana "] * 10_000, 20))) == 20_000
    assert time.process_time() - started < 3


def test_downloads_chart_covers_whole_period_with_empty_days() -> None:
    found = report_series.series(
        [(date(2026, 11, 3), 2), (date(2026, 11, 5), 1)], (date(2026, 11, 1), date(2026, 11, 7))
    )
    assert found == (report_series.SeriesKind.DAY, [(f"{day} Nov", {3: 2, 5: 1}.get(day, 0)) for day in range(1, 8)])


@pytest.mark.parametrize(
    ("length", "points", "label", "bucket"),
    [
        (1, 1, "21 Nov", "day"),
        (20, 20, "2 Nov", "day"),
        (21, 4, "from 26 Oct", "week"),
        (29, 5, "from 19 Oct", "week"),
        (130, 19, "from 13 Jul", "week"),
        (300, 11, "Jan 2026", "month"),
        (3000, 20, "Apr 2025", "month"),
    ],
)
def test_a_chart_of_days_weeks_or_months_says_which(length: int, points: int, label: str, bucket: str) -> None:
    last = date(2026, 11, 21)
    said, found = report_series.series([(last, 5)], (last - timedelta(days=length - 1), last))
    assert said.value == f"Downloads by {bucket}"
    assert (len(found), found[0][0]) == (points, label)
    assert sum(count for _, count in found) == 5
    assert len({name for name, _ in found}) == points


def test_the_29th_of_february_is_a_day() -> None:
    _, found = report_series.series([(date(2028, 2, 29), 1)], (date(2028, 2, 27), date(2028, 3, 2)))
    assert [name for name, _ in found] == ["27 Feb", "28 Feb", "29 Feb", "1 Mar", "2 Mar"]


@given(st.lists(st.tuples(facts.texts, st.integers(0, 10**9)), min_size=1, max_size=40))
def test_downloads_any_names_give_chart_and_table_slack_accepts(points: list[tuple[str, int]]) -> None:
    blocks = [charts.chart("bar", "T" * 90, "S" * 90, points), charts.table("C" * 500, ["A", "B"], points)]
    check_message({"text": "x", "blocks": blocks})
    assert len(charts.text_bars(points).splitlines()) >= 1


def test_a_table_takes_as_many_rows_as_fit() -> None:
    rows = [["x" * 60, "y" * 60, n] for n in range(200)]
    assert charts.count_fitting_rows(rows) == 76
    check_message({"text": "x", "blocks": [charts.table("c", ["a", "b", "c"], rows)]})
    assert charts.count_fitting_rows([["x"]] * 200) == 100


def test_one_odd_date_costs_nothing() -> None:
    _, found = report_series.series([(date(1, 1, 1), 1), (date(2026, 11, 1), 2), (date(9999, 12, 31), 1)])
    assert len(found) == 20
    assert (found[0], found[-1]) == (("before Jun 9998", 3), ("Dec 9999", 1))


# ------------------------------------------------------------------ who has not, and digests


@given(facts.texts, *[st.integers(0, 300)] * 3, languages)
def test_any_number_of_missing_people_can_be_told(what: str, have: int, lack: int, unknown: int, spoken: str) -> None:
    found = DownloadGap(*(("U0EVA",) * count for count in (have, lack, unknown)))
    live, place = frozenset({"@U0EVA", "!subteam^S1"}), "<!subteam^S1>"
    with use_locale(spoken):
        head, counts = missing.headline(what, place, found), missing.counts(found)
        names = missing.names(what, place, found, typed="x", ask=("U0EVA",) * lack, asker="U0ANA")
        left_out = missing.names(what, place, found, typed="x", ask=(), asker="U0ANA")
        for card in (head, counts, names, left_out):
            check(card, live=live)
    for card in (head, counts):
        assert "U0EVA" not in f"{card.payload()}"


@given(st.lists(facts.builds, min_size=1, max_size=5), languages)
def test_any_build_can_be_asked_to_be_tried(builds: list[Any], spoken: str) -> None:
    with use_locale(spoken):
        check(missing.nudge(builds, "U0ANA"), live=frozenset({"@U0ANA"}))


@given(
    facts.texts,
    facts.texts,
    st.booleans(),
    st.sampled_from(GroupBy),
    st.sampled_from(["C1", "U1"]),
    facts.maybe(facts.texts),
    languages,
)
def test_any_digest_can_be_listed_begun_ended_and_stopped(
    app: str, which: str, quiet: bool, by: GroupBy, place: str, paused: str | None, spoken: str
) -> None:
    report = ScheduledReport(
        7, "T", place, "a", app, which, by, "mon,thu@09:00", "Europe/Madrid", quiet, "U0ANA", NOON, NOON, NOON, paused
    )
    live = frozenset({"@U0ANA", "#C1"})
    with use_locale(spoken):
        for card in (
            scheduled_report.begun(report, names=quiet),
            scheduled_report.ended(report, "k" * 22),
            scheduled_report.restored(report),
            scheduled_report.paused(report, "why"),
            scheduled_report.listed(downloads.nothing(courier([])), paginate([report] * 60, 2, scheduled_report.SHOWN)),
        ):
            check(card, live=live)
