"""500 apps with the default budget over 3 simulated hours: the delay of polls, with and without webhooks.

It uses the real budget and pace with a fake clock: one and two replicas, alone and with users and webhooks. An earlier
version is measured if it has the same simulation.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import defaultdict
from pathlib import Path

from bench import polls
from bench.processes import BEFORE, ROOT, source
from bench.rounds import Partial
from bench.row import TableRow
from tests.support.poll_simulation import ALLOWANCE

APPS, HOURS = 500, 3
UNKNOWN = math.nan


async def rows() -> list[TableRow]:
    """The worst of all these hours."""
    partial = Partial()
    versions = {"ours": ROOT} | ({"before": BEFORE} if BEFORE else {})
    made = await asyncio.gather(*(_measured(name, root, partial) for name, root in versions.items()))
    found = dict(zip(versions, made, strict=True))
    ours, before = found["ours"], found.get("before", {})
    who = f"{APPS} apps, {ALLOWANCE:,} requests an hour"

    def row(figure: str, what: str, unit: str, target: float, share: float | None = None) -> TableRow:
        return TableRow(
            f"{who}: {figure}",
            unit,
            ours[what],
            share,
            target,
            absolute=True,
            before=before.get(what),
            incomplete=partial.words,
        )

    return [
        row("longest time between two looks, beside a fair share", "gap", "s", 330, ours["share"]),
        row("a webhook until it is followed", "follow", "s", 10),
        row("most requests in an hour", "most", "", ALLOWANCE),
        row("requests refused", "refused", "", 0),
    ]


async def _measured(name: str, root: Path, partial: Partial) -> dict[str, float]:
    """What `bench.polls` says of a checkout; of ours without a number if it cannot be measured."""
    with partial.keeping(name):
        found: dict[str, float] = json.loads(await source(Path(polls.__file__), APPS, HOURS, root=root))
        return found
    return defaultdict(lambda: UNKNOWN) if name == "ours" else {}
