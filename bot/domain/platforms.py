"""What is known of each platform by the word Applivery has for it; texts are translated where they are shown."""

from __future__ import annotations

from msgspec import Struct

from bot.i18n import gettext_noop


class Platform(Struct, frozen=True):
    """One platform.

    `name` is how its maker writes it; without one the word is shown as it is, and is no word to type. `devices` and
    `scan` are what the claim page calls its devices and says above the QR code; `over_the_air`: its devices install
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
# Words for a platform that are not Applivery's
ALIASES = {"iphone": "ios", "ipad": "ios", "ipa": "ios", "apk": "android", "androide": "android", "mac": "macos"}
NAMES = {word: platform.name for word, platform in PLATFORMS.items() if platform.name}


def meant(word: str) -> str | None:
    """Return the platform that a word in small letters means; None when it means none."""
    word = ALIASES.get(word, word)
    return word if word in NAMES else None


def name(platform: str) -> str:
    """Return a platform as its maker writes it; one that is not known as it is."""
    return NAMES.get(platform.casefold(), platform)
