"""Installing a build: the kinds of file, the device, its requirements, and obstacles."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import build_files, platforms
from bot.domain.model import Build, FileKind
from bot.domain.platforms import PLATFORMS
from bot.i18n import NO_TEXT, Counted, Day, Text, gettext_noop
from bot.i18n.verbatim import verbatim

_OVER_THE_AIR = frozenset(word for word, platform in PLATFORMS.items() if platform.over_the_air)
SOON = timedelta(days=14)


def over_the_air(build: Build) -> bool:
    """Return whether `auto` means a manifest that an iPhone or iPad installs from, not a file."""
    return build.platform.casefold() in _OVER_THE_AIR and build.extension in (None, "ipa")


def is_android(build: Build) -> bool:
    """Return whether it is an Android app: by its file, or else by Applivery's name of its platform."""
    return (build_files.platform_of(build.extension) or build.platform.casefold()) == "android"


def usual_kind(build: Build) -> FileKind:
    """Return the default kind of file: the .apk on Android, otherwise the uploaded file.

    For builds other than Android's, `auto` is either a manifest, which does nothing if it is opened from Slack, or not
    documented. https://docs.applivery.com/en/app-distribution/api/builds/download-build
    """
    return FileKind.AUTO if is_android(build) else FileKind.FILE


def kinds(build: Build) -> tuple[FileKind, ...]:
    """Return the kinds of file of a build, the default one first; `aab` only if the uploaded file is one."""
    if over_the_air(build):
        return (FileKind.AUTO, FileKind.FILE)
    if is_android(build) and build.extension == "aab":
        return (FileKind.AUTO, FileKind.AAB)
    return (usual_kind(build),)


def nearest_kind(build: Build, file_kind: FileKind) -> FileKind:
    """Return the requested kind of file, or the default one if Applivery documents no such kind for this build."""
    unsure = file_kind is FileKind.AAB and is_android(build) and build.extension is None
    return file_kind if file_kind is FileKind.FILE or unsure or file_kind in kinds(build) else usual_kind(build)


def file_word(build: Build, kind: FileKind) -> str | Text:
    """Return the name of a kind of file: `.ipa`, `.apk`, `.aab`, `.pkg`."""
    if kind is FileKind.AAB:
        return ".aab"
    if is_android(build):
        return ".apk"
    extension = build.extension or _FILES.get(build.platform.casefold(), "")
    return f".{extension}" if _EXTENSION.fullmatch(extension) else Text("file")


_EXTENSION = re.compile(r"[A-Za-z0-9.]{1,12}")
_FILES = {"macos": "pkg"} | dict.fromkeys(_OVER_THE_AIR, "ipa")  # as documented, if the extension is unknown


def warnings(build: Build, now: datetime) -> list[Text]:
    """Return what stops an installation, now or soon, as sentences, the most certain first."""
    disabled = [Text("This build is disabled in Applivery, so it may not download.")] if build.disabled else []
    return disabled + expiry(build, now)


def obstacles(build: Build, now: datetime) -> list[Text]:
    """Return the warnings that apply already."""
    expires = build.requirements.profile_expires_at
    return warnings(build, now)[: build.disabled + bool(expires and expires <= now)]


def expiry(build: Build, now: datetime) -> list[Text]:
    """Return a sentence if the provisioning profile has expired or soon will."""
    expires = build.requirements.profile_expires_at
    if expires and expires <= now:
        return [Text("Its profile expired on {day}, so the app won't open.", day=Day(expires))]
    if expires and expires - now <= SOON:
        days = (expires - now).days
        if days < 1:
            return [Text("Its profile expires within a day.")]
        return [
            Counted(
                "Its profile expires in {number} day.",
                "Its profile expires in {number} days.",
                days,
            )
        ]
    return []


def requirements(build: Build) -> list[Text]:
    """Return the requirements of an installation as labels: the devices, and their system."""
    system = required_system(build)
    devices = registration(build)
    return [devices] * bool(devices) + [Text("{system}+", system=verbatim(system))] * bool(system)


def registration(build: Build) -> Text:
    """Return the label of a build for the devices in its provisioning profile only; empty for others."""
    if build.requirements.all_devices is True:
        return NO_TEXT
    return Text(_SIGNINGS.get(_signing(build), ""))


def _signing(build: Build) -> str:
    return (build.requirements.signing or "").casefold().replace("_", "-")


_AD_HOC = gettext_noop("Ad hoc: registered devices only")
_SIGNINGS = {
    "ad-hoc": _AD_HOC,
    "adhoc": _AD_HOC,
    "development": gettext_noop("Development: registered devices only"),
}


