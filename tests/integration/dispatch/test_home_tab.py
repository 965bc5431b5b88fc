"""How the Home tab gets to Slack: fresh each time, never an older one over a newer one, and nothing else is said."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.dispatch.home_tab import HomeTab
from bot.dispatch.requests import RequestSource
from bot.domain.audit import Entrypoint
from bot.exceptions import SlackError
from bot.slack import blocks
from bot.slack.blocks import HomeView
from bot.slack.manifest import manifest
from bot.slack.scopes import EVENTS
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.handing import directs, ready, rested, seen
from tests.support.seeing import press


@pytest.fixture(params=["socket", "http"])
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Both ways in."""
    return {} if request.param == "socket" else {"slack_app_token": None}


def published(world: Environment) -> list[str]:
    """How each publishing ended."""
    return [(call.answer or {}).get("error", "ok") for call in world.slack.calls_of("views.publish")]


async def test_home_is_rendered_anew_at_each_opening(world: Environment, way: dict[str, Any]) -> None:
    world.slack.subscribed = set(EVENTS)
    await world.start(**way)
    await world.slack.home(world.bruno)
    await rested(world)
    ready(world)
    await world.slack.home(world.bruno)
    await rested(world)
    assert "Courier 2.4.0" in seen(world.slack.home_of(world.bruno))
    assert published(world) == ["ok", "ok"]
    first, second = world.slack.calls_of("views.publish")
    assert "hash" not in first.args
    assert second.args["hash"], "what it replaces is named"


async def test_the_manifest_has_the_tab_and_hears_when_it_is_opened() -> None:
    it = manifest(command="/applivery", public_url=None, socket_mode=True, shortcuts=())
    assert it["features"]["app_home"]["home_tab_enabled"] is True
    assert "app_home_opened" in it["settings"]["event_subscriptions"]["bot_events"]


async def test_home_event_of_other_tab_is_ignored(world: Environment) -> None:
    await world.start()
    looks: list[str] = []
    world.bot.dispatcher._on_channel_change = looks.append
    turn = await world.slack.home(world.bruno, "messages")
    await rested(world)
    assert turn.acked
    assert looks == []
    assert published(world) == []
    assert directs(world, world.bruno) == []


async def test_when_another_home_came_meanwhile_it_is_made_anew(world: Environment) -> None:
    await world.start()
    await world.slack.home(world.bruno)
    await rested(world)
    home = world.slack.home_of(world.bruno)
    event = {"type": "app_home_opened", "tab": "home", "user": world.bruno.id, "view": {"hash": home.hash}}
    for _ in range(2):  # the second names one that has been replaced
        await world.slack.event(event)
        await rested(world)
    assert published(world) == ["ok", "ok", "hash_conflict", "ok"]


async def test_home_click_on_outdated_view_changes_the_newest(world: Environment) -> None:
    ready(world)
    await world.start()
    await world.slack.home(world.bruno)
    await rested(world)
    home = world.slack.home_of(world.bruno)
    old = home.hash
    await world.slack.home(world.bruno)
    await rested(world)
    now, home.hash = home.hash, old
    turn = await press(world.slack, home, "Get build", user=world.bruno)
    home.hash = now
    await rested(world)
    assert turn.acked
    assert published(world)[-2:] == ["hash_conflict", "ok"]
    assert "Your recent builds" in seen(home)


async def test_home_other_slack_refusal_is_not_retried_or_told(world: Environment) -> None:
    """The user gets no direct message about it."""
    await world.start()
    world.slack.workspace.home_enabled = False
    await world.slack.home(world.bruno)
    await rested(world)
    assert set(published(world)) == {"not_enabled"}
    assert directs(world, world.bruno) == []


async def test_home_not_shown_after_click_answer_still_comes(world: Environment) -> None:
    ready(world)
    await world.start()
    await world.slack.home(world.bruno)
    await rested(world)
    home = world.slack.home_of(world.bruno)
    world.slack.faults.add("views.publish", Fault(error="fatal_error"), times=None)
    await press(world.slack, home, "Get build", user=world.bruno)
    await rested(world)
    assert len(directs(world, world.bruno)) == 1


async def test_home_duplicate_event_shows_home_and_posts_nothing(world: Environment) -> None:
    await world.start()
    event = {"type": "app_home_opened", "tab": "home", "user": world.bruno.id, "channel": "D1"}
    await world.slack.event(event, retries=2, event_id="Ev1")
    await rested(world)
    assert set(published(world)) == {"ok"}
    assert directs(world, world.bruno) == []


class Publisher:
    """A poster that writes down what it is to publish, and refuses the first when asked to."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.shown: list[tuple[str, str | None]] = []

    async def publish_home(self, user: str, home: HomeView, *, known: str | None = None) -> None:
        """As SlackClient.publish_home."""
        await asyncio.sleep(0)
        if self.refusals:
            raise SlackError(code=self.refusals.pop(0))
        self.shown.append((home.blocks[-1]["text"]["text"], known))


CAME = RequestSource(Entrypoint.HOME, "U", None, from_home=True, home_hash="h")


async def test_for_one_person_one_home_is_made_after_the_other() -> None:
    poster, facts, going = Publisher(), iter("ab"), 0

    async def make(_: RequestSource) -> HomeView:
        nonlocal going
        going += 1
        await asyncio.sleep(0)
        assert going == 1, "an older one could come after a newer one"
        going -= 1
        return HomeView((blocks.section(next(facts)),))

    tab = HomeTab(poster, make)  # type: ignore[arg-type]
    await asyncio.gather(tab.show(CAME), tab.show(CAME))
    assert [what for what, _ in poster.shown] == ["a", "b"]


async def test_after_a_conflict_the_facts_are_asked_for_again() -> None:
    poster, facts = Publisher("hash_conflict"), iter("ab")

    async def make(_: RequestSource) -> HomeView:
        return HomeView((blocks.section(next(facts)),))

    await HomeTab(poster, make).show(CAME)  # type: ignore[arg-type]
    assert poster.shown == [("b", None)]


async def test_a_bug_in_it_spoils_no_answer() -> None:
    async def broken(_: RequestSource) -> HomeView:
        raise ValueError("no")

    await HomeTab(Publisher(), broken).refresh_after_action(CAME)  # type: ignore[arg-type]


async def test_home_says_that_one_can_write_to_the_bot(world: Environment) -> None:
    await world.start()
    await world.slack.home(world.bruno)
    await rested(world)
    assert "Or type it in *Messages*: `get courier`" in seen(world.slack.home_of(world.bruno))


async def test_home_promises_no_messages_that_do_not_arrive(world: Environment) -> None:
    world.slack.scopes = world.slack.scopes - {"im:history"}
    await world.start()
    await world.slack.home(world.bruno)
    await rested(world)
    assert "write to me" not in seen(world.slack.home_of(world.bruno))
