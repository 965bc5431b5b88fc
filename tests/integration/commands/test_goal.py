"""`goal`: one card for how many of a group have a build by a deadline; names and what follows for its owner alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.db import audit, goals
from bot.domain import goals as decisions
from bot.domain.audit import AuditAction
from bot.domain.goals import Goal
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.integration.commands.test_missing import crew, mention, to
from tests.support.seeing import labels, press

SENTENCE = "goal courier 2.4.0 90% of {place} by friday"


def cards(world: Environment, channel: Any = None) -> list[FakeMessage]:
    return [message for message in world.slack.messages(channel or world.releases) if message.bot_id]


async def begun(world: Environment, sentence: str = SENTENCE) -> tuple[Any, FakeMessage]:
    """A goal for @qa, and what its owner reads."""
    await world.start()
    group, _ = await crew(world)
    answer = await world.ask(sentence.format(place=mention(group), group=group.id))
    await world.settle()
    return group, answer


async def stored(world: Environment) -> Goal:
    found = await world.bot.store.run(goals.get_goal, 1)
    assert found is not None
    return found


async def test_goal_posts_one_card_with_counts_and_chart(world: Environment) -> None:
    group, answer = await begun(world)
    [card] = cards(world)
    assert "Goal: 90% of @qa have Courier 2.4.0 by " in card.text
    assert "1 of 4 have it (25%) · 3 to go" in card.text
    assert [block["type"] for block in card.blocks] == ["section", "context", "data_visualization", "actions"]
    assert {"Get it for iOS", "Get it for Android"} <= set(labels(card))
    assert group.id not in json.dumps(card.saved()), "a mention would notify the whole group"
    assert answer.text.startswith("*Goal started.* Its card is in")
    assert "I'll DM 2 people who lack it" in answer.text
    assert "1 has no access." in answer.text
    rows = await world.bot.store.run(audit.list_entries)
    assert [row.outcome[:14] for row in rows if row.action is AuditAction.GOAL] == ["90% of @qa by "]


@pytest.mark.parametrize(
    "sentence",
    [
        SENTENCE,
        "goal 90% of the people in {place} on courier 2.4.0 by friday at 18:00",
        "goal by friday courier 2.4.0 90 % of {place}",
        "goal courier 2.4.0 of:{place} by:friday share:90%",
        "goal courier 2.4.0 90% of @qa by friday",
        "goal courier 2.4.0 90 percent of qa by friday",
        "goal *courier* 2.4.0 90% of {place} friday",
        "goal courier 2.4.0 90% of <!subteam^{group}> by:friday 18:00",
    ],
)
async def test_goal_is_understood_in_any_order(world: Environment, sentence: str) -> None:
    group, _ = await begun(world, sentence)
    goal = await stored(world)
    assert (goal.group_id, goal.percent, goal.build_ref, goal.place_name) == (group.id, 90, "2.4.0", "@qa")
    local = goal.deadline.astimezone(ZoneInfo("Europe/Madrid"))
    assert (local.weekday(), local.time()) == (4, time(18))


@pytest.mark.parametrize(
    ("typed", "percent", "people", "hours"),
    [
        ("3 people of {place} by 3d", 0, 3, 72),
        ("everyone in {place} by 36h", 100, 0, 36),
        ("of {place}", 100, 0, 168),
    ],
)
async def test_goal_share_and_deadline_have_defaults(
    world: Environment, typed: str, percent: int, people: int, hours: int
) -> None:
    await begun(world, f"goal courier {typed}")
    goal = await stored(world)
    assert (goal.percent, goal.people) == (percent, people)
    assert abs(goal.deadline - datetime.now(UTC) - timedelta(hours=hours)) < timedelta(minutes=1)


@pytest.mark.parametrize("place", ["<#C0S000001|releases>", "this channel", "@channel", "<!here>"])
async def test_goal_of_a_channel_counts_its_people(world: Environment, place: str) -> None:
    await begun(world, f"goal courier 2.4.0 everyone in {place}")
    [card] = cards(world)
    assert "0 of 2 have it" in card.text
    assert f"<#{world.releases.id}>" in card.text


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("goal courier 2.4.0 0% of @qa", "isn't a share"),
        ("goal courier 2.4.0 120% of @qa", "isn't a share"),
        ("goal courier 2.4.0 90% of @nobody by friday", "There is no user group called “nobody”."),
        ("goal courier 2.4.0 90% of <@U0S000002> by friday", "Pick a user group or channel"),
        ("goal courier 2.4.0 90% of #releases by friday", "Pick a user group or channel"),
        ("goal courier 2.4.0 90% of @qa by whenever", "I can't read the time “whenever”."),
        ("goal courier 2.4.0 90% of @qa by 90d", "more than 30 days"),
        ("goal courier 2.4.0 90% of <!subteam^S0GONE|@gone> by friday", "I can't see that user group."),
        ("goal courier 9.9.9 90% of @qa by friday", "9.9.9"),
        ("goal courier 2.4.0 90% of @qa by friday ask:perhaps", "`ask:` can't be"),
        ("goal courier 2.4.0 9 people of @qa by friday", "I can count only 4 people in @qa"),
    ],
)
async def test_goal_that_cannot_be_is_refused_in_words(world: Environment, typed: str, answer: str) -> None:
    await world.start()
    await crew(world)
    assert answer in (await world.ask(typed)).text
    assert cards(world) == []


async def test_goal_already_reached_posts_no_card(world: Environment) -> None:
    _, answer = await begun(world, "goal courier 2.4.0 1 people of {place}")
    assert answer.text.startswith("*Already reached:* 1 of 4 in @qa have Courier 2.4.0.")
    assert cards(world) == []


async def test_goal_is_for_managers_in_channels(world: Environment) -> None:
    await world.start()
    group, _ = await crew(world)
    said = (await world.ask(SENTENCE.format(place=mention(group)), user=world.bruno)).text
    assert "only managers can set goals" in said.casefold()


async def test_goal_set_in_a_direct_message_asks_for_its_channel(world: Environment) -> None:
    await world.start()
    group, _ = await crew(world)
    refused = await world.ask(SENTENCE.format(place=mention(group)), channel=world.slack.dm(world.ana))
    assert "only works in a channel" in refused.text
    form = await (await press(world.slack, refused, "Choose a channel", user=world.ana)).view()
    await world.slack.submit(form, {"channel.id": {"channel.id": world.releases}}, user=world.ana)
    await world.slack.until(lambda: any("Goal started" in m.text for m in world.slack.ephemerals(world.ana)))
    await world.settle()
    [card] = cards(world)
    assert "Goal: 90% of @qa have Courier 2.4.0 by " in card.text


async def test_same_goal_runs_once_and_twenty_at_most(world: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "MOST", 1)
    group, _ = await begun(world)
    assert "already running" in (await world.ask(SENTENCE.format(place=mention(group)))).text
    other = await world.ask("goal courier 2.4.0 90% of <#C0S000001|releases> by friday")
    assert "The limit is 1 running goal." in other.text
    assert len(cards(world)) == 1


async def test_goal_alone_lists_goals_with_menu(world: Environment) -> None:
    await world.start()
    assert (await world.ask("goal")).text == f"*No goals* in <#{world.releases.id}>."
    group, _ = await crew(world)
    await world.ask(SENTENCE.format(place=mention(group)))
    listed = await world.ask("goal")
    assert "1 of 4* have it" in listed.text
    assert {"Who is missing", "Stop goal"} <= set(labels(listed))


async def test_goal_without_group_opens_form_that_starts_it(world: Environment) -> None:
    await world.start()
    group, _ = await crew(world)
    turn = await world.slack.command("/applivery", "goal courier", user=world.ana, channel=world.releases)
    view = await turn.view()
    found = await world.slack.options(view, "goal.place", "qa", user=world.ana)
    assert [option["text"]["text"] for option in found] == ["@qa"]
    filled = {"goal.place": f"<!subteam^{group.id}>", "goal.share": "50", "goal.by": "7d"}
    typed = {name: {name: value} for name, value in filled.items()}
    await world.slack.submit(view, typed, user=world.ana)
    await world.bot.dispatcher.drain(5)
    assert (await stored(world)).percent == 50


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("courier 2.3.0 75% by tomorrow 12:00 ask:no", (75, 0, "2.3.0", False, 12)),
        ("courier 2.3.0 2 people by tomorrow 12:00", (0, 2, "2.3.0", True, 12)),
        ("courier 2.3.0 60%", (60, 0, "2.3.0", True, None)),
    ],
)
async def test_goal_form_keeps_what_was_typed(world: Environment, typed: str, expected: tuple[Any, ...]) -> None:
    await world.start()
    for os in ("ios", "android"):
        world.applivery.build(world.courier, version="2.3.0", os=os)
    group, _ = await crew(world)
    turn = await world.slack.command("/applivery", f"goal {typed}", user=world.ana, channel=world.releases)
    view = await turn.view()
    await world.slack.submit(view, {"goal.place": {"goal.place": f"<!subteam^{group.id}>"}}, user=world.ana)
    await world.bot.dispatcher.drain(5)
    goal = await stored(world)
    noon = goal.deadline.astimezone(ZoneInfo("Europe/Madrid")).hour if expected[-1] else None
    assert (goal.percent, goal.people, goal.build_ref, goal.asks, noon) == expected


# ------------------------------------------------------------------ its buttons


async def test_goal_names_who_is_missing_to_manager_alone(world: Environment) -> None:
    await begun(world)
    [card] = cards(world)
    turn = await press(world.slack, card, "Who is missing", user=world.bruno)
    assert "only managers can see who is missing" in (await turn.answer()).text.casefold()
    turn = await press(world.slack, card, "Who is missing", user=world.ana)
    answer = await turn.answer()
    assert f"<@{world.slack.user('zoe').id}>" in answer.text
    assert answer.ephemeral_to or answer.channel == world.slack.dm(world.ana).id
    assert "zoe" not in json.dumps([message.saved() for message in cards(world)])


async def test_goal_is_stopped_by_manager_and_continued(world: Environment) -> None:
    await begun(world)
    [card] = cards(world)
    turn = await press(world.slack, card, "Stop goal", user=world.bruno)
    assert "only managers can stop goals" in (await turn.answer()).text.casefold()
    turn = await press(world.slack, card, "Stop goal", user=world.ana)
    answer = await turn.answer()
    assert answer.text.startswith("*Stopped.*")
    await world.bot.goals.step()
    assert "Goal stopped" in cards(world)[0].text
    turn = await press(world.slack, answer, "Undo", user=world.ana)
    assert (await turn.answer()).text == "*Goal continued:* Courier 2.4.0."
    await world.bot.goals.step()
    assert "Goal: 90% of @qa" in cards(world)[0].text
    assert len(cards(world)) == 1


async def test_goal_owner_can_turn_requests_off_before_first(world: Environment) -> None:
    _, answer = await begun(world)
    turn = await press(world.slack, answer, "Don't ask people", user=world.ana)
    assert (await turn.answer()).text == "*Turned off.* I won't ask anyone privately."
    assert not (await stored(world)).asks
    await world.bot.goals.step()
    await world.settle()
    assert to(world, world.slack.user("zoe")) == []


async def test_goal_ask_no_asks_no_one(world: Environment) -> None:
    _, answer = await begun(world, f"{SENTENCE} ask:no")
    assert "I won't ask anyone privately." in answer.text
    assert not (await stored(world)).asks
