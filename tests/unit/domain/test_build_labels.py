"""Whatever the bot shows of a name can be typed back, and means the same."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain import build_labels, lookup, spelling
from bot.domain.build_labels import BuildQuery
from bot.domain.grammar import KeyValue, ParsedText
from bot.domain.lookup import AmbiguousInput
from bot.domain.model import App, Build, BuildSource
from bot.exceptions import NotFoundByName
from bot.i18n import _, use_locale
from bot.slack import typed_text
from bot.slack.views import builds as cards
from tests.support.facts import COURIER, build
from tests.support.pasting import pasted, received
from tests.unit.slack.test_markup import named


def core(name: str) -> str:
    """What is left when nobody knows which marks belong to a name and which to what is around it."""
    return "".join(letter for letter in spelling.fold(name) if letter.isalnum())


seen = named.filter(spelling.fold)  # nobody can type what nobody sees
apps = st.lists(seen, min_size=1, max_size=4, unique_by=core).map(
    lambda names: [App(f"{number:024x}", f"app-{number}", name) for number, name in enumerate(names)]
)
made = st.builds(
    lambda version, number, platform, branch: replace(
        build(1, version=version, number=number, platform=platform), origin=BuildSource(branch=branch)
    ),
    seen,
    st.sampled_from(("", "1", "173")) | seen,
    st.sampled_from(("ios", "android", "harmony", "")),
    st.none() | seen,
)
many = st.lists(made, min_size=1, max_size=4, unique_by=lambda build: core(build.version)).map(
    lambda found: [replace(build, id=f"{number:024x}") for number, build in enumerate(found)]
)


def meant(typed: str, builds: list[Build]) -> set[str]:
    """The ids of the builds that this may mean."""
    try:
        return {lookup.build(typed, builds, COURIER, prefer=lambda _: True).id}
    except AmbiguousInput as several:
        return {value.split()[1] for _, value in several.choices}
    except NotFoundByName:
        if (bare := typed_text.strip_formatting(typed)) == typed:
            raise
        return meant(bare, builds)


@given(apps)
def test_the_name_of_an_app_typed_back_means_it(every: list[App]) -> None:
    for app in every:
        assume(spelling.bare(app.name))
        for shown in (app.name, f"{app.name} ({app.slug})", app.slug, app.id):
            for sent in pasted(shown):
                typed = received(sent)
                assert lookup.app(typed, every) == app, sent
                assert lookup.leading(f"{typed} 2.4.0", every) is not None, sent
                assert lookup.leading(typed, every) == (typed.strip(), "")


@given(many)
def test_the_label_of_a_build_typed_back_means_it(builds: list[Build]) -> None:
    for language in ("en", "es"):
        with use_locale(language):
            for each_build in builds:
                title = cards.plain_title(each_build).removeprefix(f"{each_build.app.name} ")
                for shown in (lookup.label(each_build), title, _("{build} is ready", build=title)):
                    for sent in pasted(shown):
                        assert each_build.id in meant(received(sent), builds), (shown, sent)


@given(many)
def test_a_filter_typed_back_lets_the_same_build_through(builds: list[Build]) -> None:
    for each_build in builds:
        for key, facts in lookup.FILTERS.items():
            for fact in facts(each_build):
                for sent in pasted(fact):
                    assert lookup.fits(each_build, ParsedText((), (KeyValue(key, received(sent)),))) or not fact, (
                        key,
                        sent,
                    )


@pytest.mark.parametrize(
    ("typed", "reading"),
    [
        ("2.4.0", BuildQuery("2.4.0")),
        ("v2.4.0", BuildQuery("v2.4.0")),
        ("2.4.0 (173)", BuildQuery("2.4.0", "173")),
        ("#173", BuildQuery(number="173")),
        ("build 173", BuildQuery(number="173", filler=True)),
        ("compilación 173", BuildQuery(number="173", filler=True)),
        ("ios", BuildQuery(platform="ios")),
        ("android 2.4", BuildQuery("2.4", platform="android")),
        ("2.4 for Android", BuildQuery("2.4", platform="android", filler=True)),
        ("latest ios", BuildQuery(platform="ios", filler=True)),
        ("2.4.0 (173) · iOS", BuildQuery("2.4.0", "173", "ios", filler=True)),
        ("latest", None),
        ("nonsense", None),
        ("2.4.0 2.5.0", None),
        ("ios android", None),
        ("#", None),
        ("", None),
    ],
)
def test_words_that_look_like_a_build_are_read(typed: str, reading: BuildQuery | None) -> None:
    assert build_labels.read(typed) == reading


IOS = build(3, version="2.4.0", number="173", platform="ios", origin=BuildSource(branch="release/2.4"))
ANDROID = build(2, version="2.4.1", number="174", platform="android", origin=BuildSource(branch="main"))
OLD = build(1, version="2.3.0", number="170", platform="ios", origin=BuildSource(branch="main"))


@pytest.mark.parametrize(
    ("typed", "build"),
    [
        ("2.4.0 (173)", IOS),
        ("v2.4.0", IOS),
        ("173", IOS),
        ("build 173", IOS),
        ("ios", IOS),
        ("iOS 2.3", OLD),
        ("android 2.4", ANDROID),
        ("2.4.0 (173) iOS · release/2.4", IOS),
        ("2.4.0 (173) iOS · release/2.4 · ✅ ready · 3 Nov", IOS),
        ("2.4.0 (173) for iOS is ready", IOS),
        ("2.4.0 (173) for iOS was superseded by 2.4.1", IOS),
        ("2.4.0 (173) · iOS · superseded by 2.4.1", IOS),
        ("2.4.0 (173) · iOS recalled: 2.4.1 crashes", IOS),
        ("2.4.0 (173) · iOS deleted in Applivery", IOS),
        ("2.4.0 · iOS", IOS),
        ("“2.4.0”", IOS),
        ("2.4.0.", IOS),
    ],
)
def test_a_build_is_found_by_what_a_card_shows_of_it(typed: str, build: Build) -> None:
    assert meant(typed, [IOS, ANDROID, OLD]) == {build.id}


def test_part_of_a_version_offers_all_that_begin_so() -> None:
    assert meant("2.4", [IOS, ANDROID, OLD]) == {IOS.id, ANDROID.id}


@pytest.mark.parametrize(("typed", "near"), [("2.4.9", "2.4.0"), ("andriod", "android"), ("2.4.0 nonsense", "2.4.0")])
def test_words_that_mean_no_build_get_the_closest_right_ones(typed: str, near: str) -> None:
    with pytest.raises(NotFoundByName) as missed:
        lookup.build(typed, [IOS, ANDROID, OLD], COURIER)
    assert near in missed.value.suggestions


def test_a_name_of_one_app_that_is_another_s_slug_is_asked_about() -> None:
    app, other = App("a" * 24, "field", "Courier Field"), App("b" * 24, "other", "field")
    with pytest.raises(AmbiguousInput) as asked:
        lookup.app("field", [app, other])
    assert {value for _, value in asked.value.choices} == {app.id, other.id}


def test_build_label_is_separated_from_reason_after_it() -> None:
    builds = [IOS, ANDROID, OLD]
    assert build_labels.split("2.4.0 (173) iOS · release/2.4 crash on login", builds) == (
        "2.4.0 (173) iOS · release/2.4",
        "crash on login",
    )
    assert build_labels.split("2.4.0 5 crashes", builds) == ("2.4.0", "5 crashes")
    assert build_labels.split("#173 for everybody", builds) == ("#173", "for everybody")
    assert build_labels.split("crash on login", builds) == ("", "crash on login")
