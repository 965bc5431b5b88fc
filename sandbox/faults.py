"""The ways a fake server can be made to misbehave, and the queue they wait in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from aiohttp import web


@dataclass(frozen=True)
class Fault:
    """One misbehaviour; every field left alone means "as usual".

    `error_after` answers so once the work is done. `latency` is seconds to wait before anything else, and may stand
    alone. `status`, `body`, `error` and `code` answer instead of doing the work; `retry_after` is the Retry-After
    header in seconds. `drop` cuts the connection before the work is done, `drop_after` once it is done: the message
    is stored, the token minted, and the caller cannot know. `drop_at` cuts it once that share (0 to 1) of the
    request's body has come, or of a file's bytes has gone. `packed` is a body that was packed with the content coding
    `coding`, and goes out as it is.
    """

    latency: float = 0
    status: int | None = None
    retry_after: float | None = None
    error: str | None = None
    code: int | None = None
    body: str | None = None
    packed: bytes | None = None
    coding: str = "gzip"
    drop: bool = False
    drop_after: bool = False
    drop_at: float | None = None
    error_after: str | None = None

    @property
    def answers(self) -> bool:
        """Whether this fault gives the answer itself, in place of the real work."""
        return any(part is not None for part in (self.status, self.error, self.code, self.body, self.packed))


@dataclass
class _PendingFault:
    target: str
    fault: Fault
    times: int | None


class FaultQueue:
    """Faults that wait for a request; the oldest one that fits is used first.

    `fired` remembers each use in order, as (the request's own target, the fault).
    """

    def __init__(self) -> None:
        self._waiting: list[_PendingFault] = []
        self.fired: list[tuple[str, Fault]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, target: str, fault: Fault, *, times: int | None = 1) -> None:
        """Let the next `times` requests that fit `target` meet `fault`; None means until cleared.

        `target` is an fnmatch pattern, case-sensitive, on the Slack method ("chat.*") or on Applivery's method and path
        without the query ("GET /v1/organizations/*/downloadToken"). Raises ValueError when `times` is below 1.
        """
        if times is not None and times < 1:
            raise ValueError(f"times must be at least 1 or None, not {times}")
        self._waiting.append(_PendingFault(target, fault, times))

    def clear(self, target: str | None = None) -> None:
        """Forget the faults added under exactly this `target` pattern, or all of them."""
        self._waiting = [] if target is None else [waiting for waiting in self._waiting if waiting.target != target]

    def next(self, target: str) -> Fault | None:
        """Use up and return the oldest fault that fits this request, or None when there is none."""
        for waiting in self._waiting:
            if fnmatchcase(target, waiting.target):
                return self._use(waiting, target)
        return None

    def _use(self, waiting: _PendingFault, target: str) -> Fault:
        if waiting.times is not None:
            waiting.times -= 1
            if waiting.times == 0:
                self._waiting.remove(waiting)
        self.fired.append((target, waiting.fault))
        return waiting.fault


def sent(fault: Fault, headers: Mapping[str, str], kind: str) -> web.Response:
    """The answer of a fault with a body of its own, packed or not; of this content type when it is not packed."""
    status = fault.status or 200
    if fault.packed is None:
        return web.Response(text=fault.body or "", status=status, content_type=kind, headers=headers)
    about = {**headers, "Content-Encoding": fault.coding}
    return web.Response(body=fault.packed, status=status, content_type="application/json", headers=about)


async def cut_at(request: web.Request, share: float) -> web.Response:
    """Read this share of the request's body, then cut the connection; the work is not done."""
    wanted, come = share * (request.content_length or 0), 0
    while come < wanted and (piece := await request.content.readany()):
        come += len(piece)
    return cut(request)


def cut(request: web.Request) -> web.Response:
    """Cut the TCP connection under `request`; return what its handler has to hand back, which is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
