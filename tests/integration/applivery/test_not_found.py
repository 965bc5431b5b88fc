"""A 404 says that a thing is gone only while Applivery shows this bot its workspace at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot import exceptions
from bot.applivery.client import AppliveryClient
from bot.domain.model import FileKind
from sandbox.applivery import FakeApplivery
from sandbox.faults import Fault
from tests.integration.applivery.test_envelope import BUILD, COURIER, HEX, LISTS, SINGLE

ORGANIZATION = "GET /v1/organizations/acme"
IN_IT: dict[str, Callable[[AppliveryClient], Awaitable[Any]]] = {
    name: ask
    for name, ask in {**LISTS, **SINGLE}.items()
    if name not in ("organization", "resolve") and "of an app" not in name
}


@pytest.mark.parametrize("asked", [*IN_IT, "organization"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=404), exceptions.WorkspaceNotFound),
        (Fault(status=404, code=3001), exceptions.WorkspaceNotFound),
        (Fault(status=200, code=3001), exceptions.WorkspaceNotFound),
        (Fault(status=403), exceptions.Forbidden),
        (Fault(status=403, code=4003), exceptions.Forbidden),
        (Fault(status=403, code=5004), exceptions.FeatureNotInPlan),
        (Fault(status=401, code=4004), exceptions.InvalidCredentials),
    ],
)
async def test_refused_everywhere_is_never_gone(
    server: FakeApplivery, client: AppliveryClient, asked: str, fault: Fault, kind: type[exceptions.BotError]
) -> None:
    server.faults.add("*", fault, times=None)
    with pytest.raises(exceptions.AppliveryError) as caught:
        await {**IN_IT, **SINGLE}[asked](client)
    assert type(caught.value) is kind
    assert "deleted" not in str(caught.value)
    assert "admin" in str(caught.value.next_step)


async def test_gone_while_applivery_breaks_is_an_outage(server: FakeApplivery, client: AppliveryClient) -> None:
    server.faults.add("GET */builds/*", Fault(status=404, code=3001))
    server.faults.add(ORGANIZATION, Fault(status=401, code=4004))
    with pytest.raises(exceptions.InvalidCredentials):
        await client.build("courier", HEX)


async def test_not_found_of_one_thing_keeps_workspace_known(server: FakeApplivery, client: AppliveryClient) -> None:
    """The workspace, which was seen a moment ago, is not asked for again."""
    app = server.app("Courier")
    for asked in (client.build(app.id, HEX), client.mint(BUILD, FileKind.FILE)):
        with pytest.raises(exceptions.NotFound, match="may have been deleted"):
            await asked
    for asked in (client.builds(COURIER.__class__("nobody", "nobody", "x")), client.downloads_by_user("nobody")):
        with pytest.raises(exceptions.NotFound, match="no longer has that app, or this bot can't see it"):
            await asked
    looks = [request for request in server.requests if request.path == "/v1/organizations/acme"]
    assert len(looks) == 1, "the workspace was seen a moment ago"