# Applivery sends an Android build's minSdkVersion. https://developer.android.com/tools/releases/platforms
_ANDROID = {
    21: "5.0", 22: "5.1", 23: "6", 24: "7.0", 25: "7.1", 26: "8.0", 27: "8.1", 28: "9", 29: "10", 30: "11", 31: "12",
    32: "12L", 33: "13", 34: "14", 35: "15", 36: "16",
}  # fmt: skip


def android_levels(version: str) -> tuple[int, int | None] | None:
    """Return the lowest and the highest API level of an Android version (`8.1.0`, `14`).

    None if it is no version; no highest level if the version is newer than the table.
    """
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3}){0,3}", version):
        return None
    numbers = [int(number) for number in version.split(".")]
    same = [level for level, name in _ANDROID.items() if _release(name)[0] == numbers[0]]
    if not same:
        return (max(_ANDROID), None) if numbers[0] > _release(_ANDROID[max(_ANDROID)])[0] else (1, min(_ANDROID) - 1)
    exact = [level for level in same if numbers[1:] and _release(_ANDROID[level])[1] == numbers[1]]
    return min(exact or same), max(exact or same)


def _release(name: str) -> tuple[int, int]:
    major, _dot, minor = name.rstrip("L").partition(".")
    return int(major), int(minor or 0)


def _system(build: Build, version: str) -> str:
    platform = build.platform.casefold()
    if platform == "android":
        known = _ANDROID.get(int(version)) if version.isdecimal() and len(version) < 4 else None
        return f"Android {known}" if known else f"Android SDK {version}"
    return f"{platforms.name(platform)} {version}".strip()


class Device(StrEnum):
    """The type of the device that requests a page, as far as its user agent shows."""

    IPHONE = "iphone"
    MAC_OR_IPAD = "mac or ipad"  # an iPad identifies as a Mac by default
    ANDROID = "android"
    OTHER = "other"


class Browser(Struct, frozen=True):
    """The browser's device, and whether the page is shown inside another app, where installing does not work.

    `system` is the lowest possible version of iOS, empty if unknown: Safari 26 reports iOS 18.6 at most, and Chrome
    reports Android 10 on every device. A crawler may claim any device.
    """

    device: Device
    inside_app: bool = False
    system: str = ""
    is_crawler: bool = False


_INSIDE = re.compile(r"Slack|FBAN|FBAV|Instagram|Line/|LinkedInApp|Teams|MicroMessenger|; wv\)", re.IGNORECASE)


_CRAWLER = re.compile(
    r"bot\b|bot[-/_]|crawl|spider|slurp|preview|externalhit|whatsapp|telegram|curl|wget|headless|monitor|scan|fetch|"
    r"python|java/|go-http|okhttp|libwww",
    re.IGNORECASE,
)


def browser(user_agent: str) -> Browser:
    """Parse a user agent, as a hint for what to offer, never as a reason to refuse."""
    found = Browser(_device(user_agent), bool(_INSIDE.search(user_agent)), is_crawler=bool(_CRAWLER.search(user_agent)))
    if found.device is Device.IPHONE and (said := re.search(r" OS (\d+(?:_\d+)*) like Mac", user_agent)):
        return replace(found, system=said[1].replace("_", "."))
    return found


def _device(user_agent: str) -> Device:
    if re.search(r"iPhone|iPad|iPod", user_agent):
        return Device.IPHONE
    if "Android" in user_agent:
        return Device.ANDROID
    return Device.MAC_OR_IPAD if "Macintosh" in user_agent else Device.OTHER


# ------------------------------------------------------------------ requirements of a device


def is_enterprise(build: Build) -> bool:
    """Return whether it is signed for all devices of a company, on which it has to be trusted first."""
    return build.requirements.all_devices is True or _signing(build) in ("enterprise", "in-house", "inhouse")


def is_development(build: Build) -> bool:
    """Return whether it is signed for development, which requires a setting of the device."""
    return _signing(build) == "development" and build.requirements.all_devices is not True


IOS, ANDROID, MACOS, WINDOWS = "ios", "android", "macos", "windows"


def family(build: Build) -> str:
    """Return the family of devices of a build that the install rules use; empty for others."""
    if over_the_air(build):
        return IOS
    if is_android(build):
        return ANDROID
    platform = build.platform.casefold()
    return platform if platform in (MACOS, WINDOWS) else ""


def required_system(build: Build) -> str:
    """Return the lowest required system, such as `iOS 17.0`; empty if unknown."""
    return _system(build, build.requirements.min_os) if build.requirements.min_os else ""


def is_older(version: str, least: str | None) -> bool:
    """Return whether a version of a system may be lower than `least`; False if either is no version."""
    if not least or not re.fullmatch(r"\d{1,6}(\.\d{1,6})*", least):
        return False
    has, needs = ([int(number) for number in each.split(".")] for each in (version, least))
    return has + [0] * len(needs) < needs + [0] * len(has)
