"""Run as a process of its own, to be killed: a claim page on a database that is there.

    python -m tests.web.claiming DATABASE_FILE APPLIVERY_URL APPLIVERY_TOKEN

Says its port on stdout.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from bot.applivery.client import Applivery
from bot.applivery.hosts import Hosts
from bot.applivery.rate_budget import Budget
from bot.db.database import Store
from bot.domain.tickets import Ticket
from bot.observability.metrics import Metrics
from bot.web.claim.page import ClaimPage
from bot.web.liveness import Porch
from bot.web.server import Web


async def anyone(ticket: Ticket) -> None:
    """Let each person use their ticket."""


async def main(file: str, url: str, token: str) -> None:
    hosts = Hosts(api=url, upload=url, download=url, dashboard=url)
    metrics = Metrics()
    porch = await Porch.open("127.0.0.1", 0)
    store = await Store.open(f"sqlite:///{file}")
    async with Applivery(hosts=hosts, organization="acme", token=token, budget=Budget(100), timeout=90) as client:
        address = f"http://127.0.0.1:{porch.port}"
        page = ClaimPage(client, store, metrics, lambda: datetime.now(UTC), address, permit=anyone)
        web = Web(metrics=metrics, checks={}, claim=page)
        await web.start(porch)
        sys.stdout.write(f"{web.port}\n")
        sys.stdout.flush()
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
