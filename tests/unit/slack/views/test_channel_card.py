"""The cards of release channels: every shape is taken by Slack, pings nobody and says in its text what it shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.dispatch.requests import button_value
from bot.domain import changelogs, install
from bot.domain.model import (
    App,
    Build,
    BuildEvent,
    BuildSource,
    CardEntry,
    CardUpdate,
    Delivery,
    DeliveryOptions,
    InstallRequirements,
    Recall,
    Stage,
)
from bot.slack.blocks import Message
from bot.slack.views import channel_card, thread_details
from tests.support import facts
from tests.support.facts import COURIER, FULL, NOON, build
from tests.support.reading import DASHBOARD, LIVE, buttons, check, controls, dashboard, marked, seen
from tests.support.seeing import paragraph

GROUP = "!subteam^S0BETA"
RECALL = Recall(FULL.id, COURIER.id, "Crashes at the <login>", "U0ANA", NOON)
NEWER = build(180, version="2.4.1", size=1)


def card(*shown: CardEntry | Build, event: BuildEvent | CardUpdate = BuildEvent.PROCESSED, **manner: Any) -> Message:
    """The card with these builds on it, oldest first."""
    on_it = tuple(item if isinstance(item, CardEntry) else CardEntry(item) for item in shown)
    announcement = Delivery(1, "C1", event, on_it[0].build, "key", manner=DeliveryOptions(**manner), shown=on_it)
    return channel_card.card(announcement, lambda _: DASHBOARD)


def details(of: Build, part: int = 0) -> Message:
    announcement = Delivery(1, "C1", CardUpdate.DETAILS, of, "key", part=part)
    return thread_details.details(announcement, install.warnings(of, NOON))


# ------------------------------------------------------------------ whatever there is

PICTURES = (None, "https://cdn.acme.test/icon.png", "https://cdn.acme.test/icon.png?Signature=abc", "http://x", "//[")
ADDRESSES = ("https://ci.acme.test/1?a=1&b=2", "https://evil.test|<!here>", "https://a b", "javascript:alert(1)", "//[")
with_links = st.builds(
    lambda item, icon, url: replace(item, icon=icon, origin=dataclasses.replace(item.origin, url=url)),
    facts.builds,
    st.sampled_from(PICTURES) | facts.texts,
    st.sampled_from(ADDRESSES) | facts.maybe(facts.texts),
)
recalls = st.builds(Recall, facts.ids, facts.ids, facts.texts, st.just("U0ANA"), facts.moments)
shapes = st.builds(CardEntry, with_links, facts.maybe(facts.builds), facts.maybe(recalls))
manners = st.builds(
    DeliveryOptions,
    compact=st.booleans(),
    grouped=st.booleans(),
    label=facts.texts,
    mention=st.sampled_from(("", "S0BETA")),
)


def links(shown: Sequence[CardEntry], said: Message) -> frozenset[str]:
    """The links on a card that lead to where its builds came from; any other is not meant."""
    from_outside = {entry.build.origin.url for entry in shown} | {dashboard(entry.build) for entry in shown}
    known = {address.replace("&", "&amp;") for address in from_outside if address}
    found = {link for text in marked(said.payload()) for link in LIVE.findall(text)}
    return frozenset(link for link in found if link.partition("|")[0] in known and link.startswith("http"))


def check_card(shown: Sequence[CardEntry], manner: DeliveryOptions, live: frozenset[str] = frozenset()) -> None:
    announcement = Delivery(1, "C1", BuildEvent.PROCESSED, shown[0].build, "key", manner=manner, shown=tuple(shown))
    said = channel_card.card(announcement, dashboard)
    pinged = frozenset({GROUP} if manner.mention else ())
    check(said, live=pinged | links(shown, said) | live)
    assert not said.is_secret
    assert not said.thread
    assert sum(text.count(f"<{GROUP}>") for text in marked(said.payload()["blocks"])) == len(pinged)
    assert said.text.count(f"<{GROUP}>") == len(pinged)


@given(shapes, manners)
def test_any_build_has_a_card(entry: CardEntry, manner: DeliveryOptions) -> None:
    check_card([entry], manner)


@given(st.lists(shapes, min_size=2, max_size=12), manners)
def test_any_version_has_a_card(several: list[CardEntry], manner: DeliveryOptions) -> None:
    first = several[0].build
    same = [replace(entry, build=replace(entry.build, app=first.app, version=first.version)) for entry in several]
    check_card(same, manner)


@given(st.lists(shapes, min_size=2, max_size=8), st.sampled_from((1, 7)), manners)
def test_any_builds_make_a_digest(several: list[CardEntry], times: int, manner: DeliveryOptions) -> None:
    check_card(several * times, manner)


@given(facts.builds, st.integers(0, 5))
def test_any_details_fit_into_a_thread(build: Build, part: int) -> None:
    said = details(build, part)
    if said.blocks:
        check(said)


@given(facts.builds, st.sampled_from(("feedback", "bug", "odd")), facts.texts)
def test_any_certificate_and_any_feedback_can_be_told(build: Build, kind: str, name: str) -> None:
    check(thread_details.certificate(build, dashboard(build), install.expiry(build, NOON)))
    check(thread_details.feedback(kind, name, dashboard(build)))


# ------------------------------------------------------------------ one build


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage.PENDING, "⏳ {} was uploaded"),
        (Stage.RUNNING, "⏳ {} is being processed"),
        (Stage.READY, "✅ {}"),
        (Stage.FAILED, "❌ {} failed to process"),
    ],
)
@pytest.mark.parametrize("compact", [False, True])
def test_a_card_and_its_text_say_how_the_build_stands_now(stage: Stage, words: str, compact: bool) -> None:
    sentence = f"{words} is ready" if stage is Stage.READY else words
    for event in BuildEvent:  # whatever it was written down for
        said = card(replace(FULL, stage=stage), event=event, compact=compact)
        told = sentence.format("Courier 2.4.0 (173) for iOS")
        assert said.text == f"{told} · 48.2 MB · release/2.4 · by Ana Pérez."
        assert seen(said).find(words.format("*Courier 2.4.0 (173) · iOS*")) >= 0


CI = "https://ci.acme.test/runs/7"
WITH_CI = replace(FULL, origin=dataclasses.replace(FULL.origin, url=CI))


def test_a_card_has_title_changelog_facts_and_one_row() -> None:
    main = replace(WITH_CI, origin=dataclasses.replace(WITH_CI.origin, branch="main"))
    title, small, row = card(main).payload()["blocks"]
    assert paragraph(title["elements"][0]).split("\n") == [
        "✅ Courier 2.4.0 (173) · iOS",
        "Fixed &lt;b&gt;login&lt;/b&gt;",
        "* and *more*",
    ]
    [facts] = small["elements"]
    at = f"<!date^{int(NOON.timestamp())}^{{time}}|2026-11-21 12:00 UTC>"
    assert facts["text"] == f"main · 0123456 · 48.2 MB · Ana Pérez · {at} · <{CI}|CI>"
    assert [element["type"] for element in row["elements"]] == ["button", "overflow"]


def test_card_of_old_build_has_the_day_beside_its_time() -> None:
    on_it = Delivery(1, "C1", BuildEvent.PROCESSED, FULL, "key", shown=(CardEntry(FULL),))
    for hours, tag in ((1, "^{time}|"), (13, "^{date_short_pretty} {time}|")):
        assert tag in seen(channel_card.card(on_it, dashboard, NOON + timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("changelog", "subject", "lines"),
    [
        ("Fix login\nFaster start", "Fix login", ["Fix login", "Faster start"]),
        ("", "Fix login\n\nLong", ["Fix login"]),
        ("one\ntwo\nthree", None, ["one", "two …"]),
        ("x" * 100, None, ["x" * 69 + "…"]),
        ("", None, []),
    ],
)
def test_card_shows_two_rows_of_news(changelog: str, subject: str | None, lines: list[str]) -> None:
    about = replace(
        WITH_CI, changelog=changelog, origin=dataclasses.replace(WITH_CI.origin, branch="main", commit_message=subject)
    )
    title = card(about).payload()["blocks"][0]
    assert title["text"]["text"].split("\n")[1:] == lines


def test_card_omits_values_missing_in_applivery() -> None:
    said = card(Build("1" * 24, COURIER, Stage.READY))
    assert said.text == "✅ Courier without a version is ready."
    assert "None" not in seen(said)
    assert [block["type"] for block in said.payload()["blocks"]] == ["section", "actions"]


@pytest.mark.parametrize("compact", [False, True])
def test_only_a_build_that_is_ready_and_not_recalled_can_be_had(compact: bool) -> None:
    assert "Get build" in buttons(card(FULL, compact=compact))
    for stage in set(Stage) - {Stage.READY}:
        assert "Get build" not in buttons(card(replace(FULL, stage=stage), compact=compact))
    assert "Get build" not in buttons(card(CardEntry(FULL, recall=RECALL), compact=compact))


def offered(said: Message) -> dict[str, tuple[str, str]]:
    """What the buttons and the menu of a card do, by their words."""
    return {control.label: (control.action, control.value or control.url) for control in controls(said)}


def test_a_card_offers_what_one_may_want_next() -> None:
    about = f"{COURIER.id}/{FULL.id}"
    assert offered(card(FULL)) == {
        "Get build": ("get.v1", about),
        "What's new": ("news.v1", about),
        "Downloads": ("downloads.v1", about),
        "Mute": ("mute.v1", COURIER.id),
        "Open in Applivery": ("open.dashboard", DASHBOARD),
    }
    running, failed = build(1, stage=Stage.RUNNING), replace(WITH_CI, stage=Stage.FAILED)
    assert list(offered(card(running))) == ["Watch", "Mute", "Open in Applivery"]
    assert list(offered(card(replace(running, changelog="x")))) == ["Watch", "What's new", "Mute", "Open in Applivery"]
    assert list(offered(card(failed)))[:3] == ["CI run", "What's wrong?", "What's new"]
    assert offered(card(failed))["CI run"] == ("open.ci", CI)
    assert offered(card(failed))["What's wrong?"] == ("status.v1", about)


@pytest.mark.parametrize("manner", [{}, {"compact": True}, {"grouped": True}])
def test_a_card_carries_ids_and_never_a_link_to_a_file(manner: dict[str, bool]) -> None:
    for on_it in ([FULL], [FULL, replace(FULL, id="b" * 24, platform="android")], [FULL, NEWER]):
        said = card(*on_it, **manner)
        assert "/download/" not in f"{said.payload()}"
        assert all("url" not in control.element for control in controls(said))


@pytest.mark.parametrize("compact", [False, True])
def test_a_failure_is_told_with_applivery_s_own_words(compact: bool) -> None:
    failed = replace(FULL, stage=Stage.FAILED, error="No <provisioning> profile", error_code="5006")
    said = card(failed, compact=compact)
    assert said.text.endswith("Applivery says: No &lt;provisioning&gt; profile")
    assert "failed to process\nNo &lt;provisioning&gt; profile" in seen(said)
    assert "Applivery gave no reason." in seen(card(build(1, stage=Stage.FAILED)))


def test_the_compact_format_is_one_line_and_one_button() -> None:
    said = card(FULL, compact=True)
    assert said.text == card(FULL).text
    assert [block["type"] for block in said.payload()["blocks"]] == ["section"]
    assert buttons(said).keys() == {"Get build"}
    assert "Fixed" not in seen(said)


def test_an_address_slack_would_not_take_makes_a_card_without_it() -> None:
    for url in ("https://acme.test/" + "x" * 4000, "https://acme.test/a|b", "https://acme.test/<!here>"):
        said = card(replace(FULL, origin=BuildSource(url=url)))
        check(said)
        assert "CI" not in seen(said)


# ------------------------------------------------------------------ what became of it


def the_line(said: Message) -> tuple[str, dict[str, Any]]:
    """The words and the button of a card of one line."""
    [line] = said.payload()["blocks"]
    return line["text"]["text"], line["accessory"]


@pytest.mark.parametrize("compact", [False, True])
def test_superseded_card_is_one_line_with_the_newer_build(compact: bool) -> None:
    said = card(CardEntry(FULL, superseded_by=NEWER), compact=compact)
    assert said.text.startswith("Courier 2.4.0 (173) for iOS was superseded by 2.4.1 ·")
    words, button = the_line(said)
    assert words == "Courier 2.4.0 (173) · iOS · superseded by 2.4.1"
    assert (button["text"]["text"], button["action_id"]) == ("Get 2.4.1", "get.v1#newer")
    assert button["value"] == f"{COURIER.id}/{NEWER.id}/{FULL.id}"
    assert "style" not in button


def test_shortcut_on_superseded_card_finds_its_own_build() -> None:
    said = card(CardEntry(FULL, superseded_by=NEWER)).payload()
    assert button_value(said, frozenset({"get.v1"})) == f"{COURIER.id}/{FULL.id}"


def test_card_newer_build_of_same_version_named_by_number() -> None:
    again = build(174, version="2.4.0")
    assert "superseded by 2.4.0 (174)" in card(CardEntry(FULL, superseded_by=again)).text
    unknown = build(174, version="", number="")
    assert "superseded by a newer build" in card(CardEntry(FULL, superseded_by=unknown)).text


def test_a_build_that_fails_after_all_is_not_called_superseded() -> None:
    said = card(CardEntry(replace(FULL, stage=Stage.FAILED), superseded_by=NEWER))
    assert said.text.startswith("❌ Courier 2.4.0 (173) for iOS failed to process")
    assert "superseded" not in said.text


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("newer", [None, NEWER])
def test_a_recalled_build_says_so_and_why_before_anything_else(compact: bool, newer: Build | None) -> None:
    said = card(CardEntry(FULL, superseded_by=newer, recall=RECALL), compact=compact)
    assert said.text.startswith("⛔ Courier 2.4.0 (173) for iOS was recalled")
    assert said.text.endswith("Recalled: Crashes at the &lt;login&gt;")
    words, button = the_line(said)
    assert words == "⛔ ~Courier 2.4.0 (173) · iOS~ recalled: Crashes at the &lt;login&gt;"
    assert button["text"]["text"] == ("Get 2.4.1" if newer else "Details")
    assert button_value(said.payload(), frozenset({"get.v1", "status.v1"})) == f"{COURIER.id}/{FULL.id}"


def test_deleted_card_is_a_line_without_button() -> None:
    [line] = card(replace(FULL, stage=Stage.DELETED)).payload()["blocks"]
    assert line["text"]["text"] == "⛔ ~Courier 2.4.0 (173) · iOS~ deleted in Applivery"
    assert "accessory" not in line


def test_the_green_button_is_for_what_is_new_alone() -> None:
    assert buttons(card(FULL))["Get build"].get("style") == "primary"
    old = card(CardEntry(FULL, superseded_by=NEWER), ANDROID, grouped=True)
    assert {words: button.get("style") for words, button in buttons(old).items()} == {
        "Get iOS": None,
        "Get Android": "primary",
    }


# ------------------------------------------------------------------ several builds

ANDROID = replace(FULL, id="b" * 24, platform="android", number="174", changelog="A longer changelog than the other")


def test_card_shared_by_platforms_has_line_and_button_each() -> None:
    said = card(FULL, replace(ANDROID, stage=Stage.RUNNING), grouped=True)
    assert said.text == "Courier 2.4.0: ✅ iOS (173) is ready; ⏳ Android (174) is being processed."
    assert "*Courier 2.4.0*\n✅ iOS (173)\n⏳ Android (174) is being processed" in seen(said)
    assert {words for words in buttons(said) if words.startswith("Get")} == {"Get iOS"}

    both = card(FULL, ANDROID, grouped=True)
    assert buttons(both)["Get iOS"]["value"] == f"{COURIER.id}/{FULL.id}"
    assert buttons(both)["Get Android"]["value"] == f"{COURIER.id}/{ANDROID.id}"
    assert "✅ *Courier 2.4.0* · iOS (173) · Android (174)\nA longer changelog than the other" in seen(both)
    assert "Fixed" not in seen(both), "the changelog is told once"


def test_superseded_version_is_one_line() -> None:
    words, button = the_line(card(*(CardEntry(item, superseded_by=NEWER) for item in (FULL, ANDROID)), grouped=True))
    assert words == "Courier 2.4.0 · iOS · Android · superseded by 2.4.1"
    assert button["text"]["text"] == "Get 2.4.1"


def test_on_a_shared_card_each_build_keeps_its_own_end() -> None:
    failed = replace(ANDROID, stage=Stage.FAILED, error="No keystore")
    said = card(CardEntry(FULL, recall=RECALL), failed, grouped=True)
    assert said.text == (
        "Courier 2.4.0: ⛔ iOS (173) was recalled; ❌ Android (174) failed to process. "
        "Recalled: Crashes at the &lt;login&gt; Applivery says: No keystore"
    )
    assert "❌ Android (174) failed to process: No keystore" in seen(said)
    assert "Get" not in " ".join(buttons(said))


def test_a_digest_is_one_message_with_the_newest_first() -> None:
    failed = build(3, stage=Stage.FAILED, error="No profile")
    said = card(build(1), CardEntry(build(2), recall=RECALL), failed)
    assert said.text == (
        "3 builds of Courier: ❌ Courier 1.3.0 (3) for iOS failed to process; "
        "⛔ Courier 1.2.0 (2) for iOS was recalled; ✅ Courier 1.1.0 (1) for iOS is ready."
    )
    [lines, row] = said.payload()["blocks"]
    assert lines["text"]["text"].split("\n") == [
        "*3 builds of Courier*",
        "❌ Courier 1.3.0 (3) · iOS failed to process: No profile",
        "⛔ ~Courier 1.2.0 (2) · iOS~ recalled: Crashes at the &lt;login&gt;",
        "✅ Courier 1.1.0 (1) · iOS",
    ]
    [get] = row["elements"]
    assert (get["text"]["text"], get["value"]) == ("Get 1.1.0 (1) iOS", f"{COURIER.id}/{build(1).id}")


def test_digest_counts_hidden_builds_and_names_apps() -> None:
    apps = [App(f"{n:024x}", f"app{n}", f"App {n}") for n in range(7)]
    said = card(*(build(n, app=apps[n % 7]) for n in range(1, 51)))
    check(said)
    assert said.text.startswith("50 builds of App 1, App 2, App 3, App 4, App 5 and 2 more apps: ✅ App 1 1.50.0")
    assert "… and 30 more builds. See all with `builds`." in seen(said)
    gets = [control for control in controls(said) if control.action == "get.v1"]
    assert len(gets) == 50, "also those that have no line"
    assert gets[0].label == "App 1 1.50.0 (50) iOS"
    assert "more" not in seen(card(*(build(n) for n in range(1, 21))))


# ------------------------------------------------------------------ in whose manner

SEVERAL = [[FULL], [FULL, ANDROID], [FULL, NEWER]]


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("on_it", SEVERAL)
def test_a_label_stands_at_the_beginning(on_it: list[Build], compact: bool) -> None:
    said = card(*on_it, compact=compact, label="Staging <!here>")
    assert said.text.startswith("[Staging &lt;!here&gt;] ")
    assert "[Staging &lt;!here&gt;] " in seen(said)


@pytest.mark.parametrize("mention", ["S1> <!here", "<!channel>", "@beta", "S1|x"])
def test_card_invalid_mention_mentions_no_group(mention: str) -> None:
    said = card(FULL, mention=mention)
    check(said)
    assert "subteam" not in f"{said.payload()}"


def test_nothing_from_outside_is_live_on_a_card() -> None:
    trap = "<!channel> <@U0ANA> <https://evil.test|Install> *b*"
    origin = BuildSource(branch=trap, tag=trap, commit=trap, commit_message=trap, name=trap)
    about = {"version": trap, "number": trap, "platform": trap, "uploader": trap, "changelog": trap, "tags": (trap,)}
    hostile = build(1, app=App("c" * 24, trap, trap), origin=origin, error=trap, error_code=trap, **about)
    shown = [
        CardEntry(hostile, superseded_by=replace(hostile, id="d" * 24)),
        CardEntry(replace(hostile, stage=Stage.FAILED), recall=replace(RECALL, reason=trap)),
    ]
    for on_it in ([shown[0]], [shown[1]], shown, [*shown, CardEntry(FULL)]):
        for manner in (DeliveryOptions(label=trap), DeliveryOptions(label=trap, compact=True)):
            check_card(on_it, manner)


# ------------------------------------------------------------------ the thread

LONG = "\n".join(f"- change {number} of many" for number in range(400))


def test_the_whole_changelog_is_told_in_pieces() -> None:
    long = replace(FULL, changelog=LONG)
    count = len(changelogs.pieces(LONG))
    assert count > 2
    replies = [details(long, part) for part in range(count)]
    for number, reply in enumerate(replies, start=1):
        check(reply)
        assert f"What's new in Courier 2.4.0 (173) for iOS* ({number} of {count})" in seen(reply)
        assert reply.text.startswith(f"Courier 2.4.0 (173) for iOS: what's new ({number} of {count}): - change")
    told = "\n".join(seen(reply) for reply in replies)
    assert all(f"change {number} of many" in told for number in range(400))


def test_card_install_obstacle_is_in_first_reply() -> None:
    soon = InstallRequirements(profile_expires_at=NOON + timedelta(days=3, hours=1))
    warned = replace(FULL, changelog=LONG, requirements=soon)
    assert "⚠️ Its profile expires in 3 days." in seen(details(warned))
    assert "expires in 3 days" in details(warned).text
    assert "⚠️" not in seen(details(warned, 1))
    short = details(replace(warned, changelog="short"))
    assert seen(short).count("⚠️") == 1
    assert "What's new" not in seen(short), "the card shows all of it"


def test_thread_details_mention_no_group() -> None:
    delivery = Delivery(
        1, "C1", CardUpdate.DETAILS, replace(FULL, changelog=LONG), "key", manner=DeliveryOptions(mention="S0BETA")
    )
    assert "S0BETA" not in f"{thread_details.details(delivery, ['x']).payload()}"


def test_a_certificate_that_runs_out_is_told_with_what_to_do() -> None:
    build = replace(
        FULL, disabled=True, requirements=InstallRequirements(profile_expires_at=NOON + timedelta(days=2, hours=1))
    )
    text = thread_details.certificate(build, DASHBOARD, install.expiry(build, NOON)).text
    assert text == ("⚠️ Courier 2.4.0 (173) for iOS: Its profile expires in 2 days. Sign and upload a new build.")


def test_feedback_is_told_without_a_word_of_it() -> None:
    assert thread_details.feedback("feedback", "Cou<rier", DASHBOARD).text == "*New feedback on Cou&lt;rier*"
    assert thread_details.feedback("bug", "Courier", DASHBOARD).text == "*New bug report for Courier*"
    assert buttons(thread_details.feedback("bug", "Courier", DASHBOARD)).keys() == {"Read in Applivery"}
