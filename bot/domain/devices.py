"""The user's devices, from Applivery's download log, and whether a build installs on the latest of them.

Only certain verdicts are given: a browser may report an older system than the device has, and no log contains UDIDs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import zip_longest

from msgspec import Struct

from bot.domain import install, install_rules
from bot.domain.install import ANDROID, IOS, Browser, Device
from bot.domain.model import Build, Download, FileKind
from bot.domain.model.failures import FailureCause
from bot.domain.time_zones import local, zone
from bot.domain.verdicts import Prospect, Verdict
from bot.i18n import Day, ShortDay, Text, gettext_noop
from bot.i18n.verbatim import verbatim

RECENT = timedelta(days=90)  # a device seen earlier may have been updated or replaced

IPHONE_FAMILY, IPAD_FAMILY = (
    1,
    2,
)  # https://developer.apple.com/documentation/bundleresources/information-property-list/uidevicefamily
_APPLE = frozenset({IOS, "ipados"})
_SYSTEM = re.compile(r"\s*(?:apple\s+)?(ios|ipados|iphone os|android)\b[\s/v-]*(\d+(?:[._]\d+)*)?", re.IGNORECASE)
_NUMBERS = re.compile(r"\d{1,6}(\.\d{1,6})*")
_INTERNAL_MODEL = re.compile(r"(iPhone|iPad|iPod)\d+,\d+", re.IGNORECASE)
# values of Applivery's `device.type`, and Chrome's placeholder for a model
_NO_MODEL = {"", "desktop", "generic", "k", "mobile", "other", "phone", "smartphone", "tablet", "unknown"}
# Safari says of no iPhone that its system is newer than the 18 (`… iPhone OS 18_6 … Version/26.0 …`), Chrome of every
# Android that it is 10:
# https://developers.google.com/privacy-sandbox/blog/user-agent-reduction-android-model-and-version
_IOS_CLAIMED = (18, 6)
_ANDROID_CLAIMED = "10"


class KnownDevice(Struct, frozen=True):
    """A device that a download came from: `platform` is `ios` or `android`, `seen_at` aware.

    `model` and `version` are empty if the log does not contain them.
    """

    platform: str
    system: str
    version: str
    model: str
    seen_at: datetime

    @property
    def name(self) -> str | Text:
        """Return its name for users."""
        if self.model:
            return verbatim(self.model)
        return Text("Android device") if self.platform == ANDROID else Text("iPhone or iPad")

    @property
    def runs(self) -> str:
        """Return its system and version, for a sentence."""
        return verbatim(f"{self.system} {self.version}".strip())

    @property
    def family(self) -> int | None:
        """Return Apple's number of its device family; None if the model is unknown."""
        model = self.model.casefold()
        if "ipad" in model or self.system == "iPadOS":
            return IPAD_FAMILY
        return IPHONE_FAMILY if "iphone" in model or "ipod" in model else None


Devices = Mapping[str, KnownDevice]  # known devices by platform
NO_DEVICES: Devices = {}


def known_device(download: Download) -> KnownDevice | None:
    """Return the phone or tablet of a download; None for a computer, and if its platform or time is unknown."""
    model = (download.device or "").strip()
    found = _SYSTEM.match(download.os or "")
    if download.at is None or (found is None and not re.match(r"ipad|iphone|ipod", model, re.IGNORECASE)):
        return None
    word, version = (found[1].casefold(), (found[2] or "").replace("_", ".")) if found else (IOS, "")
    internal = _INTERNAL_MODEL.fullmatch(model)
    shown = internal[1] if internal else model
    return KnownDevice(
        platform=ANDROID if word == ANDROID else IOS,
        system={ANDROID: "Android", "ipados": "iPadOS"}.get(word, "iOS"),
        version=version,
        model="" if shown.casefold() in _NO_MODEL else shown,
        seen_at=download.at,
    )


def latest_devices(downloads: Iterable[Download]) -> dict[str, KnownDevice]:
    """Return the device of the latest download on each platform."""
    return _latest(filter(None, map(known_device, downloads)))


def newest_of(known: Iterable[Devices]) -> dict[str, KnownDevice]:
    """Merge several results of `latest_devices`: return the device seen last on each platform."""
    return _latest(device for devices in known for device in devices.values())


def _latest(devices: Iterable[KnownDevice]) -> dict[str, KnownDevice]:
    found: dict[str, KnownDevice] = {}
    for device in devices:
        if device.platform not in found or found[device.platform].seen_at < device.seen_at:
            found[device.platform] = device
    return found


def platform_of(build: Build) -> str | None:
    """Return the platform of a build's devices; None if the download log has no data about it."""
    if install.is_android(build):
        return ANDROID
    return IOS if build.platform.casefold() in _APPLE and build.extension in (None, "ipa") else None


# ------------------------------------------------------------------ the verdict


def judge(build: Build, kind: FileKind, devices: Devices, now: datetime, *, tz: str = "UTC") -> Verdict | None:
    """Return whether the build installs on the user's latest device of its platform; None if unknown.

    Expired profiles and disabled builds are reported by `install.obstacles`.
    """
    device = devices.get(platform_of(build) or "")
    if device is None or kind is FileKind.AAB or install.obstacles(build, now):
        return None
    seen, today = (local(at, zone(tz)).date() for at in (device.seen_at, now))
    day = ShortDay(seen) if seen.year == today.year else Day(seen)
    return _stopped(build, device, day, now) or _promised(build, device, day, now)


