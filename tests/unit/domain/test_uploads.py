from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from bot.domain import build_files, uploads
from bot.domain.model import App, Build, Stage
from bot.domain.uploads import UploadMetadata, pace
from bot.exceptions import UnsupportedFile, UserInputError
from bot.i18n.units import format_duration_short

AT = datetime(2026, 11, 1, tzinfo=UTC)
OLD = Build("old", App("a", "a", "A"), Stage.READY, version="2.4.0", size=10, created_at=AT)
NEW = replace(OLD, id="new", created_at=AT.replace(day=2))


@pytest.mark.parametrize(
    "name", [f"App-1.0.{extension}" for extension in build_files.EXTENSIONS] + ["COURIER.IPA", "a.b.tar.gz"]
)
def test_every_documented_format_is_taken(name: str) -> None:
    build_files.check(name, 1)


@pytest.mark.parametrize("name", ["app.gz", "app", "app.ipa.txt", ".apk", "", "app.apx"])
def test_upload_of_other_file_types_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedFile, match=r"\.ipa \.apk \.aab"):
        build_files.check(name, 1)


def test_4_gb_are_taken_and_a_byte_more_is_not() -> None:
    build_files.check("a.ipa", 4 * 1024**3)
    with pytest.raises(UnsupportedFile, match="4 GB"):
        build_files.check("a.ipa", 4 * 1024**3 + 1)


@pytest.mark.parametrize("start", [b"\xcf\xfa\xed\xfe", b"xar!", b"MZ\x90"])
def test_the_start_of_a_file_that_is_no_archive_is_not_judged(start: bytes) -> None:
    for name in ("a.pkg", "a.dmg", "a.exe", "a.msi", "a.tar.gz"):
        build_files.check_start(name, start)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ()),
        ("qa", (("qa",),)),
        (" g1 , g2 | g3 ", (("g1", "g2"), ("g3",))),
        ("a|b|c,d", (("a",), ("b",), ("c", "d"))),
    ],
)
def test_groups_are_read_as_the_vendor_s_plug_ins_write_them(typed: str, expected: object) -> None:
    assert uploads.groups(typed) == expected


@pytest.mark.parametrize("typed", [",", "a,", "a||b", "|"])
def test_an_empty_group_is_refused(typed: str) -> None:
    with pytest.raises(UserInputError):
        uploads.groups(typed)


def test_tags_are_split_at_commas_and_kept_once() -> None:
    assert uploads.tags(["a, b", "b", " ", "c,"]) == ("a", "b", "c")


def test_without_groups_no_filter_is_sent() -> None:
    assert [name for name, _ in uploads.fields(UploadMetadata())] == ["notifyCollaborators", "notifyEmployees"]


# ------------------------------------------------------------------ recognising a build again


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (NEW, True),
        (replace(NEW, size=None), True),
        (replace(NEW, created_at=None), True),
        (OLD, False),
        (replace(NEW, size=11), False),
        (replace(NEW, version="2.4.1"), False),
        (replace(NEW, created_at=AT.replace(month=10)), False),
    ],
)
def test_upload_matches_new_build_of_same_version_and_size(build: Build, found: bool) -> None:
    assert uploads.arrived([build, OLD], {"old"}, version="2.4.0", size=10) == ([build] if found else [])


def test_without_a_version_the_size_decides() -> None:
    assert uploads.arrived([NEW], set(), version=None, size=10) == [NEW]


# ------------------------------------------------------------------ how far


def test_the_rate_is_that_of_the_last_while() -> None:
    now = pace([(0.0, 0), (10.0, 500)], 1000)
    assert (now.percent, now.rate, now.left) == (50, 50.0, 10.0)


def test_upload_is_not_100_percent_before_last_byte() -> None:
    assert pace([(0.0, 0), (1.0, 999_999)], 1_000_000).percent == 99
    assert pace([(0.0, 0), (1.0, 1_000_000)], 1_000_000).percent == 100


def test_nothing_sent_has_no_time_left() -> None:
    assert pace([], 10).left is None
    assert pace([(1.0, 0)], 10).left is None


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (99, "99 s"), (150, "2 min"), (4800, "1 h 20 min")])
def test_durations_are_said_as_people_do(seconds: float, words: str) -> None:
    assert format_duration_short(seconds) == words


@pytest.mark.parametrize("name", ["Ana", "Ana (QA)", "x (Slack)"])
def test_a_person_s_name_comes_back_out_of_the_deployer(name: str) -> None:
    assert uploads.person(uploads.by_person(name).name) == name


@pytest.mark.parametrize("name", [None, "", "GitHub Actions", "(Slack)"])
def test_any_other_deployer_is_no_person(name: str | None) -> None:
    assert uploads.person(name) is None
