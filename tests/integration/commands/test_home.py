"""The Home tab: what somebody got, watches, asked for and may do; each button does there what it does elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from bot.db import build_waiters, build_watches, subscriptions
from bot.domain.model import BuildEvent, Role
from sandbox.faults import Fault
from sandbox.slack import FakeUser, FakeView
from tests.conftest import Environment
from tests.support.everything import away
from tests.support.handing import directs, ready, rested, seen
from tests.support.seeing import LINK, controls, labels, press

EMPTY = ("Watch the newest build", "How to subscribe")
ADMIN_S = ("Get a build", "Upload a build", "Downloads", "All subscriptions", "Help", "Refresh")
NOTE = "The answer is in the *Messages* tab"
SILENT = Fault(status=500, error="no")


async def opened(world: Environment, user: FakeUser) -> FakeView:
    """Somebody's Home, as it is after they opened it."""
    turn = await world.slack.home(user)
    assert turn.acked
    await rested(world)
    home = world.slack.home_of(user)
    assert home
    return home


async def pressed(world: Environment, home: Any, label: str, *, user: FakeUser, nth: int = 0) -> None:
    """Press a button in a Home, and wait for all that follows."""
    await press(world.slack, home, label, user=user, nth=nth)
    await rested(world)


def headings(home: Any) -> list[str]:
    """What the parts of a Home are called."""
    return [block["text"]["text"] for block in home.blocks if block["type"] == "header"]


async def grant(world: Environment, user: FakeUser, role: str) -> None:
    """Give somebody a role."""
    await world.ask(f"grant <@{user.id}|{user.handle}> {role}")


# ------------------------------------------------------------------ builds


async def test_home_shows_received_builds_first_newest_on_top(world: Environment) -> None:
    ready(world)
    ready(world, version="2.5.0", number="180")
    ready(world, version="2.6.0", number="190")
    await world.start()
    for which in ("2.5.0", "2.4.0"):
        await world.ask(f"get courier {which}", user=world.bruno)
    home = await opened(world, world.bruno)
    assert headings(home)[0] == "Your recent builds"
    text = seen(home)
    assert text.index("Courier 2.4.0 (173) for iOS") < text.index("Courier 2.5.0 (180) for iOS")
    assert "2.6.0" not in text
    assert text.count("✅ ready · you got a link") == 2
    assert labels(home).count("Get build") == 2


async def test_home_without_received_builds_shows_newest_of_all_apps(world: Environment) -> None:
    driver = world.applivery.app("Driver")
    ready(world)
    world.applivery.build(driver, version="9.0.0", os="android", status="pending")
    await world.start()
    home = await opened(world, world.bruno)
    assert headings(home)[0] == "Newest builds"
    assert "Driver 9.0.0 (1) for Android*\n⏳ waiting to be processed" in seen(home)
    assert "Courier 2.4.0 (173) for iOS*\n✅ ready" in seen(home)
    assert {"Get build", "Status"} <= set(labels(home))


async def test_a_build_that_cannot_be_had_says_so_and_has_no_get(world: Environment) -> None:
    build, gone = ready(world), ready(world, version="2.5.0", number="180")
    await world.start()
    await world.ask("get courier 2.4.0", user=world.bruno)
    await world.ask("get courier 2.5.0", user=world.bruno)
    await world.ask('recall courier 2.4.0 "crash on login"')
    world.applivery.delete(gone)
    home = await opened(world, world.bruno)
    assert "⛔ recalled: crash on login" in seen(home)
    assert "Get build" not in labels(home)
    assert "2.5.0" not in seen(home), "it is not there any more"
    assert home.element("status.v1")["value"].endswith(build.id)


async def test_home_link_comes_by_dm_and_home_says_where(world: Environment) -> None:
    ready(world)
    await world.start()
    home = await opened(world, world.bruno)
    await pressed(world, home, "Get build", user=world.bruno)
    (message,) = directs(world, world.bruno)
    assert LINK.search(message.text)
    assert NOTE in seen(home)
    assert headings(home)[0] == "Your recent builds", "and it is one of those now"
    shown = [*home.history, home.payload]
    assert not LINK.search(repr(shown)), "a Home stays, a link does not belong there"
    again = await opened(world, world.bruno)
    assert NOTE not in seen(again)


