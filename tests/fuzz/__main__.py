"""`python -m tests.fuzz --seconds 300`: exit code 0 when nothing was found, 1 with a report when something was."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys

from tests.fuzz.rounds import fuzz


def main() -> int:
    """Fuzz for as long as was said."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="of the first round; the others follow"
    )
    parser.add_argument("--rounds", type=int, help="no more than so many; 1 with a seed plays one again")
    given = parser.parse_args()
    report = asyncio.run(fuzz(given.seed, seconds=given.seconds, rounds=given.rounds, say=_say))
    _say(str(report))
    return 1 if report.findings else 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words.encode('utf-8', 'backslashreplace').decode()}\n")
    sys.stdout.flush()


sys.exit(main())
