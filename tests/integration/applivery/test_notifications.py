from __future__ import annotations

import json
from typing import Any

import pytest

from bot import exceptions
from bot.applivery import parse
from bot.applivery.client import AppliveryClient
from bot.applivery.notifications import EVENTS, LONGEST_URL
from sandbox.applivery import FakeApplivery
from sandbox.faults import Fault

WHERE = "/v1/organizations/acme/notifications"
URL = "https://bot.acme.test/webhooks/applivery/secret-word"


async def test_a_webhook_is_subscribed_to_builds_and_found_again(
    server: FakeApplivery, client: AppliveryClient
) -> None:
    await client.subscribe_webhook(URL)
    [made] = server.notifications
    assert (made["type"], made["config"]["webhook"]["url"]) == ("webhook", URL)
    assert {name for name, on in made["events"].items() if on} == set(EVENTS)
    [found] = await client.notifications()
    assert (found.id, found.url, found.events) == (made["id"], URL, frozenset(EVENTS))
    assert "secret-word" not in repr(found)


async def test_webhook_address_longest_accepted_one_more_refused(
    server: FakeApplivery, client: AppliveryClient
) -> None:
    await client.subscribe_webhook(URL.ljust(LONGEST_URL, "x"))
    with pytest.raises(exceptions.RequestRejected):
        await client.subscribe_webhook(URL.ljust(LONGEST_URL + 1, "x"))
    assert len(server.notifications) == 1


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=429), Fault(drop=True), Fault(drop_after=True)])
async def test_webhook_subscription_requested_once_on_any_fault(
    server: FakeApplivery, client: AppliveryClient, fault: Fault
) -> None:
    server.faults.add(f"POST {WHERE}", fault)
    with pytest.raises(exceptions.AppliveryError):
        await client.subscribe_webhook(URL)
    assert [request.path for request in server.requests if request.method == "POST"] == [WHERE]


async def test_subscriptions_are_read_over_all_pages(server: FakeApplivery, client: AppliveryClient) -> None:
    server.largest_page = 2
    for number in range(5):
        await client.subscribe_webhook(f"{URL}{number}")
    assert {notification.url for notification in await client.notifications()} == {
        f"{URL}{number}" for number in range(5)
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "x", "type": "slack", "config": {"slack": {"team": "Acme"}}, "events": None},
        {"id": 7, "config": {"webhook": "https://x"}, "events": ["buildCreated"]},
        {"id": "y", "config": None, "events": {"buildCreated": None, "new": {"a": 1}}},
    ],
)
def test_a_subscription_of_any_shape_is_read(odd: dict[str, Any]) -> None:
    [found] = parse.notifications(json.dumps({"data": {"items": [odd]}}).encode(), page=1, limit=100).items
    assert found.url is None
    assert found.events == frozenset()


async def test_the_role_is_what_applivery_calls_it(server: FakeApplivery, client: AppliveryClient) -> None:
    app = server.app("Courier")
    assert await client.role(app.id) == "org.viewer"
    server.app("Courier", security=None)
    assert await client.role(app.id) is None
