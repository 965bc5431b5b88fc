"""Signals that stop the process; imports little, since handlers are installed before slow imports."""

from __future__ import annotations

import signal
import sys

RETRY_SECONDS = 0.01


class ProcessSignalled(KeyboardInterrupt):
    """A signal to stop the process.

    It is not KeyboardInterrupt itself: once that has passed through an `exec` of a library, caught or not, Python exits
    with the code of SIGINT instead of ours.
    """


def signals() -> list[signal.Signals]:
    """Return the signals that stop this process, except those ignored at its start (`nohup`, `&` in a script)."""
    all_of_them = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return [number for number in all_of_them if signal.getsignal(number) is not signal.SIG_IGN]


def interrupt() -> None:
    """Let each of them raise ProcessSignalled, and raise it again if Python discards it.

    Exceptions raised during a finalizer, for example of an import, are only printed.
    https://docs.python.org/3/library/sys.html#sys.unraisablehook
    """
    for number in signals():
        signal.signal(number, _tell)
    signal.signal(signal.SIGALRM, _tell)
    sys.unraisablehook = _raise_again


def _raise_again(unraisable: sys.UnraisableHookArgs) -> None:
    if isinstance(unraisable.exc_value, ProcessSignalled):
        signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
    else:
        sys.__unraisablehook__(unraisable)


def _tell(_number: int, _frame: object) -> None:
    raise ProcessSignalled


def ignore() -> None:
    """Ignore these signals at the end, so that they do not change the exit code."""
    for number in (*signals(), signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
