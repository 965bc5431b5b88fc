"""Cards about subscriptions and mutes: said in words, safe whatever was typed, within Slack's limits."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain import filters, grammar, lookup
from bot.domain.delivery_options import LABEL
from bot.domain.filters import DEFAULT_EVENTS
from bot.domain.model import Build, BuildEvent, BuildSource, DeliveryOptions, Stage, Subscription
from bot.domain.subscription_preview import rehearse
from bot.domain.text_limits import TextTooLong
from bot.exceptions import UserInputError
from bot.i18n import use_locale
from bot.slack.blocks import Message, Visibility
from bot.slack.views import mutes, subscription_form
from bot.slack.views import subscriptions as cards
from bot.slack.views.subscription_preview import preview
from sandbox.slack.validation import check_view
from tests.support import facts
from tests.support.facts import COURIER, NOON, RIDER, build, subscription
from tests.support.reading import DATE, LIVE, buttons, check, marked, seen

HANDLES = {"S1": "mobile-qa"}
LATER = NOON + timedelta(hours=4)
CHANNEL = frozenset({"#C1"})
CHANNEL_AND_MAKER = frozenset({"#C1", "@U0ANA"})

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
    pages = -(-len(found) // cards.PAGE)
    page = max(0, min(page, pages - 1))
    shown = [(subscription, last) for subscription in found[page * cards.PAGE : (page + 1) * cards.PAGE]]
    return cards.subscriptions(shown, HANDLES, now=NOON, page=page, pages=pages, everywhere=everywhere)


# ------------------------------------------------------------------ whatever was typed


@given(wishes, st.booleans(), facts.texts, st.lists(facts.builds, max_size=3))
def test_any_subscription_can_be_confirmed_and_paused(
    subscription: Subscription, yes: bool, name: str, builds: list[Build]
) -> None:
    tried = rehearse(subscription.events, subscription.query, builds)
    check(cards.subscribed(subscription, tried, HANDLES, resumed=yes, here=yes), live=CHANNEL)
    check(cards.paused(subscription, name), live=CHANNEL)
    for card in (
        cards.unchanged(subscription, tried, HANDLES, resumed=yes),
        cards.undone(subscription, HANDLES),
        cards.unsubscribed(subscription, "k" * 22, "U0BOB"),
        cards.kept(subscription),
    ):
        check(card, live=CHANNEL_AND_MAKER)


@given(wishes, wishes)
def test_any_change_can_be_shown_before_and_after(before: Subscription, after: Subscription) -> None:
    after = replace(after, app_id=before.app_id, app_name=before.app_name)
    check(cards.updated(after, before, "k" * 22, None, HANDLES), live=CHANNEL_AND_MAKER)
    check(cards.replace_or_keep(before, after, "C1/1 1 on:failed", HANDLES), live=CHANNEL_AND_MAKER)


@given(st.lists(wishes, max_size=5), st.sampled_from((1, 20)), st.integers(-1, 12), st.booleans())
def test_subscriptions_of_any_kind_can_be_listed(
    found: list[Subscription], times: int, page: int, everywhere: bool
) -> None:
    card = listed(*(found * times), last=NOON, page=page, everywhere=everywhere)
    # their makers are named, and that pings nobody in a message only the asker sees
    check(card, live=frozenset({"@U0ANA", "#C1"}))
    assert card.to is Visibility.ASKER
    assert len(card.payload()["blocks"] if card.blocks else []) <= 50
    check(cards.which_to_end(found * times, "C1"), live=CHANNEL)


@given(wishes)
def test_any_subscription_can_be_muted_and_tried(subscription: Subscription) -> None:
    for card in (
        mutes.choices([subscription], mutes.HERE, NOON),
        mutes.muted([subscription], LATER, mutes.HERE, [subscription]),
        mutes.unmuted([subscription], [subscription]),
        mutes.not_muted([subscription], mutes.HERE),
        mutes.not_muted([subscription], "x"),
    ):
        check(card, live=CHANNEL)
    for card in (Message("There is no build."), listed()):
        check(cards.trial(subscription, card, "releases", HANDLES, "It is the newest one."), live=CHANNEL)
        answer = cards.tested(subscription, cards.posted_test(subscription, card, HANDLES))
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


def test_subscribed_card_confirms_the_request() -> None:
    new_subscription = subscription(3)
    none = rehearse(DEFAULT_EVENTS, "", [])
    assert cards.subscribed(new_subscription, none).text == (
        "*Subscribed <#C1> to Courier* (ready and failed builds). The next build will be posted here.\n"
        "No builds yet to preview."
    )
    assert "will be posted there." in cards.subscribed(new_subscription, none, here=False).text
    assert list(buttons(cards.subscribed(new_subscription))) == ["Test", "Edit", "Undo"]
    assert {button["value"] for button in buttons(cards.subscribed(new_subscription)).values()} == {"C1/3"}


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((BuildEvent.FAILED,), "failed builds"),
        ((BuildEvent.UPLOADED, BuildEvent.PROCESSED, BuildEvent.FAILED), "uploaded, ready and failed builds"),
        ((BuildEvent.CERT,), "expiring certificates"),
        ((BuildEvent.PROCESSED, BuildEvent.CERT, BuildEvent.FEEDBACK),
         "ready builds, expiring certificates and feedback"),
        ((), "events of a newer version"),
    ],
)  # fmt: skip
def test_events_are_named_as_kinds_of_builds(events: tuple[BuildEvent, ...], words: str) -> None:
    assert f"({words})" in cards.subscribed(subscription(events=events)).text


def test_filters_and_options_are_shown_as_they_are_typed() -> None:
    manner = DeliveryOptions(mention="S1", digest="mon,thu@17:30", compact=True, tz="Europe/Madrid")
    new_subscription = subscription(query='branch:"release 2/*" -tag:nightly', manner=manner)
    typed = "format:compact mention:@mobile-qa digest:mon,thu@17:30 tz:Europe/Madrid"
    text = cards.subscribed(new_subscription, rehearse(DEFAULT_EVENTS, "", []), HANDLES).text
    assert f'`branch:"release 2/*" -tag:nightly {typed}`' in text
    assert "Builds will be posted together every Monday and Thursday at 5:30 PM." in text
    assert "mention:S1" in cards.subscribed(new_subscription).text


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"query": "branch:release/*"}, "*Updated Courier in <#C1>*: was all branches, now `branch:release/*`."),
        ({"events": (BuildEvent.FAILED,)},
         "*Updated Courier in <#C1>*: was ready and failed builds, now failed builds."),
        ({"query": "os:ios -os:tvos", "manner": DeliveryOptions(mention="S1", digest="daily@09:00")},
         "*Updated Courier in <#C1>*\n• all platforms → `os:ios -os:tvos`\n• no mention → `mention:@mobile-qa`\n"
         "• no digest → `digest:daily@09:00`"),
        ({"created_by": "U0BOB"}, "*Courier in <#C1> is yours now* (ready and failed builds).\n"
         "<@U0ANA> had set it up."),
        ({}, "*Resumed Courier in <#C1>* (ready and failed builds)."),
    ],
)  # fmt: skip
def test_a_change_is_shown_before_and_after(after: dict[str, Any], words: str) -> None:
    before = subscription()
    card = cards.updated(replace(before, **after), before, "key", None, HANDLES)
    assert card.text == words
    last = list(buttons(card).values())[-1]
    assert last["value"] == ("key" if after else "C1/1")


def test_another_s_subscription_is_replaced_by_a_named_button() -> None:
    before = subscription()
    card = cards.replace_or_keep(before, replace(before, query="branch:main"), "value", HANDLES)
    assert card.text == ("*Replace <@U0ANA>'s subscription to Courier in <#C1>?*\n• all branches → `branch:main`")
    assert list(buttons(card)) == ["Replace", "Keep"]


def of(nth: int, branch: str = "main", **more: object) -> Build:
    return build(nth, origin=BuildSource(branch=branch), created_at=NOON + timedelta(minutes=nth), **more)


@pytest.mark.parametrize(
    ("events", "query", "builds", "words"),
    [
        (DEFAULT_EVENTS, "", [], "No builds yet to preview."),
        (DEFAULT_EVENTS, "", [of(1)], "Preview: the only build so far matches."),
        (DEFAULT_EVENTS, "os:android", [of(1)],
         "Preview: the only build so far doesn't match. Recent platforms: `ios`."),
        (DEFAULT_EVENTS, "branch:release/*", [of(1), of(2, "release/2")],
         "Preview: 1 of the last 2 builds matches: 1.2.0 (2) iOS."),
        (DEFAULT_EVENTS, "", [of(n) for n in range(1, 31)],
         "Preview: 20 of the last 20 builds match."),
        (DEFAULT_EVENTS, "branch:relase/* tag:x", [of(1), of(2, "release/2")],
         "No recent build matches. Recent branches: `release/2`, `main`. No recent build has a tag."),
        ((BuildEvent.FAILED,), "", [of(1), of(2)], "No recent build failed."),
        ((BuildEvent.FAILED,), "branch:main", [of(1), of(2, "x")], "No recent build failed. 1 matches the filter."),
        ((BuildEvent.CERT,), "", [of(1)], ""),
    ],
)  # fmt: skip
def test_the_preview_names_what_matches_or_why_nothing_does(
    events: tuple[BuildEvent, ...], query: str, builds: list[Build], words: str
) -> None:
    new_subscription = subscription(events=events, query=query)
    assert preview(new_subscription, rehearse(events, query, builds)) == words


def test_the_preview_of_every_app_names_the_apps() -> None:
    new_subscription = subscription(app_id=None)
    tried = rehearse(new_subscription.events, "", [of(1), of(2, app=RIDER), of(3, stage=Stage.RUNNING)])
    assert preview(new_subscription, tried).endswith("match: Rider 1.2.0 (2) iOS, Courier 1.1.0 (1) iOS.")


def test_filters_that_match_nothing_are_offered_for_editing() -> None:
    new_subscription = subscription(query="branch:x")
    card = cards.subscribed(new_subscription, rehearse(DEFAULT_EVENTS, "branch:x", [of(1)]))
    assert list(buttons(card)) == ["Test", "Edit filters", "Undo"]


# ------------------------------------------------------------------ the list


def test_subscription_listed_with_maker_date_and_state() -> None:
    new_subscription = subscription(7, query="branch:main", paused="is_archived", muted_until=LATER)
    shown = seen(listed(new_subscription, last=NOON))
    what = "*Courier* · ready and failed builds · `branch:main` · #7 · <@U0ANA>"
    assert f"{what} · ⚠️ paused: the channel is archived" in shown
    assert f"{what} · muted until <!date^" in seen(listed(replace(new_subscription, paused=None), last=NOON))
    assert "<@U0ANA> · no posts yet" in seen(listed(subscription(7)))
    assert listed(subscription(7), last=NOON).text.endswith("#7 · <@U0ANA>.")
    assert "muted" not in seen(listed(replace(new_subscription, muted_until=NOON)))


def test_each_subscription_is_one_block_with_one_menu() -> None:
    _, *blocks = listed(subscription(1), subscription(2)).blocks
    menus = [block["accessory"] for block in blocks]
    assert len({menu["action_id"] for menu in menus}) == 2
    assert [option["text"]["text"] for option in menus[0]["options"]] == ["Edit", "Test", "Mute", "Unsubscribe"]
    assert {option["value"].partition(" ")[2] for option in menus[1]["options"]} == {"C1/2"}


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
    assert "<#C1> · *Courier* · ready and failed builds" in seen(card)
    assert "<#C1>" in card.text


def test_an_empty_list_of_subscriptions_invites() -> None:
    card = cards.subscriptions([], now=NOON, channel_id="C1")
    assert card.text == "*No subscriptions in <#C1> yet.* Subscribe to an app to post its new builds here."
    assert list(buttons(card)) == ["Subscribe to an app"]
    assert listed(everywhere=True).text == "*No channel is subscribed to an app yet.*"


def test_every_time_is_shown_in_the_reader_s_own_zone() -> None:
    for card in (listed(subscription(muted_until=LATER), last=NOON), mutes.muted([subscription()], LATER, "here", [])):
        texts = list(marked(card.payload()))
        assert any(DATE.fullmatch(found) for text in texts for found in LIVE.findall(text))
        assert not any("2026-11-21" in LIVE.sub("", text) for text in texts)


# ------------------------------------------------------------------ stopped


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("is_archived", "the channel is archived.\nUnarchive it and type `/invite @applivery` there to resume"),
        ("not_in_channel", "the bot isn't in the channel.\nType `/invite @applivery` there to resume."),
        ("channel_not_found", "the bot can't see the channel.\nType `/invite @applivery` there to resume."),
        ("restricted_action_thread_locked", "posting is restricted in the channel.\nAllow the bot to post there"),
        ("weird_<!here>", "Slack refuses messages in that channel (`weird_&lt;!here&gt;`)"),
        (None, "Slack refuses messages in that channel (`unknown`)"),
    ],
)
def test_subscription_paused_maker_told_why_and_of_resumption(code: str | None, words: str) -> None:
    card = cards.paused(subscription(paused=code), "applivery")
    assert card.text.startswith("⚠️ *Courier is paused in <#C1>*: ")
    assert words in card.text
    assert list(buttons(card)) == ["Unsubscribe" if code == "is_archived" else "Resume"]


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
    with pytest.raises(UserInputError, match="type them after `subscribe`"):
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
        f"{when}/{COURIER.id}" for when in ("1h", "4h", "tomorrow 09:00", "monday 09:00", "off")
    ]
    assert re.search(r"Muted now until <!date[^>]*>: Courier\.", card.text)
    assert "Unmute" not in buttons(mutes.choices([subscription()], mutes.HERE, NOON))


def test_a_mute_says_what_happens_then() -> None:
    new_subscription, every = subscription(1), subscription(2, app_id=None, app_name="every app")
    digest = subscription(3, manner=DeliveryOptions(digest="daily@09:00"))
    assert (
        "Builds from this time will be posted as one summary."
        in mutes.muted([new_subscription], LATER, mutes.HERE, []).text
    )
    assert "as one summary per subscription." in mutes.muted([new_subscription, every], LATER, mutes.HERE, []).text
    assert "will be in the next digest." in mutes.muted([digest], LATER, mutes.HERE, []).text
    assert "subscribed to every app, so all apps are muted" in mutes.muted([every], LATER, COURIER.id, []).text
    assert "You can't mute every app." in mutes.muted([new_subscription], LATER, mutes.HERE, [every]).text


def test_a_direct_message_is_this_conversation_only_in_it() -> None:
    mine = replace(subscription(), channel_id="D0ANA")
    assert "Subscriptions in this conversation" in cards.subscriptions([(mine, None)], HANDLES, now=NOON).text
    everywhere = cards.subscriptions([(mine, None)], HANDLES, now=NOON, everywhere=True)
    assert "All subscriptions: a direct message · *" in everywhere.text


def test_sentence_about_every_app_is_not_that_about_one() -> None:
    every = replace(subscription(), app_id="", app_name="")
    assert mutes.not_muted([every], "0").text == "Nothing is muted in <#C1>."
    with use_locale("es"):
        assert cards.paused(every, "applivery").text.startswith("⚠️ *Pausa de todas las apps en <#C1>*: ")
        assert cards.posted_test(every, Message("x")).text.startswith("*Prueba:* aquí se publican ")
