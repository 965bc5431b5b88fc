"""Which app or build somebody means: one, a short list to choose from, or the closest names."""

from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from bot.domain import grammar, lookup
from bot.domain.lookup import AmbiguousInput, NoReadyBuild
from bot.domain.model import App, Build, BuildSource, Stage
from bot.exceptions import NotFoundByName, UserInputError
from tests.support import facts
from tests.support.facts import COURIER, RIDER, build

APPS = (COURIER, RIDER)

# ------------------------------------------------------------------ apps


@pytest.mark.parametrize("typed", ["courier", "Courier", "COURIER", " courier ", COURIER.id, COURIER.id.upper()])
def test_lookup_app_by_slug_name_or_id_ignores_case(typed: str) -> None:
    assert lookup.app(typed, APPS) is COURIER


def test_a_slug_goes_before_a_name() -> None:
    twin = App("c" * 24, "other", "Courier")
    assert lookup.app("courier", (twin, COURIER)) is COURIER


def test_a_name_of_several_words_is_found() -> None:
    field = App("c" * 24, "field-service", "Field Service")
    assert lookup.app("field service", (*APPS, field)) is field


def test_lookup_apps_of_same_name_offered_by_slug_chosen_by_id() -> None:
    twins = (App("c" * 24, "shop-eu", "Shop"), App("d" * 24, "shop-us", "Shop"))
    with pytest.raises(AmbiguousInput) as asked:
        lookup.app("shop", (*APPS, *twins))
    assert asked.value.choices == (("Shop (shop-eu)", "c" * 24), ("Shop (shop-us)", "d" * 24))
    assert "2 apps" in str(asked.value.sentence)
    for _, typed in asked.value.choices:
        assert lookup.app(typed, twins).id == typed


@pytest.mark.parametrize(
    ("typed", "meant"), [("cuorier", "courier"), ("couri", "courier"), ("ourie", "courier"), ("rideer", "rider")]
)
def test_a_slip_of_the_finger_gets_the_closest_name(typed: str, meant: str) -> None:
    with pytest.raises(NotFoundByName) as missed:
        lookup.app(typed, APPS)
    near = [name.casefold() for name in missed.value.suggestions]
    assert near[0] == meant
    assert len(set(near)) == len(near), "slug and name are the same word here, and once is enough"
    assert str(missed.value.next_step).casefold().startswith(f"did you mean `{meant}`")
    assert typed in str(missed.value.sentence)


def test_a_name_like_none_gets_the_list() -> None:
    with pytest.raises(NotFoundByName) as missed:
        lookup.app("zzzz", APPS)
    assert str(missed.value.next_step) == "Choose `Courier` or `Rider`."
    assert missed.value.choices == (("Courier", "courier"), ("Rider", "rider"))
    with pytest.raises(NotFoundByName) as missed:
        lookup.app("zzzz", [App(f"{n:024}", f"app{n}", f"App {n}") for n in range(30)])
    assert str(missed.value.next_step).endswith("`App 7` or another one.")
    assert len(missed.value.choices) == 30


def test_an_empty_workspace_says_so() -> None:
    with pytest.raises(UserInputError, match="no apps yet"):
        lookup.app("courier", ())


@given(facts.texts)
def test_lookup_any_app_text_is_answered_in_words(typed: str) -> None:
    try:
        said = lookup.app(typed, APPS).name
    except UserInputError as error:
        said = str(error)
    assert 0 < len(said) < 300


def test_lookup_suggests_at_most_three_names_and_no_empty_one() -> None:
    names = ["", *(f"courier-{number}" for number in range(9))]
    assert len(lookup.closest("courier", names)) == 3
    assert lookup.closest("", ["", "courier"]) == ()


# ------------------------------------------------------------------ builds


def found(which: str, *builds: Build) -> Build:
    return lookup.build(which, builds, COURIER)


def test_latest_is_the_newest_that_is_ready() -> None:
    builds = build(4, stage=Stage.RUNNING), build(3, stage=Stage.FAILED), build(2), build(1)
    assert found("latest", *builds) is builds[2]
    assert found("LATEST", *builds) is builds[2]


def test_latest_has_the_newest_when_none_is_ready() -> None:
    """Its state is shown in words, and Applivery's own word for it never."""
    with pytest.raises(NoReadyBuild, match=r"^No matching build of Courier is ready\.$") as none:
        found("latest", build(2, stage=Stage.RUNNING, status="in_progress"), build(1, stage=Stage.FAILED))
    assert none.value.newest.number == "2"
    with pytest.raises(UserInputError, match="No build of Courier matches"):
        found("latest")


def test_lookup_recalled_build_is_not_latest_but_found_by_name() -> None:
    third, second, first = build(3), build(2), build(1)
    assert lookup.build("latest", [third, second, first], COURIER, {third.id}) is second
    assert lookup.build("1.3.0", [third, second, first], COURIER, {third.id}) is third
    with pytest.raises(UserInputError, match="Every matching build of Courier was recalled"):
        lookup.build("latest", [third], COURIER, {third.id})
    android = build(4, platform="android")
    assert lookup.other_platforms(third, [android, third], {android.id}) == []


