"""The subscription language: what was typed is what is stored, matched and said back."""

from __future__ import annotations

import pytest
from hypothesis import given

from bot.domain import filters, grammar, lookup
from bot.domain.model import Build, BuildEvent, BuildSource
from bot.exceptions import UserInputError
from tests.support import facts
from tests.support.facts import RIDER, build, subscription

# ------------------------------------------------------------------ events


@pytest.mark.parametrize(
    ("typed", "events"),
    [
        ("", filters.DEFAULT_EVENTS),
        ("branch:main", filters.DEFAULT_EVENTS),
        ("on:", filters.DEFAULT_EVENTS),
        ("on:processed", (BuildEvent.PROCESSED,)),
        ("on:FAILED", (BuildEvent.FAILED,)),
        ("on:failed,uploaded", (BuildEvent.UPLOADED, BuildEvent.FAILED)),
        ("on:failed on:uploaded on:failed", (BuildEvent.UPLOADED, BuildEvent.FAILED)),
        ('on:"processed , failed"', (BuildEvent.PROCESSED, BuildEvent.FAILED)),
    ],
)
def test_events_come_from_lists_and_repeats_in_one_order(typed: str, events: tuple[BuildEvent, ...]) -> None:
    assert filters.events(grammar.parse(typed)) == events


def test_by_default_a_channel_hears_of_both_ends() -> None:
    assert filters.DEFAULT_EVENTS == (BuildEvent.PROCESSED, BuildEvent.FAILED)


def test_filter_unknown_event_suggests_closest_or_all() -> None:
    with pytest.raises(UserInputError, match="`on:processed`") as asked:
        filters.events(grammar.parse("on:procesed"))
    assert "procesed" in str(asked.value.sentence)
    with pytest.raises(UserInputError) as asked:
        filters.events(grammar.parse("on:xyzzy"))
    assert all(f"`on:{event}`" in str(asked.value.next_step) for event in filters.EVENTS)


@pytest.mark.parametrize("event", [BuildEvent.STUCK, BuildEvent.DELETED])
def test_filter_rejects_events_reserved_for_waiting_users(event: BuildEvent) -> None:
    with pytest.raises(UserInputError, match="no event"):
        filters.events(grammar.parse(f"on:{event}"))


def test_an_event_cannot_be_taken_away() -> None:
    with pytest.raises(UserInputError, match="`on:processed`"):
        filters.events(grammar.parse("-on:failed"))


# ------------------------------------------------------------------ what is stored


def test_filter_stored_query_has_no_events_or_plain_words() -> None:
    typed = grammar.parse('courier on:failed branch:"release 2" -tag:nightly OS:ios')
    assert filters.query(typed) == 'branch:"release 2" -tag:nightly os:ios'


@given(facts.filter_texts, facts.builds)
def test_a_stored_query_matches_what_the_typed_one_matched(typed: str, build: Build) -> None:
    read = grammar.parse(typed)
    wish = subscription(app_id=None, query=filters.query(read))
    assert filters.wants(wish, build, BuildEvent.PROCESSED) is lookup.fits(build, read)


# ------------------------------------------------------------------ who cares


def test_a_wish_for_one_app_is_for_that_app() -> None:
    assert filters.wants(subscription(), build(1), BuildEvent.PROCESSED)
    assert not filters.wants(subscription(), build(1, app=RIDER), BuildEvent.PROCESSED)


def test_a_wish_for_every_app_is_for_every_app() -> None:
    assert filters.wants(subscription(app_id=None), build(1, app=RIDER), BuildEvent.PROCESSED)


def test_a_wish_is_for_its_events_only() -> None:
    assert not filters.wants(subscription(), build(1), BuildEvent.UPLOADED)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", True),
        ("branch:release/*", True),
        ("branch:main branch:release/*", True),
        ("branch:main", False),
        ("-branch:release/*", False),
        ("-branch:main", True),
        ("os:ios -by:*", True),
        ("branch:release/* os:tvos", False),
    ],
)
def test_a_wish_is_for_the_builds_its_query_fits(query: str, wanted: bool) -> None:
    new_build = build(1, origin=BuildSource(branch="release/2.4"))
    assert filters.wants(subscription(query=query), new_build, BuildEvent.PROCESSED) is wanted
