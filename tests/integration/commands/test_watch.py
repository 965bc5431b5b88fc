"""`watch`: which build is meant, what is answered where, and how it is stopped."""

from __future__ import annotations

import pytest

from bot.db import app_polls, build_watches
from bot.domain.model import Stage
from bot.slack.views import builds
from sandbox.faults import Fault
from tests.conftest import Environment
from tests.support.handing import direct, directs, downloaded, ends_once_asked, ready, rested, said, seen
from tests.support.seeing import labels, link, press
from tests.support.watching import TITLE, earlier, on_its_way, versions, watched

KEEP_POSTED = f"Watching {TITLE}"

BEING_PROCESSED = builds.STAGE_WORDS[Stage.RUNNING]


@pytest.fixture
def world(database: str, world: Environment) -> Environment:
    """On each kind of database: what is promised is what it remembers."""
    world.database = database
    return world


async def test_watch_answer_names_place_and_usual_duration(world: Environment) -> None:
    await world.start()
    earlier(world)
    on_its_way(world)
    answer = await world.ask("watch courier", user=world.bruno)
    assert answer.ephemeral_to == world.bruno.id
    assert answer.text == f"{KEEP_POSTED} (usually about 8 min). I'll DM you when it's ready or fails."
    assert labels(answer) == ["Stop watching"]


async def test_watch_without_estimate_says_so(world: Environment) -> None:
    await world.start()
    earlier(world, os="android")
    on_its_way(world)
    answer = await world.ask("watch courier os:ios", user=world.bruno)
    assert answer.text == f"{KEEP_POSTED}. I'll DM you when it's ready or fails."


