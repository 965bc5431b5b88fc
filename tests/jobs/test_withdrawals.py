"""A changed mind: what was set up does not act once it may not, its maker is told once, and it goes on when it may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
import pytest

from bot.sandbox.applivery.records import PretendedBuild
from bot.sandbox.slack import Channel, Message, User
from bot.store.columns import micros
from tests.conftest import World
from tests.everything import execute
from tests.handing import direct, directs, mints, ready, rested, start_with_page
from tests.jobs.conftest import on_postgresql, on_sqlite
from tests.seeing import TICKET, old_card, press

Act = Callable[[], Awaitable[int]]

# What is set up, by the role it takes; each becomes an Act, which lets it act and says how often it ever got through.
BY_ROLE = {"subscription": "releaser", "report": "manager", "private report": "manager"}
BY_ACCESS = ("watch", "waiter", "ticket", "sent build", "card")
EVERYBODY_SEES = ("subscription", "report")
OF_A_BUILD = ("subscription", *BY_ACCESS)
ASKED_BY_A_CLICK = ("ticket", "sent build", "card")


def possible(thing: str, change: str) -> bool:
    """Whether a thing can lose its permission in this way."""
    if change == "channel shared":
        return thing in EVERYBODY_SEES
    return change != "build recalled" or thing in OF_A_BUILD


CHANGES = ("role", "group", "app's channel", "channel shared", "person gone", "build recalled")
ALL = [(thing, change) for thing in (*BY_ROLE, *BY_ACCESS) for change in CHANGES if possible(thing, change)]
SAMPLE = [("subscription", "role"), ("report", "app's channel"), ("watch", "app's channel"), ("ticket", "role")]


class Place:
    """Where it happens: Bruno sets things up in #releases; Carla is a colleague, Ana an admin."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.carla: User = world.slack.user("carla", email="carla@acme.test")
        self.secret: Channel = world.slack.channel("secret", members=(world.ana,))
        self.group = world.slack.usergroup("makers", [world.bruno])
        self.build: PretendedBuild
        self.settings: dict[str, Any] = {}

    def by(self, change: str) -> str:
        """Who is granted the role: Bruno, or his group."""
        bruno, group = self.world.bruno, self.group
        return f"<!subteam^{group.id}|@makers>" if change == "group" else f"<@{bruno.id}|bruno>"

    async def take(self, thing: str, change: str) -> None:
        """Take the permission away."""
        await self._change(thing, change, back=False)

    async def give(self, thing: str, change: str) -> None:
        """Give it back."""
        await self._change(thing, change, back=True)

    async def _change(self, thing: str, change: str, *, back: bool) -> None:
        world = self.world
        role = BY_ROLE.get(thing, "member")
        match change:
            case "role":
                typed = (
                    f"grant {self.by(change)} {role} app:courier" if back else f"revoke {self.by(change)} app:courier"
                )
                await world.ask(typed)
            case "group":
                self.group.users = [world.bruno.id] if back else [world.ana.id]
            case "app's channel":
                await world.ask(f"{'revoke' if back else 'grant'} <#{self.secret.id}|secret> app:courier")
            case "channel shared":
                world.releases.shared = not back
            case "person gone":
                world.bruno.deleted = not back
            case "build recalled":
                await world.ask("unrecall courier" if back else 'recall courier #173 "crash on login"')
        if change in ("group", "person gone") and thing in ASKED_BY_A_CLICK:
            await world.restart(**self.settings)  # what Slack says of a person who asks is kept for minutes

    def told(self, who: User) -> list[Message]:
        """What a person was told about something that was paused or refused."""
        return [one for one in directs(self.world, who) if one.text.startswith(("⏸", "⛔"))]


async def made(world: World, thing: str, change: str) -> tuple[Place, Act]:
    """Something Bruno set up while he was allowed to."""
    place = Place(world)
    world.bruno.guest = thing in BY_ACCESS  # so that he needs a grant
    if thing == "ticket":
        await start_with_page(world)
        place.settings = {"port": world.bot.settings.port, "public_url": world.bot.settings.public_url}
    else:
        await world.start()
    await world.ask(f"grant {place.by(change)} {BY_ROLE.get(thing, 'member')} app:courier")
    await asyncio.sleep(1.1)  # what was just asked about Bruno is old by then
    acts = {
        "subscription": subscription,
        "report": partial(report, where=world.releases),
        "private report": partial(report, where=world.slack.dm(world.bruno)),
        "watch": watch,
        "waiter": waiter,
        "ticket": ticket,
        "sent build": sent_build,
        "card": card,
    }
    return place, await acts[thing](place)


