"""Which error an answer of Applivery's becomes, and what the person reads."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot import exceptions
from bot.applivery.errors import ErrorBody, problem, quotable, seconds_to_wait
from bot.i18n.verbatim import unmarked

CODES = [
    (2001, exceptions.InvalidCredentials),
    (3001, exceptions.NotFound),
    (3002, exceptions.InvalidCredentials),
    (4001, exceptions.NotFound),
    (4002, exceptions.InvalidCredentials),
    (4004, exceptions.InvalidCredentials),
    (4014, exceptions.TwoFactorRequired),
    (5003, exceptions.QuotaExceeded),
    (5004, exceptions.FeatureNotInPlan),
    (5006, exceptions.InvalidUpload),
    (5014, exceptions.BuildNotProcessed),
    (5024, exceptions.Conflict),
    (6002, exceptions.RequestRejected),
]


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize(("code", "kind"), CODES)
def test_the_code_decides_before_the_status(code: int, kind: type, status: int) -> None:
    found = problem(ErrorBody(code, "words"), status)
    assert type(found) is kind
    assert (found.code, found.status) == (code, status)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, exceptions.RequestRejected),
        (400, exceptions.RequestRejected),
        (401, exceptions.InvalidCredentials),
        (403, exceptions.Forbidden),
        (404, exceptions.NotFound),
        (418, exceptions.RequestRejected),
        (429, exceptions.AppliveryRateLimited),
        (500, exceptions.ServiceUnavailable),
        (503, exceptions.ServiceUnavailable),
    ],
)
@pytest.mark.parametrize("code", [None, 9999])
def test_error_with_unknown_code_is_decided_by_status(code: int | None, status: int, kind: type) -> None:
    assert type(problem(ErrorBody(code), status)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, exceptions.InvalidResponse),
        (400, exceptions.InvalidResponse),
        (401, exceptions.InvalidCredentials),
        (403, exceptions.Forbidden),
        (404, exceptions.InvalidResponse),
        (429, exceptions.AppliveryRateLimited),
        (502, exceptions.ServiceUnavailable),
    ],
)
def test_a_page_that_is_not_json_is_not_believed(status: int, kind: type) -> None:
    assert type(problem(None, status)) is kind


def test_token_expired_means_the_link_only_on_download_host() -> None:
    assert type(problem(ErrorBody(4005), 401, download_host=True)) is exceptions.LinkExpired
    assert type(problem(ErrorBody(), 401, download_host=True)) is exceptions.LinkExpired
    assert type(problem(None, 401, download_host=True)) is exceptions.LinkExpired
    assert type(problem(ErrorBody(4005), 401)) is exceptions.InvalidCredentials


def test_a_used_up_quota_names_what_the_limit_and_the_count() -> None:
    sentence = str(problem(ErrorBody(5003, item="downloads", limit=100, num=101), 400).sentence)
    assert sentence == "Your Applivery workspace has reached its plan's limit for “downloads”: 101 of 100 used."
    monthly = str(problem(ErrorBody(5003, item="downloadsByMonth.202006", limit=100), 400).sentence)
    assert "plan's limit of 100 for “downloads in 2020-06”" in monthly
    assert problem(ErrorBody(5003), 400).sentence == exceptions.QuotaExceeded.sentence


def test_refused_fields_are_named() -> None:
    assert "fields: os, limit." in str(problem(ErrorBody(6002, fields=("os", "limit")), 400).sentence)


def test_the_vendors_words_are_quoted_as_they_are() -> None:
    words = "<!channel> `x` see https://a.b/c?token=1 or eyJhbGciOiJIUzI1NiJ9.abcdefghijkl\x00\n" + "y " * 300
    sentence = str(problem(ErrorBody(1234, words), 400).sentence)
    assert "1234" in sentence
    assert "“<!channel> `x` see " in unmarked(sentence)
    assert not {"\n", "\x00"} & set(sentence)
    assert "token=1" not in sentence
    assert "eyJ" not in sentence
    assert len(sentence) < 300


def test_short_words_are_quoted_as_they_are() -> None:
    assert quotable('"os" is not allowed') == '"os" is not allowed'


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("1.5", 1.5),
        (None, 2),
        ("", 2),
        ("soon", 2),
        ("-3", 2),
        ("nan", 2),
        ("inf", 3600),
        ("99999999", 3600),
        ("Mon, 01 Jan 2024 12:00:30 GMT", 30),
        ("Mon, 01 Jan 2024 11:00:00 GMT", 0),
        ("Mon, 01 Jan 2024 12:00:30 -0000", 30),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float) -> None:
    assert seconds_to_wait(header, now=datetime(2024, 1, 1, 12, tzinfo=UTC)) == seconds
