"""Cards about subscriptions and mutes: said in words, safe whatever was typed, within Slack's limits."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain import filters, grammar, lookup
from bot.domain.delivery_options import LABEL
from bot.domain.filters import DEFAULT_EVENTS
from bot.domain.model import Build, BuildEvent, BuildSource, DeliveryOptions, Stage, Subscription
from bot.domain.subscription_preview import rehearse
from bot.domain.text_limits import TextTooLong
from bot.exceptions import UserInputError
from bot.slack.blocks import Message, Visibility
from bot.slack.views import mutes, subscription_form
from bot.slack.views import subscriptions as cards
from bot.slack.views.subscription_preview import dry_run
from sandbox.slack.validation import check_view
from tests.support import facts
from tests.support.facts import COURIER, NOON, RIDER, build, subscription
from tests.support.reading import DATE, LIVE, buttons, check, marked, seen

HANDLES = {"S1": "mobile-qa"}
LATER = NOON + timedelta(hours=4)
CHANNEL = frozenset({"#C1"})

given_manners = st.builds(
    DeliveryOptions,
    compact=st.booleans(),
    threads=st.booleans(),
    grouped=st.booleans(),
    label=facts.texts.map(lambda text: text[:40]),
    mention=st.sampled_from(["", "S1", "S2"]),
    digest=st.sampled_from(["", "daily@09:00"]),
    quiet=st.sampled_from(["", "22:00-08:00"]),
    tz=st.sampled_from(["UTC", "Europe/Madrid"]),
)
wishes = st.builds(
    facts.subscription,
    st.integers(1, 10**6),
    app_id=st.sampled_from([None, COURIER.id]),
    app_name=facts.texts,
    events=st.lists(st.sampled_from(BuildEvent), min_size=1, max_size=5, unique=True).map(tuple),
    query=facts.filter_texts.map(lambda typed: filters.query(grammar.parse(typed))),
    created_at=facts.moments,
    paused=facts.maybe(facts.texts),
    manner=given_manners,
    muted_until=st.none() | facts.moments,
)


def listed(*found: Subscription, last: datetime | None = None, page: int = 0, everywhere: bool = False) -> Message:
    return cards.subscriptions(
        [(subscription, last) for subscription in found], HANDLES, now=NOON, page=page, everywhere=everywhere
    )


# ------------------------------------------------------------------ whatever was typed


@given(wishes, st.booleans(), facts.texts, st.lists(facts.builds, max_size=3))
def test_any_subscription_can_be_confirmed_and_paused(
    subscription: Subscription, yes: bool, name: str, builds: list[Build]
) -> None:
    tried = rehearse(subscription.events, subscription.query, builds)
    check(cards.subscribed(subscription, tried, HANDLES, replaced=yes, resumed=yes, here=yes), live=CHANNEL)
    check(cards.paused(subscription, name), live=CHANNEL)


@given(st.lists(wishes, max_size=5), st.sampled_from((1, 20)), st.integers(-1, 12), st.booleans())
def test_subscriptions_of_any_kind_can_be_listed(
    found: list[Subscription], times: int, page: int, everywhere: bool
) -> None:
    card = listed(*(found * times), last=NOON, page=page, everywhere=everywhere)
    # their makers are named, and that pings nobody in a message only the asker sees
    check(card, live=frozenset({"@U0ANA", "#C1"}))
    assert card.to is Visibility.ASKER
    assert "<@" not in card.text
    assert len(card.payload()["blocks"] if card.blocks else []) <= 50
    check(cards.which_to_end(found * times))


@given(wishes)
def test_any_subscription_can_be_muted_and_tried(subscription: Subscription) -> None:
    for card in (
        mutes.choices([subscription], mutes.HERE, NOON),
        mutes.muted([subscription], LATER, mutes.HERE, [subscription]),
        mutes.unmuted([subscription], [subscription]),
        mutes.not_muted([subscription]),
    ):
        check(card, live=CHANNEL)
    for card in (Message("There is no build."), listed()):
        answer = cards.trial(subscription, cards.tried_out(subscription, card, HANDLES), "It is the newest one.")
        check(answer, live=CHANNEL)
        for _, copy in answer.copies:
            check(copy, live=CHANNEL)


@given(wishes, facts.texts.map(lambda text: text[:500]))
def test_any_subscription_fits_into_its_form(subscription: Subscription, line: str) -> None:
    for words in (subscription_form.typed(replace(subscription, query=""), HANDLES, "UTC"), grammar.parse(line)):
        assume(len(" ".join(words.values("label"))) <= LABEL)  # what is longer is refused in words
        check_view(subscription_form.edit(subscription, words, "UTC", cards.value(subscription)).view())
        check_view(subscription_form.ask(words, "Europe/Madrid", None).view())


# ------------------------------------------------------------------ what was saved


@pytest.mark.parametrize("events", [DEFAULT_EVENTS, tuple(BuildEvent)])
def test_subscribed_card_confirms_the_request(events: tuple[BuildEvent, ...]) -> None:
    new_subscription = subscription(3, events=events)
    assert cards.subscribed(new_subscription).text.startswith("Done: this channel hears of builds of Courier, when")
    assert cards.subscribed(new_subscription, replaced=True).text.startswith(
        "Changed: this channel now hears of builds of Courier"
    )
    assert cards.subscribed(new_subscription, here=False).text.startswith("Done: <#C1> hears of builds of Courier")
    assert list(buttons(cards.subscribed(new_subscription))) == ["Edit", "Unsubscribe"]
    assert {button["value"] for button in buttons(cards.subscribed(new_subscription)).values()} == {"C1/3"}


def test_a_group_is_named_and_not_pinged() -> None:
    new_subscription = subscription(manner=DeliveryOptions(mention="S1"))
    assert cards.words(new_subscription, HANDLES).endswith("when processed or failed; mentioning @mobile-qa")
    assert cards.words(new_subscription).endswith("; mentioning a user group")
    assert cards.words(replace(new_subscription, manner=DeliveryOptions(mention="S1", compact=True)), HANDLES).endswith(
        "; in one line each, mentioning @mobile-qa"
    )


def of(nth: int, branch: str = "main", **more: object) -> Build:
    return build(nth, origin=BuildSource(branch=branch), created_at=NOON + timedelta(minutes=nth), **more)


@pytest.mark.parametrize(
    ("events", "query", "builds", "words"),
    [
        (DEFAULT_EVENTS, "", [], "There is no build yet that it could be tried on."),
        (DEFAULT_EVENTS, "", [of(1)], "1 of the only build there is would have posted: 1.1.0 (1) iOS."),
        (DEFAULT_EVENTS, "branch:release/*", [of(1), of(2, "release/2")],
         "1 of the last 2 builds would have posted: 1.2.0 (2) iOS."),
        (DEFAULT_EVENTS, "", [of(n) for n in range(1, 31)],
         "20 of the last 20 builds would have posted: 1.30.0 (30) iOS, 1.29.0 (29) iOS, 1.28.0 (28) iOS, "
         "1.27.0 (27) iOS, 1.26.0 (26) iOS and 15 more."),
        (DEFAULT_EVENTS, "branch:relase/* tag:x", [of(1), of(2, "release/2")],
         "None of the last 2 builds would have posted. The filter may be too narrow: "
         "they have branch release/2, main; no tag."),
        ((BuildEvent.FAILED,), "", [of(1), of(2)],
         "None of the last 2 builds would have posted: none of them has failed."),
        ((BuildEvent.FAILED,), "branch:main", [of(1), of(2, "x")],
         "None of the last 2 builds would have posted: none of them has failed. 1 of them fits the filter."),
        ((BuildEvent.CERT,), "", [of(1)], ""),
    ],
)  # fmt: skip
def test_the_dry_run_names_what_would_have_come_or_why_nothing(
    events: tuple[BuildEvent, ...], query: str, builds: list[Build], words: str
) -> None:
    new_subscription = subscription(events=events, query=query)
    assert dry_run(new_subscription, rehearse(events, query, builds)) == words


def test_the_dry_run_of_every_app_names_the_apps() -> None:
    new_subscription = subscription(app_id=None)
    tried = rehearse(new_subscription.events, "", [of(1), of(2, app=RIDER), of(3, stage=Stage.RUNNING)])
    assert dry_run(new_subscription, tried).endswith("posted: Rider 1.2.0 (2) iOS, Courier 1.1.0 (1) iOS.")


# ------------------------------------------------------------------ the list


def test_subscription_listed_with_maker_date_and_state() -> None:
    new_subscription = subscription(7, query="branch:main", paused="is_archived", muted_until=LATER)
    shown = seen(listed(new_subscription, last=NOON))
    assert "*7* · builds of Courier with branch main, when processed or failed" in shown
    assert "_by <@U0ANA> <!date^" in shown
    assert "last posted <!date^" in shown
    assert "🔕 muted until <!date^" in shown
    assert "⏸ paused: the channel is archived" in shown
    assert "nothing posted yet" in seen(listed(replace(new_subscription, muted_until=NOON)))
    assert "muted" not in seen(listed(replace(new_subscription, muted_until=NOON)))


def test_each_button_says_which_subscription_it_is_for() -> None:
    rows = [block for block in listed(subscription(1), subscription(2)).blocks if block["type"] == "actions"]
    said = [button["accessibility_label"] for row in rows for button in row["elements"]]
    assert [button["text"]["text"] for button in rows[0]["elements"]] == ["Test", "Edit", "Mute", "Remove"]
    assert len(set(said)) == 8


def test_a_long_list_has_pages_and_ways_between_them() -> None:
    many = [subscription(number) for number in range(1, 26)]
    first, last = listed(*many), listed(*many, page=99)
    assert "(page 1 of 3)" in first.text
    assert "(page 3 of 3)" in last.text
    assert [first.blocks[-1]["elements"][0][key] for key in ("action_id", "value")] == [
        "subscriptions.v1#next",
        "here/1",
    ]
    assert [last.blocks[-1]["elements"][0][key] for key in ("action_id", "value")] == [
        "subscriptions.v1#previous",
        "here/1",
    ]
    assert "Next" not in buttons(listed(*many[:10]))


def test_the_list_of_every_channel_says_which() -> None:
    card = listed(subscription(1), everywhere=True)
    assert "*1* · <#C1> · builds of Courier" in seen(card)
    assert "<#C1>" in card.text


@pytest.mark.parametrize("everywhere", [False, True])
def test_an_empty_list_of_subscriptions_says_how_to_begin(everywhere: bool) -> None:
    assert "Try `subscribe`" in listed(everywhere=everywhere).text


def test_every_time_is_shown_in_the_reader_s_own_zone() -> None:
    for card in (listed(subscription(muted_until=LATER), last=NOON), mutes.muted([subscription()], LATER, "here", [])):
        texts = list(marked(card.payload()))
        assert any(DATE.fullmatch(found) for text in texts for found in LIVE.findall(text))
        assert not any("2026-11-21" in LIVE.sub("", text) for text in texts)


# ------------------------------------------------------------------ stopped


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("is_archived", "the channel is archived"),
        ("not_in_channel", "I am no longer in the channel"),
        ("channel_not_found", "I can no longer see the channel"),
        ("weird_<!here>", "Slack says `weird_&lt;!here&gt;`"),
        (None, "Slack says `no`"),
    ],
)
def test_subscription_paused_maker_told_why_and_of_resumption(code: str | None, words: str) -> None:
    text = cards.paused(subscription(paused=code), "applivery").text
    assert words in text
    assert "`/invite @applivery`" in text
    assert "I go on by myself" in text
    assert "subscribe again" not in text


# ------------------------------------------------------------------ the form


def test_the_form_shows_what_is_saved() -> None:
    manner = DeliveryOptions(
        compact=True, threads=False, label="Staging", mention="S1", digest="daily@09:00", tz="Europe/Madrid"
    )
    new_subscription = subscription(4, events=(BuildEvent.CERT,), query="branch:release/* -tag:nightly", manner=manner)
    view = subscription_form.edit(
        new_subscription, subscription_form.typed(new_subscription, HANDLES, "UTC"), "UTC", "C1/4"
    ).view()
    fields = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    assert [each["value"] for each in fields["subscribe.on"]["initial_options"]] == ["cert"]
    assert fields["subscribe.filters"]["initial_value"] == "branch:release/* -tag:nightly tz:Europe/Madrid"
    assert [each["value"] for each in fields["subscribe.how"]["initial_options"]] == ["compact"]
    assert fields["subscribe.label"]["initial_value"] == "Staging"
    assert fields["subscribe.mention"]["initial_value"] == "@mobile-qa"
    assert fields["subscribe.digest"]["initial_value"] == "daily@09:00"
    assert "initial_value" not in fields["subscribe.quiet"]


def test_one_s_own_time_zone_needs_no_words() -> None:
    new_subscription = subscription(manner=DeliveryOptions(digest="daily@09:00", tz="Europe/Madrid"))
    assert "tz" not in {option.key for option in subscription_form.typed(new_subscription, {}, "Europe/Madrid").options}


def test_a_filter_the_form_has_no_room_for_is_not_cut_short() -> None:
    new_subscription = subscription(query="branch:" + "x" * 3000)
    with pytest.raises(UserInputError, match="Type `subscribe` with all of it instead"):
        subscription_form.edit(new_subscription, subscription_form.typed(new_subscription, {}, "UTC"), "UTC", "C1/1")


@given(st.lists(st.tuples(st.sampled_from(list(lookup.FILTERS)), facts.texts), max_size=40))
def test_a_filter_that_is_taken_fits_into_its_form(options: list[tuple[str, str]]) -> None:
    words = grammar.ParsedText((), tuple(grammar.KeyValue(key, value[:100]) for key, value in options))
    try:
        query = filters.query(words)
    except TextTooLong:
        return
    check_view(subscription_form.edit(subscription(query=query), grammar.parse(query), "UTC", "C1/1").view())


# ------------------------------------------------------------------ mutes


def test_the_choices_of_a_mute_carry_what_it_is_for() -> None:
    card = mutes.choices([subscription(muted_until=LATER)], COURIER.id, NOON)
    assert [button["value"] for button in buttons(card).values()] == [
        f"{when}/{COURIER.id}" for when in ("1h", "4h", "tomorrow 09:00", "off")
    ]
    assert re.search(r"Muted until <!date[^>]*>: Courier\.", card.text)


def test_a_mute_says_what_happens_then() -> None:
    new_subscription, every = subscription(1), subscription(2, app_id=None, app_name="every app")
    digest = subscription(3, manner=DeliveryOptions(digest="daily@09:00"))
    assert "is told then, in one message." in mutes.muted([new_subscription], LATER, mutes.HERE, []).text
    assert "in one message for each of them." in mutes.muted([new_subscription, every], LATER, mutes.HERE, []).text
    assert "in the first digest after that." in mutes.muted([digest], LATER, mutes.HERE, []).text
    assert "one of every app, so that is muted too" in mutes.muted([every], LATER, COURIER.id, []).text
    assert "You may not mute every app." in mutes.muted([new_subscription], LATER, mutes.HERE, [every]).text
