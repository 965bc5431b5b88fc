"""What is said where nothing can be posted: each kind of conversation with each of Slack's refusals."""

from __future__ import annotations

import pytest

from bot.domain.conversations import CODES, Conversation, advice_elsewhere, kind_of, unavailable
from bot.slack import errors

PEOPLE = {"user_disabled", "cannot_dm_bot", "user_not_found"}  # refusals of a person, not of a conversation
INVITED_TO = (Conversation.CHANNEL, Conversation.ELSEWHERE)
OUTSIDE = ("not_in_channel", "channel_not_found", "user_not_in_channel")


@pytest.mark.parametrize("code", [*CODES, "of_a_later_year"])
@pytest.mark.parametrize("kind", Conversation)
def test_every_refusal_has_advice_that_works_there(kind: Conversation, code: str) -> None:
    error = unavailable(kind, code, "applivery")
    words = f"{error.sentence} {error.next_step}"
    assert error.code == code
    assert str(error.sentence)
    assert str(error.next_step)
    can_be_invited = kind in INVITED_TO and code in (*OUTSIDE, "of_a_later_year")
    assert ("/invite @applivery" in words) == can_be_invited
    assert error.is_here == (kind is not Conversation.ELSEWHERE)


def test_every_refusal_of_slack_about_a_channel_is_known() -> None:
    assert set(errors._CHANNEL.split()) - PEOPLE == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_channel_that_is_only_named_gets_the_same_advice(code: str) -> None:
    known = advice_elsewhere(code)
    expected = unavailable(Conversation.ELSEWHERE, code, "applivery")
    assert known is None if code in OUTSIDE else known == (expected.sentence, expected.next_step)


@pytest.mark.parametrize(
    ("channel_id", "name", "kind"),
    [
        ("C1", "releases", Conversation.CHANNEL),
        ("G1", "privategroup", Conversation.CHANNEL),
        ("D1", "directmessage", Conversation.DIRECT),
        ("D1", "", Conversation.DIRECT),
        ("C1", "mpdm-ana--bruno--carla-1", Conversation.GROUP),
        (None, "", Conversation.CHANNEL),
    ],
)
def test_kind_is_read_from_what_slack_sends(channel_id: str | None, name: str, kind: Conversation) -> None:
    assert kind_of(channel_id, name) is kind


def test_kind_of_another_version_is_a_channel() -> None:
    assert Conversation("huddle") is Conversation.CHANNEL
