"""What becomes of Applivery's JSON, whatever its shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.applivery import coercion, errors, parse, schemas
from bot.applivery.envelope import Page, refusal
from bot.domain.model import (
    App,
    Attachment,
    Build,
    BuildRetention,
    BuildSource,
    FileKind,
    InstallRequirements,
    Link,
    Member,
    Stage,
)
from bot.exceptions import AppliveryError, InvalidResponse, NotFound
from sandbox.applivery.payloads import NETWORKS

APP = App(id="a" * 24, slug="courier", name="Courier", platforms=("ios",))
ID = "0123456789abcdef01234567"
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def ok(data: Any) -> bytes:
    return json.dumps({"status": True, "data": data}).encode()


def build(**said: Any) -> Build:
    return parse.build(ok({"id": ID} | said), APP)


def builds(body: Any, *, page: int = 1, limit: int = 100) -> Page[Build]:
    return parse.builds(json.dumps(body).encode(), APP, page=page, limit=limit)


# ------------------------------------------------------------------ builds

FULL: dict[str, Any] = {
    "id": ID,
    "status": "processed",
    "tags": ["staging", "sprint-42"],
    "versionName": "2.4.0",
    "versionCode": "173",
    "application": "b" * 24,
    "applicationInfo": {"id": "b" * 24, "name": "Rider", "slug": "rider", "picture": "x"},
    "changelog": " Fixed\nthings ",
    "info": {
        "ios": {
            "plist": {"CFBundleShortVersionString": "2.4", "CFBundleVersion": "9", "MinimumOSVersion": "15.0"},
            "mobileprovision": {
                "ExpirationDate": "2024-01-01T12:00:00Z",
                "ProvisionsAllDevices": False,
                "ProvisionedDevices": "udid-1,udid-2",
                "signingType": "ad-hoc",
            },
        }
    },
    "size": 538300,
    "processTime": 12,
    "queuedTime": 3.5,
    "os": "ios",
    "deployer": {
        "name": "GitHub Actions",
        "info": {
            "commitMessage": "Fix",
            "commit": "f52ace0",
            "branch": "main",
            "tag": "v2",
            "buildUrl": "https://ci.example/1",
            "buildNumber": "88",
        },
    },
    "uploadedBy": {"id": "c" * 24, "email": "ana@acme.example", "firstName": "Ana", "lastName": "Ruiz"},
    "originalExtension": "ipa",
    "files": [
        {"id": "2SWkDbddHBNUaVImZINcZzVN", "type": "attachment", "file": {"originalName": "a.png", "size": "12"}},
        {"id": "P1", "type": "package", "file": {"originalName": "x.ipa"}},
        {"id": "I1", "type": "icon"},
        {"id": "O1", "type": "original"},
    ],
    "disabled": False,
    "error": None,
    "createdAt": "2024-01-01T12:00:00.000Z",
    "updatedAt": "2024-01-01T13:00:00+01:00",
}


def test_a_documented_build_is_read_whole() -> None:
    assert parse.build(ok(FULL), APP) == Build(
        id=ID,
        app=App(id="b" * 24, slug="rider", name="Rider", platforms=("ios",)),
        stage=Stage.READY,
        status="processed",
        version="2.4.0",
        number="173",
        platform="ios",
        size=538300,
        tags=("staging", "sprint-42"),
        changelog="Fixed\nthings",
        origin=BuildSource("GitHub Actions", "main", "v2", "f52ace0", "Fix", "88", "https://ci.example/1"),
        uploader="Ana Ruiz",
        uploader_email="ana@acme.example",
        requirements=InstallRequirements("15.0", "ad-hoc", NOON, False),
        attachments=(Attachment("2SWkDbddHBNUaVImZINcZzVN", "a.png", "attachment", 12),),
        extension="ipa",
        waited=3.5,
        worked=12.0,
        created_at=NOON,
        updated_at=NOON,
        icon="x",
    )


def test_a_build_of_nothing_but_its_id_is_a_build() -> None:
    assert build() == Build(id=ID, app=APP, stage=Stage.UNKNOWN)


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("processed", Stage.READY),
        ("success", Stage.READY),
        ("Processed", Stage.READY),
        ("error", Stage.FAILED),
        ("failed", Stage.FAILED),
        ("pending", Stage.PENDING),
        ("in_progress", Stage.RUNNING),
        (" In Progress ", Stage.RUNNING),
        ("thawing", Stage.UNKNOWN),
        ("pending_deletion", Stage.UNKNOWN),
        (None, Stage.UNKNOWN),
        (7, Stage.UNKNOWN),
    ],
)
def test_a_status_folds_into_a_stage(word: Any, stage: Stage) -> None:
    assert build(status=word).stage is stage


def test_old_shapes_are_read_too() -> None:
    old = build(
        size="538300",
        uploadedBy="c" * 24,
        versionCode=173,
        tags=None,
        errorCode=1204,
        deployer={"name": "fastlane", "info": {"git_branch": "dev", "git_tag": "v1", "commit_message": "m"}},
        info={"ios": {"mobileprovision": {"ProvisionedDevices": ["udid-1", "udid-2"]}}},
    )
    assert (old.size, old.uploader, old.number, old.tags, old.error_code) == (538300, None, "173", (), "1204")
    assert (old.origin.branch, old.origin.tag, old.origin.commit_message) == ("dev", "v1", "m")
    assert "udid" not in repr(old)


def test_parse_missing_build_values_come_from_file_info() -> None:
    android = build(info={"android": {"versionName": "3.1", "versionCode": 31, "minSDKVersion": 24}})
    assert (android.version, android.number, android.requirements.min_os) == ("3.1", "31", "24")
    package = build(info={"pkg": {"CFBundleShortVersionString": "1.1", "CFBundleVersion": "2"}})
    assert (package.version, package.number) == ("1.1", "2")


@pytest.mark.parametrize("error", ["Bad signature", {"message": "Bad signature", "code": 12}])
def test_why_a_build_failed_is_kept(error: Any) -> None:
    assert build(status="error", error=error).error == "Bad signature"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//x", "https://a b", "https://a\nb", 5, None])
def test_a_ci_address_that_is_no_web_address_is_dropped(url: Any) -> None:
    assert build(deployer={"info": {"buildUrl": url}}).origin.url is None


def test_the_app_is_taken_from_the_build_and_else_from_the_asker() -> None:
    assert build(application="b" * 24).app == App("b" * 24, "courier", "Courier", ("ios",))
    assert build(applicationInfo={"name": "New name"}).app.name == "New name"
    assert build(applicationInfo="b" * 24, application=None).app == APP


def test_half_a_character_and_a_nul_do_not_cost_the_build() -> None:
    body = (
        b'{"status":true,"data":{"items":[{"id":"' + ID.encode() + b'","changelog":"a\\ud83d \\u0000b"},{"id":"x"}]}}'
    )
    page = parse.builds(body, APP, page=1, limit=10)
    assert [found.changelog for found in page.items] == ["a? b", ""]
    page.items[0].changelog.encode()


def test_parse_stray_bytes_and_huge_numbers_keep_the_build() -> None:
    body = b'{"data":[{"id":"one","changelog":"\xff","size":1e999},{"id":"two"}]}'
    assert [found.id for found in parse.builds(body, APP, page=1, limit=10).items] == ["one", "two"]


# ------------------------------------------------------------------ lists


@pytest.mark.parametrize(
    "body",
    [
        {"status": True, "data": {"items": [{"id": "one"}, {"id": "two"}]}},
        {"data": {"items": [{"id": "one"}, {"id": "two"}]}},
        {"status": True, "data": [{"id": "one"}, {"id": "two"}]},
        {"items": [{"id": "one"}, {"id": "two"}]},
        [{"id": "one"}, {"id": "two"}],
        {"status": True, "data": {"data": [{"_id": "one"}, {"_id": "two"}]}},
    ],
)
def test_a_list_is_found_in_every_envelope(body: Any) -> None:
    assert [found.id for found in builds(body).items] == ["one", "two"]


@pytest.mark.parametrize("bad", [None, 3, "x", [], [{"id": "no"}], {}, {"id": None}, {"id": {}}, True])
def test_a_bad_item_does_not_cost_the_others(bad: Any) -> None:
    assert [found.id for found in builds({"data": {"items": [{"id": "one"}, bad, {"id": "two"}]}}).items] == [
        "one",
        "two",
    ]


@pytest.mark.parametrize("data", [[], {"items": []}, {"items": [], "totalDocs": 0}])
def test_an_empty_list_is_empty(data: Any) -> None:
    assert builds({"status": True, "data": data}).items == ()


@pytest.mark.parametrize("body", [{}, {"status": True}, {"data": {}}, {"data": "x"}, {"items": {"a": 1}}, 3, "x", None])
def test_an_answer_without_a_list_is_unreadable(body: Any) -> None:
    with pytest.raises(InvalidResponse):
        builds(body)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[", b"[1,", b"\xff", b'{"data":' * 10_000, b"[" * 100_000])
def test_parse_invalid_json_raises_invalid_response(body: bytes) -> None:
    with pytest.raises(InvalidResponse):
        parse.builds(body, APP, page=1, limit=1)
    with pytest.raises(InvalidResponse):
        parse.build(body, APP)


def test_a_byte_order_mark_is_forgiven() -> None:
    assert parse.build(b"\xef\xbb\xbf " + ok({"id": "x"}), APP).id == "x"


@pytest.mark.parametrize(
    ("info", "has_next", "total"),
    [
        ({"hasNextPage": True, "totalDocs": 40}, True, 40),
        ({"hasNextPage": False, "totalPages": 9}, False, None),
        ({"hasNextPage": "true", "totalItems": "7"}, True, 7),
        ({"totalPages": 3}, True, None),
        ({"totalPages": 2}, False, None),
        ({"nextPage": 3}, True, None),
        ({"nextPage": 0}, False, None),
        ({"totalDocs": 102}, True, 102),
        ({"totalDocs": 101}, False, 101),
    ],
)
def test_the_next_page_is_told_by_flag_and_else_by_number(info: dict[str, Any], has_next: bool, total: Any) -> None:
    page = builds({"data": {"items": [{"id": "x"}]} | info}, page=2)
    assert (page.has_next, page.total) == (has_next, total)


def test_without_a_word_about_pages_another_may_follow() -> None:
    """A short page is no last one: the largest is not documented, and a server may hold any `limit` to its own."""
    for limit in (2, 3):
        page = builds([{"id": "x"}, {"id": "y"}], limit=limit)
        assert (page.has_next, page.is_told) == (True, False)
    assert not builds([], page=2).has_next


def test_bare_empty_list_is_understood_where_a_list_may_end() -> None:
    assert builds([], page=2).items == ()
    with pytest.raises(InvalidResponse):
        builds([])


def test_a_short_page_has_a_next_one_by_the_total() -> None:
    """Servers cap a page at a size of their own; the second page then begins there."""
    body = {"data": {"items": [{"id": "x"}, {"id": "y"}], "totalItems": 4}}
    assert builds(body, limit=100).has_next
    assert not builds(body, page=2, limit=2).has_next


def test_parse_empty_page_is_always_the_last() -> None:
    assert not builds({"data": {"items": [], "hasNextPage": True}}).has_next


# ------------------------------------------------------------------ refusals


def test_parse_status_false_is_error_for_any_http_status() -> None:
    with pytest.raises(NotFound):
        builds({"status": False, "error": {"code": 3001, "message": "Entity not found"}})


def test_an_error_under_status_true_is_an_error() -> None:
    with pytest.raises(NotFound):
        builds({"status": True, "error": {"code": 4001, "message": "Entity not found"}})


def test_the_detail_of_a_refusal_is_read() -> None:
    quota = {"code": 5003, "message": "Limit", "data": {"itemName": "downloads", "limit": 100, "num": 101}}
    assert refusal(json.dumps({"status": False, "error": quota}).encode()) == errors.ErrorBody(
        5003, "Limit", "downloads", 100, 101
    )
    fields = {"code": "6002", "data": {"errors": [{"field": ["os"]}, {"field": "limit"}, None, {"field": 3}]}}
    read = refusal(json.dumps({"status": False, "error": fields}).encode())
    assert read is not None
    assert (read.code, read.fields) == (6002, ("os", "limit", "3"))


@pytest.mark.parametrize("error", [None, "Nope", [], 5, {}, {"code": None, "data": None}, {"code": [], "data": [1]}])
def test_an_odd_refusal_is_still_one(error: Any) -> None:
    read = refusal(json.dumps({"status": False, "error": error}).encode())
    assert read is not None
    assert read.code is None


# ------------------------------------------------------------------ apps, workspace, token


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (None, None),
        ({}, None),
        ([], None),
        ("30", None),
        ({"notificationLanguage": "en"}, None),
        ({"buildRetentionDays": 60, "buildsRetainedPerPublication": 5}, BuildRetention(60, 5)),
        ({"buildRetentionDays": "60"}, BuildRetention(60, None)),
        ({"buildRetentionDays": 0, "buildsRetainedPerPublication": 5}, BuildRetention(None, 5)),
        ({"buildRetentionDays": -1, "buildsRetainedPerPublication": 5}, BuildRetention(None, 5)),
        ({"buildRetentionDays": None, "buildsRetainedPerPublication": 5}, BuildRetention(None, 5)),
        ({"buildRetentionDays": 365, "maxBillingBuildRetentionDays": 90}, BuildRetention(90, None)),
        ({"buildRetentionDays": 30, "maxBillingBuildRetentionDays": 90}, BuildRetention(30, None)),
        ({"buildRetentionDays": 30, "maxBillingBuildRetentionDays": 0}, BuildRetention(30, None)),
        ({"maxBillingBuildRetentionDays": 90}, None),  # a maximum of the plan is no choice of the app
    ],
)
def test_retention_is_the_apps_own_within_its_plan(configuration: Any, expected: BuildRetention | None) -> None:
    assert parse.app(ok({"id": ID, "configuration": configuration})).retention == expected


def test_an_app_without_a_short_name_goes_by_its_id() -> None:
    assert parse.app(ok({"id": ID})) == App(ID, ID, ID)
    assert parse.app(ok({"slug": "courier"})) == App("courier", "courier", "courier")
    assert parse.app(ok({"id": ID, "name": "C", "slug": "c", "oss": ["ios", None, "android"]})).platforms == (
        "ios",
        "android",
    )


def test_an_app_without_any_name_is_unreadable() -> None:
    with pytest.raises(InvalidResponse):
        parse.app(ok({"description": "x"}))


def test_a_workspace_is_called_by_its_name_or_what_else_it_has() -> None:
    assert parse.organization(ok({"id": ID, "slug": "acme", "name": "Acme"})) == "Acme"
    assert parse.organization(ok({"id": ID})) == ID


def test_a_token_becomes_a_link_that_shows_nothing() -> None:
    link = parse.link(ok({"token": "s3cret", "expiresAt": "2024-01-01T12:00:00Z"}), FileKind.AAB, lambda t: f"u/{t}")
    assert link == Link("u/s3cret", "s3cret", FileKind.AAB, NOON)
    assert "s3cret" not in repr(link)


@pytest.mark.parametrize("token", [None, "", "  ", ".", "..", {}, []])
def test_a_token_that_is_none_is_unreadable(token: Any) -> None:
    with pytest.raises(InvalidResponse):
        parse.link(ok({"token": token}), FileKind.FILE, str)


# ------------------------------------------------------------------ downloads

DOWNLOAD: dict[str, Any] = {
    "id": "d" * 24,
    "from": "store",
    "build": {"id": ID, "os": "ios", "buildPlatform": "ios", "versionName": "2.4"},
    "info": {"ip": "203.0.113.77"},
    "device": {"model": "iPhone 15", "type": "phone"},
    "os": {"name": "iOS", "version": "17.1"},
    "networkInfo": NETWORKS[0],
    "createdAt": "2024-01-01T12: 00:00Z",
}
MEMBER = {"type": "employee", "memberId": "e" * 24, "email": "a@b.example", "firstName": "Ana", "lastName": "Ruiz"}


def test_a_row_of_a_person_is_read_whole() -> None:
    (row,) = parse.member_downloads(ok([{"id": ID, "total": 3, "member": MEMBER, "downloads": [DOWNLOAD]}]))
    assert row.member == Member("employee", "e" * 24, "a@b.example", "Ana Ruiz")
    assert row.total == 3
    (download,) = row.downloads
    assert (download.at, download.version, download.platform, download.device, download.os, download.source) == (
        NOON,
        "2.4",
        "ios",
        "iPhone 15",
        "iOS 17.1",
        "store",
    )


@pytest.mark.parametrize("kind", ["user", "employee", "mdmUser", "otpUser", "unknown", "anonymous", "robot"])
def test_every_kind_of_member_is_kept_even_a_new_one(kind: str) -> None:
    (row,) = parse.member_downloads(ok([{"member": {"type": kind}}]))
    assert row.member == Member(kind)


def test_a_member_without_a_kind_is_unknown() -> None:
    rows = parse.member_downloads(ok([{}, {"member": None}, {"member": "x"}, {"member": {"email": ""}}, {"total": 2}]))
    assert [row.member for row in rows] == [Member("unknown")] * 3


def test_a_bad_download_does_not_cost_the_row() -> None:
    (row,) = parse.member_downloads(ok([{"member": MEMBER, "downloads": [None, DOWNLOAD, "x", {"build": "y"}]}]))
    assert [download.build_id for download in row.downloads] == [ID, "y"]


def test_rows_are_found_bare_and_enveloped() -> None:
    rows = [{"member": MEMBER}]
    for body in (rows, {"data": rows}, {"items": rows}, {"status": True, "data": {"items": rows}}):
        assert len(parse.member_downloads(json.dumps(body).encode())) == 1


def markers(network: dict[str, Any]) -> list[str]:
    return [str(value) for value in network.values() if len(str(value)) > 3]


def test_parse_drops_download_locations() -> None:
    odd = {**DOWNLOAD, "networkInfo": [NETWORKS[1]], "extra": NETWORKS[0], "device": {"networkInfo": NETWORKS[0]}}
    rows = parse.member_downloads(
        ok([{"member": {**MEMBER, "networkInfo": NETWORKS[0]}, "downloads": [DOWNLOAD, odd]}])
    )
    shown = repr(rows)
    assert not [mark for network in NETWORKS for mark in markers(network) if mark in shown]


def test_parse_has_no_field_for_location_or_file_address() -> None:
    shapes = [each for each in vars(schemas).values() if isinstance(each, type) and issubclass(each, msgspec.Struct)]
    keys = {field.encode_name for shape in shapes for field in msgspec.structs.fields(shape)}
    assert "versionName" in keys
    assert not keys & {"networkInfo", "location", "ProvisionedDevices", *NETWORKS[0]}


# ------------------------------------------------------------------ scalars


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2024-01-01T12:00:00Z", NOON),
        ("2024-01-01T12:00:00.000Z", NOON),
        ("2024-01-01T12: 00:00Z", NOON),
        ("2024-01-01 12:00:00", NOON),
        ("2024-01-01  12:00:00 Z", NOON),
        (" 2024-01-01T12:00:00", NOON),
        ("2024-01-01T14:00:00+02:00", NOON),
        ("2024-01-01T14:00:00 +0200", NOON),
        (1704110400, NOON),
        (1704110400000, NOON),
        ("1704110400000", NOON),
        ("2024-01-01", datetime(2024, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
        ("0001-01-01T00:00:00Z", None),  # not set
        ("9999-12-31T23:59:59.999Z", coercion.LATEST),  # never
        ("9999-12-31T23:59:59-05:00", coercion.LATEST),
        (253402300799000, coercion.LATEST),
        ("yesterday", None),
        ("", None),
        (True, None),
        (1e300, None),
        (float("nan"), None),
        ({}, None),
    ],
)
def test_a_moment_is_read_from_every_form_seen(said: Any, meant: datetime | None) -> None:
    assert coercion.moment(said) == meant


@given(st.datetimes(timezones=st.timezones() | st.none()) | st.integers(0, 2**45))
def test_moment_is_a_date_in_every_time_zone_a_year_later(said: Any) -> None:
    read = coercion.moment(said.isoformat() if isinstance(said, datetime) else said)
    if read is not None:
        for hours in (-14, 14):
            for days in (-366, 0, 366):
                (read + timedelta(days=days)).astimezone(timezone(timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("said", "meant"),
    [(5, 5), ("5", 5), (5.9, 5), ("12 MB", None), (-1, None), (True, None), (10**30, None), ("1e30", None), ([], None)],
)
def test_a_count_is_a_whole_number_or_unknown(said: Any, meant: int | None) -> None:
    assert coercion.count(said) == meant


@pytest.mark.parametrize(("said", "meant"), [(True, True), ("FALSE", False), (1, True), ("maybe", None), (None, None)])
def test_a_flag_is_read_from_words(said: Any, meant: bool | None) -> None:
    assert coercion.flag(said) is meant


@pytest.mark.parametrize(("said", "meant"), [("a, b,,c", ("a", "b", "c")), (["a", 1, None, {}], ("a", "1")), (5, ())])
def test_texts_are_read_from_a_list_or_from_commas(said: Any, meant: tuple[str, ...]) -> None:
    assert coercion.texts(said) == meant


# ------------------------------------------------------------------ anything at all

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def spoil(good: Any, choose: st.DataObject) -> Any:
    """Put something else, or nothing, in the place of any value of a good object."""
    match choose.draw(st.integers(0, 9)):
        case 0:
            return choose.draw(ODD)
        case 1:
            return None
    if isinstance(good, dict):
        kept = {key: value for key, value in good.items() if choose.draw(st.integers(0, 7))}
        return {key: spoil(value, choose) for key, value in kept.items()} | {"new-key": choose.draw(ODD)}
    return [spoil(each, choose) for each in good] if isinstance(good, list) else good


@given(st.data())
def test_no_value_in_any_place_breaks_a_list_of_builds(data: st.DataObject) -> None:
    items = [FULL, spoil(FULL, data), FULL]
    found = parse.builds(ok({"items": items}), APP, page=1, limit=5).items
    assert found[0] == found[-1] == parse.build(ok(FULL), APP)
    assert len(found) in (2, 3)


@given(st.data())
def test_parse_any_value_keeps_rows_and_hides_addresses(data: st.DataObject) -> None:
    row = {"total": 1, "member": MEMBER, "downloads": [DOWNLOAD]}
    rows = parse.member_downloads(ok([row, spoil(row, data), row]))
    assert rows[0] == rows[-1]
    assert "203.0.113.77" not in repr(rows)
    msgspec.json.encode(rows)  # nothing but plain, storable values


@given(ODD)
def test_any_json_is_read_or_refused_by_name(anything: Any) -> None:
    body = json.dumps(anything).encode()
    for read in (
        lambda: parse.builds(body, APP, page=1, limit=5),
        lambda: parse.apps(body, page=1, limit=5),
        lambda: parse.member_downloads(body),
        lambda: parse.build(body, APP),
        lambda: parse.organization(body),
        lambda: parse.link(body, FileKind.AUTO, str),
        lambda: refusal(body),
    ):
        try:
            read()
        except AppliveryError:
            continue


@given(ODD | st.binary())
def test_scalars_take_anything(anything: Any) -> None:
    for read in (coercion.text, coercion.count, coercion.number, coercion.flag, coercion.texts, coercion.moment):
        read(anything)


IPA_PLIST = {"plist": {"CFBundleVersion": "7"}}


@pytest.mark.parametrize(
    ("wire", "platform", "extension"),
    [
        ({"os": "ios"}, "ios", None),
        ({"os": "iOS", "originalExtension": ".IPA"}, "ios", "ipa"),
        ({"os": None, "buildPlatform": "switch", "originalExtension": "NSP"}, "switch", "nsp"),
        ({"originalExtension": "ipa"}, "ios", "ipa"),
        ({"originalExtension": "PKG"}, "macos", "pkg"),
        ({"originalExtension": "dmg"}, "macos", "dmg"),
        ({"originalExtension": "apk"}, "android", "apk"),
        ({"originalExtension": "aab"}, "android", "aab"),
        ({"originalExtension": "appxbundle"}, "windows", "appxbundle"),
        ({"os": "unknown", "originalExtension": "exe"}, "windows", "exe"),
        ({"os": "osx"}, "macos", None),
        ({"os": "quantumOS", "originalExtension": "zip"}, "quantumos", "zip"),
        ({"originalExtension": "zip"}, "", "zip"),
        ({"info": {"android": {"versionCode": 7}, "ios": {"plist": {}}, "pkg": None}}, "android", None),
        ({"info": {"ios": IPA_PLIST, "android": {}}}, "ios", None),
        ({"info": {"pkg": {"CFBundleVersion": "7"}, "ios": None}}, "macos", None),
        ({"info": {"pkg": "?", "ios": 7, "android": []}}, "", None),
        ({"files": [{"type": "package", "file": {"originalName": "Courier.IPA"}}]}, "ios", "ipa"),
        ({"files": [{"type": "attachment", "file": {"originalName": "notes.ipa"}}]}, "", None),
        ({}, "", None),
    ],
)
def test_a_platform_follows_from_all_evidence(wire: dict[str, Any], platform: str, extension: str | None) -> None:
    found = build(**wire)
    assert (found.platform, found.extension) == (platform, extension)
