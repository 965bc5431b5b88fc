"""What is said of a build and a user's own device: only what is certain, and nothing where nothing is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.devices import fits, judge, judge_here, known_device, latest_devices
from bot.domain.install import browser
from bot.domain.model import Build, Download, FileKind, InstallRequirements
from bot.domain.verdicts import Prospect
from bot.i18n import localize, use_locale
from tests.support.facts import NOON, build

SEEN = NOON - timedelta(days=18)
OLD = NOON - timedelta(days=400)
LATER = NOON + timedelta(days=90)
IN_HOUSE: dict[str, Any] = {"signing": "enterprise", "all_devices": True, "profile_expires_at": LATER}
AD_HOC: dict[str, Any] = {"signing": "ad-hoc", "all_devices": False, "profile_expires_at": LATER}


def ios(min_os: str | None = "15.0", **facts: Any) -> Build:
    about = {name: facts.pop(name) for name in ("platform", "extension", "disabled") if name in facts}
    return build(requirements=InstallRequirements(min_os, **{**IN_HOUSE, **facts}), **about)


def android(min_sdk: str | None = "26", **about: Any) -> Build:
    return build(platform="android", requirements=InstallRequirements(min_sdk), **about)


def used(device: str | None, os: str | None, at: datetime | None = SEEN) -> Download:
    return Download(at=at, device=device, os=os)


def verdict(of: Build, *downloads: Download, now: datetime = NOON, kind: FileKind = FileKind.AUTO) -> str:
    """How far it works, and the sentence; empty for none."""
    found = judge(of, kind, latest_devices(downloads), now, tz="Europe/Madrid")
    return f"{found.prospect.value}: {found.sentence}" if found else ""


IPHONE = used("iPhone 15", "iOS 17.1")
PIXEL = used("Pixel 8", "Android 14")


@pytest.mark.parametrize(
    ("of", "download", "said"),
    [
        # it works
        (ios(), IPHONE, "works: Works on your iPhone 15 (iOS 17.1, last seen 3 Nov)"),
        (ios("17.1"), IPHONE, "works: Works on your iPhone 15 (iOS 17.1, last seen 3 Nov)"),
        (ios(), used("iPhone15,4", "iOS 17_1"), "works: Works on your iPhone (iOS 17.1, last seen 3 Nov)"),
        (ios(), used("mobile", "iOS 17.1"), "works: Works on your iPhone or iPad (iOS 17.1, last seen 3 Nov)"),
        (ios(), used("iPad Air", "iPadOS 17.5"), "works: Works on your iPad Air (iPadOS 17.5, last seen 3 Nov)"),
        (ios(families=(1,)), used("iPad", "iPadOS 17"), "works: Works on your iPad (iPadOS 17, last seen 3 Nov)"),
        (android(), PIXEL, "works: Works on your Pixel 8 (Android 14, last seen 3 Nov)"),
        (android(), used("K", "Android 10"), "works: Works on your Android device (Android 10, last seen 3 Nov)"),
        (android("37"), used("Pixel 9", "Android 17"), ""),
        # it needs a newer system
        (ios("18"), IPHONE, "stopped: Needs iOS 18; your last download was from iOS 17.1"),
        (ios("18.0"), used("iPhone 15", "iOS 17.1", OLD),
         "stopped: Needs iOS 18.0; your last download was from iOS 17.1 (17 Oct 2025)"),
        (android("35"), PIXEL, "stopped: Needs Android 15; your last download was from Android 14"),
        (android("23"), used("Nexus 5", "Android 4.4.2"),
         "stopped: Needs Android 6; your last download was from Android 4.4.2"),
        # a browser claims an older system than there is
        (ios("26.0"), used("iPhone 15", "iOS 18.6"), ""),
        (ios("26.0"), used("iPhone 15", "iOS 18.5"),
         "stopped: Needs iOS 26.0; your last download was from iOS 18.5"),
        (android("33"), used("K", "Android 10"), ""),
        (ios("17.4"), used("iPhone 15", "iOS 17"), ""),
        (android("32"), used("Galaxy", "Android 12"), ""),
        # long ago
        (ios(), used("iPhone 15", "iOS 17.1", OLD),
         "works: Should work on your iPhone 15 (iOS 17.1, last seen 17 Oct 2025)"),
        # the kind of device
        (ios(families=(2,)), IPHONE, "stopped: iPad only; your last download was from your iPhone 15"),
        (ios(families=(2,)), used("iPad Air", "iPadOS 17.5"),
         "works: Works on your iPad Air (iPadOS 17.5, last seen 3 Nov)"),
        (ios(families=(2,)), used("mobile", "iOS 17.1"), ""),
        (ios(families=(3,)), IPHONE, ""),
        (ios(platform="ipados"), IPHONE, "stopped: iPad only; your last download was from your iPhone 15"),
        # the signature
        (ios(**AD_HOC), IPHONE, "open: Your iPhone 15 (iOS 17.1, last seen 3 Nov) must be registered"),
        (ios(**{**AD_HOC, "signing": "development"}), IPHONE,
         "open: Your iPhone 15 (iOS 17.1, last seen 3 Nov) must be registered"),
        (ios("18", **AD_HOC), IPHONE, "stopped: Needs iOS 18; your last download was from iOS 17.1"),
        (ios(signing="app-store", all_devices=False), IPHONE, ""),
        (ios(signing="quantum", all_devices=None), IPHONE, ""),
        (ios(signing=None, all_devices=None, profile_expires_at=None), IPHONE, ""),
        (ios(profile_expires_at=None), IPHONE, "works: Should work on your iPhone 15 (iOS 17.1, last seen 3 Nov)"),
        (ios(signing=None, all_devices=False), IPHONE, ""),
        # other sentences say it already
        (ios(profile_expires_at=NOON - timedelta(days=1)), IPHONE, ""),
        (ios(disabled=True), IPHONE, ""),
        # nothing known, nothing claimed
        (ios(None), IPHONE, ""),
        (ios("latest"), IPHONE, ""),
        (android("8.0"), PIXEL, ""),
        (android("VanillaIceCream"), PIXEL, ""),
        (ios(), PIXEL, ""),
        (android(), IPHONE, ""),
        (ios(), used("iPhone 15", None), ""),
        (ios(), used("iPhone 15", "iOS"), ""),
        (ios(), used("iPhone 15", "iOS 17.1", None), ""),
        (ios(), used("Mac", "Mac OS 10.15.7"), ""),
        (ios(), used("Chromebook", "Chrome OS 120"), ""),
        (ios(), used(None, None), ""),
        (ios(platform="tvos"), used("Apple TV", "tvOS 17.1"), ""),
        (build(platform="macos", requirements=InstallRequirements("14.0")), used("Mac", "Mac OS 15"), ""),
        (build(platform="windows"), used("PC", "Windows 11"), ""),
    ],
)  # fmt: skip
def test_a_verdict_says_what_is_certain(of: Build, download: Download, said: str) -> None:
    assert verdict(of, download) == said


def test_the_device_seen_last_on_the_platform_counts() -> None:
    older = used("iPhone 8", "iOS 14.8", SEEN - timedelta(days=9))
    assert verdict(ios(), older, IPHONE, PIXEL) == "works: Works on your iPhone 15 (iOS 17.1, last seen 3 Nov)"
    newer = used("iPhone 8", "iOS 14.8", SEEN + timedelta(days=9))
    assert verdict(ios(), newer, IPHONE) == "stopped: Needs iOS 15.0; your last download was from iOS 14.8"
    assert verdict(ios()) == ""


def test_an_aab_file_installs_on_no_device() -> None:
    assert verdict(android(extension="aab"), PIXEL, kind=FileKind.AAB) == ""
    assert verdict(android(extension="aab"), PIXEL).startswith("works")


def test_a_rule_that_cannot_be_checked_keeps_a_promise_vague() -> None:
    in_2027 = datetime(2027, 1, 2, tzinfo=NOON.tzinfo)
    assert verdict(android(), PIXEL, now=in_2027).startswith("works: Should work on your Pixel 8")


def test_a_verdict_is_written_in_the_readers_language() -> None:
    found = judge(ios(), FileKind.AUTO, latest_devices([IPHONE]), NOON)
    assert found is not None
    with use_locale("es"):
        said = localize(found.sentence)
    assert "3 nov" in said
    assert "(iOS 17.1" in said
    assert "iPhone 15" in said


def test_a_name_from_outside_stays_inert() -> None:
    found = judge(ios(), FileKind.AUTO, latest_devices([used("*<!channel>* `x`", "iOS 17.1")]), NOON)
    assert found is not None
    assert found.prospect is Prospect.WORKS
    assert "*<!channel>* `x`" in str(found.sentence)


# ------------------------------------------------------------------ on the page of a link

APPLE = "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1"
CHROME = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36"
WORKS = "works: Works on your iPhone 15 (iOS 17.1, last seen 3 Nov)"


def here(of: Build, agent: str, *downloads: Download) -> str:
    found = judge_here(of, FileKind.AUTO, browser(agent), latest_devices(downloads), NOON)
    return f"{found.prospect.value}: {found.sentence}" if found else ""


@pytest.mark.parametrize(
    ("of", "agent", "said"),
    [
        (ios(), APPLE.format("17_1"), WORKS),
        (ios(), APPLE.format("18_1"), WORKS),
        (ios("18"), APPLE.format("18_1"), "works: Works on this device (iOS 18.1)"),
        (ios("18"), APPLE.format("17_1"), ""),
        (ios(), APPLE.format("16_0"), "works: Works on this device (iOS 16.0)"),
        (ios(**AD_HOC), APPLE.format("17_1"), "open: Your iPhone 15 (iOS 17.1, last seen 3 Nov) must be registered"),
        (ios(**AD_HOC), APPLE.format("16_0"), ""),
        (android(), CHROME, "works: Works on your Pixel 8 (Android 14, last seen 3 Nov)"),
        (android("35"), CHROME, "stopped: Needs Android 15; your last download was from Android 14"),
        # another kind of device, or none
        (ios(), CHROME, ""),
        (android(), APPLE.format("17_1"), ""),
        (
            ios(),
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15",
            "",
        ),
        (ios(), "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0 Safari/537.36", ""),
        (ios(), "", ""),
        (ios(), "curl/8.5.0", ""),
        (ios(), "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", ""),
        (ios(), f"{APPLE.format('17_1')} (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ""),
        (android(), f"{CHROME} (compatible; bingbot/2.0)", ""),
        (ios(), f"{APPLE.format('17_1')} facebookexternalhit/1.1", ""),
    ],
)
def test_a_page_names_a_device_only_to_its_like(of: Build, agent: str, said: str) -> None:
    assert here(of, agent, IPHONE, PIXEL) == said


def test_a_page_knows_an_iphone_by_what_its_browser_says() -> None:
    assert here(ios(), APPLE.format("17_1")) == "works: Works on this device (iOS 17.1)"
    assert here(ios("26.0"), APPLE.format("18_6")) == ""
    assert here(android(), CHROME) == ""


@pytest.mark.parametrize(
    ("os", "version"),
    [("iOS 17.1", "17.1"), ("iPhone OS 16_4_1", "16.4.1"), ("ios 17", "17"), ("iPadOS 18.0", "18.0"), ("iOS", "")],
)
def test_a_system_is_read_as_it_is_written(os: str, version: str) -> None:
    found = known_device(used("iPhone", os))
    assert found is not None
    assert (found.platform, found.version) == ("ios", version)


@pytest.mark.parametrize("version", ["", "17.x", "99999999999", "-1"])
def test_a_version_that_is_none_decides_nothing(version: str) -> None:
    found = known_device(used("iPhone 15", f"iOS {version}"))
    assert found is not None
    assert fits(ios("99999999"), found) is None
