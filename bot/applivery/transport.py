"""Requests to Applivery: session, budget, timeouts, retries, and an exception for every failure."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

import aiohttp
import stamina
from msgspec import Struct
from multidict import CIMultiDictProxy
from yarl import URL

from bot import __version__, http_client
from bot.applivery import envelope
from bot.applivery.errors import problem
from bot.applivery.json_stream import StreamDecoder
from bot.applivery.plan_limits import PlanLimitLog
from bot.applivery.rate_budget import Priority, RequestBudget
from bot.exceptions import (
    AppliveryError,
    AppliveryRateLimited,
    InvalidResponse,
    QuotaExceeded,
    ResponseTooLarge,
    ServiceUnavailable,
    kind_of,
)
from bot.i18n import Counted, Text
from bot.observability.causes import cause
from bot.system_clock import utc_now
from bot.timeouts import PERSON_SECONDS, RateLimitDeadlines, person_waits, time_left

_T = TypeVar("_T")
Observe = Callable[[str, str, float], None]
CALL_OK = "ok"  # the outcome of a call that raised nothing

ATTEMPTS = 3
STREAM_BYTES = 256 * 1024 * 1024  # uncompressed, of a streamed response
_THREAD_FROM = 1_000_000  # bytes; below this size, decoding is faster than switching threads
# Separate connections for users and workers, so that one side can hang without blocking the other.
_ROOM = {True: 16, False: 8}
_WAITING = 64  # calls that wait for a connection; further ones fail at once
_MARGIN = 0.1  # seconds between the end of an attempt and the end of the whole call
# A connection that the server closes when idle can break a request, and a mint is never retried: stay below Node's
# default of 5 s, https://nodejs.org/api/http.html#serverkeepalivetimeout
_KEEP_ALIVE = 4.0
_HEADERS = {"Accept": "application/json", "User-Agent": f"applivery-bot/{__version__}"}


class RetryPolicy(Struct, frozen=True):
    """Limits of retries: seconds in total, and the longest Retry-After to wait for."""

    total: float
    longest_wait: float


PERSON = RetryPolicy(PERSON_SECONDS, PERSON_SECONDS)
_WORKER = RetryPolicy(60.0, 30.0)
PATIENCE = {Priority.PEOPLE: RetryPolicy(20.0, 10.0), Priority.POLLING: _WORKER, Priority.ROUTINE: _WORKER}


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request: `name` is the client's method, for metrics; `once` marks a request that is never retried: it is not
    idempotent, or not worth a second request.

    A GET, or with `body` a POST of it as JSON.
    """

    name: str
    url: str = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    lane: Priority = Priority.PEOPLE
    once: bool = False
    body: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response: the HTTP status, the headers, and the body unless it is a redirect."""

    status: int
    headers: CIMultiDictProxy[str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport:
    """The shared session; sends the credential to the API and upload hosts only."""

    def __init__(
        self,
        *,
        api: str,
        upload: str,
        token: str,
        budget: RequestBudget,
        session: aiohttp.ClientSession | None,
        timeout: float,
        observe: Observe | None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._hosts = (api, upload)
        self._token = token.strip()
        self._budget = budget
        self._session = session
        self._owned = session is None
        self._timeout = timeout
        self._observe = observe or (lambda _name, _outcome, _seconds: None)
        self._clock = clock
        self._limits = RateLimitDeadlines()
        self.plan_limits = PlanLimitLog()
        self._rooms = {waits: asyncio.Semaphore(places) for waits, places in _ROOM.items()}
        self._waiting = 0
        self._people_since: list[float] = []  # start of each call that a user waits for, oldest first

    @property
    def longest_wait(self) -> float:
        """Return the seconds since the oldest unanswered call that a user waits for; 0 without one."""
        return time.monotonic() - self._people_since[0] if self._people_since else 0.0

    @contextmanager
    def _noted(self) -> Iterator[None]:
        if not person_waits():
            yield
            return
        began = time.monotonic()
        self._people_since.append(began)
        try:
            yield
        finally:
            self._people_since.remove(began)

    async def open(self) -> None:
        """Create the session, unless one was given."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=sum(_ROOM.values()), keepalive_timeout=_KEEP_ALIVE)
            self._session = http_client.session(
                http_client.LargeResponse,
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
            )

    async def close(self) -> None:
        """Close the session, unless it was given."""
        if self._owned and self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(self, ask: ApiRequest, decode: Callable[[bytes], _T]) -> _T:
        """Return `decode(body)` of a 2xx response. Raises an AppliveryError for everything else.

        Retries only after ServiceUnavailable and AppliveryRateLimited, with at most `ATTEMPTS` attempts, and never if
        `ask.once`.
        """
        try:
            with self._noted():
                async with asyncio.timeout(PERSON_SECONDS if person_waits() else None):
                    if ask.once:
                        return await self._attempt(ask, self._limit(ask.lane, 0.0), decode)
                    return await self._patiently(ask, lambda limit: self._attempt(ask, limit, decode))
        except TimeoutError:
            pass
        raise ServiceUnavailable(_silent(round(PERSON_SECONDS)), why="timeout")

    async def stream(self, ask: ApiRequest, reader: Callable[[], StreamDecoder[_T]]) -> _T:
        """Return the result of a stream decoder for a 2xx body; each attempt has a new decoder.

        Raises and retries as `ask` does.
        """
        with self._noted():
            if ask.once:
                return await self._streamed(ask, self._limit(ask.lane, 0.0), reader())
            return await self._patiently(ask, lambda limit: self._streamed(ask, limit, reader()))

    async def look(self, ask: ApiRequest, read: Callable[[ApiResponse], _T]) -> _T:
        """Return `read(response)` of a successful response; send no credential and never retry."""
        with self.observed(ask):
            answer = await self._send(ask, self._limit(ask.lane, 0.0), {})
            if answer.status >= 400:
                raise refused(answer, download_host=True)
            return read(answer)

    async def _patiently(self, ask: ApiRequest, attempt: Callable[[float], Awaitable[_T]]) -> _T:
        patience, started = _retry_policy(ask.lane), time.monotonic()

        def again(error: Exception) -> bool | float:
            if isinstance(error, AppliveryRateLimited):
                wait = error.retry_after + random.uniform(0, 0.25)  # noqa: S311  spreads the replicas, guards nothing
                fits = wait <= patience.longest_wait and time.monotonic() - started + wait < patience.total
                return wait if fits else False
            return isinstance(error, ServiceUnavailable)

        failure: AppliveryError | None
        try:
            return await attempt(self._limit(ask.lane, 0.0))
        except AppliveryError as error:  # only now: most calls succeed, and the retry loop takes time
            failure = error
        tries = stamina.retry_context(
            on=again, attempts=ATTEMPTS, timeout=patience.total, wait_initial=0.2, wait_max=2.0, wait_jitter=0.4
        )
        async for try_ in tries:
            with try_:
                if failure is not None:  # of the first attempt
                    first, failure = failure, None
                    raise first
                return await attempt(self._limit(ask.lane, time.monotonic() - started))
        raise AssertionError("stamina returns or raises")

    def _limit(self, lane: Priority, spent: float) -> float:
        """Return the timeout of an attempt in seconds: all attempts for a user share the timeout of one."""
        longest = min(self._timeout, PERSON_SECONDS - _MARGIN) if person_waits() else self._timeout
        return max(min(1.0, longest), longest - spent) if person_waits() or lane is Priority.PEOPLE else longest

    async def _attempt(self, ask: ApiRequest, limit: float, decode: Callable[[bytes], _T]) -> _T:
        with self.observed(ask):
            answer = await self._send(ask, limit, self.credential(ask.url))
            if answer.status >= 300:
                raise refused(answer)
            with _understood(answer):
                return await _beside(len(answer.body), lambda: decode(answer.body))

    async def _streamed(self, ask: ApiRequest, limit: float, reader: StreamDecoder[_T]) -> _T:
        with self.observed(ask):
            answer = await self._send(ask, limit, self.credential(ask.url), reader)
            if answer.status >= 300:
                raise refused(answer)
            with _understood(answer):
                return await _beside(reader.pending, reader.finish)

    def credential(self, url: str) -> dict[str, str]:
        """Return the header with the credential. Raises ValueError for a host that must not get it."""
        if not any(url.startswith(f"{host}/") for host in self._hosts):
            raise ValueError("the credential is for the API and upload hosts only")
        return {"Authorization": f"Bearer {self._token}"}

    @contextmanager
    def observed(self, ask: ApiRequest) -> Iterator[None]:
        """Count one request in the budget and report its outcome to the observer: `ok` or the error's kind."""
        started, outcome = time.monotonic(), CALL_OK
        try:
            self._admit(ask)
            yield
        except AppliveryRateLimited as busy:
            outcome = kind_of(busy)
            self._limits.limit(ask.name, busy.retry_after)
            raise
        except QuotaExceeded as refused:
            outcome = kind_of(refused)
            self.plan_limits.note(refused, self._clock())
            raise
        except BaseException as error:
            outcome = kind_of(error)
            raise
        finally:
            self._observe(ask.name, outcome, time.monotonic() - started)

    def _admit(self, ask: ApiRequest) -> None:
        if left := self._limits.left(ask.name):
            raise AppliveryRateLimited(retry_after=left)
        self._budget.take(ask.lane)

    async def _send(
        self, ask: ApiRequest, limit: float, headers: dict[str, str], reader: StreamDecoder[object] | None = None
    ) -> ApiResponse:
        """Send the request; the library's exception is dropped, because its text and context may contain the URL.

        With a reader, a 2xx body is passed to it instead of returned.
        """
        await self.open()
        assert self._session is not None
        address = URL(ask.url, encoded=True)
        failure: AppliveryError
        place = await self._enter(limit)
        try:
            async with self._session.request(
                "GET" if ask.body is None else "POST",
                address.with_query(ask.query) if ask.query else address,
                json=ask.body,
                headers={**_HEADERS, **headers},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout, connect=limit, sock_read=limit)
                if reader
                else _in_all(limit),
                middlewares=(_no_second_try,),
            ) as response:
                if reader and response.status < 300:
                    await _read(response, reader)
                    return ApiResponse(response.status, response.headers, b"")
                body = b"" if 300 <= response.status < 400 else await response.read()
                return ApiResponse(response.status, response.headers, body)
        except TimeoutError as error:
            failure = ServiceUnavailable(_silent(round(limit)), why=cause(error))
        except http_client.AnswerTooLarge:
            failure = ResponseTooLarge()
        except http_client.BrokenPacking:
            failure = InvalidResponse()
        except (aiohttp.ClientError, OSError) as error:
            failure = ServiceUnavailable(why=cause(error))
        finally:
            place.release()
        raise failure  # outside of `except`, so that not even __context__ contains the URL

    async def _enter(self, limit: float) -> asyncio.Semaphore:
        """Acquire a connection slot, waiting at most as long as an attempt may take.

        The caller releases it. Raises ServiceUnavailable.
        """
        semaphore = self._rooms[person_waits()]
        if not semaphore.locked():
            await semaphore.acquire()
            return semaphore
        if person_waits() and self._waiting >= _WAITING:
            raise ServiceUnavailable(
                Text("Too many requests are waiting for Applivery."), Text("Try again in a minute.")
            )
        self._waiting += 1
        try:
            async with asyncio.timeout(limit):
                await semaphore.acquire()
        except TimeoutError as error:
            raise ServiceUnavailable(_silent(round(limit)), why=cause(error)) from None
        finally:
            self._waiting -= 1
        return semaphore


