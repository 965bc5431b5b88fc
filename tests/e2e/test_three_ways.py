"""The three ways of the data, each from end to end with a restart in the middle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.db import app_polls, audit
from bot.domain.audit import AuditAction, AuditOutcome, Entrypoint
from tests.conftest import Environment, heads
from tests.support.seeing import link, press


@pytest.fixture(params=["socket", "http"])
def way_in(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings for Socket Mode and for signed HTTP."""
    return {} if request.param == "socket" else {"slack_app_token": None}


@pytest.fixture
def world(database: str, world: Environment) -> Environment:
    world.database = database
    return world


async def fetched(url: str) -> bytes:
    """What a browser gets that follows the link."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def refused(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


async def test_private_link_minted_per_asker_across_restart(world: Environment, way_in: dict[str, Any]) -> None:
    """Way 1: /applivery get courier, and a click on "Get build" of a card that is older than the process."""
    await world.start(**way_in)
    await world.ask("subscribe courier")
    build = world.applivery.build(world.courier, version="2.4.0", number="173", size=4321)
    await world.look()
    (card,) = world.slack.messages(world.releases)

    answer = await world.ask("get courier", user=world.bruno)
    assert answer.ephemeral_to == world.bruno.id
    assert "Courier 2.4.0 (173) for iOS" in answer.text

    await world.restart(**way_in)

    assert len(await fetched(link(answer))) == 4321, "a link outlives the process that gave it"
    assert await refused(link(answer)) == 401, "and works once"
    turn = await press(world.slack, card, "Get build", user=world.ana)
    assert turn.acked
    fresh = await turn.answer()
    assert fresh.ephemeral_to == world.ana.id
    assert link(fresh) != link(answer)
    assert len(await fetched(link(fresh))) == 4321
    assert world.slack.messages(world.releases) == [card]
    assert not card.edited

    rows = await world.bot.store.run(audit.list_entries)
    assert [
        (row.user_id, row.action, row.outcome, row.entrypoint, row.build_id)
        for row in rows
        if row.action == AuditAction.GET
    ] == [
        (world.ana.id, AuditAction.GET, AuditOutcome.MINTED, Entrypoint.BUTTON, build.id),
        (world.bruno.id, AuditAction.GET, AuditOutcome.MINTED, Entrypoint.COMMAND, build.id),
    ]


async def test_build_followed_from_upload_to_card_across_restarts(world: Environment, way_in: dict[str, Any]) -> None:
    """Way 2: clock ─ watch ─ record ─ announce ─ card, with a restart before each step."""
    world.applivery.build(world.courier, version="2.3.0")
    await world.start(**way_in)
    await world.ask("subscribe courier on:uploaded,processed")
    build = world.applivery.build(world.courier, version="2.4.0", number="173", status="pending", branch="release/2.4")
    await world.look()
    assert world.said() == ["⏳ Courier 2.4.0 (173) for iOS was uploaded."]

    await world.restart(**way_in)  # while it is being processed
    world.applivery.move(build, "in_progress")
    await world.look()
    world.applivery.move(build, "processed")
    await world.bot.store.run(app_polls.request_poll, None)
    await world.bot.watch.step()

    await world.restart(**way_in)  # between what was decided and what is said
    [card] = world.slack.messages(world.releases)
    assert not card.text.startswith("✅")
    await world.settle()
    assert world.slack.messages(world.releases) == [card]
    assert "release/2.4" in str(card.blocks)

    await world.restart(**way_in)  # after everything was said
    await world.look()
    await world.settle()
    assert world.slack.messages(world.releases) == [card]
    states = ("⏳", "was uploaded"), ("⏳", "is being processed"), ("✅", "is ready")
    assert heads(card) == [f"{icon} Courier 2.4.0 (173) for iOS {state}." for icon, state in states]


async def test_build_followed_by_clock_alone_across_restart(world: Environment) -> None:
    """Way 2 with the jobs running, as it is in earnest."""
    world.applivery.processing = (0.2, 0.2)
    await world.start(jobs=True)
    await world.ask("subscribe courier")
    world.applivery.upload(world.courier, version="2.4.0")
    await world.applivery.until(lambda: world.applivery.builds[0].status == "in_progress")
    await world.restart(jobs=True)
    await world.slack.until(lambda: world.said() == ["✅ Courier 2.4.0 (1) for iOS is ready."])


async def test_downloads_shown_to_permitted_users_across_restart(world: Environment, way_in: dict[str, Any]) -> None:
    """Way 3, as far as it is asked for: downloads ─ summary ─ headline with the people in its thread."""
    build = world.applivery.build(world.courier, version="2.4.0", number="173")
    eva = world.applivery.member("employee", email="eva@acme.test", first="Eva", last="Ruiz")
    zoe = world.applivery.member("user", email="zoe@acme.test", first="Zoe", last="Lang")
    now = datetime.now(UTC)
    world.applivery.download(build, eva, at=now - timedelta(hours=2))
    await world.start(**way_in)

    answer = await world.ask("downloads courier")
    assert "1 download · 1 person" in answer.text
    mine = world.slack.dm(world.ana)
    (first,) = world.slack.messages(mine)
    assert ["Eva Ruiz" in message.text for message in world.slack.messages(mine, first.ts)] == [True]

    await world.restart(**way_in)

    world.applivery.download(build, zoe, at=now - timedelta(hours=1))
    answer = await world.ask("downloads courier")
    assert "2 downloads · 2 people" in answer.text
    _, second = world.slack.messages(mine)
    people = world.slack.messages(mine, second.ts)[-1]  # after a chart, when the two were not on one day
    assert "Eva Ruiz" in people.text
    assert "Zoe Lang" in people.text
    assert world.slack.messages(world.releases) == [], "not where everybody reads"
    denied = await world.ask("downloads courier", user=world.bruno)
    assert "nly managers can" in denied.text
