"""What is from outside is seen exactly as it is, whatever is in it, and our own marks work around it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain import subscription_changes
from bot.domain.grammar import KeyValue, ParsedText, explain, readable
from bot.domain.lookup import AmbiguousInput
from bot.domain.model import (
    Actor,
    App,
    Attachment,
    Build,
    BuildEvent,
    CardEntry,
    Delivery,
    DeliveryOptions,
    FileKind,
    Link,
    Recall,
    RecallReach,
    Stage,
    Subscription,
)
from bot.exceptions import BuildRecalled, NotFoundByName
from bot.i18n import Text, _, use_locale
from bot.i18n.verbatim import CLOSE, OPEN, code, unmarked, verbatim
from bot.slack import blocks, markup
from bot.slack.blocks import Message, Modal, inputs
from bot.slack.blocks.paging import paginate
from bot.slack.mrkdwn import escape_inline
from bot.slack.views import builds as build_cards
from bot.slack.views import (
    changes_since,
    channel_card,
    errors,
    links,
    progress,
    recalls,
    subscription_form,
    subscriptions,
    uploads,
)
from sandbox.slack.validation import check_message, check_view
from tests.support import shown
from tests.support.facts import COURIER, FULL, NOON
from tests.support.reading import DASHBOARD, HOSTS, dashboard

PIECES = (
    "_", "*", "~", "`", "```", "\\", "<", ">", "&", "&amp;", "|", "#", "@", ":", '"', "'", "(", ")", ",", ".", "!", "?",
    "[", "]", "=", " ", "  ", "\u00a0", "\u200b", "\ufeff", "\u2019", "“", "”", "–", "😀", ":bug:", "שלום", "مرحبا",
    "Ｆｕｌｌ", "＿", "@channel", "<!channel>", "<@U1>", "<https://evil.test|Install>", "https://evil.test",
    "a", "Z", "7", "release/",
)  # fmt: skip
# Within what every card has room for: 20 of the longest pieces would be cut, which is another rule.
outside = (
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join).map(lambda text: text[:38]).filter(str.strip)
)
named = outside.filter(lambda text: text.strip() == text)
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ANA = Actor("T1", "U0ANA", "C1")


def everything(message: Message) -> Iterator[str]:
    """All that is seen of a message, its notification too."""
    payload = message.payload()
    check_message(payload)
    assert not {OPEN, CLOSE} & set(f"{payload}")
    yield shown.notification(payload)
    yield from shown.texts(payload["blocks"])


def told(message: Message) -> str:
    return "\n".join(everything(message))


# ------------------------------------------------------------------ the bricks


@given(outside, st.booleans(), st.booleans())
def test_a_value_is_seen_as_it_is(value: str, beside: bool, aside: bool) -> None:
    button = blocks.button("Get", "get.v1", "x") if aside else None
    sentence = f"*New: {escape_inline(value)}* in <#C1>, _by {escape_inline(value)}_\n>{escape_inline(value)}"
    body = blocks.section(sentence, fields=[f"*Branch* {escape_inline(value)}"] * beside, accessory=button)
    message = Message(
        f"*New: {escape_inline(value)}*", (body, blocks.context(f"{escape_inline(value)} · {escape_inline(value)}"))
    )
    *above, below = list(everything(message))[1:]
    seen = "\n".join(above)
    assert f"New: {value} in" in seen
    assert seen.count(value) >= 3 + beside
    assert below.count(value) >= 2
    assert shown.notification(message.payload()) == f"New: {value}"
    kinds = [block["type"] for block in message.payload()["blocks"]]
    assert kinds.count("actions") + ("accessory" in message.payload()["blocks"][0]) == aside, "the button is there"


@given(outside)
def test_a_value_is_seen_as_it_is_in_forms_and_menus(value: str) -> None:
    form = Modal(
        "x.v1",
        "Title",
        (
            blocks.section(f"*{escape_inline(value)}*"),
            blocks.section(f"*{escape_inline(value)}*", accessory=blocks.button(value, "a")),
            blocks.external_select(f"Zone {value}", "pick", hint=value, chosen=blocks.option(value, "v")),
            inputs.text_input(f"Zone {value}", "line", max_length=500, example=value),
        ),
    ).view()
    check_view(form)
    seen = list(shown.texts(form["blocks"]))
    if value.strip():
        assert sum(value in text for text in seen) >= 6


def test_our_own_marks_work_around_a_value() -> None:
    block = markup.to_rich_text(
        f"*{verbatim('a_b')} is* `{verbatim('x*y')}`, <@U1> at <!date^1^{{time}}|then> <u|{verbatim('*l*')}>"
    )
    parts = block["elements"][0]["elements"]
    assert parts == [
        {"type": "text", "text": "a_b is", "style": {"bold": True}},
        {"type": "text", "text": " "},
        {"type": "text", "text": "x*y", "style": {"code": True}},
        {"type": "text", "text": ", "},
        {"type": "user", "user_id": "U1"},
        {"type": "text", "text": " at "},
        {"type": "date", "timestamp": 1, "format": "{time}", "fallback": "then"},
        {"type": "text", "text": " "},
        {"type": "link", "url": "u", "text": "*l*"},
    ]


def test_a_time_that_slack_does_not_know_is_shown_in_words() -> None:
    for timestamp in (-1, 253_402_300_799):
        block = markup.to_rich_text(f"<!date^{timestamp}^{{time}}|then> {verbatim('*')}")
        assert block["elements"][0]["elements"] == [{"type": "text", "text": "then *"}]


def test_a_mark_inside_of_a_word_of_ours_is_no_mark() -> None:
    block = markup.to_rich_text(f"_Set PUBLIC_URL first._ {verbatim('*')}")
    assert block["elements"][0]["elements"][0] == {
        "type": "text",
        "text": "Set PUBLIC_URL first.",
        "style": {"italic": True},
    }


def test_lines_of_a_quotation_stay_one_quotation() -> None:
    block = markup.to_rich_text(f"*Head*\n>{escape_inline('* one')}\n>{escape_inline('`two`')}\nend")
    assert [element["type"] for element in block["elements"]] == [
        "rich_text_section",
        "rich_text_quote",
        "rich_text_section",
    ]
    assert block["elements"][1]["elements"] == [{"type": "text", "text": "* one\n`two`"}]


@pytest.mark.parametrize("harmless", ["Courier", "2.4.0 (173)", "ana@acme.io", "release/2.4", "日本語", "a & b"])
def test_markup_harmless_text_stays_plain(harmless: str) -> None:
    assert blocks.section(f"*{escape_inline(harmless)}*")["type"] == "section"
    assert "`" not in blocks.context(escape_inline(harmless))["elements"][0]["text"]


@given(outside, st.integers(1, 60))
def test_a_cut_sentence_has_no_open_end(value: str, limit: int) -> None:
    body = Message("x", (blocks.section(f"*Head* {escape_inline(value * 3500, 3500)}"),))
    check_message(body.payload())
    assert "…" in told(body)
    short = escape_inline(value, limit)
    assert short.count(OPEN) == short.count(CLOSE)
    assert len(unmarked(short)) <= limit * 5


# ------------------------------------------------------------------ sentences


@given(outside)
def test_markup_quoted_value_is_shown_as_is(value: str) -> None:
    for language in ("en", "es"):
        with use_locale(language):
            for error in (
                NotFoundByName(Text("app"), value, [value]),
                BuildRecalled(value, value),
                AmbiguousInput(
                    _("“{which}” of {app} could be {number} build.", which=value, app=verbatim(value), number=1),
                    [(value, "x")],
                ),
            ):
                message = (
                    errors.choices(error, paginate(error.choices, 0, 10), ["get x"], "get")
                    if isinstance(error, AmbiguousInput)
                    else errors.problem(error)
                )
                payload = message.payload()
                check_message(payload)
                assert f"“{value}”" in shown.notification(payload)
                assert f"“{value}”" in "\n".join(shown.texts(payload["blocks"]))
                assert not {OPEN, CLOSE} & set(str(error)), "the shell shows it too"


def test_code_is_marked_only_where_a_backtick_would_end_it() -> None:
    assert code("release/*") == "`release/*`"
    assert _("Type `{line}`.", line="a_b") == "Type `a_b`."
    assert unmarked(code("a`b")) == "`a`b`"
    assert "a`b" in told(errors.problem(NotFoundByName(Text("app"), "x", ["a`b"])))


# ------------------------------------------------------------------ every card


def built(value: str, **changes: Any) -> Build:
    """A build every fact of which is this."""
    origin = dataclasses.replace(FULL.origin, branch=value, tag=value, commit_message=value)
    facts = {
        "app": App(COURIER.id, "courier", value),
        "version": value,
        "number": value,
        "tags": (),
        "uploader": value,
        "changelog": value,
        "origin": origin,
        "attachments": (Attachment("f" * 24, value, value, 3),),
    }
    return replace(FULL, **{**facts, **changes})


def of_a_build(value: str) -> Iterator[tuple[str, Message, int]]:
    """Every kind of message about a build, and how often it has the value."""
    first = built(value)
    failed = replace(first, stage=Stage.FAILED, error=value, error_code=value)
    recall = Recall(first.id, first.app.id, value, "U0ANA", AT)
    made = Link(HOSTS.download_url("t"), "t", FileKind.FILE, None)
    yield (
        "list",
        build_cards.builds(
            first.app,
            paginate([first, failed], 0, 10),
            escape_inline(value),
            {first.id: recall},
            now=NOON,
            tz="UTC",
        ),
        3,
    )
    yield "status", build_cards.status(first, DASHBOARD), 5
    yield "failed", build_cards.status(failed, DASHBOARD), 7
    yield "link", links.link(first, made, ANA, NOON, dashboard=DASHBOARD), 3
    details = links.details(first, NOON, dashboard=DASHBOARD, had=None, others=[], installs=True)
    yield "details", details, 7
    yield "shared", links.shared(first, "U0ANA", NOON), 6
    yield "sent", links.sent(first, "U0ANA", 3, NOON), 6
    yield "attachments", links.attachments(first), 4
    yield "attachment", links.attachment_link(first, first.attachments[0], made, ANA, NOON), 4
    yield "expired", links.expired(value, "a/b/auto"), 1
    yield "news", changes_since.news(first, None, {}, DASHBOARD), 4
    yield "recalled", recalls.recalled(first, recall, RecallReach(1, 2), pages=True), 4
    yield "stopped", progress.stopped(first, again=True), 2
    yield "not uploaded", uploads.failed(value, value, NotFoundByName(Text("app"), value)), 3
    yield "uploaded", uploads.uploaded(value, first, "U0ANA", DASHBOARD, found=True, mails=False), 2
    yield "attached", uploads.attached(value, first), 2
    yield "uploading", uploads.under_way(value, value, None), 2
    for manner in (DeliveryOptions(label=value), DeliveryOptions(compact=True, label=value)):
        for entry in (
            CardEntry(first),
            CardEntry(failed),
            CardEntry(first, recall=recall),
            CardEntry(first, superseded_by=first),
        ):
            card = Delivery(1, "C1", BuildEvent.PROCESSED, first, "key", manner=manner, shown=(entry,))
            yield "card", channel_card.card(card, dashboard), 4
    second = (CardEntry(first), CardEntry(replace(failed, platform="android")))
    yield (
        "version",
        channel_card.card(Delivery(1, "C1", BuildEvent.PROCESSED, first, "key", shown=second), dashboard),
        5,
    )
    digest = (CardEntry(first), CardEntry(replace(failed, version=f"{value}2")))
    yield "digest", channel_card.card(Delivery(1, "C1", BuildEvent.PROCESSED, first, "key", shown=digest), dashboard), 4


@given(named)
def test_every_card_shows_a_build_s_facts_as_they_are(value: str) -> None:
    for name, message, often in of_a_build(value):
        payload = message.payload()
        check_message(payload)
        assert not {OPEN, CLOSE} & set(f"{payload}"), name
        assert "\n".join(shown.texts(payload["blocks"])).count(value) >= often, (name, payload["blocks"])
        assert value in shown.notification(payload), (name, payload["text"])


@given(named)
def test_every_card_shows_a_subscription_as_it_is(value: str) -> None:
    query = explain(ParsedText((), (KeyValue("branch", value), KeyValue("tag", value, True))))
    manner = DeliveryOptions(label=value, quiet="22:00-08:00", tz="America/Los_Angeles")
    subscription = Subscription(
        3, "T1", "C1", COURIER.id, value, (BuildEvent.PROCESSED,), query, "U0ANA", AT, manner=manner
    )
    typed = readable(ParsedText((), subscription_changes.options(subscription)[1:]))
    for message in (
        subscriptions.subscribed(subscription),
        subscriptions.subscriptions([(subscription, None)], now=AT),
    ):
        seen = told(message)
        assert seen.count(value) >= 1
        assert typed in seen, "as it can be pasted back"
    for message in (subscriptions.which_to_end([subscription], "C1"), subscriptions.paused(subscription, value)):
        assert value in told(message)
    form = subscription_form.edit(
        subscription, subscription_form.typed(subscription, {}, "UTC"), "America/Los_Angeles", "x"
    ).view()
    check_view(form)
    assert sum(value in text for text in shown.texts(form["blocks"])) >= 1
    assert sum("America/Los_Angeles" in text for text in shown.texts(form["blocks"])) == 2
