"""Whom a subscription may mention: a user group, however it is written, and nobody else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given

from bot.domain import mentions
from bot.exceptions import UserInputError
from tests.support import facts

HANDLES = {"S1": "mobile-qa", "S2": "here-too"}


@pytest.mark.parametrize(
    "typed", ["@mobile-qa", "mobile-qa", "@Mobile-QA", "S1", "<!subteam^S1>", "<!subteam^S1|@mobile-qa>"]
)
def test_a_group_is_meant_by_its_handle_its_mark_or_its_id(typed: str) -> None:
    assert mentions.group(typed, HANDLES) == "S1"


@pytest.mark.parametrize("typed", ["<!here>", "<!channel|channel>", "@everyone", "HERE", "<!here|here>"])
def test_mention_of_whole_channel_is_refused(typed: str) -> None:
    with pytest.raises(UserInputError, match="mention everyone"):
        mentions.group(typed, HANDLES)


@pytest.mark.parametrize("typed", ["<@U0BRUNO>", "<@U0BRUNO|bruno>", "U0BRUNO123", "W012345678"])
def test_mention_of_single_user_is_refused(typed: str) -> None:
    with pytest.raises(UserInputError, match="individual people"):
        mentions.group(typed, HANDLES)


@pytest.mark.parametrize(
    ("typed", "handles", "words"),
    [
        ("@moblie-qa", HANDLES, "called “moblie-qa”. Did you mean `@mobile-qa`?"),
        ("<!subteam^S9|@old-team>", HANDLES, "called “old-team”"),
        ("zzz", HANDLES, "Choose `@here-too` or `@mobile-qa`."),
        ("zzz", {}, "This workspace has no user groups."),
        ("zzz", {f"S{n}": f"g{n}" for n in range(9)}, "`@g7` or another one."),
    ],
)
def test_mention_of_unknown_group_suggests_closest(typed: str, handles: dict[str, str], words: str) -> None:
    with pytest.raises(UserInputError) as refused:
        mentions.group(typed, handles)
    assert words in str(refused.value)


@given(facts.texts)
def test_mention_any_text_is_known_group_or_refused(typed: str) -> None:
    with suppress(UserInputError):
        assert mentions.group(typed, HANDLES) in HANDLES
