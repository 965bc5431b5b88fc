"""What the fake Applivery does with uploads and people beyond the happy way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.applivery import FakeApplivery
from sandbox.faults import Fault


@pytest.fixture
async def server() -> AsyncIterator[FakeApplivery]:
    fake = FakeApplivery(processing=None)
    await fake.start()
    fake.app("Courier", slug="courier")
    yield fake
    await fake.stop()


async def post(server: FakeApplivery, *fields: tuple[str, Any]) -> tuple[int, Any]:
    form = aiohttp.FormData()
    form.add_field("build", b"bytes", filename="a.ipa")
    for name, value in fields:
        form.add_field(name, value)
    url = f"{server.url}/v1/organizations/acme/apps/courier/builds"
    headers = {"Authorization": f"Bearer {server.token}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.post(url, data=form) as answer:
        return answer.status, await answer.json()


async def get(server: FakeApplivery, path: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {server.token}"}
    url = f"{server.url}/v1/organizations/acme{path}"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    "fields",
    [
        (("versionName", "1"), ("versionName", "2")),
        (("buildPlatform", "amiga"),),
        (("notifyEmployees", "yes"),),
        (("versionname", "1"),),
        (("filter", "a|b"), ("filter[0][x]", "a")),
    ],
)
async def test_a_field_that_is_not_documented_or_sent_twice_is_refused(
    server: FakeApplivery, fields: tuple[tuple[str, str], ...]
) -> None:
    status, body = await post(server, *fields)
    assert (status, body["error"]["code"]) == (400, 6002)
    assert not server.builds


async def test_an_upload_can_be_cut_at_a_share_of_its_body(server: FakeApplivery) -> None:
    server.faults.add("POST *", Fault(drop_at=0.5))
    with pytest.raises(aiohttp.ClientError):
        await post(server, ("changelog", "x" * 100_000))
    assert not server.builds
    assert (await post(server))[0] == 200


async def test_people_are_listed_as_the_vendor_documents_it(server: FakeApplivery) -> None:
    courier, driver = server.apps[0], server.app("Driver")
    server.collaborator("a@acme.test")
    server.collaborator("b@acme.test", app=courier)
    server.employee(courier, "c@acme.test")
    server.employee(driver, "d@acme.test")
    for path, email in (("/collaborators/", "a"), ("/collaborators/apps", "b")):
        status, body = await get(server, path)
        assert status == 200
        assert [item["user"]["email"] for item in body["data"]["items"]] == [f"{email}@acme.test"]
    _, body = await get(server, "/apps/courier/employees/")
    assert [item["employee"]["email"] for item in body["data"]["items"]] == ["c@acme.test"]
    assert body["data"]["totalDocs"] == 1
    server.may_list_people = False
    assert (await get(server, "/collaborators/"))[0] == 403


async def test_people_survive_a_restart(server: FakeApplivery) -> None:
    server.collaborator("a@acme.test")
    server.employee(server.apps[0], "c@acme.test")
    saved = server.snapshot()
    server.collaborators, server.employees = [], []
    server.restore(saved)
    assert (len(server.collaborators), len(server.employees)) == (1, 1)