async def test_watch_works_without_list_of_earlier_builds(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    world.applivery.faults.add("GET /v1/organizations/*/builds", Fault(status=500), times=10)
    assert (await world.ask(f"watch {build.id}")).text.startswith(f"{KEEP_POSTED}. ")


async def test_the_progress_message_is_private_and_has_the_way_out(world: Environment) -> None:
    await world.start()
    earlier(world)
    on_its_way(world)
    message = await watched(world)
    assert message.text == f"{TITLE}: {BEING_PROCESSED} · about 8 min left (usually 8 min)"
    assert labels(message) == ["Stop watching", "Open in Applivery"]
    assert message.ephemeral_to is None
    assert directs(world, world.ana) == []
    assert world.slack.messages(world.releases) == []


@pytest.mark.parametrize("typed", ["watch courier", "watch", "watch latest", "watch Latest", "watch courier latest"])
async def test_watch_means_newest_build_of_any_stage(world: Environment, typed: str) -> None:
    await world.start()
    ready(world, version="2.3.0", number="160")
    on_its_way(world, status="pending")
    assert (await watched(world, typed)).text.startswith(f"{TITLE}: ⏳ waiting to be processed")


@pytest.mark.parametrize("typed", ["watch courier 2.4.0", "watch courier #173", "watch {id}", "watch courier os:ios"])
async def test_a_build_can_be_named_like_everywhere(world: Environment, typed: str) -> None:
    await world.start()
    build = on_its_way(world)
    on_its_way(world, version="2.5.0", number="180", os="android")
    assert (await watched(world, typed.format(id=build.id))).text.startswith(TITLE)


async def test_latest_of_several_apps_asks_which(world: Environment) -> None:
    await world.start()
    on_its_way(world)
    world.applivery.app("Driver")
    answer = await world.ask("watch latest", user=world.bruno)
    assert labels(answer) == ["Courier", "Driver"]
    assert (await said(await press(world.slack, answer, "Courier", user=world.bruno))).startswith(KEEP_POSTED)


async def test_latest_alone_means_the_only_app_to_other_commands_too(world: Environment) -> None:
    await world.start()
    ready(world)
    assert link(await world.ask("get latest"))
    assert "ready" in (await world.ask("status latest")).text


@pytest.mark.parametrize(("status", "words"), [("processed", "✅ ready"), ("error", "❌ failed")])
async def test_watch_ended_build_is_told_and_not_watched(world: Environment, status: str, words: str) -> None:
    await world.start()
    ready(world, status=status, error="No valid signing block" if status == "error" else None)
    answer = await world.ask("watch courier", user=world.bruno)
    assert words in answer.text
    assert ("No valid signing block" in answer.text) == (status == "error")
    assert await world.bot.store.run(app_polls.list_watched_apps) == set()
    assert await world.bot.progress.step() is None
    assert directs(world, world.bruno) == []


async def test_watch_build_ends_while_saving_is_told_at_once(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    asked = ends_once_asked(world, build)
    assert "✅ ready" in (await world.ask(f"watch {build.id}", user=world.bruno)).text
    assert len(asked) == 2
    await world.look()
    assert directs(world, world.bruno) == []


async def test_watch_unknown_build_app_or_permission_as_everywhere(world: Environment) -> None:
    await world.start()
    assert "Courier has no builds yet." in (await world.ask("watch courier")).text
    assert "no app called" in (await world.ask("watch nothing")).text
    world.bruno.guest = True
    assert "guests" in (await world.ask("watch courier", user=world.bruno)).text.casefold()


# ------------------------------------------------------------------ its buttons


async def test_a_status_card_offers_to_watch(world: Environment) -> None:
    await world.start()
    on_its_way(world)
    card = await world.ask("status courier", user=world.bruno)
    answer = await (await press(world.slack, card, "Watch", user=world.bruno)).answer()
    assert answer is card
    assert answer.text.startswith(KEEP_POSTED)
    await world.look()
    assert (await direct(world, world.bruno)).text.startswith(TITLE)


async def test_watch_twice_has_one_message(world: Environment) -> None:
    await world.start()
    on_its_way(world)
    await watched(world)
    answer = await world.ask("watch courier", user=world.bruno)
    assert answer.text == f"You're already watching {TITLE}. I'll DM you when it's ready or fails."
    await world.look()
    assert len(directs(world, world.bruno)) == 1


async def test_watch_stopped_sends_nothing_more(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    message = await watched(world)
    await press(world.slack, message, "Stop watching", user=world.bruno)
    await rested(world)
    assert message.text == f"Stopped watching {TITLE}."
    await world.look()
    assert await world.bot.store.run(app_polls.list_watched_apps) == set()
    assert await world.bot.store.run(build_watches.watch_due_in) is None
    world.applivery.move(build, "processed")
    await world.look()
    assert directs(world, world.bruno) == [message]
    assert message.text == f"Stopped watching {TITLE}."


async def test_watch_can_be_resumed_after_stop(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    first = await watched(world)
    await press(world.slack, first, "Stop watching", user=world.bruno)
    await rested(world)
    await press(world.slack, first, "Watch again", user=world.bruno)
    await rested(world)
    await world.look()
    assert first.text.startswith(KEEP_POSTED)
    second = directs(world, world.bruno)[1]
    assert labels(second) == ["Stop watching", "Open in Applivery"]
    world.applivery.move(build, "processed")
    await world.look()
    assert "✅ Ready" in second.text
    assert await downloaded(directs(world, world.bruno)[2]) == 200


async def test_watch_stopped_by_one_user_continues_for_other(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    mine, hers = await watched(world), await watched(world, user=world.ana)
    await press(world.slack, mine, "Stop watching", user=world.bruno)
    await rested(world)
    world.applivery.move(build, "processed")
    await world.look()
    assert "✅ Ready" in hers.text
    assert link(directs(world, world.ana)[1])
    assert len(directs(world, world.bruno)) == 1


async def test_watch_progress_message_shortcut_gets_build(world: Environment) -> None:
    await world.start()
    build = on_its_way(world)
    message = await watched(world)
    world.applivery.move(build, "processed")
    turn = await world.slack.shortcut("get_build", user=world.bruno, message=message)
    assert link(await turn.answer())


async def test_names_from_outside_are_inert_in_every_version(world: Environment) -> None:
    await world.start()
    build = on_its_way(world, version="<!channel> *2*", number="<@U1>")
    message = await watched(world)
    world.applivery.fail(build, "<!here> & <https://evil.test|click>")
    await world.look()
    for text in (
        *versions(message),
        seen(message),
        *(each_message.text for each_message in directs(world, world.bruno)),
    ):
        assert "<!channel>" not in text
        assert "<!here>" not in text
        assert "<@U1>" not in text
        assert "<https://evil.test" not in text
