"""From *It didn't install* to the cause: at most four taps, and no question whose answer is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.devices import latest_devices
from bot.domain.install_failures import AskCause, AskDevice, AskSymptom, Found, answer_key, next_step
from bot.domain.model import Build, Download, InstallRequirements
from bot.domain.model.failures import NO_ANSWERS, DeviceAnswer, FailureAnswers, FailureCause, Symptom
from bot.slack.failure_value import FailureValue
from bot.slack.views.install_failures import merged
from tests.support.facts import NOON, build

IPHONE = latest_devices([Download(at=NOON - timedelta(days=9), device="iPhone 15", os="iOS 17.1")])
LATER = NOON + timedelta(days=90)


def ios(min_os: str = "15.0", **facts: Any) -> Build:
    known = {"signing": "enterprise", "all_devices": True, "profile_expires_at": LATER, **facts}
    return build(requirements=InstallRequirements(min_os, **known))


BUILDS = {
    "in-house": ios(),
    "ad hoc": ios(signing="ad-hoc", all_devices=False),
    "development": ios(signing="development", all_devices=False),
    "expired": ios(profile_expires_at=NOON),
    "too new": ios("18.0"),
    "unsigned": build(),
    "apk": build(platform="android", requirements=InstallRequirements("26")),
    "aab": build(platform="android", extension="aab"),
    "macos": build(platform="macos"),
    "windows": build(platform="windows"),
    "other": build(platform="ps5", extension="zip"),
}


def choices(step: AskDevice | AskSymptom | AskCause) -> list[FailureAnswers]:
    if isinstance(step, AskDevice):
        return [FailureAnswers(answer) for answer in DeviceAnswer]
    if isinstance(step, AskSymptom):
        return [FailureAnswers(symptom=symptom) for symptom, _label in step.choices]
    return [*(FailureAnswers(cause=rule.cause) for rule in step.choices), FailureAnswers(symptom=Symptom.OTHER)]


def walked(of: Build, known: dict[str, Any], answers: FailureAnswers, taps: int) -> list[tuple[int, FailureCause]]:
    """Every end there is: after how many taps, and the cause."""
    step = next_step(of, known, answers, NOON)
    if isinstance(step, Found):
        return [(taps, step.rule.cause)]
    return [end for each in choices(step) for end in walked(of, known, merged(answers, each), taps + 1)]


@pytest.mark.parametrize("known", [{}, IPHONE], ids=["unknown", "known"])
@pytest.mark.parametrize("of", BUILDS.values(), ids=BUILDS)
def test_each_way_ends_within_four_taps(of: Build, known: dict[str, Any]) -> None:
    ends = walked(of, known, NO_ANSWERS, 1)
    ends += walked(of, known, FailureAnswers(is_denied=True), 1)
    assert max(taps for taps, _cause in ends) <= 4
    assert {FailureCause.LINK_USED, FailureCause.OTHER} <= {cause for _taps, cause in ends}


@pytest.mark.parametrize(
    ("of", "known", "cause"),
    [
        (BUILDS["too new"], IPHONE, FailureCause.OLD_SYSTEM),
        (BUILDS["expired"], {}, FailureCause.PROFILE_EXPIRED),
        (build(requirements=InstallRequirements("15.0", families=(2,))), IPHONE, FailureCause.WRONG_DEVICE),
    ],
)
def test_a_known_cause_is_said_at_the_first_tap(of: Build, known: dict[str, Any], cause: FailureCause) -> None:
    step = next_step(of, known, NO_ANSWERS, NOON)
    assert isinstance(step, Found)
    assert (step.rule.cause, step.is_guess) == (cause, True)
    assert not isinstance(next_step(of, known, FailureAnswers(is_denied=True), NOON), Found)


def test_the_device_is_asked_about_where_it_is_not_known() -> None:
    assert isinstance(next_step(BUILDS["in-house"], {}, NO_ANSWERS, NOON), AskDevice)
    assert isinstance(next_step(BUILDS["in-house"], IPHONE, NO_ANSWERS, NOON), AskSymptom)
    assert isinstance(next_step(BUILDS["macos"], {}, NO_ANSWERS, NOON), AskSymptom)


def test_an_answer_that_does_not_fit_the_build_is_asked_again() -> None:
    odd = FailureAnswers(DeviceAnswer.MATCHING, cause=FailureCause.GATEKEEPER)
    assert isinstance(next_step(BUILDS["apk"], {}, odd, NOON), AskSymptom)
    unknown = replace(odd, cause=FailureCause.UNKNOWN)
    assert isinstance(next_step(BUILDS["apk"], {}, unknown, NOON), AskSymptom)


def test_a_key_differs_by_user_build_and_secret() -> None:
    keys = {answer_key(salt, user, of) for salt in ("a", "b") for user in ("U1", "U2") for of in ("x", "y")}
    assert len(keys) == 8
    assert answer_key("a", "U1", "x") in keys


@pytest.mark.parametrize(
    "answers",
    [
        NO_ANSWERS,
        FailureAnswers(DeviceAnswer.MATCHING, Symptom.NOT_OPENING, FailureCause.NOT_TRUSTED),
        FailureAnswers(is_denied=True),
    ],
)
@pytest.mark.parametrize("names_device", [False, True])
def test_a_button_carries_all_answers(answers: FailureAnswers, names_device: bool) -> None:
    value = FailureValue("a" * 24, "b" * 24, "auto", answers, names_device)
    assert FailureValue.parse(str(value)) == value
    assert len(str(value)) <= 150


@pytest.mark.parametrize("text", ["", "a", "a/b", "a/b/c/d/e/f/g/h", "a/b/file/phone/later/quantum/nd"])
def test_a_button_of_another_version_is_read(text: str) -> None:
    FailureValue.parse(text)
