"""*Downloads* on a card."""

from __future__ import annotations

from tests.conftest import Environment
from tests.support.handing import direct, directs, ready, rested
from tests.support.seeing import old_card, press


async def test_downloads_card_button_gives_manager_build_summary(world: Environment) -> None:
    await world.start()
    await world.ask("subscribe courier")
    await world.look()
    build = ready(world)
    world.applivery.download(build, world.applivery.member(first="Eva", last="Ruiz"))
    ready(world, version="9.9.9", number="999", os="android")
    await world.look()
    card = world.slack.messages(world.releases)[0]
    await press(world.slack, card, "Downloads", user=world.ana)
    await rested(world)
    assert "Courier 2.4.0 (173)" in (await direct(world, world.ana)).text
    assert "Eva" not in str([message.saved() for message in world.slack.messages(world.releases)])


async def test_downloads_button_refuses_non_manager_and_broken_value(world: Environment) -> None:
    await world.start()
    build = ready(world)
    card = old_card(world.slack, world.releases, "downloads.v1", f"{world.courier.id}/{build.id}")
    turn = await world.slack.click(card, "downloads.v1", user=world.bruno)
    assert "nly managers can" in (await turn.answer()).text
    assert directs(world, world.bruno) == []
    broken = old_card(world.slack, world.releases, "downloads.v1", "x")
    turn = await world.slack.click(broken, "downloads.v1", user=world.ana)
    assert "out of date" in (await turn.answer()).text