def test_a_build_is_found_by_version_number_and_id() -> None:
    second, first = build(2, version="V2.0"), build(1, id="ab" * 12)
    assert found("1.1.0", second, first) is first
    assert found("v1.1.0", second, first) is first
    assert found("2.0", second, first) is second
    assert found("#1", second, first) is first
    assert found("AB" * 12, second, first) is first


def test_lookup_exact_version_precedes_one_with_v() -> None:
    plain, marked = build(1, version="2.0"), build(2, version="v2.0")
    assert found("v2.0", marked, plain) is marked
    assert found("2.0", marked, plain) is plain


def test_lookup_builds_of_version_offered_by_platform_and_branch() -> None:
    ios = build(2, version="2.4.0", number="173", origin=BuildSource(branch="release/2.4"))
    android = build(1, version="2.4.0", number="174", platform="android")
    with pytest.raises(AmbiguousInput) as asked:
        found("2.4.0", ios, android)
    assert [str(label) for label, _ in asked.value.choices] == ["2.4.0 (173) iOS · release/2.4", "2.4.0 (174) Android"]
    assert [typed for _, typed in asked.value.choices] == [f"{COURIER.id} {ios.id}", f"{COURIER.id} {android.id}"]
    assert "2 builds of Courier match" in str(asked.value.sentence)


def test_all_builds_that_can_be_meant_are_offered() -> None:
    with pytest.raises(AmbiguousInput, match="12 builds of Courier match") as asked:
        found("2.0", *(build(number, version="2.0") for number in range(12)))
    assert len(asked.value.choices) == 12


def test_a_number_that_is_none_finds_none() -> None:
    for typed in ("#", "# ", "#9", "#-1", "#1 or 1=1"):
        with pytest.raises(NotFoundByName):
            found(typed, build(1, number=""), build(2, number="2"))


def test_lookup_unknown_version_suggests_closest_or_the_list() -> None:
    with pytest.raises(NotFoundByName) as missed:
        found("1.9.0", build(2), build(1), build(3, version=""))
    assert set(missed.value.suggestions) == {"1.1.0", "1.2.0"}
    with pytest.raises(NotFoundByName) as missed:
        found("zzzz", build(1))
    assert [command for _, command in missed.value.commands] == ["builds courier"]


@given(facts.texts)
def test_lookup_any_build_text_is_answered_in_words(typed: str) -> None:
    builds = build(2, version="", number=""), build(1)
    try:
        said = found(typed, *builds).id
    except UserInputError as error:
        said = str(error)
    assert 0 < len(said) < 300


def test_other_platforms_offer_the_newest_ready_build_of_each() -> None:
    mine = build(9)
    android = build(7, platform="android")
    builds = (
        build(8, platform="android", stage=Stage.RUNNING),
        android,
        build(6, platform="android"),
        mine,
        build(5),
        macos := build(4, platform="macos"),
    )
    assert lookup.other_platforms(mine, builds) == [android, macos]


@pytest.mark.parametrize(
    ("listed", "label"),
    [
        (build(1, version="2.4.0", number="173", platform="ios"), "2.4.0 (173) iOS"),
        (build(1, version="", number="", platform=""), "no version"),
        (build(1, version="1", number="", platform="harmony"), "1 harmony"),
    ],
)
def test_a_label_leaves_out_what_is_not_known(listed: Build, label: str) -> None:
    assert lookup.label(listed) == label


# ------------------------------------------------------------------ filters on builds

ONE = replace(
    build(1, version="2.4.0-beta", platform="iOS"),
    origin=BuildSource(branch="release/2.4", tag="v2.4"),
    tags=("Nightly", "[wip]"),
    uploader="Ana Pérez",
)


def fits(typed: str, build: Build = ONE) -> bool:
    return lookup.fits(build, grammar.parse(typed))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "os:ios",
        "os:android os:ios",
        "branch:release/*",
        "branch:*2.4",
        "branch:RELEASE/2.?",
        "tag:nightly",
        "tag:v2.4",
        "tag:[wip]",
        "version:2.4.*",
        "by:ana*",
        'by:"ana pérez"',
        "-os:android",
        "-branch:main -branch:develop",
        "os:ios branch:release/* -tag:beta",
        "on:failed",  # a word of the subscription, not of the build
    ],
)
def test_a_build_passes_filters_that_it_fits(typed: str) -> None:
    assert fits(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "os:android",
        "os:io",
        "branch:release",
        "branch:",
        "tag:night",
        "-tag:nightly",
        "-tag:[wip]",
        "tag:[n]ightly",
        "-branch:*",
        "os:ios -os:ios",
        "os:ios branch:main",
        "tag:nightly -by:*p*",
    ],
)
def test_a_build_is_kept_out_by_filters_that_it_does_not_fit(typed: str) -> None:
    assert not fits(typed)


def test_a_star_asks_for_something_and_its_negation_for_nothing() -> None:
    without = build(1, tags=())
    assert not fits("tag:*", without)
    assert fits("-tag:*", without)
    assert fits("tag:*")
    assert not fits("-tag:*")


@given(facts.builds, facts.texts)
def test_filter_and_its_negation_partition_all_builds(build: Build, value: str) -> None:
    yes, no = (grammar.ParsedText((), (grammar.KeyValue("branch", value, negated),)) for negated in (False, True))
    assert lookup.fits(build, yes) is not lookup.fits(build, no)
