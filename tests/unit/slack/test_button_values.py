"""What buttons carry is read as it was written, and an old message's button is read as well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.button_values import (
    BuildValue,
    DecisionValue,
    FileValue,
    MuteValue,
    PageValue,
    SubscriptionsPageValue,
    SubscriptionValue,
)

IDS = st.text("0123456789abcdefCGU", min_size=1, max_size=24)
NUMBERS = st.integers(0, 10**18 - 1)
PAGES = st.integers(0, 99_999)
VALUES = st.one_of(
    st.builds(BuildValue, IDS, IDS, IDS | st.just("")),
    st.builds(SubscriptionValue, IDS, NUMBERS),
    st.builds(SubscriptionsPageValue, st.booleans(), PAGES),
    st.builds(MuteValue, IDS, st.builds(SubscriptionValue, IDS, NUMBERS).map(str) | IDS),
    st.builds(FileValue, IDS | st.just(""), IDS | st.just("")),
    st.builds(PageValue, PAGES, st.text()),
)
KINDS = (BuildValue, DecisionValue, FileValue, MuteValue, PageValue, SubscriptionsPageValue, SubscriptionValue)


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value: BuildValue) -> None:
    assert type(value).parse(str(value)) == value


@given(st.text(), st.sampled_from(KINDS))
def test_any_text_is_read(text: str, kind: type[BuildValue]) -> None:
    kind.parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("app1/build1", BuildValue("app1", "build1")),
        ("app1/build1/aab", BuildValue("app1", "build1", "aab")),
        ("C1/12", SubscriptionValue("C1", 12)),
        ("12", SubscriptionValue("", 12)),
        ("all/2", SubscriptionsPageValue(everywhere=True, page=2)),
        ("here/0", SubscriptionsPageValue(everywhere=False, page=0)),
        ("4h/app1", MuteValue("4h", "app1")),
        ("off/C1/12", MuteValue("off", "C1/12")),
        ("F1/app1", FileValue("F1", "app1")),
        ("F1/", FileValue("F1")),
        ("3 courier since:7d", PageValue(3, "courier since:7d")),
        ("allow/12", DecisionValue(allowed=True, request="12")),
        ("deny/12", DecisionValue(allowed=False, request="12")),
    ],
)
def test_buttons_of_old_messages_are_read(text: str, value: BuildValue) -> None:
    assert type(value).parse(text) == value


@pytest.mark.parametrize("text", ["", "app1", "app1/", "/build1", "/"])
def test_a_value_without_both_ids_names_no_build(text: str) -> None:
    assert not BuildValue.parse(text).is_complete


@pytest.mark.parametrize("text", ["C1/x", "C1/", "C1/1234567890123456789", "²"])
def test_a_number_that_is_none_is_not_read(text: str) -> None:
    assert SubscriptionValue.parse(text).number is None
