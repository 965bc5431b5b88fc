"""The command line: run, doctor, manifest, migrate, upload, attach."""

from __future__ import annotations

import sys

from bot.cli import signals


def main() -> None:
    """Run the command line; exits with 0 done, 1 failed, 2 usage or settings, and never with a traceback."""
    signals.interrupt()
    words = sys.argv[1:]
    try:
        # imported here, since it takes a while in which a signal to stop must be handled
        from bot.cli import standard_streams  # noqa: PLC0415

        standard_streams.guard()
        code = _called(words)
    except KeyboardInterrupt:
        code = _stopped(words)
    sys.exit(_delivered(code))


def _called(words: list[str]) -> int:
    if words == ["run"]:  # the usual and long-running command: neither parser is loaded for it
        from bot.cli import run_command  # noqa: PLC0415

        return run_command.called()
    from bot.cli.program import called  # noqa: PLC0415

    return called(words)


def _stopped(words: list[str]) -> int:
    from bot.cli import exit_handling  # noqa: PLC0415

    exit_handling.told(exit_handling.STOPPED, "Stopped.", as_json=exit_handling.wants_json(words))
    return exit_handling.FAILED


def _delivered(code: int) -> int:
    """Return the exit code after all output was written; output that could not be written is a failure too."""
    from bot.cli import standard_streams  # noqa: PLC0415

    signals.ignore()
    why = standard_streams.lost()
    if why is None:
        return code
    rest = "" if code else " Everything else was done."
    print(f"Couldn't write the output: {why}.{rest}", file=sys.stderr, flush=True)  # noqa: T201
    return code or 1