async def test_home_hides_channel_bound_app_elsewhere(world: Environment) -> None:
    world.applivery.app("Driver")
    ready(world)
    await world.start()
    await world.ask("get courier", user=world.bruno)
    await world.ask(f"grant <#{world.releases.id}|releases> app:courier")
    home = await opened(world, world.bruno)
    assert "Courier" not in seen(home)
    assert "Apps: Driver." in seen(home)


# ------------------------------------------------------------------ watches


async def test_home_shows_watched_build_until_stopped(world: Environment) -> None:
    ready(world, version="3.0.0", number="300", status="in_progress")
    await world.start()
    await world.ask("watch courier", user=world.bruno)
    await world.look()
    home = await opened(world, world.bruno)
    assert "*Courier 3.0.0 (300) for iOS* · ⏳ being processed" in seen(home)
    await pressed(world, home, "Stop", user=world.bruno)
    assert "Stop" not in labels(home), "it is shown anew"
    assert NOTE in seen(home)
    assert "Stopped watching Courier 3.0.0" in directs(world, world.bruno)[-1].text
    assert await world.bot.store.run(build_watches.list_watched_builds, world.bruno.id) == []


async def test_a_watched_build_is_in_the_state_it_was_last_seen_in(world: Environment) -> None:
    build = ready(world, version="3.0.0", number="300", status="pending")
    await world.start()
    await world.ask("watch courier", user=world.bruno)
    world.applivery.move(build, "in_progress")
    await world.look()
    ((known, place),) = await world.bot.store.run(build_watches.list_watched_builds, world.bruno.id)
    assert place == world.releases.id
    assert known.stage.name == "RUNNING"
    world.applivery.move(build, "processed")
    await world.look()
    assert await world.bot.store.run(build_watches.list_watched_builds, world.bruno.id) == [], (
        "who was told watches no more"
    )


# ------------------------------------------------------------------ subscriptions


async def test_home_lists_own_subscriptions_of_all_channels(world: Environment) -> None:
    await world.start()
    await grant(world, world.bruno, "releaser")
    qa = world.slack.channel("qa", members=(world.ana, world.bruno))
    await world.ask("subscribe courier", user=world.bruno)
    await world.ask("subscribe courier on:failed", user=world.bruno, channel=qa)
    await world.ask("subscribe *", user=world.ana, channel=qa)
    text = seen(await opened(world, world.bruno))
    assert f"<#{world.releases.id}> · *Courier*" in text
    assert f"<#{qa.id}> · *Courier* · failed builds" in text
    assert "every app" not in text.partition("Your access")[0], "somebody else made that one"


async def test_home_own_subscription_edit_mute_test_and_remove(world: Environment) -> None:
    ready(world)
    await world.start()
    await grant(world, world.bruno, "releaser")
    await world.ask("subscribe courier", user=world.bruno)
    home = await opened(world, world.bruno)
    turn = await press(world.slack, home, "Edit", user=world.bruno)
    form = await turn.view()
    await world.slack.submit(form, {"subscribe.on": {"subscribe.on": ["failed"]}}, user=world.bruno)
    await rested(world)
    assert "failed builds" in seen(home)
    assert "*Updated Courier in" in directs(world, world.bruno)[-1].text
    await pressed(world, home, "Mute", user=world.bruno)
    await press(world.slack, directs(world, world.bruno)[-1], "1 hour", user=world.bruno)
    await rested(world)
    assert "muted until" in seen(await opened(world, world.bruno))
    await pressed(world, home, "Test", user=world.bruno)
    await press(world.slack, directs(world, world.bruno)[-1], "Post to #releases", user=world.bruno)
    await rested(world)
    assert world.said()[-1].startswith("*Test:*")
    await pressed(world, home, "Unsubscribe", user=world.bruno)
    assert "from Courier.*" in directs(world, world.bruno)[-1].text
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []
    assert "You haven't subscribed any channel." in seen(home)


