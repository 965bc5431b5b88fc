"""Print failures of the command line as text or JSON, and map them to exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bot
from bot.cli import exit_handling
from bot.exceptions import BotError, UserInputError, kind_of
from bot.i18n import english
from bot.setting_values import InvalidSettings

_LONGEST = 2000  # characters of a message, since it may repeat a very long argument


def exit_code(work: Callable[[], int], *, as_json: bool) -> int:
    """Run the work and return its exit code; print a failure and return its code."""
    try:
        return work()
    except InvalidSettings as fault:
        return settings_fault(fault, as_json=as_json)
    except BotError as problem:
        return failed(problem, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - every error is shown as a sentence
        return usage(error, as_json=as_json) or failed(fault_of(error), as_json=as_json)


def failed(problem: BotError, *, as_json: bool, facts: Mapping[str, Any] | None = None) -> int:
    """Print an error; return 2 if the arguments or settings have to be changed, otherwise 1."""
    code = getattr(problem, "code", None)
    text, step = str(problem.sentence), str(problem.step_for(admin=True))
    exit_handling.told(kind_of(problem), text, step, code=code or None, facts=facts, as_json=as_json)
    return exit_handling.USAGE if isinstance(problem, UserInputError) else exit_handling.FAILED


def settings_fault(fault: InvalidSettings, *, as_json: bool) -> int:
    """Print invalid settings, one per line."""
    print("\n".join(fault.lines), file=sys.stderr, flush=True)  # noqa: T201
    if as_json:
        exit_handling.result(exit_handling.error(UserInputError.kind, "Invalid settings.", " ".join(fault.lines)))
    return exit_handling.USAGE


def usage(error: Exception, *, as_json: bool) -> int | None:
    """Print an error of the command line's parser; return None for other errors.

    Its exception classes are private and have moved between packages, so they are recognised by their attributes.
    """
    if not hasattr(error, "format_message") or not hasattr(error, "show"):
        return None
    message = str(getattr(error, "message", ""))
    vars(error)["message"] = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"
    error.show()
    if as_json:
        exit_handling.result(
            exit_handling.error(UserInputError.kind, error.format_message(), "Add --help to see the options.")
        )
    return exit_handling.USAGE


def fault_of(error: Exception) -> BotError:
    """Return an unexpected error as a BotError: its kind and place, without its text, which may contain a secret."""
    here = Path(bot.__file__).parent
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if here in Path(frame.filename).parents]
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return BotError(english(f"Unexpected error: {kind_of(error)}{place}."), english("Please report it."))
