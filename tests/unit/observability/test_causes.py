"""The cause of an error: its root, in one line, never empty and never with an address."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import json
import socket
import ssl
from itertools import pairwise
from typing import Any

import aiohttp
import psycopg.errors
import pytest
import slack_sdk.errors
import sqlalchemy.exc
from hypothesis import given
from hypothesis import strategies as st

from bot import exceptions
from bot.i18n import english
from bot.observability.causes import cause
from bot.slack import errors as slack_errors

MODULES = (builtins, aiohttp, ssl, socket, asyncio, json, sqlalchemy.exc, psycopg.errors, slack_sdk.errors, exceptions)
CLASSES = sorted(
    {
        cls
        for module in MODULES
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, BaseException)
    },
    key=lambda cls: f"{cls.__module__}.{cls.__qualname__}",
)
NOTHING = {"", "''", '""', "()", "None"}


def bare(kind: type[BaseException]) -> BaseException:
    """An error of this class as one gets it that says nothing."""
    if issubclass(kind, BaseExceptionGroup):
        return kind("", [TimeoutError()])
    try:
        return kind()
    except TypeError:
        error = kind.__new__(kind)
        error.args = ()
        return error


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__qualname__)
def test_no_error_is_without_a_cause(kind: type[BaseException]) -> None:
    said = cause(bare(kind))
    assert said.strip() not in NOTHING
    assert "()" not in said
    assert len(said.splitlines()) == 1


@given(st.sampled_from([ValueError, KeyError, OSError, RuntimeError, exceptions.BotError]), st.text(max_size=20))
def test_no_words_make_a_cause_empty(kind: type[Exception], words: str) -> None:
    said = cause(kind(words))
    assert said.strip() not in NOTHING
    assert len(said.splitlines()) == 1
    assert repr(exceptions.ServiceUnavailable(why=words)) not in ("AppliveryDown()", "''")


@given(st.lists(st.sampled_from(CLASSES), min_size=1, max_size=4), st.booleans())
def test_no_chain_makes_a_cause_empty(kinds: list[type[BaseException]], circle: bool) -> None:
    chain = [bare(kind) for kind in kinds]
    for outer, inner in pairwise(chain):
        outer.__cause__ = inner
    if circle:
        chain[-1].__cause__ = chain[0]
    assert cause(chain[0]).strip() not in NOTHING


def raised(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__cause__ = inner
    return outer


KEY: Any = type("Key", (), {"host": "h", "port": 1, "ssl": True, "is_ssl": True})()
UNTRUSTED = ssl.SSLCertVerificationError(1, "x")
UNTRUSTED.verify_message = "unable to get local issuer certificate"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.ServiceUnavailable(status=503), "HTTP 503"),
        (exceptions.Forbidden(status=403, code=4003), "HTTP 403, code 4003"),
        (exceptions.ServiceUnavailable(why="connection refused"), "connection refused"),
        (exceptions.InvalidResponse(status=200, why="null"), "HTTP 200, null"),
        (exceptions.SlackInvalidCredentials(code="invalid_auth"), "invalid_auth"),
        (exceptions.UserInputError(english("¿Qué?")), "BadInput"),
        (
            raised(exceptions.DatabaseUnavailable(), sqlalchemy.exc.OperationalError("q", {}, Exception("no server"))),
            "no server",
        ),
        (aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED), "certificate is not accepted: unable to get local"),
        (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "x")), "connection refused"),
        (aiohttp.ClientProxyConnectionError(KEY, ConnectionRefusedError(111, "x")), "the proxy"),
        (aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "x")), "name is not found (DNS)"),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "wrong version")), "no TLS connection"),
        (aiohttp.ServerDisconnectedError(), "closed before an answer"),
        (aiohttp.ClientOSError(104, "x"), "connection reset by peer"),
        (raised(TimeoutError(), asyncio.CancelledError()), "no answer in time"),
        (ExceptionGroup("several", [ConnectionRefusedError(111, "x")]), "connection refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_root_is_said(error: BaseException, words: str) -> None:
    assert words in cause(error)
    assert words in cause(raised(exceptions.DeliveryUnknown(code=exceptions.kind_of(error)), error))


async def test_slack_behind_an_unknown_certificate_says_so() -> None:
    async def broken() -> None:
        raise aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED)

    with pytest.raises(exceptions.DeliveryUnknown) as caught:
        await slack_errors.call_api(broken())
    assert "certificate" in cause(caught.value)


def test_a_cause_has_no_address() -> None:
    for error in (aiohttp.InvalidURL("https://x/download/s3cret"), aiohttp.ClientPayloadError("https://x/s3cret")):
        assert "s3cret" not in cause(error)
