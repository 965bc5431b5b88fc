"""A changed mind: what was set up does not act once it may not, its maker is told once, and it goes on when it may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
import pytest

from bot.db import build_watches, idempotency, outbox, subscriptions
from bot.db.types import micros
from bot.services import access, permissions
from sandbox.applivery.models import FakeBuild
from sandbox.faults import Fault
from sandbox.slack import FakeChannel, FakeMessage, FakeUser
from tests.conftest import Environment
from tests.integration.workers.conftest import on_postgresql, on_sqlite
from tests.support.everything import execute
from tests.support.handing import direct, directs, mints, ready, rested, start_with_page
from tests.support.seeing import TICKET, old_card, press

Act = Callable[[], Awaitable[int]]

# What is set up, by the role it takes; each becomes an Act, which lets it act and says how often it ever got through.
BY_ROLE = {
    "subscription": "releaser",
    "report": "manager",
    "private report": "manager",
    "forecast": "releaser",
    "private forecast": "releaser",
}
BY_ACCESS = ("watch", "waiter", "ticket", "sent build", "card")
EVERYBODY_SEES = ("subscription", "report", "forecast")
OF_A_BUILD = ("subscription", *BY_ACCESS)
SHORT = 0.15  # seconds for which an answer about somebody holds here, and a second click is a double click
ASKED_BY_A_CLICK = ("ticket", "sent build", "card")


def possible(thing: str, change: str) -> bool:
    """Whether a thing can lose its permission in this way."""
    if change == "channel shared":
        return thing in EVERYBODY_SEES
    return change != "build recalled" or thing in OF_A_BUILD


CHANGES = ("role", "group", "app's channel", "channel shared", "person gone", "build recalled")
ALL = [(thing, change) for thing in (*BY_ROLE, *BY_ACCESS) for change in CHANGES if possible(thing, change)]
SAMPLE = [("subscription", "role"), ("report", "app's channel"), ("watch", "app's channel"), ("ticket", "role")]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for a second or two holds for a moment: three seconds of each test would be waited."""
    for module in (access, permissions):
        monkeypatch.setattr(module, "ANEW_SECONDS", SHORT)
    monkeypatch.setattr(idempotency, "DOUBLE_CLICK_SECONDS", SHORT)


class Place:
    """Where it happens: Bruno sets things up in #releases; Carla is a colleague, Ana an admin."""

    def __init__(self, world: Environment) -> None:
        self.world = world
        self.carla: FakeUser = world.slack.user("carla", email="carla@acme.test")
        self.secret: FakeChannel = world.slack.channel("secret", members=(world.ana,))
        self.group = world.slack.usergroup("makers", [world.bruno])
        self.build: FakeBuild
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

    def told(self, who: FakeUser) -> list[FakeMessage]:
        """What a person was told about something that was paused or refused."""
        return [message for message in directs(self.world, who) if message.text.startswith(("⚠️", "⏸", "⛔"))]


async def made(world: Environment, thing: str, change: str) -> tuple[Place, Act]:
    """Something Bruno set up while he was allowed to."""
    place = Place(world)
    world.bruno.guest = thing in BY_ACCESS  # so that he needs a grant
    if thing == "ticket":
        await start_with_page(world)
        place.settings = {"port": world.bot.settings.port, "public_url": world.bot.settings.public_url}
    else:
        await world.start()
    await world.ask(f"grant {place.by(change)} {BY_ROLE.get(thing, 'member')} app:courier")
    await asyncio.sleep(2 * SHORT)  # what was just asked about Bruno is old by then
    acts = {
        "subscription": subscription,
        "report": partial(report, "downloads", "*No downloads* of Courier", where=world.releases),
        "private report": partial(report, "downloads", "*No downloads* of Courier", where=world.slack.dm(world.bruno)),
        "forecast": partial(report, "forecast", "*Nothing breaks for Courier", where=world.releases),
        "private forecast": partial(report, "forecast", "*Nothing breaks for", where=world.slack.dm(world.bruno)),
        "watch": watch,
        "waiter": waiter,
        "ticket": ticket,
        "sent build": sent_build,
        "card": card,
    }
    return place, await acts[thing](place)


