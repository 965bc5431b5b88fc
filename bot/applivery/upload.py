"""Upload one file to Applivery: streamed, retried only if nothing was received, with an exception for every failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import aiohttp
import stamina
from msgspec import Struct
from yarl import URL

from bot import __version__, http_client
from bot.applivery.multipart import MultipartForm, Pieces
from bot.applivery.transport import ApiRequest, ApiResponse, Transport, refused
from bot.exceptions import AppliveryRateLimited, BotError, InvalidResponse, InvalidUpload, ServiceUnavailable
from bot.i18n import Text, gettext_noop
from bot.observability.causes import cause

_T = TypeVar("_T")
Progress = Callable[[int], None]

CONNECT_SECONDS = 30.0


class UploadTimeouts(Struct, frozen=True):
    """Limits of an upload; all but `attempts` are seconds.

    `wait` is the first pause between attempts (each next one is three times as long), `longest_wait` the longest
    Retry-After to wait for, `stall` the time without a byte sent, `answer` the time from the last byte to the response
    (Applivery stores 4 GB meanwhile), `looks` the pauses before each search for a build after a lost response.
    """

    attempts: int = 3
    wait: float = 1.0
    longest_wait: float = 60.0
    stall: float = 120.0
    answer: float = 600.0
    looks: tuple[float, ...] = (0.0, 2.0, 5.0, 10.0)


class NotSent(Exception):
    """No byte of the form was sent, so a retry cannot create a second build; `detail` is the reason."""

    kind = "NothingSent"  # the metrics know it by this word

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class OutcomeUnknown(Exception):
    """The form was sent, at least in part, and no response shows the result; `why` is a sentence about it.

    `partial` when the form was certainly not sent completely.
    """

    kind = "Unsure"  # the metrics know it by this word

    def __init__(self, why: Text, *, partial: bool) -> None:
        super().__init__()
        self.why = why
        self.partial = partial


class UploadAttempt(Struct, frozen=True):
    """The upload of one form. `check` gets the file's first bytes before anything is sent."""

    transport: Transport
    ask: ApiRequest
    form: MultipartForm
    progress: Progress
    endurance: UploadTimeouts
    check: Callable[[bytes], None] = lambda _start: None

    async def made(self, read: Callable[[bytes], _T]) -> _T:
        """Send the form and return `read(response)`.

        Raises OutcomeUnknown when only Applivery's list of builds can show the result, ServiceUnavailable when nothing
        was sent, the AppliveryError of an error response, and errors of reading the file.
        """
        wait = self.endurance.wait
        tries = stamina.retry_context(
            on=self._again,
            attempts=self.endurance.attempts,
            timeout=None,
            wait_initial=wait,
            wait_max=100 * wait,
            wait_jitter=0,
            wait_exp_base=3,
        )
        try:
            async for try_ in tries:
                with try_, self.transport.observed(self.ask):
                    return read(await self._once())
        except NotSent as unsent:
            why = unsent.detail
        except InvalidResponse as unclear:
            if unclear.status is not None:
                raise
            raise OutcomeUnknown(
                Text("I can't read Applivery's answer. The file may or may not have arrived."),
                partial=False,
            ) from None
        raise ServiceUnavailable(
            Text("Applivery can't be reached."), Text("Nothing was sent. Try again in a few minutes."), why=why
        )

    def _again(self, error: Exception) -> bool | float:
        """Return the seconds until the next attempt, True for the usual pause, False to give up."""
        if not isinstance(error, NotSent | AppliveryRateLimited):
            return False
        self.progress(0)
        if isinstance(error, NotSent):
            return True
        return error.retry_after if error.retry_after <= self.endurance.longest_wait else False  # nothing was accepted

    async def _once(self) -> bytes:
        sending: _UploadStream | None = None
        try:
            async with self.form.file.open() as pieces, self._session() as session:
                checked = await self._begun(pieces)
                async with asyncio.timeout(self.endurance.stall) as limit:
                    sending = _UploadStream(self, limit)
                    return _accepted(await self._posted(session, sending.body(checked)))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            why = cause(error)
        # outside of `except`, since the library's exception may contain the credential
        if sending is None or not sending.begun:
            raise NotSent(why)
        raise sending.trouble or _broken(partial=not sending.whole)

    def _session(self) -> aiohttp.ClientSession:
        # a new connection, which the server has not closed and no other request waits for
        connector = aiohttp.TCPConnector(limit=1, force_close=True)
        jar = aiohttp.DummyCookieJar()
        return http_client.session(connector=connector, cookie_jar=jar)

    async def _begun(self, pieces: Pieces) -> Pieces:
        """Read and check the first piece, before any request to Applivery; return all pieces."""
        first = await anext(pieces, b"")
        self.check(first)

        async def again() -> Pieces:
            if first:
                yield first
            async for piece in pieces:
                yield piece

        return again()

    async def _posted(self, session: aiohttp.ClientSession, body: AsyncIterator[bytes]) -> ApiResponse:
        headers = {
            "Accept": "application/json",
            "Content-Type": self.form.content_type,
            "Content-Length": str(self.form.length),
            "User-Agent": f"applivery-bot/{__version__}",
            **self.transport.credential(self.ask.url),
        }
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        address = URL(self.ask.url, encoded=True)
        async with session.post(address, data=body, headers=headers, allow_redirects=False, timeout=limits) as response:
            return ApiResponse(response.status, response.headers, await response.read())


class _UploadStream:
    """The state of one attempt: whether it started, whether all was sent, and an error of reading the file."""

    def __init__(self, delivery: UploadAttempt, limit: asyncio.Timeout) -> None:
        self._delivery = delivery
        self._limit = limit
        self.begun = False
        self.whole = False
        self.trouble: BotError | None = None

    async def body(self, pieces: Pieces) -> AsyncIterator[bytes]:
        """Yield the form's bytes; each piece that is sent extends the timeout."""
        self.begun = True
        try:
            async for piece in self._delivery.form.body(pieces, self._delivery.progress):
                yield piece
                self._put_off(self._delivery.endurance.stall)
        except BotError as problem:
            self.trouble = problem
            raise
        self.whole = True
        self._put_off(self._delivery.endurance.answer)

    def _put_off(self, seconds: float) -> None:
        if not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + seconds)


def _broken(*, partial: bool) -> OutcomeUnknown:
    if partial:
        return OutcomeUnknown(Text("The connection to Applivery broke before the whole file was sent."), partial=True)
    return OutcomeUnknown(
        Text("The connection to Applivery broke. The file may or may not have arrived."), partial=False
    )


def _accepted(answer: ApiResponse) -> bytes:
    if answer.status >= 500:  # a gateway may return this although Applivery received everything
        sentence = gettext_noop("Applivery returned an error (HTTP {status}). The file may or may not have arrived.")
        raise OutcomeUnknown(Text(sentence, status=answer.status), partial=False)
    if answer.status == 413:
        raise InvalidUpload(
            Text("The file is too large for Applivery."),
            Text("Nothing was uploaded. The documented limit is 4 GB."),
            status=413,
        )
    if answer.status >= 300:
        raise refused(answer)
    return answer.body
