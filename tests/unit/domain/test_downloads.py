"""Rows of the download log become people and buckets; nothing recorded is lost or counted twice."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.downloads import (
    DownloadAggregator,
    DownloadSummary,
    UnattributedGroup,
    masked,
    missing,
    versions_now,
)
from bot.domain.model import Download, Member, MemberDownloads
from bot.i18n import use_locale
from tests.support import facts
from tests.support.downloads import summarise
from tests.support.facts import NOON

HOUR = timedelta(hours=1)
ANA = Member("user", "u1", "ana@acme.test", "Ana Pérez")
BRUNO = Member("employee", "u2", "bruno@acme.test", "Bruno Díaz")


def row(member: Member, *hours: int | None, total: int | None = None, version: str | None = "2.4.0") -> MemberDownloads:
    """A row with one download at each of these hours before noon; None has no date."""
    listed = tuple(Download(at=None if ago is None else NOON - ago * HOUR, version=version) for ago in hours)
    return MemberDownloads(member, listed, len(listed) if total is None else total)


def people(found: DownloadSummary) -> list[tuple[str, int]]:
    return [(row.name, row.recorded) for row in found.people]


# ------------------------------------------------------------------ people


def test_downloads_of_no_rows_have_no_users() -> None:
    assert summarise([]) == DownloadSummary(0, (), (), (), 0, claimed=0)


def test_people_are_counted_and_the_most_recent_comes_first() -> None:
    found = summarise([row(BRUNO, 5, 9), row(ANA, 3)])
    assert people(found) == [("Ana Pérez", 1), ("Bruno Díaz", 2)]
    assert (found.recorded, found.listed, found.incomplete) == (3, 3, False)
    assert found.people[1].latest is not None
    assert found.people[1].latest.at == NOON - 5 * HOUR


def test_one_address_in_two_spellings_of_case_is_one_person() -> None:
    found = summarise([row(ANA, 5), row(Member("employee", "u9", "Ana@ACME.test", "A. Pérez"), 1, 2)])
    assert people(found) == [("Ana Pérez", 3)]
    assert found.people[0].latest is not None
    assert found.people[0].latest.at == NOON - HOUR


def test_two_people_of_one_name_stay_two() -> None:
    found = summarise([row(ANA, 1), row(Member("user", "u7", "ana.2@acme.test", "Ana Pérez"), 2)])
    assert len(found.people) == 2


def test_without_an_address_the_id_tells_people_apart() -> None:
    found = summarise([row(Member("user", "u1", None, "Ana"), 1), row(Member("user", "u2", None, "Ana"), 2)])
    assert people(found) == [("Ana", 1), ("Ana", 1)]
    same = summarise([row(Member("user", "u1", None, "Ana"), 1), row(Member("user", "u1", None, "Ana"), 2)])
    assert people(same) == [("Ana", 2)]


@pytest.mark.parametrize(
    ("member", "name"),
    [
        (Member("user", "u1", "ana@acme.test", None), "ana@acme.test"),
        (Member("mdmUser", "m1", None, None), "Managed device m1"),
        (Member("anonymous", "9dd4e461268c8034f5c8564e", None, None), "Anonymous visitor c8564e"),
        (Member("martian", "65f0c1d2e3a4b5c6d7e8f901", None, None), "User e8f901"),
        (Member("martian", "x1", None, "Marvin"), "Marvin"),
    ],
)
def test_downloads_nameless_user_has_descriptive_name(member: Member, name: str) -> None:
    assert people(summarise([row(member, 1)])) == [(name, 1)]


@pytest.mark.parametrize("kind", ["user", "employee", "mdmUser", "otpUser", "martian", "", "unknown", "anonymous"])
def test_downloads_email_identifies_user_of_any_kind(kind: str) -> None:
    found = summarise([row(Member(kind, None, "ana@acme.test", "Ana"), 1)])
    assert [(person.name, person.kind) for person in found.people] == [("Ana", kind)]
    assert found.buckets == ()


# ------------------------------------------------------------------ nobody in particular


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("anonymous", "Anonymous visitors"),
        ("unknown", "Unattributed"),
        ("otpUser", "One-time visitors without an email address"),
        ("mdmUser", "Managed devices without an email address"),
        ("user", "No email address (user)"),
        ("employee", "No email address (employee)"),
        ("martian", "No email address (martian)"),
        ("", "No email address"),
    ],
)
def test_downloads_without_user_counted_by_kind_of_member(kind: str, label: str) -> None:
    found = summarise([row(Member(kind), 1, 2), row(Member(kind), 3)])
    assert found.buckets == (UnattributedGroup(label, 3),)
    assert found.people == ()
    assert found.recorded == 3


def test_the_largest_bucket_comes_first() -> None:
    found = summarise([row(Member("unknown"), 1), row(Member("anonymous"), 1, 2)])
    assert [bucket.label for bucket in found.buckets] == ["Anonymous visitors", "Unattributed"]


# ------------------------------------------------------------------ counts


def test_downloads_total_beyond_rows_counts_and_is_marked() -> None:
    found = summarise([row(ANA, 1, 2, total=40)])
    assert (found.recorded, found.listed, found.incomplete) == (40, 2, True)
    assert people(found) == [("Ana Pérez", 40)]


@pytest.mark.parametrize("total", [0, 1, -5])
def test_a_total_smaller_than_the_rows_hides_none_of_them(total: int) -> None:
    found = summarise([row(ANA, 1, 2, total=total)])
    assert (found.recorded, found.incomplete) == (2, total >= 0)


def test_a_missing_total_is_the_number_of_rows() -> None:
    assert summarise([MemberDownloads(ANA, (Download(),), None)]).recorded == 1


def test_a_total_without_any_row_is_still_a_person() -> None:
    found = summarise([MemberDownloads(ANA, (), 7)])
    assert people(found) == [("Ana Pérez", 7)]
    assert found.people[0].latest is None


def test_downloads_by_version_most_first_with_unnamed_version() -> None:
    found = summarise([row(ANA, 1, version="1.0"), row(BRUNO, 2, 3, version="2.0"), row(ANA, 4, version=None)])
    assert found.versions == (("2.0", 2), ("1.0", 1), ("unknown version", 1))


def test_downloads_without_date_count_and_are_never_latest() -> None:
    found = summarise([row(ANA, None, 3, None)])
    assert people(found) == [("Ana Pérez", 3)]
    assert found.people[0].latest is not None
    assert found.people[0].latest.at == NOON - 3 * HOUR


def test_people_without_any_date_come_last() -> None:
    found = summarise([row(BRUNO, None, None), row(ANA, 300)])
    assert people(found) == [("Ana Pérez", 1), ("Bruno Díaz", 2)]


def test_downloads_ten_thousand_rows_of_one_user_are_fast() -> None:
    rows = [row(Member("user", str(n), "ana@acme.test" if n % 2 else "ANA@acme.test"), n % 5000) for n in range(10_000)]
    started = time.process_time()
    found = summarise(rows)
    assert time.process_time() - started < 2, "summing up is no longer linear"
    assert len(found.people) == 1
    assert found.people[0].recorded == found.recorded == 10_000
    assert found.people[0].latest is not None
    assert found.people[0].latest.at == NOON


@given(st.lists(facts.rows, max_size=8))
def test_downloads_each_counted_once_with_or_without_user(rows: list[MemberDownloads]) -> None:
    found = summarise(rows)
    shared_out = sum(row.recorded for row in found.people) + sum(bucket.recorded for bucket in found.buckets)
    assert shared_out == found.recorded >= found.listed
    assert found.listed == sum(len(downloads.downloads) for downloads in rows)
    for counts in (found.versions, found.systems, found.sources):
        assert sum(count for _, count in counts) == found.recorded
    assert sum(count for _, count in found.days) + found.undated == found.recorded


@given(st.lists(facts.rows, max_size=6), st.randoms())
def test_the_order_of_the_rows_changes_no_count(rows: list[MemberDownloads], chance: object) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    before, after = summarise(rows), summarise(shuffled)
    assert (before.recorded, before.listed) == (after.recorded, after.listed)
    assert sorted(row.recorded for row in before.people) == sorted(row.recorded for row in after.people)
    assert set(before.buckets) == set(after.buckets)
    assert dict(before.versions) == dict(after.versions)


# ------------------------------------------------------------------ by day, system and source, and what follows


def test_a_day_begins_and_ends_where_the_reader_is() -> None:
    late = MemberDownloads(ANA, (Download(at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC)),))
    assert summarise([late], "UTC").days == ((date(2026, 11, 20), 1),)
    assert summarise([late], "Europe/Madrid").days == ((date(2026, 11, 21), 1),)
    assert summarise([late], "No/Where").days == ((date(2026, 11, 20), 1),)


def test_downloads_by_day_handle_repeated_hour_and_leap_day() -> None:
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    leap = datetime(2028, 2, 29, 12, tzinfo=UTC)
    rows = [MemberDownloads(ANA, tuple(Download(at=at) for at in (*twice, leap)))]
    assert summarise(rows, "Europe/Madrid").days == ((date(2026, 10, 25), 2), (date(2028, 2, 29), 1))


def test_downloads_systems_and_sources_have_display_names() -> None:
    """A new one keeps the name that Applivery gives."""
    said = (("iOS 17", None, "sdk"), (None, "ios", "warp"), (None, None, None))
    rows = [MemberDownloads(ANA, tuple(Download(os=os, platform=on, source=source) for os, on, source in said))]
    found = summarise(rows)
    assert dict(found.systems) == {"iOS 17": 1, "iOS": 1, "unknown OS": 1}
    assert dict(found.sources) == {"In the app (SDK)": 1, "warp": 1, "unknown source": 1}
    assert found.undated == 3


def test_downloads_unknown_spelling_counts_with_known_word() -> None:
    rows = [MemberDownloads(ANA, tuple(Download(source=source) for source in ("store", "Store", "sdk")))]
    assert summarise(rows).sources == (("Store", 2), ("In the app (SDK)", 1))


def test_downloads_unknown_values_in_language_of_summary() -> None:
    tally = DownloadAggregator()
    tally.add(MemberDownloads(Member("anonymous"), (Download(source="store"), Download(), Download())))
    with use_locale("es"):
        found = tally.summary()
        assert (found.buckets, found.sources) == (
            (UnattributedGroup("Visitantes anónimos", 3),),
            (("origen desconocido", 2), ("Tienda", 1)),
        )
        assert (found.versions, found.systems) == ((("versión desconocida", 3),), (("sistema desconocido", 3),))
        assert versions_now(summarise([row(ANA, 1, version=None)]).people) == (("versión desconocida", 1),)
    assert tally.summary().sources == (("unknown source", 2), ("Store", 1))


def test_adoption_counts_people_by_what_they_took_last() -> None:
    rows = [row(ANA, 9, version="1.0"), row(ANA, 1, version="2.0"), row(BRUNO, 5, version="1.0")]
    assert versions_now(summarise(rows).people) == (("2.0", 1), ("1.0", 1))


def test_missing_compares_email_case_insensitively() -> None:
    seen = summarise([row(Member("user", "u1", "ANA@Acme.test", "Ana"), 1)])
    found = missing({"U1": "ana@acme.TEST", "U2": "bo@acme.test", "U3": None, "U4": ""}, seen)
    assert (found.have, found.lack, found.unknown) == (("U1",), ("U2",), ("U3", "U4"))


@pytest.mark.parametrize(
    ("email", "home", "shown"),
    [
        ("ana@acme.test", "acme.test", "ana@acme.test"),
        ("ana@ACME.test", "acme.test", "ana@ACME.test"),
        ("ana@agency.example", "acme.test", "a…@agency.example"),
        ("ana@evil.acme.test", "acme.test", "a…@evil.acme.test"),
        ("ana@acme.test", None, "a…@acme.test"),
        ("nobody", "acme.test", "n…"),
        ("", "acme.test", "…"),
    ],
)
def test_an_address_of_somewhere_else_is_masked(email: str, home: str | None, shown: str) -> None:
    assert masked(email, home) == shown


@given(st.lists(facts.rows, max_size=8), st.integers(0, 8))
def test_downloads_merged_tallies_equal_single_tally(rows: list[MemberDownloads], at: int) -> None:
    tally, other = DownloadAggregator("Europe/Madrid"), DownloadAggregator("Europe/Madrid")
    for each in rows[:at]:
        tally.add(each)
    for each in rows[at:]:
        other.add(each)
    tally.absorb(other)
    together = summarise(rows, "Europe/Madrid")
    apart = tally.summary()
    assert sorted(each.recorded for each in apart.people) == sorted(each.recorded for each in together.people)
    for name in ("recorded", "listed", "undated", "days"):
        assert getattr(apart, name) == getattr(together, name)
    for name in ("versions", "systems", "sources", "buckets"):
        assert set(getattr(apart, name)) == set(getattr(together, name))
