"""Whose message it is: ours, another installation's, another app's, or that of the version before."""

from __future__ import annotations

from typing import Any

import pytest

from bot.slack.message_lookup import METADATA_EVENT, Author, SearchPeriod

US = Author("U0APPLIVERY", "B0APPLIVERY", "5f1c")


def message(key: Any = "C1:b1:processed", *, user: Any = "U0APPLIVERY", bot: Any = "B0APPLIVERY", **said: Any) -> Any:
    """What conversations.history shows. https://docs.slack.dev/reference/methods/conversations.history"""
    return {
        "type": "message",
        "ts": "1764488248.000100",
        "text": "Courier 2.5.3 is ready",
        "user": user,
        "bot_id": bot,
        "app_id": "A0SANDBOX",
        "metadata": {"event_type": METADATA_EVENT, "event_payload": {"key": key, **said}},
    }


def test_own_message_has_our_installation_and_author() -> None:
    assert US.key_of(message(installation="5f1c")) == "C1:b1:processed"


def test_message_of_version_before_is_ours_by_author() -> None:
    assert US.key_of(message()) == "C1:b1:processed"
    assert US.key_of(message(user="U0STAGING", bot="B0STAGING")) is None


@pytest.mark.parametrize("other", ["77aa", "", 5, {}])
def test_other_installation_of_same_app_is_not_ours(other: Any) -> None:
    assert US.key_of(message(installation=other)) is None


def test_other_app_with_copied_installation_is_not_ours() -> None:
    assert US.key_of(message(user="U0STAGING", bot="B0STAGING", installation="5f1c")) is None


@pytest.mark.parametrize(("user", "bot"), [("U0APPLIVERY", None), (None, "B0APPLIVERY"), ("W0GRID", "B0APPLIVERY")])
def test_one_fact_about_the_author_is_enough(user: Any, bot: Any) -> None:
    assert US.key_of(message(user=user, bot=bot)) == "C1:b1:processed"


def test_message_without_author_is_ours_by_installation_alone() -> None:
    assert US.key_of(message(user=None, bot=None, installation="5f1c")) == "C1:b1:processed"
    assert US.key_of(message(user=None, bot=None)) is None


@pytest.mark.parametrize(
    "odd",
    [
        None,
        [],
        "message",
        {},
        {"metadata": None},
        {"metadata": []},
        {"metadata": {"event_type": METADATA_EVENT}},
        {"metadata": {"event_type": METADATA_EVENT, "event_payload": ["key"]}},
        {"metadata": {"event_type": "another_event", "event_payload": {"key": "k"}}, "user": "U0APPLIVERY"},
        message(key=None),
        message(key=["k"]),
    ],
)
def test_message_of_any_other_shape_is_not_ours(odd: Any) -> None:
    assert US.key_of(odd) is None


def test_period_never_asks_for_a_time_before_the_epoch() -> None:
    assert SearchPeriod(-5.0, 3.0).query() == {"oldest": "0.000000", "latest": "3.000000"}
    assert SearchPeriod(5.0).query() == {"oldest": "5.000000"}