@pytest.mark.parametrize("how", ["not mine", "left", "nothing there"])
async def test_home_subscription_of_another_user_changed_only_by_admin(world: Environment, how: str) -> None:
    await world.start()
    await grant(world, world.bruno, "releaser")
    maker = world.ana if how == "not mine" else world.bruno
    await world.ask("subscribe courier", user=maker)
    (subscription,) = await world.bot.store.run(subscriptions.list_subscriptions)
    await world.ask("subscribe *", user=world.bruno, channel=world.slack.channel("qa", members=(world.bruno,)))
    home = await opened(world, world.bruno)
    if how == "left":
        world.releases.members.remove(world.bruno.id)
    number = 4711 if how == "nothing there" else subscription.id
    for element in (part for _, part in home.elements() if part["type"] == "overflow"):
        for option in element["options"]:
            if option["value"].startswith("unsubscribe.v1"):
                option["value"] = f"unsubscribe.v1 {world.releases.id}/{number}"
    await pressed(world, home, "Unsubscribe", user=world.bruno)
    assert "Only admins can" in directs(world, world.bruno)[-1].text
    assert subscription in await world.bot.store.run(subscriptions.list_subscriptions)


async def test_home_maker_may_end_subscription_where_bot_is_out(world: Environment) -> None:
    place = world.slack.channel("hidden", private=True, members=(world.bruno,))
    await world.start()
    await grant(world, world.bruno, "releaser")
    await world.ask("subscribe courier", user=world.bruno, channel=place)
    home = await opened(world, world.bruno)
    await world.slack.remove(place, world.ana)
    await pressed(world, home, "Unsubscribe", user=world.bruno)
    assert await world.bot.store.run(subscriptions.list_subscriptions) == []


# ------------------------------------------------------------------ roles, and what is empty


@pytest.mark.parametrize(
    ("role", "buttons"),
    [
        ("member", ["Get a build", "Help", "Refresh", "Watch the newest build"]),
        (
            "releaser",
            ["Get a build", "Upload a build", "Help", "Refresh", *EMPTY],
        ),
        (
            "manager",
            ["Get a build", "Upload a build", "Downloads", "Help", "Refresh", *EMPTY],
        ),
        (
            "admin",
            [*ADMIN_S, *EMPTY, "Bot health"],
        ),
    ],
)
async def test_home_empty_section_has_one_button_and_role_actions(
    world: Environment, role: str, buttons: list[str]
) -> None:
    await world.start()
    await grant(world, world.bruno, role)
    home = await opened(world, world.bruno)
    assert labels(home) == buttons
    assert f"You're *{role}* for all apps" in seen(home)
    assert "Apps: Courier." in seen(home)
    assert ("Everything works" in seen(home)) == (role == "admin")
    for number, label in enumerate(buttons):
        if label != "Refresh":
            await pressed(world, home, label, user=world.bruno, nth=buttons[:number].count(label))
    assert not [message.text for message in directs(world, world.bruno) if "went wrong" in message.text]


async def test_a_role_for_one_app_is_named_with_it(world: Environment) -> None:
    await world.start()
    await world.ask(f"grant <@{world.bruno.id}|bruno> manager app:courier")
    home = await opened(world, world.bruno)
    assert "*manager* for Courier" in seen(home)
    assert "Downloads" in labels(home)


async def test_home_downloads_form_answered_once_in_dm(world: Environment) -> None:
    build = ready(world)
    world.applivery.download(build, world.applivery.member(first="Eva", last="Ruiz"))
    world.applivery.app("Driver")
    await world.start()
    home = await opened(world, world.ana)
    form = await (await press(world.slack, home, "Downloads", user=world.ana)).view()
    await world.slack.submit(form, {"downloads.app": {"downloads.app": world.courier.id}}, user=world.ana)
    await rested(world)
    top = [message for message in directs(world, world.ana) if not message.thread_ts]
    assert len(top) == 1, [message.text for message in top]
    assert "1 download" in top[0].text
    assert NOTE in seen(home)