async def subscription(place: Place) -> Act:
    world = place.world
    assert "*Subscribed" in (await world.ask("subscribe courier", user=world.bruno)).text
    await world.look()
    place.build = ready(world, status="in_progress")
    await world.look()

    async def act() -> int:
        world.applivery.move(place.build, "processed")
        await look(world)
        return len([message for message in world.slack.messages(world.releases) if message.bot_id])

    return act


async def report(command: str, said: str, place: Place, *, where: FakeChannel) -> Act:
    world = place.world
    ready(world)
    answer = await world.ask(f"{command} courier every:daily@09:00", user=world.bruno, channel=where)
    assert "*Scheduled:*" in answer.text, answer.text
    at = datetime.now(UTC) - timedelta(seconds=1)
    execute(
        world, f"UPDATE scheduled_reports SET due_at = {micros(at)}, reported_until = {micros(at - timedelta(days=1))}"
    )

    async def act() -> int:
        await look(world)
        return len([message for message in world.slack.messages(where) if message.text.startswith(said)])

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
    await press(world.slack, answer, "Notify me", user=world.bruno)
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


async def look(world: Environment) -> None:
    """Let the clock tick for everything that acts by itself."""
    await world.bot.withdrawals.step()
    await world.bot.digest.step()
    await world.look()
    await world.settle()


async def goes(world: Environment, thing: str, change: str) -> None:
    """Make it, take the permission away, let it act twice; then give it back, and let it act."""
    place, act = await made(world, thing, change)
    await place.take(thing, change)
    before = await act()
    assert before == 0 == await act(), "nothing leaves"
    assert_told(place, thing, change)
    await place.give(thing, change)
    await asyncio.sleep(2 * SHORT)  # a second click at once is a double click
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
        assert (
            len([message for message in directs(place.world, place.world.bruno) if "was recalled" in message.text]) == 1
        )
    else:
        [told] = bruno
        assert "Courier" in told.text
        assert ana == []


@on_sqlite
@pytest.mark.parametrize(("thing", "change"), ALL)
async def test_recheck_pauses_without_permission_until_regained(world: Environment, thing: str, change: str) -> None:
    await goes(world, thing, change)


@on_postgresql
@pytest.mark.parametrize(("thing", "change"), SAMPLE)
async def test_on_postgresql_it_is_paused_as_well(world: Environment, thing: str, change: str) -> None:
    await goes(world, thing, change)


# ------------------------------------------------------------------ further ways


async def subscribed(world: Environment, *, user: FakeUser | None = None) -> None:
    """#releases is subscribed to Courier, which has no build yet."""
    await world.start()
    assert "*Subscribed" in (await world.ask("subscribe courier", user=user)).text
    await world.look()


def cards(world: Environment) -> list[FakeMessage]:
    """What stands in #releases."""
    return [message for message in world.slack.messages(world.releases) if message.bot_id]


def paused(world: Environment, user: FakeUser) -> list[str]:
    """What a person was told about things that are paused."""
    return [message.text for message in directs(world, user) if message.text.startswith("⚠️")]


@on_sqlite
async def test_an_app_that_is_gone_pauses_its_subscription(world: Environment) -> None:
    await subscribed(world)
    build = ready(world, status="in_progress")
    await world.look()
    await world.ask("watch courier", user=world.bruno)
    world.applivery.apps.remove(world.courier)
    await world.look()
    await world.look()
    assert paused(world, world.ana) == [
        f"⚠️ Paused: announcements of Courier in <#{world.releases.id}>. Courier was deleted in Applivery."
    ]
    assert "was deleted in Applivery" in (await direct(world, world.bruno)).text
    world.applivery.apps.append(world.courier)
    world.applivery.move(build, "processed")
    await world.look()
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions)
    assert subscription.paused is None
    await look(world)
    assert len(cards(world)) == 1


