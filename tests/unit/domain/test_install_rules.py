"""The table of what keeps a build from installing: where, since when, for which builds, and by whose word."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.domain import install_rules
from bot.domain.install_rules import RULES
from bot.domain.model import Build, InstallRequirements
from bot.domain.model.failures import FailureCause, Symptom
from bot.i18n import use_locale
from bot.i18n.translate import localize
from tests.support.facts import NOON, build

APPLE, APPLE_DEV = "https://support.apple.com", "https://developer.apple.com"
GOOGLE, GOOGLE_DEV = "https://support.google.com", "https://developer.android.com"
MICROSOFT, APPLIVERY = "https://learn.microsoft.com", "https://docs.applivery.com"

# The vendor's page of each row, written down a second time.
PAGES = {
    ("inside_app", "ios"): f"{APPLE}/guide/deployment/distribute-proprietary-in-house-apps-depce7cefc4d/web",
    ("wrong_file", "ios"): f"{APPLE}/guide/deployment/distribute-proprietary-in-house-apps-depce7cefc4d/web",
    ("profile_expired", "ios"): f"{APPLE_DEV}/help/account/provisioning-profiles/edit-download-or-delete-profiles",
    ("not_registered", "ios"): f"{APPLE_DEV}/help/account/devices/register-a-single-device",
    ("old_system", "ios"): f"{APPLE}/118575",
    ("storage", "ios"): f"{APPLE}/108429",
    ("not_trusted", "ios"): f"{APPLE}/118254",
    ("trust_unfinished", "ios"): f"{APPLE}/guide/deployment/distribute-proprietary-in-house-apps-depce7cefc4d/web",
    ("developer_mode", "ios"): f"{APPLE_DEV}/documentation/xcode/enabling-developer-mode-on-a-device",
    ("unknown_apps", "android"): f"{GOOGLE_DEV}/distribute/marketing-tools/alternative-distribution#unknown-sources",
    ("unverified_developer", "android"): f"{GOOGLE_DEV}/developer-verification",
    ("play_protect", "android"): f"{GOOGLE}/googleplay/answer/2812853",
    ("other_signature", "android"): f"{GOOGLE_DEV}/studio/publish/app-signing",
    ("old_system", "android"): f"{GOOGLE}/android/answer/7680439",
    ("storage", "android"): f"{GOOGLE}/android/answer/7431795",
    ("wrong_file", "android"): f"{GOOGLE_DEV}/guide/app-bundle",
    ("inside_app", "android"): f"{GOOGLE_DEV}/distribute/marketing-tools/alternative-distribution",
    ("gatekeeper", "macos"): f"{APPLE}/102445",
    ("smart_screen", "windows"): f"{MICROSOFT}/windows/security/operating-system-security/"
    "virus-and-threat-protection/microsoft-defender-smartscreen/",
    **{
        (cause, platform): f"{APPLIVERY}/en/app-distribution/api/builds/download-build"
        for cause in ("wrong_device", "link_used", "other")
        for platform in ("ios", "android", "macos", "windows", "")
    },
    **{
        ("incomplete", platform): f"{APPLIVERY}/en/app-distribution/api/builds/download-build"
        for platform in ("android", "macos", "windows")
    },
}
BUILDS = {
    "ios": build(requirements=InstallRequirements("17.0", "ad-hoc", NOON - timedelta(days=1))),
    "android": build(platform="android", extension="aab", requirements=InstallRequirements("26")),
    "macos": build(platform="macos"),
    "windows": build(platform="windows"),
    "": build(platform="ps5", extension="zip"),
}


def ios(signing: str, **facts: Any) -> Build:
    return build(requirements=InstallRequirements("17.0", signing, **facts))


def found(of: Build, symptom: Symptom, now: datetime = NOON) -> list[str]:
    return [str(rule.cause) for rule in install_rules.causes(of, symptom, now)]


def test_each_row_has_the_page_of_its_vendor() -> None:
    assert {(str(rule.cause), on): rule.page for rule in RULES for on in rule.platforms} == PAGES


def test_a_cause_has_one_row_for_a_platform() -> None:
    rows = Counter((rule.cause, platform) for rule in RULES for platform in rule.platforms)
    assert set(rows.values()) == {1}
    assert {rule.cause for rule in RULES} == set(FailureCause) - {FailureCause.UNKNOWN}


@pytest.mark.parametrize("platform", BUILDS)
def test_each_symptom_of_a_platform_has_a_cause(platform: str) -> None:
    for symptom, _label in install_rules.symptoms(BUILDS[platform]):
        assert found(BUILDS[platform], symptom), symptom


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.cause}-{rule.platforms[0]}")
def test_each_row_is_whole_sentences(rule: install_rules.InstallRule, language: str) -> None:
    with use_locale(language):
        title, fix = (localize(made(BUILDS[rule.platforms[0]])) for made in (rule.title_of, rule.fix_of))
    assert title
    assert fix.endswith(".")
    assert "{" not in f"{title}{fix}"
    assert all(len(sentence.split()) <= 25 for sentence in fix.split(". "))


@pytest.mark.parametrize(
    ("of", "symptom", "causes"),
    [
        (ios("enterprise", all_devices=True), Symptom.NOT_OPENING, ["not_trusted", "trust_unfinished"]),
        (ios("development"), Symptom.NOT_OPENING, ["not_registered", "developer_mode"]),
        (ios("ad-hoc"), Symptom.NOT_INSTALLED, ["not_registered", "old_system", "storage"]),
        (ios("enterprise", profile_expires_at=NOON), Symptom.NOT_INSTALLED,
         ["profile_expired", "old_system", "storage"]),
        (build(), Symptom.NOT_INSTALLED, ["storage"]),
        (build(), Symptom.NO_PROMPT, ["inside_app", "wrong_file"]),
        (build(platform="android"), Symptom.NOT_INSTALLED, ["other_signature", "storage"]),
        (BUILDS["android"], Symptom.BAD_FILE, ["old_system", "wrong_file", "incomplete"]),
        (BUILDS["macos"], Symptom.BLOCKED, ["gatekeeper"]),
        (BUILDS["windows"], Symptom.BLOCKED, ["smart_screen"]),
        (build(platform="ps5", extension="zip"), Symptom.LINK, ["link_used"]),
    ],
)  # fmt: skip
def test_causes_follow_from_the_build(of: Build, symptom: Symptom, causes: list[str]) -> None:
    assert found(of, symptom) == causes


def test_a_rule_holds_from_its_day_on() -> None:
    dated = [rule for rule in RULES if rule.since]
    assert [(str(rule.cause), rule.since, rule.regions, rule.everywhere) for rule in dated] == [
        ("trust_unfinished", date(2024, 9, 16), (), None),
        ("developer_mode", date(2022, 9, 12), (), None),
        ("unverified_developer", date(2026, 9, 30), ("BR", "ID", "SG", "TH"), date(2027, 1, 1)),
    ]
    of = build(platform="android")
    before, after = datetime(2026, 9, 29, 23, tzinfo=UTC), datetime(2026, 9, 30, tzinfo=UTC)
    assert "unverified_developer" not in found(of, Symptom.BLOCKED, before)
    assert "unverified_developer" in found(of, Symptom.BLOCKED, after)
    assert not install_rules.may_stop_everywhere(of, after)
    assert install_rules.may_stop_everywhere(of, datetime(2027, 1, 1, tzinfo=UTC))


def test_a_cause_of_another_version_reads_as_unknown() -> None:
    assert FailureCause("quantum_lock") is FailureCause.UNKNOWN
