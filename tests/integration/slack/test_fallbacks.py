"""A picture, chart or table that Slack refuses costs the message that part, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.exceptions import MessageRejected
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.fallbacks import REMEMBER_SECONDS, FallbackSender
from bot.slack.refused_blocks import RefusedBlocks
from tests.conftest import Environment
from tests.integration.commands.test_downloads import people
from tests.support.seeing import labels

ICON = "https://cdn.acme.test/courier.png"


def picture(url: str = ICON) -> dict[str, Any]:
    return {"type": "image", "image_url": url, "alt_text": "Icon"}


SECTION = {"type": "section", "text": {"type": "plain_text", "text": "Courier"}}
CHART = {"type": "data_visualization", "title": "Downloads"}
TABLE = {"type": "data_table", "caption": "Who"}


class Workspace:
    """Takes messages without these parts, and counts what it was sent."""

    def __init__(self, *refused: str) -> None:
        self.refused = set(refused)
        self.sent: list[Message] = []

    async def __call__(self, message: Message) -> str:
        self.sent.append(message)
        if any(part in str(message.blocks) for part in self.refused):
            raise MessageRejected(code="invalid_blocks")
        return "ts"


@pytest.mark.parametrize(
    "block",
    [
        {**SECTION, "accessory": picture()},
        {"type": "context", "elements": [picture(), {"type": "plain_text", "text": "Courier"}]},
        {**picture(), "block_id": "b"},
        {blocks.TOGETHER: ({**SECTION, "accessory": picture()}, SECTION)},
    ],
)
async def test_a_refused_picture_alone_is_left_out(block: dict[str, Any]) -> None:
    slack = Workspace("courier.png")
    sender = FallbackSender()
    assert await sender.send(Message("Courier", (block, SECTION)), slack) == "ts"
    assert ICON not in str(slack.sent[-1].blocks)
    assert SECTION in slack.sent[-1].blocks
    assert len(slack.sent) == 2
    await sender.send(Message("Courier", (block, SECTION)), slack)
    assert len(slack.sent) == 3, "what was refused is not sent again"
    await sender.send(Message("Driver", ({**SECTION, "accessory": picture("https://cdn.acme.test/other.png")},)), slack)
    assert "other.png" in str(slack.sent[-1].blocks), "another picture is"


async def test_a_refused_part_is_tried_again_after_a_day() -> None:
    now = 0.0
    slack, sender = Workspace("courier.png"), FallbackSender(lambda: now)
    message = Message("Courier", ({**SECTION, "accessory": picture()},))
    await sender.send(message, slack)
    now, slack.refused = REMEMBER_SECONDS + 1, set()
    await sender.send(message, slack)
    assert ICON in str(slack.sent[-1].blocks)


@given(refused=st.sets(st.sampled_from(["courier.png", "data_visualization", "data_table"])))
async def test_no_more_is_left_out_than_is_refused_next_time(refused: set[str]) -> None:
    slack, sender = Workspace(*refused), FallbackSender()
    message = Message("Courier", ({**SECTION, "accessory": picture()}, CHART, TABLE))
    for _ in range(2):
        assert await sender.send(message, slack) == "ts"
    last = str(slack.sent[-1].blocks)
    assert "Courier" in last
    assert all(part not in last for part in refused)


async def test_the_same_in_plainer_blocks_stands_in_for_a_table() -> None:
    slack, sender = Workspace("data_table"), FallbackSender()
    plainer = Message("Who", (SECTION,))
    for _ in range(2):
        await sender.send(Message("Who", (TABLE,), fallback=plainer), slack)
    assert [message == plainer for message in slack.sent] == [False, True, True]


async def test_a_message_that_is_refused_in_every_form_says_so() -> None:
    slack = Workspace("section")
    with pytest.raises(MessageRejected):
        await FallbackSender().send(Message("Courier", ({**SECTION, "accessory": picture()},)), slack)


async def test_a_card_keeps_its_buttons_without_its_picture(world: Environment) -> None:
    world.slack.workspace.unloadable.add(ICON)
    await world.start()
    await world.ask("subscribe courier")
    for version in ("2.4.0", "2.5.0"):
        build = world.applivery.build(world.courier, version=version)
        build.wire["applicationInfo"] = {**(build.wire.get("applicationInfo") or {}), "picture": ICON}
        await world.look()
    cards = world.slack.messages(world.releases)
    assert len(cards) == 2
    assert "Get build" in labels(cards[-1])
    assert ICON not in str([card.blocks for card in cards])


async def test_a_workspace_without_charts_and_tables_reads_reports(world: Environment) -> None:
    world.slack.workspace.unsupported_blocks |= {"data_visualization", "data_table", "table"}
    await world.start()
    build = world.applivery.build(world.courier, version="2.4.0")
    world.applivery.download(build)
    for text in ("downloads courier", "downloads courier by:version", "downloads courier by:day"):
        await world.ask(text)
    texts = [message.text for message in world.slack.messages(world.slack.workspace.dm(world.ana))]
    assert any("1 download" in text for text in texts)


# ------------------------------------------------------------------ remembered


def posts_of(world: Environment) -> list[list[str]]:
    """The types of blocks of every post, in order."""
    calls = [call for call in world.slack.calls if call.method == "chat.postMessage"]
    return [[block["type"] for block in call.args.get("blocks") or ()] for call in calls]


async def report(world: Environment) -> list[list[str]]:
    """The posts of one download report."""
    before = len(posts_of(world))
    await world.ask("downloads courier")
    await world.bot.dispatcher.drain(5)
    return posts_of(world)[before:]


def charted(sent: list[list[str]]) -> bool:
    return any({"data_visualization", "data_table"} & set(types) for types in sent)


async def test_refused_tables_are_remembered_over_a_restart(world: Environment) -> None:
    world.slack.workspace.unsupported_blocks |= {"data_visualization", "data_table"}
    await world.start()
    people(world)
    assert charted(await report(world)), "the first one tries"
    assert not charted(await report(world))
    await world.restart()
    sent = await report(world)
    assert not charted(sent)
    assert len(sent) == 3, "a headline and its thread, each sent once"


async def test_another_version_tries_refused_tables_again(world: Environment) -> None:
    await world.start()
    store = world.bot.store
    await RefusedBlocks(store, lambda: datetime.now(UTC)).save({"data_table"})
    assert await RefusedBlocks(store, lambda: datetime.now(UTC), "next").load() == frozenset()


async def test_refused_tables_are_tried_again_after_a_day(world: Environment) -> None:
    await world.start()
    store, now = world.bot.store, datetime.now(UTC)
    await RefusedBlocks(store, lambda: now).save({"data_table"})
    assert await RefusedBlocks(store, lambda: now + timedelta(hours=23)).load() == {"data_table"}
    assert await RefusedBlocks(store, lambda: now + timedelta(hours=25)).load() == frozenset()