@on_sqlite
async def test_a_card_is_not_edited_where_its_app_may_not_be(world: Environment) -> None:
    await subscribed(world)
    build = ready(world, changelog="Faster")
    await look(world)
    [card] = cards(world)
    secret = world.slack.channel("secret")
    await world.ask(f"grant <#{secret.id}|secret> app:courier")
    before = len(card.history)
    build.wire["changelog"] = "A secret feature"
    await look(world)
    assert len(card.history) == before
    await world.ask(f"revoke <#{secret.id}|secret> app:courier")
    await look(world)
    assert "A secret feature" in str(card.blocks)


@on_sqlite
@pytest.mark.parametrize("held", ["mute 2h", "subscribe courier digest:daily@09:00"])
async def test_recheck_applies_to_held_message_on_release(world: Environment, held: str) -> None:
    """A held message is checked again when it is released."""
    await subscribed(world)
    await world.ask(held)
    ready(world)
    await look(world)
    assert cards(world) == []
    secret = world.slack.channel("secret")
    await world.ask(f"grant <#{secret.id}|secret> app:courier")
    execute(world, f"UPDATE outbox SET not_before = {micros(datetime.now(UTC))} WHERE not_before IS NOT NULL")
    execute(world, "UPDATE subscriptions SET muted_until = NULL")
    await world.bot.hold.step()
    await look(world)
    assert cards(world) == []
    assert len(paused(world, world.ana)) == 1
    await world.ask(f"revoke <#{secret.id}|secret> app:courier")
    await look(world)
    assert len(cards(world)) == 1


