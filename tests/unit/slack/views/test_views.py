"""Every message of the bot, whatever Applivery sends: Slack takes it, it pings nobody, its text stands by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import bot.commands
from bot import exceptions
from bot.dispatch.registry import HandlerRegistry
from bot.domain import grammar
from bot.domain.lookup import AmbiguousInput
from bot.domain.model import (
    Actor,
    App,
    Attachment,
    Build,
    FileKind,
    Link,
    Stage,
)
from bot.exceptions import BotError, InvalidId, NotFoundByName, UserInputError
from bot.i18n import NO_TEXT, Text, english
from bot.slack import mrkdwn
from bot.slack.blocks import Message, Visibility
from bot.slack.blocks.paging import paginate
from bot.slack.views import builds as build_cards
from bot.slack.views import errors
from bot.slack.views import help as help_views
from bot.slack.views import links as link_cards
from sandbox.slack.validation import check_view
from tests.support import facts
from tests.support.facts import COURIER, FULL, NOON, build
from tests.support.reading import DASHBOARD, DATE, HOSTS, LIVE, buttons, check, controls, dashboard, marked, seen


def link_of(token: str, kind: FileKind = FileKind.AUTO, expires_at: datetime | None = None) -> Link:
    return Link(HOSTS.download_url(token), token, kind, expires_at)


# ------------------------------------------------------------------ changelogs


def test_a_long_changelog_says_that_there_is_more() -> None:
    shown = build_cards.changelog(build(1, changelog="line\n" * 500))
    assert len(shown) < 500
    assert shown.endswith(">_(see all under *What's new*)_")
    assert all(line.startswith(">") for line in shown.splitlines())
    assert "the rest" not in build_cards.changelog(build(1, changelog="short"))
    assert build_cards.changelog(build(1, changelog=" \n ")) == ""


# ------------------------------------------------------------------ answers about builds


@given(facts.apps, st.lists(facts.builds, max_size=13), facts.texts)
def test_any_builds_can_be_listed(app: App, found: list[Build], note: str) -> None:
    check(
        build_cards.builds(
            app, paginate(found, 0, 10), mrkdwn.escape_inline(note), again="courier", now=NOON, tz="Asia/Kolkata"
        )
    )


def test_a_list_that_is_longer_has_more_pages() -> None:
    card = listed([build(number) for number in range(14)])
    assert "1–10 of 14" in seen(card)
    assert len([control for control in controls(card) if control.action.startswith("get.v1")]) == 10
    assert list(buttons(card))[-1] == "More"
    assert "More" not in buttons(listed([build(number) for number in range(10)]))


def listed(found: list[Build], note: str = "") -> Message:
    """The first page of some builds of Courier."""
    return build_cards.builds(COURIER, paginate(found, 0, 10), note, again="courier", now=NOON, tz="UTC")


def test_each_line_of_a_list_has_its_state_and_what_can_be_done() -> None:
    card = listed([build(2, stage=Stage.RUNNING), build(1)])
    assert "⏳ *1.2.0 (2)* iOS · processing\n✅ *1.1.0 (1)* iOS · <!date^" in seen(card)
    assert [(control.label, control.action) for control in controls(card)] == [
        ("Get 1.1.0 iOS", "get.v1#0"),
        ("Status of 1.2.0 (2) iOS", "status.v1"),
    ]
    assert card.text == "Builds of Courier: 1.2.0 (2) iOS: processing; 1.1.0 (1) iOS: ready."


def test_an_empty_list_says_why() -> None:
    assert listed([]).text == "Courier has no builds yet."
    assert listed([], "os:ios").text == "No build of Courier matches os:ios."


@given(facts.builds)
def test_the_state_of_any_build_can_be_told(build: Build) -> None:
    check(build_cards.status(build, dashboard(build)))


@pytest.mark.parametrize(
    ("stage", "offered", "words"),
    [
        (Stage.PENDING, ["Watch", "Check again"], "waiting"),
        (Stage.RUNNING, ["Watch", "Check again"], "being processed"),
        (Stage.READY, ["Get build", "What's new"], "ready"),
        (Stage.FAILED, [], "Applivery gave no reason."),
        (Stage.UNKNOWN, ["Check again"], "no status"),
    ],
)
def test_a_state_offers_what_can_be_done_now(stage: Stage, offered: list[str], words: str) -> None:
    card = build_cards.status(build(1, stage=stage), DASHBOARD, awaitable=stage.under_way)
    assert [control.label for control in controls(card)] == [*offered, "Open in Applivery"]
    assert words in card.text


# ------------------------------------------------------------------ links


def items(message: Message) -> dict[str, str]:
    """The items of a message's menu by what they say: each one's action and value."""
    return {each.label: each.option for each in controls(message) if each.option}


ANA = Actor("T1", "U0ANA", "C1")
ANA_ONLY = frozenset({"@U0ANA"})


def hand_over(build: Build, made: Link, *, others: Sequence[Build] = (), in_dm: bool = False) -> Message:
    return link_cards.link(build, made, ANA, NOON, dashboard=dashboard(build), others=others, in_dm=in_dm)


@given(
    facts.builds,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
    st.sampled_from(FileKind),
    st.booleans(),
    facts.maybe(facts.moments),
    st.lists(facts.builds, max_size=6),
    st.booleans(),
)
def test_any_link_can_be_handed_over(
    build: Build,
    token: str,
    kind: FileKind,
    by_page: bool,
    expires_at: datetime | None,
    others: Sequence[Build],
    in_dm: bool,
) -> None:
    made = Link(HOSTS.download_url(token), token, kind, expires_at, by_page=by_page)
    card = hand_over(build, made, others=others, in_dm=in_dm)
    check(card)
    check(link_cards.ready(build, made, ANA, NOON, dashboard=dashboard(build)))
    assert card.is_secret
    assert card.to is Visibility.ASKER
    assert made.url in card.text
    [button] = [shown for shown in buttons(card).values() if shown["action_id"] == "open.link"]
    assert (button["url"], button["style"]) == (made.url, "primary")
    others_say = [shown.get("value") for shown in buttons(card).values()] + list(items(card).values())
    assert made.token not in f"{others_say}" or len(token) < 30


@given(facts.builds, facts.texts)
def test_everything_around_links_can_be_said_of_any_build(build: Build, label: str) -> None:
    check(link_cards.no_install(build, dashboard(build)))
    check(link_cards.not_ready(build, dashboard(build), awaitable=True))
    check(link_cards.not_ready(build, dashboard(build), awaitable=False, instead=build))
    check(link_cards.awaiting(build))
    check(link_cards.expired(label, f"{build.app.id}/{build.id}/auto"))
    check(link_cards.shared(build, "U0ANA", NOON), live=ANA_ONLY)
    check(link_cards.details(build, NOON, dashboard=dashboard(build), had=None, others=[build], installs=True))
    check_view(link_cards.ask_to_share(build, "C1", label).view())
    check(link_cards.sent(build, "U0ANA", 3, NOON), live=ANA_ONLY)


@given(facts.builds, st.sampled_from((1, 30)), facts.maybe(facts.moments))
def test_any_attachments_can_be_listed_and_had(build: Build, times: int, expires_at: datetime | None) -> None:
    many = replace(build, attachments=build.attachments * times)
    check(link_cards.attachments(many))
    made = link_of("abc", expires_at=expires_at)
    for piece in build.attachments:
        card = link_cards.attachment_link(build, piece, made, ANA, NOON)
        check(card)
        assert card.is_secret


def test_attachments_that_do_not_fit_have_more_pages() -> None:
    files = tuple(Attachment(f"{n:024x}", f"`log`_{n}_.txt ", size=n) for n in range(47))
    pages = [link_cards.attachments(build(1, attachments=files), number=number) for number in range(3)]
    for number, page in enumerate(pages):
        check(page)
        assert f"{number * 20 + 1}–{min(number * 20 + 20, 47)} of 47" in seen(page)
        assert all(f"`log`_{n}_.txt" in seen(page) for n in range(47)[number * 20 : number * 20 + 20])
    assert list(buttons(pages[0]))[-1] == "More"
    assert list(buttons(pages[2]))[-1] == "Previous"


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(minutes=5, seconds=1), " (5 min)"),
        (timedelta(minutes=1, seconds=10), " (1 min)"),
        (timedelta(seconds=20), " (under 1 min)"),
        (timedelta(hours=5), " (5 h)"),
    ],
)
def test_a_link_says_how_long_it_lives_in_the_reader_s_own_time(left: timedelta, words: str) -> None:
    card = hand_over(FULL, link_of("abc", expires_at=NOON + left))
    until = f"expires <!date^{int((NOON + left).timestamp())}^{{time}}|"
    assert until in card.text
    assert until in seen(card)
    assert words in seen(card)


def test_a_link_without_a_known_end_works_once_all_the_same() -> None:
    card = hand_over(FULL, link_of("abc"))
    assert "Single use · expires soon" in seen(card)
    assert card.expires is None


@pytest.mark.parametrize(
    ("tz", "left", "style"),
    [
        ("UTC", timedelta(hours=11), "{time}"),
        ("UTC", timedelta(hours=12), "{date_short_pretty} {time}"),
        ("Asia/Tokyo", timedelta(hours=4), "{date_short_pretty} {time}"),
        ("America/Los_Angeles", timedelta(hours=12), "{time}"),
        ("UTC", timedelta(days=27_000), "{date_short_pretty} {time}"),
    ],
)
def test_a_link_says_the_day_when_it_is_not_today(tz: str, left: timedelta, style: str) -> None:
    at = NOON + left
    made = link_of("abc", expires_at=at)
    card = link_cards.link(FULL, made, Actor("T1", "U0ANA", tz=tz), NOON, dashboard=DASHBOARD)
    assert f"expires <!date^{int(at.timestamp())}^{style}|" in card.text
    assert card.expires is not None


def test_a_link_that_is_over_already_is_said_to_be() -> None:
    card = hand_over(FULL, link_of("abc", expires_at=NOON - timedelta(minutes=3)))
    assert "expired <!date" in seen(card)
    assert "by this bot's clock" in card.text
    assert "under 1 min" not in card.text
    assert "Fresh link" in items(card)
    assert card.expires is None, "it may work all the same: which clock is wrong nobody knows"


def test_other_platforms_are_offered_beside_a_link() -> None:
    android, mac = build(2, platform="android"), build(3, platform="macos")
    shown = items(hand_over(FULL, link_of("abc"), others=(android, mac)))
    assert shown["Android"] == f"fresh.v1 {COURIER.id}/{android.id}"
    assert shown["Fresh link"] == f"fresh.v1 {COURIER.id}/{FULL.id}/auto"
    assert list(shown) == ["Fresh link", "Send to my DM", "Share here", "Details", "Android"]
    details = link_cards.details(
        FULL, NOON, dashboard=DASHBOARD, had=FileKind.AUTO, others=(android, mac), installs=False
    )
    assert buttons(details)["macOS"]["value"] == f"{COURIER.id}/{mac.id}"


def test_only_the_private_answer_has_the_link() -> None:
    made = link_of("abc", expires_at=NOON)
    others = [
        link_cards.shared(FULL, "U0ANA", NOON),
        link_cards.sent(FULL, "U0ANA", 3, NOON),
        link_cards.expired("x", "a/b/auto"),
    ]
    assert all(made.url not in f"{card.payload()}" and not card.is_secret for card in others)


# ------------------------------------------------------------------ replies


@given(facts.texts, st.lists(facts.texts, max_size=3), st.none() | st.just("0a1b2c3d"))
def test_problem_view_fits_any_typed_text(typed: str, near: list[str], reference: str | None) -> None:
    for error in (
        NotFoundByName(Text("app"), typed, near, otherwise=english(f"There is one: `{typed[:20]}`")),
        InvalidId("“{typed}” is not a build id.", typed),
        UserInputError(english(f"I do not know what to do with “{typed}”."), english(f"For example: `{typed}`")),
        BotError(english(f"It said {typed}."), NO_TEXT),
    ):
        check(errors.problem(error, reference))


@pytest.mark.parametrize(
    "kind",
    [
        exceptions.PermissionDenied,
        exceptions.ServiceUnavailable,
        exceptions.DatabaseUnavailable,
        exceptions.ChannelUnavailable,
    ],
)
def test_a_problem_is_told_with_the_next_step_and_the_reference(kind: type[BotError]) -> None:
    told = errors.problem(kind(), "0a1b2c3d")
    assert told.text == f"{kind.sentence} {kind.next_step} (reference 0a1b2c3d)"
    assert f"{kind.sentence}\n{kind.next_step}" in seen(told)
    assert "Reference `0a1b2c3d`" in seen(told)
    assert "eference" not in f"{errors.problem(kind()).payload()}"


@given(
    st.lists(st.tuples(facts.texts, facts.ids), min_size=1, max_size=30),
    st.sampled_from(("get", "status", "downloads")),
    facts.texts,
)
def test_any_choice_can_be_offered(pairs: list[tuple[str, str]], verb: str, typed: str) -> None:
    check(offered(AmbiguousInput(english(f"{len(pairs)} fit “{typed}”."), pairs), verb, grammar.parse(typed)))


def offered(error: AmbiguousInput, verb: str, words: grammar.ParsedText) -> Message:
    """The first page of choices; what a button has no room for is carried by a key."""
    page = paginate(error.choices, 0, errors.CHOICES)
    typed = [errors.with_choice(error, verb, text, words) for _, text in page.items]
    return errors.choices(error, page, [text if len(text) < 1500 else "draft:x" for text in typed], "draft:y")


def test_a_choice_is_the_same_command_with_the_choice_filled_in() -> None:
    typed = grammar.parse('courier 2.4.0 branch:"release 2" -tag:nightly')
    card = offered(
        AmbiguousInput(english("2 apps."), [("Courier (a)", "a" * 24), ("Courier (b)", "b" * 24)]), "get", typed
    )
    pressed = {label: button["value"] for label, button in buttons(card).items()}
    assert pressed["Courier (a)"] == f'get {"a" * 24} 2.4.0 branch:"release 2" -tag:nightly'
    assert [button["action_id"] for button in buttons(card).values()] == ["run.v1#0", "run.v1#1"]
    assert card.text == "2 apps. Which one? Courier (a), Courier (b)."


REGISTRY = HandlerRegistry.scan(bot.commands)


@pytest.mark.parametrize("name", [entry.name for entry in REGISTRY.commands()])
def test_every_subcommand_explains_itself(name: str) -> None:
    entry = next(entry for entry in REGISTRY.commands() if entry.name == name)
    told = help_views.help_for(entry, "/builds")
    check(told)
    assert entry.summary.endswith(".")
    assert "`/builds" in seen(told), "an example, with the command as it is called here"
    assert "/applivery" not in seen(told)


def test_help_by_task_and_menu_work_by_buttons() -> None:
    task = help_views.TaskHelp("Get a build", ["get courier"], REGISTRY.commands())
    told = help_views.help_by_task([task], "/builds")
    check(told)
    assert "`get courier`" in seen(told)
    assert all(f"{entry.name}: {entry.summary}" in told.text for entry in REGISTRY.commands())
    menu = help_views.menu("/builds", REGISTRY.menu())
    check(menu)
    assert {button["value"] for button in buttons(menu).values()} <= {entry.name for entry in REGISTRY.commands()}
    assert "/builds get" in menu.text


# ------------------------------------------------------------------ all of them


@pytest.mark.parametrize(
    "card",
    [
        listed([FULL]),
        build_cards.status(FULL, DASHBOARD),
        hand_over(FULL, link_of("abc", expires_at=NOON)),
    ],
)
def test_every_time_is_shown_in_the_reader_s_own_zone(card: Message) -> None:
    texts = list(marked(card.payload()))
    assert any(DATE.fullmatch(found) for text in texts for found in LIVE.findall(text))
    assert not any("2026-11-21" in LIVE.sub("", text) for text in texts)


@pytest.mark.parametrize("stage", Stage)
def test_no_card_mentions_a_person_by_a_ping(stage: Stage) -> None:
    new_build = build(
        1, stage=stage, uploader="<@U0ANA>", changelog="<!channel> @here", app=App("c" * 24, "x", "<!here>")
    )
    card = build_cards.status(new_build, DASHBOARD)
    check(card)
    assert "&lt;!here&gt;" in card.text