def _stopped(build: Build, device: KnownDevice, day: Day | ShortDay, now: datetime) -> Verdict | None:
    if _fits_kind(build, device) is False:
        sentence = Text("iPad only; your last download was from your {device}", device=device.name)
    elif fits(build, device) is False:
        needed = verbatim(install.required_system(build))
        sentence = Text("Needs {needed}; your last download was from {system}", needed=needed, system=device.runs)
        if not _is_recent(device, now):
            text = gettext_noop("Needs {needed}; your last download was from {system} ({day})")
            sentence = Text(text, needed=needed, system=device.runs, day=day)
    else:
        return None
    return Verdict(Prospect.STOPPED, sentence)


def _promised(build: Build, device: KnownDevice, day: Day | ShortDay, now: datetime) -> Verdict | None:
    if not _fits_kind(build, device) or not fits(build, device):
        return None
    facts = {"device": device.name, "system": device.runs, "day": day}
    if install.registration(build):
        return Verdict(Prospect.OPEN, Text("Your {device} ({system}, last seen {day}) must be registered", **facts))
    certain = _is_certain(build, now)
    if certain is None:
        return None
    if certain and _is_recent(device, now):
        return Verdict(Prospect.WORKS, Text("Works on your {device} ({system}, last seen {day})", **facts))
    return Verdict(Prospect.WORKS, Text("Should work on your {device} ({system}, last seen {day})", **facts))


def judge_here(build: Build, kind: FileKind, browser: Browser, devices: Devices, now: datetime) -> Verdict | None:
    """Return the verdict for a claim page, whose address may have been passed on.

    A known device is named only to a browser on the same platform with at least its system version. What the browser
    reports has priority.
    """
    platform = platform_of(build)
    if platform is None or not may_see_history(build, browser):
        return None
    device = devices.get(platform)
    if device and browser.system and device.version and install.is_older(browser.system, device.version):
        device = None
    known = judge(build, kind, {platform: device}, now) if device else None
    if not browser.system or (known and known.prospect is not Prospect.STOPPED):
        return known
    here = KnownDevice(platform, "iOS", browser.system, "", now)
    own = judge(build, kind, {platform: here}, now)
    if own is None or own.prospect is not Prospect.WORKS:
        return None  # the page lists the requirements of the platform
    return Verdict(Prospect.WORKS, Text("Works on this device ({system})", system=here.runs))


def may_see_history(build: Build, browser: Browser) -> bool:
    """Return whether a visitor's browser is on a device of the build's platform and not a crawler."""
    platform = _PLATFORMS_OF_BROWSERS.get(browser.device)
    return platform is not None and platform == platform_of(build) and not browser.is_crawler


_PLATFORMS_OF_BROWSERS = {Device.IPHONE: IOS, Device.ANDROID: ANDROID}


def cause_of(build: Build, devices: Devices) -> FailureCause | None:
    """Return why the build does not install on the user's latest device; None if it may, or if unknown."""
    device = devices.get(platform_of(build) or "")
    if device is None:
        return None
    if _fits_kind(build, device) is False:
        return FailureCause.WRONG_DEVICE
    return FailureCause.OLD_SYSTEM if fits(build, device) is False else None


def _is_recent(device: KnownDevice, now: datetime) -> bool:
    return now - device.seen_at <= RECENT


def _fits_kind(build: Build, device: KnownDevice) -> bool | None:
    """Return whether the build is for this device family; an app for iPhones runs on iPads too."""
    if device.platform != IOS:
        return True
    families = build.requirements.families or ((IPAD_FAMILY,) if build.platform.casefold() == "ipados" else ())
    if not families or IPHONE_FAMILY in families:  # without the key the app is for iPhones
        return True
    if IPAD_FAMILY not in families:
        return None
    return None if device.family is None else device.family == IPAD_FAMILY


def fits(build: Build, device: KnownDevice) -> bool | None:
    """Return whether a device's system is new enough for a build; None if the log does not prove it."""
    least = build.requirements.min_os
    if not least or not _NUMBERS.fullmatch(least) or not _NUMBERS.fullmatch(device.version):
        return None
    if device.platform == ANDROID:
        return _fits_android(int(least), device.version) if least.isdecimal() else None
    has, needs = _numbers(device.version), _numbers(least)
    for own, needed in zip_longest(has, needs):
        if own is None:  # the log may contain `17` for 17.4
            return None if needed else True
        if own != (needed or 0):
            return True if own > (needed or 0) else (None if has[:2] >= _IOS_CLAIMED else False)
    return True


def _fits_android(least: int, version: str) -> bool | None:
    found = install.android_levels(version)
    if found is None:
        return None
    lowest, highest = found
    if lowest >= least:
        return True
    return None if version == _ANDROID_CLAIMED or highest is None or highest >= least else False


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _is_certain(build: Build, now: datetime) -> bool | None:
    """Return whether nothing can stop the install; None if the signature may not allow any device."""
    if platform_of(build) == ANDROID:
        return not install_rules.may_stop_everywhere(build, now)
    if install.is_enterprise(build):
        return build.requirements.profile_expires_at is not None
    return None  # unknown: the devices in a profile are not read
