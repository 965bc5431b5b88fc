"""How typed text is read: any text parses, and what is stored of it reads the same again."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import grammar, lookup
from bot.domain.grammar import KeyValue, ParsedText
from tests.support import facts

LONG = 40_000  # the most that Slack sends in one text


def words(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, str, bool], ...]]:
    read = grammar.parse(text)
    return read.plain, tuple((option.key, option.value, option.no) for option in read.options)


# ------------------------------------------------------------------ any text


@given(facts.texts | st.text(st.sampled_from('"“”„«»\\ -:/<>|@#!&;abk\t\n'), max_size=30))
def test_any_text_parses_and_what_is_said_back_means_the_same(text: str) -> None:
    read = grammar.parse(text)
    said = grammar.explain(read)
    assert grammar.parse(said) == read
    assert grammar.explain(grammar.parse(said)) == said


@pytest.mark.parametrize("typed", ['"<@U1" b>', '"<#C1|a" "b>"', '"<https:" x|y>', 'by:"<@U1" b>'])
def test_halves_of_a_mention_do_not_grow_together(typed: str) -> None:
    read = grammar.parse(typed)
    assert grammar.parse(grammar.explain(read)) == read
    assert len(read.plain) + len(read.options) == 2


@given(facts.texts)
def test_grammar_quoted_input_is_escaped_like_slack(text: str) -> None:
    assert not set("<>") & set(grammar.explain(grammar.parse(text)))


@pytest.mark.parametrize(
    "piece",
    [
        '"',
        "“",
        "<@",
        "<",
        "&lt;",
        "&amp;lt;",
        "-",
        "a:",
        "a-",
        "\\",
        '"\\',
        "\x00",
        "👩‍👩‍👧‍👦",
        "שלום ",
        " ",
        "<@U1|a b>",
        "x" * 99 + " ",
    ],
)
def test_the_longest_text_is_read_in_no_time(piece: str) -> None:
    text = (piece * LONG)[:LONG]
    started = time.process_time()
    read = grammar.parse(text)
    assert grammar.parse(grammar.explain(read)) == read
    assert time.process_time() - started < 2, "reading is no longer linear"


@pytest.mark.parametrize("piece", ["*a", "?*", "[", "[!", "*", "a*[b]"])
def test_the_longest_glob_is_matched_in_no_time(piece: str) -> None:
    build = facts.build(origin=facts.BuildSource(branch="a/b" * 200))
    started = time.process_time()
    lookup.fits(build, ParsedText((), (KeyValue("branch", (piece * LONG)[:LONG]),)))
    assert time.process_time() - started < 2, "a filter could stop the bot for everybody"


def test_nothing_and_blanks_are_no_words() -> None:
    assert grammar.parse("") == grammar.parse(" \t\n\u3000") == grammar.NO_WORDS


# ------------------------------------------------------------------ words and options


@pytest.mark.parametrize(
    ("typed", "plain", "options"),
    [
        ("get courier 2.4.0", ("get", "courier", "2.4.0"), ()),
        ("get #173 os:ios", ("get", "#173"), (("os", "ios", False),)),
        ("OS:iOS", (), (("os", "iOS", False),)),
        ("-tag:nightly", (), (("tag", "nightly", True),)),
        ("branch:release/* branch:main", (), (("branch", "release/*", False), ("branch", "main", False))),
        ("branch:", (), (("branch", "", False),)),
        ("note:a:b", (), (("note", "a:b", False),)),
        ("https://acme.test/x", ("https://acme.test/x",), ()),
        ("-", ("-",), ()),
        ("2:4", ("2:4",), ()),
        ("-dry", ("-dry",), ()),
    ],
)
def test_words_and_options_are_told_apart(
    typed: str, plain: tuple[str, ...], options: tuple[tuple[str, str, bool], ...]
) -> None:
    assert words(typed) == (plain, options)


@pytest.mark.parametrize("typed", ['"my app"', "“my app”", "”my app”", "„my app“", "«my app»", '“my app"'])
def test_all_kinds_of_quotes_hold_words_together(typed: str) -> None:
    assert words(f"get {typed} x") == (("get", "my app", "x"), ())
    assert words(f"branch:{typed}") == ((), (("branch", "my app", False),))


def test_quotes_make_plain_words_of_what_looks_like_an_option() -> None:
    assert words('"os:ios"') == (("os:ios",), ())


def test_an_unclosed_quote_runs_to_the_end() -> None:
    assert words('get "my app 2') == (("get", "my app 2"), ())


def test_grammar_backslash_protects_only_quote_and_itself() -> None:
    assert words(r'"a \"b\" \\ c\d"') == ((r'a "b" \ c\d',), ())
    assert words(r"C:\temp") == ((), (("c", r"\temp", False),))


@pytest.mark.parametrize("typed", ['get ""', 'get "', "get “”", 'get "  "'])
def test_quotes_around_nothing_name_nothing(typed: str) -> None:
    assert words(typed) == (("get",), ())


def test_an_apostrophe_is_a_letter() -> None:
    assert words("ana's rock’n’roll") == (("ana's", "rock’n’roll"), ())


def test_grammar_unescapes_slack_text() -> None:
    assert words("a&amp;b &lt;3 &amp;lt;") == (("a&b", "<3", "&lt;"), ())


def test_a_mention_with_a_blank_in_its_name_is_one_word() -> None:
    assert words("grant <@U012AB3CD|ana maría> <#C1|the channel> by:<@U2|b c>") == (
        ("grant", "<@U012AB3CD|ana maría>", "<#C1|the channel>"),
        (("by", "<@U2|b c>", False),),
    )


def test_emoji_and_right_to_left_words_stay_whole() -> None:
    assert words("get 👩‍👩‍👧‍👦 מרחבא branch:שלום") == (("get", "👩‍👩‍👧‍👦", "מרחבא"), (("branch", "שלום", False),))


def test_values_are_those_asked_for_without_the_negated() -> None:
    read = grammar.parse("tag:a -tag:b tag:c os:ios")
    assert read.values("tag") == ("a", "c")
    assert read.values("by") == ()


def test_an_option_knows_the_words_after_it() -> None:
    [by, os] = grammar.parse("get by:Ana María Ruiz os:ios").options
    assert (by.more, os.more) == (("María", "Ruiz"), ())
    assert by == KeyValue("by", "Ana"), "what it is does not depend on them"


@pytest.mark.parametrize("typed", ["–tag:nightly", "—tag:nightly", "−tag：nightly"])
def test_a_dash_of_any_length_means_not(typed: str) -> None:
    assert words(typed) == ((), (("tag", "nightly", True),))


def test_a_blank_after_a_key_is_closed_up() -> None:
    read = grammar.closed_up(grammar.read("get courier os: ios by: Ana Ruiz to:x y"))
    assert read.plain == ("get", "courier", "Ruiz", "y")
    assert [(option.key, option.value) for option in read.options] == [("os", "ios"), ("by", "Ana"), ("to", "x")]


@pytest.mark.parametrize(
    ("typed", "plain", "value"),
    [
        ("courier within:12 weeks", ("courier",), "12 weeks"),
        ("within:1 day courier", ("courier",), "1 day"),
        ("within: 30d courier", ("courier",), "30d"),
        ("within:30d courier", ("courier",), "30d"),
        ("within:12 courier", ("courier",), "12"),
        ("within:weeks 12", ("12",), "weeks"),
    ],
)
def test_a_length_of_time_may_be_two_words(typed: str, plain: tuple[str, ...], value: str) -> None:
    read = grammar.closed_up(grammar.read(typed))
    assert (read.plain, read.values("within")) == (plain, (value,))
