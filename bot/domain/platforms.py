"""Properties of platforms by Applivery's name; texts are translated where they are shown."""

from __future__ import annotations

from msgspec import Struct

from bot.i18n import gettext_noop


class Platform(Struct, frozen=True):
    """A platform.

    `name` is the vendor's spelling; without one Applivery's name is shown, and cannot be typed. `devices` and `scan`
    are texts of the claim page: its devices, and the line above the QR code; `over_the_air`: its devices can install
    from a link.
    """

    name: str = ""
    devices: str = ""
    scan: str = ""
    over_the_air: bool = False


PLATFORMS = {
    "ios": Platform(
        "iOS",
        devices=gettext_noop("iPhone and iPad"),
        scan=gettext_noop("Scan to install on an iPhone or iPad"),
        over_the_air=True,
    ),
    "android": Platform("Android", devices="Android", scan=gettext_noop("Scan to install on an Android device")),
    "macos": Platform("macOS", devices="macOS"),
    "windows": Platform("Windows", devices="Windows"),
    "tvos": Platform(
        "tvOS", devices="Apple TV", scan=gettext_noop("Scan to install on an Apple TV"), over_the_air=True
    ),
    "ipados": Platform(devices="iPad", scan=gettext_noop("Scan to install on an iPad"), over_the_air=True),
    "visionos": Platform(over_the_air=True),
    "watchos": Platform(over_the_air=True),
}
# Other words for platforms than Applivery's
ALIASES = {"iphone": "ios", "ipad": "ios", "ipa": "ios", "apk": "android", "androide": "android", "mac": "macos"}
NAMES = {word: platform.name for word, platform in PLATFORMS.items() if platform.name}


def meant(word: str) -> str | None:
    """Return the platform of a lower-case word, if any."""
    word = ALIASES.get(word, word)
    return word if word in NAMES else None


def name(platform: str) -> str:
    """Return the vendor's spelling of a platform; an unknown one as it is."""
    return NAMES.get(platform.casefold(), platform)
