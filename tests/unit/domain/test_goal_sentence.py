"""A goal is read from one sentence, in any order; what was not said is empty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import goal_sentence
from bot.domain.goal_sentence import GoalSentence
from bot.exceptions import UserInputError

QA = "<!subteam^S123|@qa>"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (f"courier 2.4.1 90% of {QA} by friday", GoalSentence("courier 2.4.1", 90, 0, QA, "friday")),
        (f"90% of {QA} on courier 2.4.1 by 2026-12-04", GoalSentence("courier 2.4.1", 90, 0, QA, "2026-12-04")),
        (
            "courier by tomorrow 18:00 90 % of the people in <#C123|beta testers>",
            GoalSentence("courier", 90, 0, "<#C123|beta testers>", "tomorrow 18:00"),
        ),
        ("courier #247 12 people of @qa by 3d", GoalSentence("courier #247", 0, 12, "@qa", "3d")),
        ("courier latest everyone in @qa", GoalSentence("courier latest", 100, 0, "@qa", "")),
        ("House of Cards 2.0 of qa", GoalSentence("House of Cards 2.0", 0, 0, "qa", "")),
        ("courier 2.4.1 @qa friday", GoalSentence("courier 2.4.1", 0, 0, "@qa", "friday")),
        (f"get 90 percent of {QA} to have courier 2.4.1", GoalSentence("courier 2.4.1", 90, 0, QA, "")),
        ("courier 2.4.1 90% by friday", GoalSentence("courier 2.4.1", 90, 0, "", "friday")),
        (
            f"courier 2.4.1, 90% of {QA}, by Friday, 6:00 pm",
            GoalSentence("courier 2.4.1", 90, 0, QA, "Friday 6:00pm"),
        ),
        (f"courier 2.4.1 90% of the {QA} team by friday 5 pm", GoalSentence("courier 2.4.1", 90, 0, QA, "friday 5pm")),
        ("courier", GoalSentence("courier")),
        ("", GoalSentence()),
    ],
)
def test_goal_sentence_is_read_in_any_order(typed: str, read: GoalSentence) -> None:
    assert goal_sentence.parse(typed) == read


def test_goal_sentence_takes_options_too() -> None:
    read = goal_sentence.parse("courier 2.4.1 18:00", of=QA, by="friday", share="12 people")
    assert read == GoalSentence("courier 2.4.1", 0, 12, QA, "friday 18:00")


@pytest.mark.parametrize(
    ("typed", "share"),
    [("0% of @qa", ""), ("101% of @qa", ""), ("90.5% of @qa", ""), ("0 people of @qa", ""), ("", "most")],
)
def test_goal_sentence_refuses_what_is_no_share(typed: str, share: str) -> None:
    with pytest.raises(UserInputError, match="share of people"):
        goal_sentence.parse(f"courier {typed}", share=share)


@given(st.text(max_size=60), st.text(max_size=10), st.text(max_size=10), st.text(max_size=10))
def test_goal_sentence_never_crashes(text: str, of: str, by: str, share: str) -> None:
    try:
        goal_sentence.parse(text, of=of, by=by, share=share)
    except UserInputError:
        return
