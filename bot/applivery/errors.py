"""Convert Applivery's error codes and HTTP statuses to exceptions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

from bot.exceptions import (
    AppliveryError,
    AppliveryRateLimited,
    BuildNotProcessed,
    Conflict,
    FeatureNotInPlan,
    Forbidden,
    InvalidCredentials,
    InvalidResponse,
    InvalidUpload,
    LinkExpired,
    NotFound,
    QuotaExceeded,
    RequestRejected,
    ServiceUnavailable,
    TwoFactorRequired,
)
from bot.i18n import Number, Text, _, gettext_noop
from bot.i18n.verbatim import verbatim
from bot.system_clock import utc_now

DEFAULT_WAIT = 2.0  # seconds, for a 429 without Retry-After, as in the public client applivery-soar
_LONGEST_WAIT = 3600.0
_SHOWN = 200
_LINK = re.compile(r"\S*://\S*")
_SECRET_LIKE = re.compile(r"[A-Za-z0-9_\-+/=.]{24,}")
_BREAKS = re.compile(r"\s*[\x00-\x1f\x7f-\x9f\u2028\u2029]\s*")
_MONTH = re.compile(r"(.+)ByMonth\.(\d{4})(\d{2})")


class ErrorBody(Struct, frozen=True):
    """Applivery's error envelope; only some codes have the last four fields (5003, 6002)."""

    code: int | None = None
    message: str = ""
    item: str | None = None
    limit: int | None = None
    num: int | None = None
    fields: tuple[str, ...] = ()


def problem(
    refusal: ErrorBody | None, status: int, *, retry_after: str | None = None, download_host: bool = False
) -> AppliveryError:
    """Return the exception for an error response: by its code first, then by the HTTP status.

    `refusal` is None when the body was not Applivery's JSON; `retry_after` is the raw header. No credential is sent to
    the download host, so a 401 from there is about the link.
    """
    known = refusal or ErrorBody()
    if known.code == 4005 or (status == 401 and download_host):
        kind = LinkExpired if download_host else InvalidCredentials
        return kind(code=known.code, status=status)
    if status == 429 and known.code not in _BY_CODE:
        return AppliveryRateLimited(retry_after=seconds_to_wait(retry_after), code=known.code)
    if make := _BY_CODE.get(known.code or 0):
        return make(known, status)
    return _by_status(refusal, status)


def seconds_to_wait(header: str | None, *, now: datetime | None = None) -> float:
    """Return the seconds of a Retry-After header, a number or an HTTP date (RFC 9110, 10.2.3)."""
    try:
        wait = float(header or "")
    except ValueError:
        wait = _until(header or "", now or utc_now())
    return min(wait, _LONGEST_WAIT) if wait >= 0 else DEFAULT_WAIT  # NaN is not >= 0 either


def quotable(words: str) -> str:
    """Return Applivery's message in a form that is safe to show: one line, without links and possible tokens."""
    plain = _BREAKS.sub(" ", _SECRET_LIKE.sub("…", _LINK.sub("…", words))).strip()
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"


def _until(header: str, now: datetime) -> float:
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return -1.0
    return max(0.0, ((then if then.tzinfo else then.replace(tzinfo=UTC)) - now).total_seconds())


def _by_status(refusal: ErrorBody | None, status: int) -> AppliveryError:
    if status >= 500:
        return ServiceUnavailable(status=status)
    if status in (401, 403):
        kind = InvalidCredentials if status == 401 else Forbidden
        return kind(code=refusal.code if refusal else None, status=status)
    if refusal is None or 300 <= status < 400:  # a page that is not Applivery's: trust none of it, not even a 404
        return InvalidResponse(status=status, why="" if refusal else "not Applivery's JSON")
    if status == 404:
        return NotFound(code=refusal.code, status=status)
    return _refused(refusal, status)


def _refused(refusal: ErrorBody, status: int) -> AppliveryError:
    sentence = _not_accepted(refusal.code, quotable(refusal.message))
    return RequestRejected(sentence, code=refusal.code, status=status)


def _not_accepted(code: int | None, text: str) -> Text | None:
    if text and code is not None:
        return Text("Applivery didn't accept the request (code {code}): “{said}”.", code=code, said=text)
    if text:
        return Text("Applivery didn't accept the request: “{said}”.", said=text)
    if code is not None:
        return Text("Applivery didn't accept the request (code {code}).", code=code)
    return None


def _quota(refusal: ErrorBody, status: int) -> QuotaExceeded:
    error = _quota_in_words(refusal, status)
    error.item, error.limit, error.used = refusal.item, refusal.limit, refusal.num
    return error


def _quota_in_words(refusal: ErrorBody, status: int) -> QuotaExceeded:
    if refusal.item is None:
        return QuotaExceeded(code=refusal.code, status=status)
    month = _MONTH.fullmatch(refusal.item)
    item = _("{item} in {month}", item=month[1], month=f"{month[2]}-{month[3]}") if month else refusal.item
    return QuotaExceeded(_reached(quotable(item), refusal.limit, refusal.num), code=refusal.code, status=status)


def _reached(item: str, limit: int | None, now: int | None) -> Text:
    if limit is None:
        return Text("Your Applivery workspace has reached its plan's limit for “{item}”.", item=item)
    if now is None:
        sentence = gettext_noop("Your Applivery workspace has reached its plan's limit of {limit} for “{item}”.")
        return Text(sentence, item=item, limit=Number(limit))
    sentence = gettext_noop(
        "Your Applivery workspace has reached its plan's limit for “{item}”: {now} of {limit} used."
    )
    return Text(sentence, item=item, limit=Number(limit), now=Number(now))


def _invalid(refusal: ErrorBody, status: int) -> AppliveryError:
    if not refusal.fields:
        return _refused(refusal, status)
    fields = quotable(", ".join(refusal.fields[:10]))
    sentence = Text("Applivery didn't accept these fields: {fields}.", fields=verbatim(fields))
    return RequestRejected(sentence, code=6002, status=status)


def _plain(kind: type[AppliveryError]) -> Callable[[ErrorBody, int], AppliveryError]:
    return lambda refusal, status: kind(code=refusal.code, status=status)


# The codes in Applivery's documentation and public clients; 4005 depends on the host, above.
_BY_CODE: dict[int, Callable[[ErrorBody, int], AppliveryError]] = {
    2001: _plain(InvalidCredentials),
    3001: _plain(NotFound),
    3002: _plain(InvalidCredentials),
    4001: _plain(NotFound),
    4002: _plain(InvalidCredentials),
    4004: _plain(InvalidCredentials),
    4014: _plain(TwoFactorRequired),
    5003: _quota,
    5004: _plain(FeatureNotInPlan),
    5006: _plain(InvalidUpload),
    5014: _plain(BuildNotProcessed),
    5024: _plain(Conflict),
    6002: _invalid,
}