async def subscription(place: Place) -> Act:
    world = place.world
    assert "Done" in (await world.ask("subscribe courier", user=world.bruno)).text
    await world.look()
    place.build = ready(world, status="in_progress")
    await world.look()

    async def act() -> int:
        world.applivery.move(place.build, "processed")
        await look(world)
        return len([one for one in world.slack.messages(world.releases) if one.bot_id])

    return act


async def report(place: Place, *, where: Channel) -> Act:
    world = place.world
    ready(world)
    answer = await world.ask("downloads courier every:daily@09:00", user=world.bruno, channel=where)
    assert "Done" in answer.text, answer.text
    at = datetime.now(UTC) - timedelta(seconds=1)
    execute(world, f"UPDATE digests SET due_at = {micros(at)}, told_until = {micros(at - timedelta(days=1))}")

    async def act() -> int:
        await look(world)
        return len([one for one in world.slack.messages(where) if one.text.startswith("Downloads of Courier")])

    return act


async def watch(place: Place) -> Act:
    world = place.world
    place.build = ready(world, status="in_progress")
    await world.ask("watch courier", user=world.bruno)
    await rested(world)
    return partial(ends, place)


async def waiter(place: Place) -> Act:
    world = place.world
    place.build = ready(world, status="in_progress")
    answer = await world.ask("get courier 2.4.0", user=world.bruno)
    await press(world.slack, answer, "Tell me when it is ready", user=world.bruno)
    await rested(world)
    return partial(ends, place)


async def ends(place: Place) -> int:
    """The build is ready: how many links left."""
    place.world.applivery.move(place.build, "processed")
    await look(place.world)
    return mints(place.world)


async def ticket(place: Place) -> Act:
    world = place.world
    place.build = ready(world)
    answer = await world.ask("get courier", user=world.bruno)
    found = TICKET.search(answer.text)
    assert found

    async def act() -> int:
        address = f"http://127.0.0.1:{world.bot.web.port}/b/{found[1]}"
        async with aiohttp.ClientSession() as session:
            async with session.get(address) as page:
                looked = page.status, await page.text()
            async with session.post(address, allow_redirects=False) as page:
                assert (page.status >= 400) == (looked[0] >= 400), "a page that shows a button has one that works"
        assert "Courier" not in looked[1] or looked[0] < 400
        return mints(world)

    return act


async def sent_build(place: Place) -> Act:
    world = place.world
    place.build = ready(world)
    await world.ask(f"get courier to:<@{place.carla.id}|carla>", user=world.bruno)
    message = await direct(world, place.carla)

    async def act() -> int:
        await press(world.slack, message, "Get build", user=place.carla)
        await rested(world)
        return mints(world)

    return act


async def card(place: Place) -> Act:
    world = place.world
    place.build = ready(world)
    shared = old_card(world.slack, world.releases, "get.v1", f"{world.courier.id}/{place.build.id}")

    async def act() -> int:
        await press(world.slack, shared, "Old", user=world.bruno)
        await rested(world)
        return mints(world)

    return act


async def look(world: World) -> None:
    """Let the clock tick for everything that acts by itself."""
    await world.bot.withdrawals.step()
    await world.bot.digest.step()
    await world.look()
    await world.settle()


async def goes(world: World, thing: str, change: str) -> None:
    """Make it, take the permission away, let it act twice; then give it back, and let it act."""
    place, act = await made(world, thing, change)
    await place.take(thing, change)
    before = await act()
    assert before == 0 == await act(), "nothing leaves"
    assert_told(place, thing, change)
    await place.give(thing, change)
    await asyncio.sleep(2.1)  # a second click within two seconds is a double click
    ended = (thing, change) == ("ticket", "build recalled")  # for good: a new link takes a second
    assert (await act() > 0) is not ended, "it goes on"
    assert_told(place, thing, change)


def assert_told(place: Place, thing: str, change: str) -> None:
    """Who set it up was told once; of what a leaver left behind, the admin."""
    bruno, ana = place.told(place.world.bruno), place.told(place.world.ana)
    if thing in ("ticket", "card"):
        return  # the page and the answer say it, each time, to who looks
    if change == "person gone":
        assert len(ana) == (thing in EVERYBODY_SEES), "whoever can take it over"
        assert bruno == []
    elif change == "build recalled" and thing in ("watch", "waiter"):
        assert len([one for one in directs(place.world, place.world.bruno) if "was recalled" in one.text]) == 1
    else:
        [told] = bruno
        assert "Courier" in told.text
        assert ana == []


@on_sqlite
@pytest.mark.parametrize(("thing", "change"), ALL)
async def test_what_may_not_act_is_paused_until_it_may(world: World, thing: str, change: str) -> None:
    await goes(world, thing, change)


@on_postgresql
@pytest.mark.parametrize(("thing", "change"), SAMPLE)
async def test_on_postgresql_it_is_paused_as_well(world: World, thing: str, change: str) -> None:
    await goes(world, thing, change)