@lru_cache(maxsize=16)  # creating one takes as long as parsing the URL
def _in_all(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds)


def _retry_policy(lane: Priority) -> RetryPolicy:
    """Return the limits of retries; they never exceed a lease."""
    patience, left = PERSON if person_waits() else PATIENCE[lane], max(0.01, time_left())
    return RetryPolicy(min(patience.total, left), min(patience.longest_wait, left))


def _silent(seconds: int) -> Text:
    return Counted(
        "Applivery didn't answer within {number} second.", "Applivery didn't answer within {number} seconds.", seconds
    )


async def _read(response: aiohttp.ClientResponse, reader: StreamDecoder[object]) -> None:
    assert isinstance(response, http_client.BoundedResponse)
    async for piece in response.pieces(STREAM_BYTES):
        await _beside(reader.pending, lambda piece=piece: reader.feed(piece))  # type: ignore[misc]
        await asyncio.sleep(0)  # buffered data is yielded without a wait: let other tasks run


async def _beside(size: int, work: Callable[[], _T]) -> _T:
    """Run slow work on many bytes in a thread, so that the event loop is not blocked."""
    return work() if size < _THREAD_FROM else await asyncio.to_thread(work)


class _ConnectionLost(aiohttp.ClientError):
    """The connection broke while waiting for the response."""


async def _no_second_try(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from retrying a GET, which it does when the connection breaks.

    A token would then be created twice, while the retries of this module are counted and spaced. See
    `retry_persistent_connection` in https://github.com/aio-libs/aiohttp/blob/master/aiohttp/client.py: it retries after
    these two errors only.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _ConnectionLost from error


@contextmanager
def _understood(answer: ApiResponse) -> Iterator[None]:
    """Add the status and type of the response to an InvalidResponse raised in the block."""
    try:
        yield
    except InvalidResponse as error:
        error.status = error.status or answer.status
        error.why = error.why or (envelope.kind_of(answer.body) if answer.body else "")
        raise


def refused(answer: ApiResponse, *, download_host: bool = False) -> AppliveryError:
    """Return the exception for an error response."""
    retry_after = answer.headers.get("Retry-After")
    error_body = envelope.refusal(answer.body)
    return problem(error_body, answer.status, retry_after=retry_after, download_host=download_host)
