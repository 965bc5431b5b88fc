"""The root cause of an error in a few English words, never empty, for the log, the doctor and admins."""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from collections.abc import Iterator, Sequence

_LONGEST = 300
# By class name, which needs no imports; the first match among the bases of an error's class.
_BY_CLASS = {
    "TimeoutError": "no answer in time",
    "gaierror": "the host's name is not found (DNS)",
    "InvalidUrlClientError": "the address is not a web address",
    "ServerDisconnectedError": "the connection was closed before an answer came",
    "ClientPayloadError": "the connection was closed before the answer was whole",
    "ContentTypeError": "the answer is not JSON",
    "JSONDecodeError": "the answer is not JSON",
    "CancelledError": "broken off",
    "ClientConnectionError": "the connection broke",
}


def cause(error: BaseException) -> str:
    """Return the root cause of an error, in one line without a URL."""
    chain = list(_chain(error))
    words = next((text for candidate in reversed(chain) if (text := _words(candidate))), "") or _kind(chain[-1])
    proxy = next((name for candidate in chain if (name := _proxy(candidate))), "")
    return _one_line(f"{proxy}: {words}" if proxy else words)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes, nearest first; each once, even in a cycle."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = _behind(following)


def _behind(error: BaseException) -> BaseException | None:
    """Return the cause of an error: the wrapped error, `__cause__`, or `__context__`."""
    for name in ("certificate_error", "os_error", "orig"):  # aiohttp's and SQLAlchemy's
        inner = getattr(error, name, None)
        if isinstance(inner, BaseException):
            return inner
    if isinstance(error, BaseExceptionGroup):
        return error.exceptions[0]
    # A BotError raised without `from` is not caused by the exception that was being handled.
    handled = None if error.__suppress_context__ or _of_ours(error) else error.__context__
    behind = error.__cause__ or handled
    # asyncio cancels what exceeds its timeout: the timeout is the cause
    return None if isinstance(behind, asyncio.CancelledError) else behind


def _of_ours(error: BaseException) -> bool:
    return hasattr(error, "next_step")


def _kind(error: BaseException) -> str:
    return str(getattr(error, "kind", "")) if _of_ours(error) else type(error).__name__


def _words(error: BaseException) -> str:
    """Return the text of one error, without its causes; empty when it has none."""
    if _of_ours(error):
        return str(getattr(error, "detail", ""))
    bases = [base.__name__ for base in type(error).__mro__]
    known = next((_BY_CLASS[name] for name in bases if name in _BY_CLASS), "")
    return _tls(error) or _slack(error) or _status(error, bases) or _system(error) or known or _said(error, bases)


def _proxy(error: BaseException) -> str:
    """Return the proxy that an error is about; empty without one."""
    match type(error).__name__:
        case "ClientProxyConnectionError":
            return f"the proxy {getattr(error, 'host', '')}:{getattr(error, 'port', '')}"
        case "ClientHttpProxyError":
            return "the proxy"
        case _:
            return ""


def _status(error: BaseException, bases: Sequence[str]) -> str:
    status = getattr(error, "status", None)
    if not isinstance(status, int) or not status:
        return ""
    return f"HTTP {status}{' at the WebSocket handshake' if 'WSServerHandshakeError' in bases else ''}"


def _system(error: BaseException) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number in errno.errorcode and number else ""


def _said(error: BaseException, bases: Sequence[str]) -> str:
    """Return an error's kind and text; only the kind of aiohttp's errors, whose text contains the URL."""
    try:
        text = "" if "ClientError" in bases else str(error).strip()
    except Exception:  # noqa: BLE001 - an incompletely initialised error may fail in __str__
        text = ""
    text = text.partition("(Background on this error")[0].strip()  # SQLAlchemy's
    return f"{type(error).__name__}: {text}" if text.strip("'\"()") else ""


def _tls(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", "") or "it cannot be verified"
        return f"the certificate is not accepted: {why}"
    return (
        f"no TLS connection ({getattr(error, 'reason', '') or 'SSLError'})" if isinstance(error, ssl.SSLError) else ""
    )


def _slack(error: BaseException) -> str:
    """Return Slack's error code from an error of its SDK, or the HTTP status of a response that is not Slack's."""
    response = getattr(error, "response", None)
    said = getattr(response, "data", None)
    code = said.get("error") if isinstance(said, dict) else None
    status = getattr(response, "status_code", None)
    return str(code) if code else f"HTTP {status}" if isinstance(status, int) else ""


def _one_line(words: str) -> str:
    lines = words.splitlines()
    plain = " ".join(lines[0].split()) if lines else words
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
