"""How many people a mail reaches is said only when all of them could be counted."""

from __future__ import annotations

import json

from bot.applivery.client import AppliveryClient
from bot.domain.model import App
from sandbox.applivery import FakeApplivery
from sandbox.faults import Fault

EVERYWHERE, OF_APPS = "GET */collaborators/", "GET */collaborators/apps"


def courier(server: FakeApplivery) -> App:
    made = server.app("Courier", slug="courier")
    return App(made.id, "courier", "Courier")


async def test_more_people_than_are_listed_is_unknown(server: FakeApplivery, client: AppliveryClient) -> None:
    app = courier(server)
    page = {"items": [{"id": "1", "user": "a" * 24}], "hasNextPage": True}
    server.faults.add("GET */employees/", Fault(body=json.dumps({"status": True, "data": page})), times=None)
    async with client:
        assert await client.recipients(app).employees() is None


async def test_half_a_list_is_no_count(server: FakeApplivery, client: AppliveryClient) -> None:
    app = courier(server)
    server.collaborator("a@acme.test")
    server.faults.add(OF_APPS, Fault(status=403, body="{}"), times=None)
    async with client:
        assert await client.recipients(app).collaborators() is None


async def test_a_bare_id_is_the_same_person(server: FakeApplivery, client: AppliveryClient) -> None:
    app = courier(server)
    everywhere = {"items": [{"id": "1", "user": "a" * 24}]}
    of_apps = {"items": [{"id": "2", "user": {"id": "a" * 24}, "application": app.id}]}
    for path, items in ((EVERYWHERE, everywhere), (OF_APPS, of_apps)):
        server.faults.add(path, Fault(body=json.dumps({"status": True, "data": items})), times=None)
    async with client:
        assert await client.recipients(app).collaborators() == 1
