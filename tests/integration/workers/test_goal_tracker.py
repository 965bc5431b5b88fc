"""A goal: counted as `missing:` counts, each person asked once a day at most, ended once, whatever dies in between."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.app import running
from bot.db import audit, audit_reports, goals, history, outbox
from bot.db.types import micros
from bot.domain import goals as decisions
from bot.domain.audit import AuditAction
from bot.domain.goals import Goal
from bot.domain.states import GoalState
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.integration.commands.test_missing import crew, mention, to
from tests.integration.workers.conftest import on_postgresql
from tests.support.everything import execute
from tests.support.seeing import press
from tests.support.stopping import check_due_after_stop
from tests.unit.domain.test_goals import GOAL as GONE

POST, ROWS = "chat.postMessage", "GET */downloads/by-user"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first people are asked at once, on any day of the week."""
    monkeypatch.setattr(decisions, "UNDO_SECONDS", 0.0)
    monkeypatch.setattr(decisions, "WEEKEND", 7)


LAST_DAY = "goal courier 2.4.0 75% of {place} by 1h"  # all are asked at once


def noon() -> str:
    """A time zone in which it is about noon now."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "UTC"


def midnight() -> str:
    """A time zone in which it is about midnight now."""
    behind = datetime.now(UTC).hour
    return f"Etc/GMT{behind:+d}" if behind <= 12 else f"Etc/GMT{behind - 24:+d}"


async def begun(world: Environment, sentence: str = LAST_DAY, **settings: Any) -> Any:
    """A goal for @qa: Eva has 2.4.0; Zoe, Bruno and a guest have not, and it is noon for all of them."""
    world.tuning = replace(
        world.tuning, lease_seconds=2.2, slack_seconds=2.0
    )  # Slack is asked about all of them at once
    await world.start(**settings)
    group, zoe = await crew(world)
    for user in world.slack.users.values():
        user.tz = noon()
    world.bot.dispatcher.services.access._people._entries.clear()
    answer = await world.ask(sentence.format(place=mention(group)))
    assert "*Goal started.*" in answer.text, answer.text
    await world.settle()
    return group, zoe


def downloaded(world: Environment, *people: Any) -> None:
    for person in people:
        world.applivery.download(world.applivery.builds[-1], world.applivery.member(email=person.email))


def due(world: Environment, **changes: int) -> None:
    """Now it is counted; some of its columns are as given."""
    now = micros(datetime.now(UTC))
    values = {"due_at": now - 1, "lease_until": 0, **changes}
    execute(world, f"UPDATE goals SET {', '.join(f'{name} = {value}' for name, value in values.items())}")


def overdue(world: Environment, by: timedelta = timedelta(seconds=1)) -> None:
    """Its deadline has passed, so long ago."""
    due(world, deadline=micros(datetime.now(UTC) - by), created_at=micros(datetime.now(UTC) - by - DAY))


def another_day(world: Environment) -> None:
    """What was asked today was asked yesterday."""
    for table, column in (("goal_requests", "asked_at"), ("nudges", "sent_at")):
        execute(world, f"UPDATE {table} SET {column} = {column} - {86_400_000_000}")
    execute(world, "UPDATE goal_requests SET day = 'yesterday ' || day")
    execute(world, "UPDATE outbox SET build_id = build_id || ' yesterday' WHERE channel_id LIKE 'U%'")


async def count(world: Environment) -> None:
    """Let the clock tick for goals, and for what is to be said."""
    await world.bot.goals.step()
    await world.settle()


def said(world: Environment, channel: Any = None) -> list[FakeMessage]:
    return [message for message in world.slack.messages(channel or world.releases) if message.bot_id]


async def stored(world: Environment) -> Goal:
    found = await world.bot.store.run(goals.get_goal, 1)
    assert found is not None
    return found


# ------------------------------------------------------------------ the count


async def test_goal_count_equals_what_missing_says(world: Environment) -> None:
    group, zoe = await begun(world)
    downloaded(world, zoe)
    due(world)
    await count(world)
    [card] = said(world)
    assert "2 of 4 have it (50%) · 1 to go" in card.text
    answer = await world.ask(f"downloads courier 2.4.0 missing:{mention(group)}")
    assert "*2 of 4 people*" in answer.text
    group.users.remove(zoe.id)
    world.bot.dispatcher.services.access._groups._entries.clear()
    due(world)
    await count(world)
    assert "1 of 3 have it" in said(world)[0].text, "today's members count"


async def test_goal_is_counted_soon_after_a_link(world: Environment) -> None:
    _, zoe = await begun(world)
    due(world)
    await count(world)
    [request] = to(world, zoe)
    await count(world)
    edits = len(world.slack.calls_of("chat.update"))
    await (await press(world.slack, request, "Get it for iOS", user=zoe)).answer()
    await count(world)
    assert len(world.slack.calls_of("chat.update")) == edits, "it takes a while to download"
    downloaded(world, zoe)
    execute(world, f"UPDATE audit SET at = at - {31_000_000}")
    execute(world, f"UPDATE goal_samples SET at = at - {40_000_000}")
    await count(world)
    assert "2 of 4 have it" in said(world)[0].text
    await count(world)
    assert len(world.slack.calls_of("chat.update")) == edits + 1


async def test_goal_is_counted_after_a_clock_was_set_back(world: Environment) -> None:
    _, zoe = await begun(world)
    downloaded(world, zoe)
    due(world, due_at=micros(datetime.now(UTC) + 365 * DAY))
    assert await world.bot.store.run(goals.goal_due_in) == 0
    await count(world)
    assert "2 of 4 have it" in said(world)[0].text


async def test_goal_names_no_one_in_channel(world: Environment) -> None:
    _, zoe = await begun(world)
    due(world)
    await count(world)
    everything = json.dumps([message.saved() for message in said(world)])
    for user in (zoe, world.bruno, world.slack.user("eva"), world.slack.user("gus")):
        assert user.id not in everything
        assert user.name not in everything


async def test_goal_keeps_last_count_while_applivery_is_away(world: Environment) -> None:
    _, zoe = await begun(world)
    before = said(world)[0].saved()
    world.applivery.faults.add(ROWS, Fault(status=500), times=None)
    downloaded(world, zoe)
    due(world)
    await count(world)
    assert said(world)[0].saved()["blocks"] == before["blocks"]
    overdue(world)
    await count(world)
    assert (await stored(world)).state is GoalState.RUNNING, "no wrong number ends it"
    world.applivery.faults.clear()
    due(world)
    await count(world)
    assert "Goal missed" in said(world)[-1].text
    assert "2 of 4 in @qa have Courier 2.4.0" in said(world)[-1].text


@pytest.mark.parametrize("away", ["applivery", "slack"])
async def test_goal_never_counted_again_ends_a_day_late(world: Environment, away: str) -> None:
    await begun(world)
    if away == "applivery":
        world.applivery.faults.add(ROWS, Fault(status=500), times=None)
    else:
        world.slack.faults.add("usergroups.users.list", Fault(error="fatal_error"), times=None)
        world.bot.dispatcher.services.access._groups._entries.clear()
    overdue(world, 1.1 * DAY)
    await count(world)
    assert said(world)[-1].text.endswith("without a final count: Applivery or Slack didn't answer.")
    assert (await stored(world)).state is GoalState.UNANSWERED


# ------------------------------------------------------------------ the end


@pytest.mark.parametrize(
    ("people", "line"), [(("zoe", "bruno"), "✅ *Goal reached:* 3 of 4"), ((), "❌ *Goal missed:* 1 of 4")]
)
async def test_goal_ends_with_one_line_and_is_frozen(world: Environment, people: tuple[str, ...], line: str) -> None:
    await begun(world)
    downloaded(world, *(world.slack.user(handle) for handle in people))
    if not people:
        overdue(world)
    due(world)
    await count(world)
    card, end = said(world)
    assert line.replace("*", "") in end.text
    assert line.replace("*", "") in card.text
    assert to(world, world.slack.user("zoe")) == []
    downloaded(world, world.slack.user("gus"))
    edits = len(world.slack.calls_of("chat.update"))
    for _ in range(2):
        due(world)
        await world.restart()
        await count(world)
    assert len(said(world)) == 2
    assert len(world.slack.calls_of("chat.update")) == edits


async def test_goal_of_recalled_build_ends_at_once(world: Environment) -> None:
    await begun(world)
    for build in world.applivery.builds[-2:]:
        await world.ask(f"recall {build.id} crashes at start")
    await count(world)
    assert said(world)[-1].text == "⛔ Goal ended: Courier 2.4.0 was recalled."


async def test_goal_of_deleted_build_ends(world: Environment) -> None:
    await begun(world)
    for build in list(world.applivery.builds[-2:]):
        world.applivery.delete(build)
    due(world)
    await count(world)
    assert said(world)[-1].text == "⛔ Goal ended: Courier 2.4.0 was deleted in Applivery."


async def test_goal_of_deleted_group_ends(world: Environment) -> None:
    group, _ = await begun(world)
    world.slack.usergroups.pop(group.id)
    world.bot.dispatcher.services.access._groups._entries.clear()
    due(world)
    await count(world)
    assert said(world)[-1].text == "⚠️ Goal ended: I can't see who is in @qa any more."


# ------------------------------------------------------------------ dying in between


async def dies(world: Environment, *, sent: bool) -> None:
    """The process dies with posts claimed, which have been sent or not; then another begins."""
    if sent:
        world.slack.faults.add(POST, Fault(drop_after=True), times=None)
        await world.bot.announce.step()
        await world.slack.until(lambda: world.slack.faults.fired)
        world.slack.faults.clear()
    else:
        await world.bot.store.run(outbox.commit_results_and_claim, [], 8, lease_seconds=0.1, pace_seconds=0.0)
    await world.restart()


@pytest.mark.parametrize("sent", [False, True])
async def test_goal_crash_around_last_line_says_it_once(world: Environment, sent: bool) -> None:
    await begun(world)
    overdue(world)
    await world.bot.goals.step()
    await dies(world, sent=sent)
    await count(world)
    await count(world)
    assert [message.text.startswith("❌ Goal missed") for message in said(world)] == [True, True]


@pytest.mark.parametrize("sent", [False, True])
async def test_goal_crash_between_claim_and_send_asks_once(world: Environment, sent: bool) -> None:
    _, zoe = await begun(world)
    due(world)
    await world.bot.goals.step()
    await dies(world, sent=sent)
    for _ in range(3):
        due(world)
        await count(world)
    asked = [len(to(world, user)) for user in (zoe, world.bruno)]
    assert asked == [1, 1]


@on_postgresql
async def test_two_replicas_ask_each_once_and_end_it_once(world: Environment) -> None:
    _, zoe = await begun(world)
    async with AsyncExitStack() as stack:
        bots = [
            world.bot,
            *[await stack.enter_async_context(running(world.settings(), world.tuning, jobs=False)) for _ in range(2)],
        ]
        for _ in range(2):
            due(world)
            await asyncio.gather(*(bot.goals.step() for bot in bots))
            await asyncio.gather(*(world.settle(bot) for bot in bots))
        assert [len(to(world, user)) for user in (zoe, world.bruno)] == [1, 1]
        overdue(world)
        await asyncio.gather(*(bot.goals.step() for bot in bots))
        await asyncio.gather(*(world.settle(bot) for bot in bots))
    assert ["Goal missed" in message.text for message in said(world)] == [True, True]


# ------------------------------------------------------------------ whom it asks


async def test_goal_asks_each_who_lacks_it_once_a_day(world: Environment) -> None:
    _, zoe = await begun(world)
    for _ in range(3):
        due(world)
        await count(world)
    [request] = to(world, zoe)
    assert f"<@{world.ana.id}> asks you to try *Courier 2.4.0* by " in request.text
    assert len(to(world, world.bruno)) == 1
    for handle in ("eva", "gus", "nemo"):
        assert to(world, world.slack.user(handle)) == [], handle
    turn = await press(world.slack, request, "Get it for iOS", user=zoe)
    assert "/v1/download/" in (await turn.answer()).text
    assert "2 people asked" in said(world)[0].text
    rows = await world.bot.store.run(audit.list_entries)
    assert [row.outcome for row in rows if row.action is AuditAction.NUDGE] == ["2 people"]
    another_day(world)
    due(world)
    await count(world)
    assert len(to(world, zoe)) == 2


async def test_goal_never_asks_who_opted_out(world: Environment) -> None:
    _, zoe = await begun(world)
    due(world)
    await count(world)
    [request] = to(world, zoe)
    await (await press(world.slack, request, "Don't ask me again", user=zoe)).answer()
    another_day(world)
    due(world)
    await count(world)
    assert len(to(world, zoe)) == 1
    assert len(to(world, world.bruno)) == 2


async def test_goal_opt_out_between_claim_and_send_counts(world: Environment) -> None:
    _, zoe = await begun(world)
    due(world)
    await world.bot.goals.step()
    await world.bot.dispatcher.services.nudges.opt_out(zoe.id)
    await world.settle()
    assert to(world, zoe) == []
    assert len(to(world, world.bruno)) == 1


async def test_goals_of_two_builds_ask_a_person_once(world: Environment) -> None:
    group, zoe = await begun(world)
    world.applivery.build(world.courier, version="2.5.0")
    await world.ask(f"goal courier 2.5.0 of {mention(group)} by 1d")
    for _ in range(4):
        due(world)
        await count(world)
    assert len(to(world, zoe)) == 1


async def test_goal_asks_no_one_asked_by_manager_today(world: Environment) -> None:
    _, zoe = await begun(world, "goal courier 2.4.0 75% of {place} by 1d ask:no")
    build = world.applivery.builds[-1]
    execute(
        world,
        f"INSERT INTO nudges (build_id, user_id, sent_by, sent_at) VALUES ('{build.id}', '{zoe.id}', 'U1', "
        f"{micros(datetime.now(UTC))})",
    )
    await world.bot.store.run(goals.set_asking, 1, asks=True)
    await count(world)
    assert to(world, zoe) == []
    assert len(to(world, world.bruno)) == 1


async def test_goal_asks_in_working_hours_of_each_person(world: Environment) -> None:
    _, zoe = await begun(world, "goal courier 2.4.0 75% of {place} by 2d")
    zoe.tz = midnight()
    world.bot.dispatcher.services.access._people._entries.clear()
    due(world, deadline=micros(datetime.now(UTC) + timedelta(hours=1)))
    await count(world)
    assert to(world, zoe) == []
    assert len(to(world, world.bruno)) == 1


async def test_goal_asks_a_wave_a_day(world: Environment) -> None:
    _, zoe = await begun(world, "goal courier 2.4.0 75% of {place} by 2d")
    downloaded(world)
    old = world.applivery.build(world.courier, version="2.3.0")
    world.applivery.download(old, world.applivery.member(email=zoe.email))
    for _ in range(2):
        due(world)
        await count(world)
    assert [len(to(world, user)) for user in (zoe, world.bruno)] == [1, 0], "who used the app last comes first"


async def test_goal_asks_no_one_without_access(world: Environment) -> None:
    _, zoe = await begun(world)
    zoe.guest = True
    due(world)
    await world.bot.goals.step()
    await world.settle()
    assert to(world, zoe) == []


async def test_goal_request_is_in_language_of_person(world: Environment) -> None:
    _, zoe = await begun(world)
    zoe.locale = "es-ES"
    world.bot.dispatcher.services.access._people._entries.clear()
    due(world)
    await count(world)
    [request] = to(world, zoe)
    assert "te pide que pruebes" in request.text


# ------------------------------------------------------------------ withdrawn access


async def test_goal_pauses_when_owner_loses_role_and_resumes(world: Environment) -> None:
    await world.start(access_default_role="manager")
    group, zoe = await crew(world)
    await world.ask(f"goal courier 2.4.0 75% of {mention(group)} by 1d", user=world.bruno)
    await world.settle()
    await world.restart(access_default_role="member")
    for _ in range(2):
        due(world)
        await count(world)
    [card] = said(world)
    assert "⚠️ Paused" in card.text
    assert "of 4" not in card.text
    [told] = to(world, world.bruno)
    assert told.text.startswith("⚠️ Paused: the goal for Courier 2.4.0 in ")
    assert to(world, zoe) == []
    await world.restart(access_default_role="manager")
    due(world)
    await count(world)
    assert "1 of 4 have it" in said(world)[0].text
    assert "Paused" not in said(world)[0].text


async def test_goal_of_withdrawn_owner_ends_without_a_line(world: Environment) -> None:
    await world.start(access_default_role="manager")
    group, _ = await crew(world)
    await world.ask(f"goal courier 2.4.0 75% of {mention(group)} by 1d", user=world.bruno)
    await world.settle()
    await world.restart(access_default_role="member")
    overdue(world)
    await count(world)
    [card] = said(world)
    assert "Goal ended without a final count" in card.text


async def test_goal_whose_card_was_deleted_stops_and_tells_owner(world: Environment) -> None:
    await begun(world)
    world.slack.faults.add("chat.update", Fault(error="message_not_found"))
    for _ in range(2):
        due(world)
        await count(world)
    assert (await stored(world)).state is GoalState.STOPPED
    assert [message.text for message in to(world, world.ana) if "Its card isn't there any more" in message.text]


async def test_goal_whose_card_is_refused_stops_and_tells_owner(world: Environment) -> None:
    await world.start()
    group, zoe = await crew(world)
    world.slack.faults.add(POST, Fault(error="restricted_action"))
    await world.ask(f"goal courier 2.4.0 75% of {mention(group)} by 1d", channel=world.releases)
    await world.settle()
    for _ in range(2):
        due(world)
        await count(world)
    assert (await stored(world)).state is GoalState.STOPPED
    assert len([message for message in to(world, world.ana) if "Its card isn't there" in message.text]) == 1
    assert to(world, zoe) == []


async def test_goal_keeps_requests_of_today_when_person_is_forgotten(world: Environment) -> None:
    _, zoe = await begun(world)
    due(world)
    await count(world)
    await world.bot.store.run(audit_reports.erase_person, zoe.id)
    due(world)
    await count(world)
    assert len(to(world, zoe)) == 1, "not twice a day"
    another_day(world)
    await world.bot.store.run(audit_reports.erase_person, zoe.id)
    assert zoe.id not in await world.bot.store.run(goals.count_requests, 1)


async def test_goal_is_deleted_with_its_history(world: Environment) -> None:
    await begun(world)
    overdue(world)
    await count(world)
    await world.bot.store.run(history.purge_history, 1.0)
    assert await world.bot.store.run(goals.get_goal, 1), "it ended a moment ago"
    execute(world, f"UPDATE goals SET deadline = deadline - {3 * 86_400_000_000}")
    for _ in range(2):
        await world.bot.store.run(history.purge_history, 1.0)
    assert await world.bot.store.run(goals.get_goal, 1) is None
    assert (await world.bot.store.run(goals.read_status, GONE)).samples == ()


async def test_goal_in_refusing_channel_tells_owner_once_and_resumes(world: Environment) -> None:
    await begun(world)
    world.releases.archived = True
    world.slack.faults.add("chat.update", Fault(error="is_archived"), times=3)
    for _ in range(3):
        due(world)
        await count(world)
    told = [message for message in to(world, world.ana) if "Paused your goal" in message.text]
    assert len(told) == 1
    world.releases.archived = False
    world.slack.faults.clear()
    due(world)
    await count(world)
    assert (await stored(world)).paused is None


async def test_stopped_goal_shows_it_and_continues_on_undo(world: Environment) -> None:
    await begun(world)
    turn = await press(world.slack, (await world.ask("goal")), "New goal", user=world.ana)
    assert (await turn.view()).title
    await world.bot.store.run(goals.stop_goal, 1)
    await count(world)
    [card] = said(world)
    assert "Goal stopped" in card.text
    assert await world.bot.store.run(goals.resume_goal, 1)
    await count(world)
    assert "Goal: 75% of @qa" in said(world)[0].text


async def test_goal_stopped_at_any_step_is_due_at_once(world: Environment) -> None:
    await begun(world)
    due(world)
    await check_due_after_stop(world, world.bot.goals, goals.goal_due_in)