@on_sqlite
async def test_another_maker_of_the_same_wish_is_enough(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant <@{world.bruno.id}|bruno> releaser")
    await world.ask("subscribe courier", user=world.bruno)
    await world.ask("subscribe *")
    await world.look()
    await world.ask(f"revoke <@{world.bruno.id}|bruno>")
    ready(world)
    await look(world)
    assert len(cards(world)) == 1, "Ana wants to hear of every app here"


@on_sqlite
async def test_an_app_kept_elsewhere_pauses_no_wish_for_every_app(world: Environment) -> None:
    world.applivery.app("Driver", slug="driver")
    await world.start()
    await world.ask("subscribe *")
    await world.look()
    secret = world.slack.channel("secret")
    await world.ask(f"grant <#{secret.id}|secret> app:courier")
    ready(world)
    world.applivery.build(world.applivery.app("Driver"), version="9.0.0")
    await look(world)
    assert [message.text.partition(" · ")[0] for message in cards(world) if "9.0.0" in message.text]
    assert len(cards(world)) == 1
    assert paused(world, world.ana) == []


@on_sqlite
async def test_recheck_subscription_taken_over_resumes(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant <@{world.bruno.id}|bruno> releaser")
    await world.ask("subscribe courier", user=world.bruno)
    await world.look()
    world.bruno.deleted = True
    ready(world)
    await asyncio.sleep(2 * SHORT)
    await look(world)
    assert cards(world) == []
    [told] = paused(world, world.ana)
    assert f"<@{world.bruno.id}> set this up but no longer has access to this bot." in told
    assert "Take it over to resume announcements." in told.replace("`", "")
    await world.ask("subscribe Courier")
    await look(world)
    assert len(cards(world)) == 1, "and what came meanwhile is announced"


@on_sqlite
@pytest.mark.parametrize("fault", [Fault(error="internal_error"), Fault(status=503), Fault(error="missing_scope")])
@pytest.mark.parametrize("method", ["conversations.info", "users.info"])
async def test_recheck_impossible_check_delays_message(world: Environment, method: str, fault: Fault) -> None:
    await subscribed(world)
    world.slack.faults.add(method, fault, times=None)
    ready(world)
    await asyncio.sleep(2 * SHORT)
    await world.bot.withdrawals.step()
    await world.look()
    assert cards(world) == []
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions)
    assert subscription.paused is None, "nobody knows that it may not"
    assert (await world.bot.store.run(outbox.get_backlog)).count >= 1
    world.slack.faults.clear()
    execute(world, "UPDATE channel_leases SET next_send_at = 0")
    await look(world)
    assert len(cards(world)) == 1
    assert paused(world, world.ana) == []


@on_sqlite
async def test_a_group_slack_cannot_tell_pauses_nothing(world: Environment) -> None:
    group = world.slack.usergroup("makers", [world.bruno])
    await world.start()
    await world.ask(f"grant <!subteam^{group.id}|@makers> releaser")
    await world.ask("subscribe courier", user=world.bruno)
    await world.look()
    ready(world)
    await asyncio.sleep(2 * SHORT)
    world.slack.faults.add("usergroups.users.list", Fault(error="internal_error"), times=None)
    await world.look()
    [subscription] = await world.bot.store.run(subscriptions.list_subscriptions)
    assert (cards(world), subscription.paused) == ([], None)


@on_sqlite
async def test_recheck_queued_report_without_permission_has_no_names(world: Environment) -> None:
    build = ready(world)
    world.applivery.download(build, world.applivery.member(email="eva@acme.test", first="Eva", last="Ruiz"))
    await world.start()
    await world.ask(f"grant <#{world.releases.id}|releases> manager")
    await world.ask("downloads courier every:daily@09:00")
    at = datetime.now(UTC) + timedelta(seconds=1)
    execute(
        world, f"UPDATE scheduled_reports SET due_at = {micros(at)}, reported_until = {micros(at - timedelta(days=1))}"
    )
    await asyncio.sleep(1.2)
    await world.bot.digest.step()
    await world.ask(f"revoke <#{world.releases.id}|releases>")
    await world.settle()
    said = [*cards(world), *world.slack.messages(world.releases, cards(world)[0].ts)]
    assert len(said) > 1
    assert "Eva" not in str([message.saved() for message in said])


@on_sqlite
async def test_a_report_that_has_ended_is_not_posted(world: Environment) -> None:
    ready(world)
    await world.start()
    await world.ask("downloads courier every:daily@09:00")
    at = datetime.now(UTC) - timedelta(seconds=1)
    execute(
        world, f"UPDATE scheduled_reports SET due_at = {micros(at)}, reported_until = {micros(at - timedelta(days=1))}"
    )
    await world.bot.digest.step()
    await world.ask("unsubscribe d1")
    await world.settle()
    assert cards(world) == []


@on_sqlite
async def test_a_watch_from_its_channel_goes_on(world: Environment) -> None:
    """The link of an app that is kept to a channel goes to who asked for it there."""
    secret = world.slack.channel("secret", members=(world.bruno,))
    await world.start()
    await world.ask(f"grant <#{secret.id}|secret> app:courier")
    build = ready(world, status="in_progress")
    await world.ask("watch courier", user=world.bruno, channel=secret)
    world.applivery.move(build, "processed")
    await look(world)
    assert mints(world) == 1
    assert paused(world, world.bruno) == []


@on_sqlite
async def test_a_paused_watch_says_nothing_of_its_build(world: Environment) -> None:
    await world.start()
    build = ready(world, status="pending")
    await world.ask("watch courier", user=world.bruno)
    await look(world)
    progress = directs(world, world.bruno)[0]
    secret = world.slack.channel("secret")
    await world.ask(f"grant <#{secret.id}|secret> app:courier")
    world.applivery.move(build, "in_progress")
    await look(world)
    assert progress.text == "Your watch of Courier 2.4.0 (173) for iOS is paused."
    await world.slack.home(world.bruno)
    await world.slack.until(lambda: world.slack.home_of(world.bruno))
    assert "being processed" not in str(world.slack.home_of(world.bruno).payload)
    await press(world.slack, progress, "Stop watching", user=world.bruno)
    await rested(world)
    assert (await world.bot.store.run(build_watches.list_watched_builds, world.bruno.id)) == []
