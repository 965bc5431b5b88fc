"""What the bench takes for a right answer is what the bot says: a reworded answer must not count as lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from bench.crowd import MIX
from bench.figures.downloads import headline
from tests.conftest import Environment


async def test_bench_knows_the_answers_to_what_a_crowd_types(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier, version="2.4.0", number="173", os="ios", changelog="Fixes")
    for typed, words in MIX:
        answer = await world.ask(typed, user=world.bruno)
        assert words in json.dumps([answer.text, answer.blocks], ensure_ascii=False), typed
        assert answer.ephemeral_to == world.bruno.id
        assert ("/download/" in answer.text) is typed.startswith("get ")


async def test_bench_knows_the_headline_of_downloads(world: Environment) -> None:
    await world.start()
    build = world.applivery.build(world.courier, version="2.4.0", number="173")
    for name in ("eva", "zoe"):
        member = world.applivery.member("user", email=f"{name}@acme.test", first=name, last="Ruiz")
        for hours in (1, 2):
            world.applivery.download(build, member, at=datetime.now(UTC) - timedelta(hours=hours))
    await world.ask("downloads courier", user=world.ana)
    message = world.slack.messages(world.slack.dm(world.ana))[-1]
    assert headline(4, 2).search(json.dumps([message.text, message.blocks]).encode())
    assert headline(100_000, 5_000).search(b"*100,000 downloads* \\u00b7 5,000 people")
