"""The bricks: nothing from outside is live in them, nothing exceeds Slack's limits, and what is cut says so."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n.verbatim import unmarked
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Message, Modal, Visibility, inputs
from sandbox.slack.validation import check_message, check_options, check_view
from tests.support.facts import texts
from tests.support.reading import check, strings

# ------------------------------------------------------------------ escaping


@pytest.mark.parametrize(
    ("outside", "inert"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("<@U0ANA> & <#C1>", "&lt;@U0ANA&gt; &amp; &lt;#C1&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("<https://evil.test|Install>", "&lt;https://evil.test|Install&gt;"),
        ("two\nlines", "two\nlines"),
        ("bell\x07 and \x1b[31m", "bell  and  [31m"),
        ("half \ud83d a character", "half   a character"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("مرحبا שלום 👩‍👩‍👧‍👦", "مرحبا שלום 👩‍👩‍👧‍👦"),
        (None, "None"),
        (173, "173"),
    ],
)
def test_text_from_outside_becomes_inert(outside: object, inert: str) -> None:
    assert mrkdwn.escape(outside) == inert


@pytest.mark.parametrize(
    ("outside", "inert"),
    [
        (" two\n\r\n lines\tand\u2028more ", " two lines and more "),
        ("*bold* _it_ ~no~ `code`", "*bold* _it_ ~no~ `code`"),
        ("Ａcme  \u00a0\u200bapp", "Ａcme  \u00a0\u200bapp"),
        ("", ""),
        ("\x00", ""),
    ],
)
def test_inline_text_is_one_line_and_as_it_is(outside: str, inert: str) -> None:
    assert unmarked(mrkdwn.escape_inline(outside)) == inert


def test_inline_text_is_cut_before_it_is_escaped() -> None:
    assert unmarked(mrkdwn.escape_inline(">" * 300, 10)) == "&gt;" * 9 + "…"
    assert mrkdwn.escape_inline("x" * 10, 10) == "x" * 10


@given(texts, st.integers(1, 300))
def test_external_text_is_inert_in_blocks(text: str, limit: int) -> None:
    check(
        Message(
            "x", (blocks.section(f"x {mrkdwn.escape_inline(text, limit)}"), blocks.section(f"x {mrkdwn.escape(text)}"))
        )
    )
    check(Message(f"x {mrkdwn.escape(text)}"))
    assert len(mrkdwn.escape_inline(text, limit).splitlines()) <= 1


def test_bare_words_are_never_read_as_mentions() -> None:
    # https://docs.slack.dev/reference/block-kit/composition-objects/text-object: `verbatim`
    made: list[Any] = [blocks.section("@channel", fields=["@here"]), blocks.context("#general", "@ana")]
    objects = [made[0]["text"], *made[0]["fields"], *made[1]["elements"]]
    assert [object_["verbatim"] for object_ in objects] == [True] * 4


# ------------------------------------------------------------------ cutting

WHOLE = (
    "a",
    " ",
    "é",
    "e\u0301",
    "Z\u0351\u036b\u0343",
    "क्षि",
    "நி",
    "각",
    "\u1100\u1161\u11a8",
    "👍🏽",
    "❤️",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇪🇸",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "&amp;",
    "&lt;",
    "<!date^1795262400^{time}|2026-11-21 12:00 UTC>",
    "<@U0ANA>",
    "<https://acme.test/a?b=c|Open>",
)


@given(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=30), st.integers(1, 60))
def test_a_cut_never_goes_through_what_a_person_sees_as_one(parts: list[str], limit: int) -> None:
    text = "".join(parts)
    short = mrkdwn.truncate(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
        return
    kept = short.removesuffix("…")
    assert short.endswith("…")
    starts = {"".join(parts[:count]).rstrip() for count in range(len(parts))}
    assert kept in starts


def test_a_cut_keeps_as_much_as_fits() -> None:
    assert mrkdwn.truncate("abcdef", 6) == "abcdef"
    assert mrkdwn.truncate("abcdef", 5) == "abcd…"
    assert mrkdwn.truncate("ab cdef", 4) == "ab…"
    assert mrkdwn.truncate("🇪🇸🇫🇷🇮🇹", 5) == "🇪🇸🇫🇷…"
    assert mrkdwn.truncate("abcdef", 1) == "…"


def test_raw_signs_that_are_no_marks_do_not_make_a_cut_greedy() -> None:
    assert mrkdwn.truncate("1 < 2 and R&D are longer than that", 20) == "1 < 2 and R&D are l…"
    assert mrkdwn.truncate("a;b & c;d & e and more", 12) == "a;b & c;d…"


def test_one_endless_character_is_cut_to_an_ellipsis() -> None:
    assert mrkdwn.truncate("e" + "\u0301" * 500, 100) == "…"


# ------------------------------------------------------------------ plain text


@given(texts, st.integers(1, 150))
def test_plain_text_is_one_line_never_empty_and_within_its_limit(text: str, limit: int) -> None:
    shown = mrkdwn.plain_text(text, limit)
    assert 1 <= len(shown) <= limit
    assert len(shown.splitlines()) == 1
    assert not [here for here in shown if unicodedata.category(here) in ("Cc", "Cs")]


# ------------------------------------------------------------------ times and sizes


def test_moment_shown_in_reader_time_zone_with_utc() -> None:
    noon = datetime(2026, 11, 21, 12, 0, 59, tzinfo=UTC)
    assert mrkdwn.date_tag(noon) == "<!date^1795262459^{date_short_pretty} {time}|2026-11-21 12:00 UTC>"
    assert mrkdwn.date_tag(noon, "{time}") == "<!date^1795262459^{time}|2026-11-21 12:00 UTC>"
    assert mrkdwn.date_tag(None) == "at an unknown time"


def test_moment_text_is_the_same_for_any_input_time_zone() -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert mrkdwn.date_tag(noon.astimezone(timezone(timedelta(hours=9)))) == mrkdwn.date_tag(noon)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "unknown size"),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (538_300, "538.3 kB"),
        (48_200_000, "48.2 MB"),
        (2**63 - 1, "9,223,372,036.9 GB"),
    ],
)
def test_sizes_are_said_as_people_say_them(count: int | None, words: str) -> None:
    assert mrkdwn.size(count) == words


# ------------------------------------------------------------------ messages


@pytest.mark.parametrize(("count", "left_out"), [(51, 2), (52, 3), (500, 451)])
def test_message_counts_blocks_that_do_not_fit(count: int, left_out: int) -> None:
    message = Message("many", tuple(blocks.section(f"line {number}") for number in range(count)))
    shown = message.payload()["blocks"]
    check(message)
    assert len(shown) == 50
    assert [item["text"]["text"] for item in shown[:49]] == [f"line {number}" for number in range(49)]
    assert shown[49]["elements"][0]["text"] == f"… and {left_out} more lines that don't fit here."


def test_fifty_blocks_are_shown_whole() -> None:
    message = Message("many", tuple(blocks.section(f"line {number}") for number in range(50)))
    check(message)
    assert message.payload()["blocks"] == list(message.blocks)


def test_no_message_of_any_kind_sends_a_crawler_to_its_links() -> None:
    for message in (Message("x"), Message("x", (blocks.section("y"),)), Message("x").to_channel()):
        assert message.payload()["unfurl_links"] is message.payload()["unfurl_media"] is False


def test_a_message_of_text_alone_is_shown_in_blocks() -> None:
    # Slack looks for addresses and mentions in a text that has no blocks
    assert [block["text"]["text"] for block in Message("x @here").payload()["blocks"]] == ["x @here"]
    lines = "\n".join(f"{number} {'x' * 90}" for number in range(40))
    shown = Message(lines).payload()["blocks"]
    assert "\n".join(item["text"]["text"] for item in shown) == lines


def test_an_endless_text_is_cut_to_what_slack_shows_well() -> None:
    text = Message("x" * 50_000).payload()["text"]
    assert len(text) == 4000
    assert text.endswith("…")


def test_a_message_is_for_the_asker_until_it_is_shared() -> None:
    assert Message("x").to is Visibility.ASKER
    assert Message("x").to_channel() == Message("x", to=Visibility.CHANNEL)


@given(texts, st.lists(texts, max_size=12), texts)
def test_block_builders_fit_limits_for_any_text(text: str, more: list[str], other: str) -> None:
    inert = [f"x{mrkdwn.escape(each_text)}" for each_text in more]
    go = blocks.button(
        text, "go", mrkdwn.plain_text(other, 9000), accessibility_label=other, confirm=text, style="danger"
    )
    check(
        Message(
            "x",
            (
                blocks.header(text),
                blocks.section(f"x{mrkdwn.escape(text)}", fields=inert, accessory=go),
                blocks.context("small", *inert),
                blocks.divider(),
                blocks.actions(go, blocks.link_button(text, "https://acme.test/", "open", accessibility_label=other)),
            ),
        )
    )


def test_more_than_a_row_of_buttons_is_cut() -> None:
    row = blocks.actions(*(blocks.button(str(number), f"b#{number}") for number in range(40)))
    assert len(row["elements"]) == 25
    check(Message("x", (row,)))


def test_a_section_without_a_text_has_its_fields() -> None:
    check(Message("x", (blocks.section("", fields=["a"]),)))


# ------------------------------------------------------------------ forms


@given(texts, texts, st.text(max_size=3000))
def test_every_form_is_one_slack_opens(text: str, value: str, memory: str) -> None:
    name = mrkdwn.plain_text(text, 200)
    form = Modal(
        "get.v1",
        name,
        (
            blocks.external_select("App", "app", hint=text, chosen=blocks.option(text, mrkdwn.plain_text(value, 400))),
            blocks.external_select("Build", "build", hint="x", optional=True),
            inputs.text_input("Filter", "filter", example=text, value=mrkdwn.plain_text(value, 2900), max_length=3000),
        ),
        submit=name,
        private_metadata=memory,
    )
    check_view(form.view())
    assert all(len(string) <= 3000 for string in strings(form.view()))


@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_every_option_is_one_slack_lists(pairs: list[tuple[str, str]]) -> None:
    made = [blocks.option(label, mrkdwn.plain_text(value, 400)).to_dict() for label, value in pairs]
    assert check_options({"options": made}) == made


def test_block_validator_refuses_what_slack_refuses() -> None:
    too_long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    with pytest.raises(Exception, match="invalid_blocks"):
        check_message({"text": "x", "blocks": [too_long]})
    with pytest.raises(AssertionError, match="live"):
        check(Message("<!channel>"))
    with pytest.raises(AssertionError, match="live"):
        check(Message("x", (blocks.section("<@U0ANA>"),)))
    with pytest.raises(AssertionError, match="half a mark"):
        check(Message("a < b"))
    with pytest.raises(AssertionError, match="half an entity"):
        check(Message("a &am"))
    with pytest.raises(AssertionError, match="says something"):
        check(Message("…"))


def test_modal_stored_by_an_earlier_version_is_restored() -> None:
    stored = '{"name": "n", "title": "T", "blocks": [], "submit": "Go", "memory": "m", "given": {"app": "x"}}'
    modal = Modal.from_json(stored)
    assert (modal.private_metadata, modal.preset_values) == ("m", {"app": "x"})
    assert json.loads(modal.to_json()) == json.loads(stored)
