"""Run as a process of its own, to be killed: a claim page on a database that is there.

    python -m tests.support.claiming DATABASE_FILE APPLIVERY_URL APPLIVERY_TOKEN

Says its port on stdout.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.rate_budget import RequestBudget
from bot.db.database import Database
from bot.domain.tickets import Ticket
from bot.observability.metrics import Metrics
from bot.web.claim.page import ClaimPage
from bot.web.liveness import LivenessServer
from bot.web.server import HttpServer


async def anyone(ticket: Ticket) -> None:
    """Permit every ticket."""


async def main(file: str, url: str, token: str) -> None:
    hosts = AppliveryHosts(api=url, upload=url, download=url, dashboard=url)
    metrics = Metrics()
    liveness = await LivenessServer.open("127.0.0.1", 0)
    store = await Database.open(f"sqlite:///{file}")
    async with AppliveryClient(
        hosts=hosts, organization="acme", token=token, budget=RequestBudget(100), timeout=90
    ) as client:
        address = f"http://127.0.0.1:{liveness.port}"
        page = ClaimPage(client, store, metrics, lambda: datetime.now(UTC), address, permit=anyone)
        web = HttpServer(metrics=metrics, checks={}, claim=page)
        await web.start(liveness)
        sys.stdout.write(f"{web.port}\n")
        sys.stdout.flush()
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