async def test_home_with_much_content_stays_within_100_blocks(world: Environment) -> None:
    for number in range(40):
        world.applivery.app(f"App {number:02}")
        ready(world, version=f"1.{number}", number=f"{number}", status="pending")
    await world.start()
    store, me = world.bot.store, world.ana.id
    for number in range(40):
        about = {"app_id": f"{number:024x}", "app_name": "x" * 500, "query": "", "events": (BuildEvent.FAILED,)}
        await store.run(subscriptions.add_subscription, team_id="T", channel_id=f"C{number}", created_by=me, **about)
    for build in await world.bot.dispatcher.services.apps.builds(
        await world.bot.dispatcher.services.apps.app("courier")
    ):
        await store.run(build_waiters.add_waiter, build, "T", me)
    home = await opened(world, world.ana)
    assert len(home.blocks) <= 100
    assert "and 21 more. To find an app by name, press *Get a build*." in seen(home)
    stops, edits = values(home, "unwatch.v1"), values(home, "edit.v1")
    for _ in range(3):  # to the end of the one list, then of the other: each stays where it is
        await pressed(world, home, "More", user=world.ana)
        stops |= values(home, "unwatch.v1")
    for _ in range(3):
        await pressed(world, home, "More", user=world.ana)
        edits |= values(home, "edit.v1")
        assert len(home.blocks) <= 100
    assert (len(stops), len(edits)) == (40, 40)
    assert "More" not in labels(home)


def values(home: FakeView, action: str) -> set[str]:
    """What the buttons and menu items with this action carry."""
    return {control.value for control in controls(home) if control.action == action}


# ------------------------------------------------------------------ when something is away


async def test_without_applivery_the_rest_is_shown_and_that_is_said(world: Environment) -> None:
    ready(world, version="3.0.0", number="300", status="pending")
    await world.start()
    await world.ask("watch courier")
    await world.ask("subscribe courier")
    await world.restart()
    world.applivery.faults.add("GET /v1/*", SILENT, times=None)
    home = await opened(world, world.ana)
    assert "Can't show builds now: Applivery" in seen(home)
    shown = [label for label in labels(home) if label in ("Try again", "Stop", "Edit")]
    assert shown == ["Try again", "Stop", "Edit"]
    assert "Courier 3.0.0 (300)" in seen(home)
    assert "*Courier* · ready and failed builds" in seen(home)
    assert "⚠️ *Applivery* · " in seen(home)
    world.applivery.faults.clear()
    await pressed(world, home, "Try again", user=world.ana)
    assert "Newest builds" in headings(home)


async def test_home_without_database_says_so_and_offers_retry(world: Environment) -> None:
    ready(world)
    await world.start()
    for table in ("audit", "build_waiters", "subscriptions"):
        with away(world, table):
            home = await opened(world, world.bruno)
            assert "database" in seen(home)
            assert labels(home) == ["Try again"]
        await pressed(world, home, "Try again", user=world.bruno)
        assert headings(home)
    assert directs(world, world.bruno) == [], "who only looked is not written to"


async def test_home_explains_refusal_to_unauthorised_user(world: Environment) -> None:
    await world.start()
    guest = world.slack.user("gus", guest=True)
    home = await opened(world, guest)
    assert "Guests can only use apps" in seen(home)
    assert directs(world, guest) == []


async def test_home_is_in_language_of_opener(world: Environment) -> None:
    ready(world)
    await world.start()
    lucia = world.slack.user("lucia", locale="es-ES")
    home = await opened(world, lucia)
    assert headings(home) == ["Compilaciones más recientes", "Siguiendo", "Tu acceso"]
    await opened(world, world.ana)
    assert headings(world.slack.home_of(world.ana))[0] == "Newest builds"


def test_home_requires_only_member() -> None:
    from bot.commands.home import home

    (entry,) = home.entries  # type: ignore[attr-defined]
    assert entry.required_role is Role.MEMBER


async def test_the_newest_builds_are_of_whichever_app(world: Environment) -> None:
    for number in range(12):
        world.applivery.build(world.applivery.app(f"App {number:02}"), version="1.0.0", created_at=1.7e9 + number)
    world.applivery.build(world.applivery.app("Zebra"), version="9.9.9", created_at=1.7e9 + 99)
    await world.start()
    home = await opened(world, world.ana)
    assert "Zebra 9.9.9" in seen(home)
    assert "App 11 1.0.0" in seen(home)
    assert "App 00" not in seen(home).partition("Watching")[0]
