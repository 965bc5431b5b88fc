"""Signals that stop the process. Imports next to nothing: it has to be ready before slow imports."""

from __future__ import annotations

import signal
import sys

RETRY_SECONDS = 0.01


class ProcessSignalled(KeyboardInterrupt):
    """A signal to stop the process.

    A class of its own: Python ends with the code of SIGINT, not with our exit code, once the very KeyboardInterrupt has
    passed through an `exec` of some library, caught or not.
    """


def signals() -> list[signal.Signals]:
    """Return the signals that stop this process; those it was started to ignore (`nohup`, `&` in a script) are left
    out.
    """
    all_of_them = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return [number for number in all_of_them if signal.getsignal(number) is not signal.SIG_IGN]


def interrupt() -> None:
    """Let each of them raise ProcessSignalled, once more if Python discards it.

    What is raised while a finalizer runs, as imports have them, is only printed.
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
    """Let none of them change the exit code: all is said, and nothing is left to stop."""
    for number in (*signals(), signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
