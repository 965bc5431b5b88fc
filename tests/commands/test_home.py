from __future__ import annotations

from tests.conftest import World
from tests.handing import ready, rested


async def test_probe(world: World) -> None:
    ready(world)
    await world.start()
    await world.ask("get courier")
    await world.ask("subscribe courier")
    ready(world, version="3.0.0", number="300", status="pending")
    await world.ask("watch courier")
    await world.slack.home(world.ana)
    await rested(world)
    home = world.slack.home_of(world.ana)
    import json
    print(json.dumps(home.payload["blocks"], indent=1, ensure_ascii=False)[:9000])
    print((await world.ask("status")).text)
