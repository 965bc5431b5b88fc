"""What Slack makes of what people type and paste, and what they meant by it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import grammar
from bot.slack import typed_text
from sandbox.slack.composing import delivered


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("<http://shop.acme.io|shop.acme.io>", "shop.acme.io"),
        ("<https://shop.acme.io/x?a=1&amp;b=2>", "https://shop.acme.io/x?a=1&amp;b=2"),
        ("<mailto:x@y.z>", "x@y.z"),
        ("person:<mailto:ana_maria@acme.io|ana_maria@acme.io>", "person:ana_maria@acme.io"),
        ("#<tel:173|173>", "#173"),
        ("<@U012AB3CD|ana> <#C1|releases> <!subteam^S1|@qa>", "<@U012AB3CD|ana> <#C1|releases> <!subteam^S1|@qa>"),
        ("get\u00a0courier\u200b \ufeff2.4.0", "get courier 2.4.0"),
        ("get\u3000courier\u202e\u2060", "get courier"),
        ("a &lt;b|c&gt;", "a &lt;b|c&gt;"),
    ],
)
def test_typed_text_removes_slack_additions(sent: str, meant: str) -> None:
    assert typed_text.normalize(sent) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "get courier",
        " get courier ",
        "`get courier`",
        "```get courier```",
        "*get courier*",
        "_get courier_",
        "~get courier~",
        "*_get courier_*",
        "*get* courier",
        "“get courier”",
        '"get courier"',
        "get courier\u200b",
        "GET courier",
        ", get courier",
        ": get courier",
        "- get courier",
        "— get courier",
        "· get courier",
        "! get courier",
        "&gt; get courier",
        "• get courier",
        "✅ get courier",
        "get: courier",
        "get, courier",
        "/applivery get courier",
        "applivery get courier",
        "Applivery: get courier",
        "/builds get courier",
        "`/builds get courier`",
        "\n get courier",
    ],
)
def test_typed_text_finds_subcommand_in_any_surroundings(typed: str) -> None:
    assert typed_text.split_command(typed, "/builds") == ("get", "courier")


@pytest.mark.parametrize("typed", ["", " ", "\u200b", "?", "…", "/builds", "`/builds`", ",", "*", "``"])
def test_nothing_but_marks_is_nothing(typed: str) -> None:
    assert typed_text.split_command(typed, "/builds")[0] == ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("`courier` *2.4.0*", "courier 2.4.0"),
        ("`my app` 2.4", "my app 2.4"),
        ("`branch:release/*` os:ios", "branch:release/* os:ios"),
        ("*branch:release/**", "branch:release/*"),
        ("branch:`my branch`", 'branch:"my branch"'),
        ('tag:`a"b\\c`', 'tag:"a\\"b\\\\c"'),
        ("branch:feature/new_login*v2", "branch:feature/new_login*v2"),
        ("* on:failed", "* on:failed"),
        ("-tag:*a* branch:*b*", "-tag:*a* branch:*b*"),
        ("a_b c_d", "a_b c_d"),
        ("<@U1|bruno>, releaser", "<@U1|bruno> releaser"),
    ],
)
def test_formatting_around_words_and_values_is_left_out(typed: str, meant: str) -> None:
    assert typed_text.strip_formatting(typed) == meant


@given(st.text(max_size=60) | st.lists(st.sampled_from('*_~`"“” \n:-get'), max_size=30).map("".join))
def test_any_text_is_read(typed: str) -> None:
    verb, rest = typed_text.split_command(delivered(typed), "/builds")
    assert not any(letter.isspace() for letter in verb)
    grammar.read(typed_text.strip_formatting(grammar.unescaped(rest)))
    typed_text.normalize_search(typed)


@pytest.mark.parametrize("piece", ["*", "`", "*a ", "`a ", "_a_ ", "<", "“", "> ", "key:`", "<@U1>,"])
def test_the_longest_text_is_read_in_no_time(piece: str) -> None:
    text = (piece * 40_000)[:40_000]
    started = time.process_time()
    _, rest = typed_text.split_command(text, "/builds")
    typed_text.strip_formatting(rest)
    assert time.process_time() - started < 2, "reading is no longer linear"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("hey get courier please?", "get courier"),
        ("hi", "hi"),
        ("hi there!", "hi there!"),
        ("hey, please get courier", "get courier"),
        ("please get courier :pray: thanks!", "get courier"),
        ("get courier, por favor", "get courier"),
        (":wave: :wave:", ""),
        ("thanks", "thanks"),
        ("get displease", "get displease"),
        ('recall courier "crash, please"', 'recall courier "crash, please"'),
    ],
)
def test_courtesies_around_a_command_are_left_out(said: str, meant: str) -> None:
    assert typed_text.without_courtesies(said, lambda text: text.startswith("get")) == meant


@pytest.mark.parametrize(
    "typed", ["@Builds get courier", "@applivery: get courier", "/builds get courier", "@builds, get courier"]
)
def test_the_bot_s_name_is_no_part_of_a_command(typed: str) -> None:
    assert typed_text.split_command(typed, "/builds") == ("get", "courier")


@pytest.mark.parametrize("piece", [",", " ", ", ", "please ", "hi ", ":a:", ":", "a,", "thanks,\n"])
def test_the_longest_message_is_read_in_no_time(piece: str) -> None:
    started = time.process_time()
    typed_text.without_courtesies(f"x{piece * (40_000 // len(piece))}x", lambda _: False)
    typed_text.without_courtesies(piece * (40_000 // len(piece)), lambda _: False)
    assert time.process_time() - started < 2
