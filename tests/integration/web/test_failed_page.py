"""*It didn't install* on the claim page: a form without scripts, that counts and spends nothing."""

from __future__ import annotations

import html
import io
from typing import Any

import pytest

from bot.db import audit, install_failures, tickets
from bot.domain.model.failures import FailureCause
from bot.domain.outcomes import ClaimOutcome
from bot.domain.tickets import TicketStatus, fingerprint
from tests.integration.web.conftest import ANA, ANDROID, IPHONE, MAC, WINDOWS, ClaimEnvironment, PageSnapshot, ended

IN_HOUSE = {"inside_app", "wrong_file", "old_system", "storage", "not_trusted", "trust_unfinished", "other"}


async def count(desk: ClaimEnvironment) -> dict[FailureCause, int]:
    return await desk.store.run(install_failures.count_failures, desk.applivery.builds[0].app.id)


async def failed(desk: ClaimEnvironment, address: str, cause: str, agent: str = IPHONE) -> PageSnapshot:
    return await desk.post(address, agent, data={"failed": cause})


def offered(seen: PageSnapshot) -> list[str]:
    """The causes that the page has a button for."""
    return [piece.partition('"')[0] for piece in seen.text.split('name="failed" value="')[1:]]


async def uses_left(desk: ClaimEnvironment, address: str) -> int:
    found = await desk.store.run(tickets.get_ticket, fingerprint(address[-22:]))
    assert found is not None
    return found.uses_left


@pytest.mark.parametrize(
    ("os", "agent", "causes"),
    [
        ("ios", IPHONE, IN_HOUSE),
        ("ios", MAC, IN_HOUSE),
        ("android", ANDROID, {"unknown_apps", "unverified_developer", "play_protect", "other_signature", "old_system",
                              "storage", "inside_app", "incomplete", "other"}),
        ("android", IPHONE, set()),
        ("windows", WINDOWS, {"smart_screen", "incomplete", "other"}),
    ],
)  # fmt: skip
async def test_the_page_lists_the_causes_of_its_build(
    desk: ClaimEnvironment, os: str, agent: str, causes: set[str]
) -> None:
    seen = await desk.get(await desk.address(desk.build(os)), agent)
    assert set(offered(seen)) == causes


async def test_an_answer_is_counted_and_spends_nothing(desk: ClaimEnvironment, log: io.StringIO) -> None:
    address = await desk.address(desk.build())
    seen = await failed(desk, address, "not_trusted")
    assert seen.status == 200
    text = html.unescape(seen.text)
    assert "Trust the developer in" in text
    assert "https://support.apple.com/118254" in text
    assert "not sent to anyone" in text
    assert await count(desk) == {FailureCause.NOT_TRUSTED: 1}
    assert await uses_left(desk, address) == 1
    assert desk.applivery.minted == []
    assert desk.counted(ClaimOutcome.REPORTED) == 1
    assert await desk.store.run(audit.list_entries) == []
    assert "not_trusted" not in log.getvalue()
    assert ANA.user_id not in log.getvalue()


async def test_looking_counts_nothing(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build())
    for agent in (IPHONE, MAC, "Slackbot-LinkExpanding 1.0"):
        await desk.get(f"{address}?failed=storage", agent)
        await desk.head(f"{address}?failed=storage", agent)
    assert await count(desk) == {}


async def test_a_used_link_takes_an_answer(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build())
    installing = await desk.post(address, IPHONE, data={"as": "install"})
    assert "not_trusted" in offered(installing)
    seen = await failed(desk, address, "storage")
    assert "Free up space" in seen.text
    assert await count(desk) == {FailureCause.STORAGE: 1}


async def test_a_user_counts_once_on_the_page_and_in_slack(desk: ClaimEnvironment) -> None:
    address = await desk.address(build := desk.build())
    for cause in ("storage", "storage", "not_trusted"):
        await failed(desk, address, cause)
    await desk.store.run(install_failures.record_failure, ANA.user_id, build.app.id, build.id, FailureCause.INSIDE_APP)
    assert await count(desk) == {FailureCause.INSIDE_APP: 1}


@pytest.mark.parametrize(
    "why", [TicketStatus.CANCELLED, TicketStatus.RECALLED, TicketStatus.EXPIRED, TicketStatus.UNKNOWN]
)
async def test_a_link_that_is_over_takes_no_answer(desk: ClaimEnvironment, why: TicketStatus) -> None:
    seen = await failed(desk, await ended(desk, why), "storage", ANDROID)
    assert seen.status in (404, 410)
    assert await count(desk) == {}


async def test_a_user_without_access_is_refused_an_answer(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build())
    desk.refused.add(ANA.user_id)
    assert (await failed(desk, address, "storage")).status == 403
    assert await count(desk) == {}


@pytest.mark.parametrize("sent", ["gatekeeper", "unknown", "quantum", "", "storage&failed=x"])
async def test_an_odd_answer_counts_nothing_odd(desk: ClaimEnvironment, sent: str) -> None:
    address = await desk.address(desk.build())
    body: Any = f"failed={sent}"
    seen = await desk.post(address, MAC, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert seen.status == 200
    assert await uses_left(desk, address) == 1
    assert set(await count(desk)) <= {FailureCause.STORAGE}


async def test_an_answer_is_taken_in_spanish(desk: ClaimEnvironment) -> None:
    address = await desk.address(desk.build())
    seen = await desk.post(
        address, IPHONE, data={"failed": FailureCause.STORAGE.value}, headers={"Accept-Language": "es"}
    )
    assert "Libera espacio" in seen.text
