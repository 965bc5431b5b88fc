"""A goal's card shows counts and a chart whose points are counted; a group is named and never notified."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.domain.goals import GoalSample, GoalStatus
from bot.domain.states import GoalState
from bot.slack.views import goals as cards
from tests.support.facts import build
from tests.unit.domain.test_goals import DAY, GOAL, MONDAY

SAMPLES = (GoalSample(MONDAY, 5, 18), GoalSample(MONDAY + DAY, 12, 18, 1))
STATUS = GoalStatus(GOAL, SAMPLES, (build(240, version="2.4.1"),), asked=4, newer="2.5.0")


def test_goal_card_says_counts_pace_and_what_is_left_out() -> None:
    card = cards.card(STATUS)
    assert "12 of 18 have it (67%) · 5 to go · needs 1.7 a day · 7 a day so far." in card.text
    assert "4 people asked · 1 without an email in Slack · 2.5.0 is newer · Set by <@U1>." in card.text
    assert "subteam" not in str(card)


def test_goal_chart_points_are_the_counts() -> None:
    [chart] = [block for block in cards.card(STATUS).blocks if block["type"] == "data_visualization"]
    to_go, even = (series["data"] for series in chart["chart"]["series"])
    assert [point["value"] for point in to_go][:2] == [12, 5]
    assert (even[0]["value"], even[-1]["value"]) == (12, 0)
    assert chart["title"] == "People to go, projected from 1 Dec"


def test_goal_card_without_charts_has_bars() -> None:
    card = cards.card(STATUS)
    assert card.fallback is not None
    assert "▇" in str(card.fallback.blocks)
    assert all(block["type"] != "data_visualization" for block in card.fallback.blocks)


@pytest.mark.parametrize("state", [state for state in GoalState if state is not GoalState.RUNNING])
def test_goal_that_ended_has_one_line_and_no_menu(state: GoalState) -> None:
    status = replace(STATUS, goal=replace(GOAL, state=state))
    line = cards.ending(status)
    assert "\n" not in line
    assert line.startswith(("✅ *Goal", "❌ *Goal", "⛔ *Goal", "⚠️ *Goal"))
    assert "overflow" not in str(cards.card(status).blocks)


def test_goal_that_is_paused_shows_no_numbers() -> None:
    card = cards.card(replace(STATUS, goal=replace(GOAL, paused="access:role")))
    assert "12" not in card.text.replace("2026-12", "")
    assert all(block["type"] != "data_visualization" for block in card.blocks)


def test_goal_names_only_text_that_is_inert() -> None:
    odd = replace(GOAL, place_name="@<!channel>", what="*Courier* <!here>", app_name="x")
    text = cards.card(replace(STATUS, goal=odd)).text
    assert "<!channel>" not in text
    assert "<!here>" not in text


def test_goal_of_hours_has_times_on_its_chart() -> None:
    soon = replace(GOAL, deadline=MONDAY + timedelta(hours=8))
    [chart] = [block for block in cards.card(GoalStatus(soon, SAMPLES[:1])).blocks if "chart" in block]
    assert chart["chart"]["axis_config"]["categories"][0] == "30 Nov 10:00 AM"
