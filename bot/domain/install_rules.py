"""The table of causes that prevent installing or opening a build: where and since when, the fix, the vendor's page.

Users see a `Symptom`; each rule is a possible cause of some symptoms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from msgspec import Struct

from bot.domain import install
from bot.domain.install import ANDROID, IOS, MACOS, WINDOWS, family
from bot.domain.model import Build
from bot.domain.model.failures import FailureCause, Symptom
from bot.i18n import NO_TEXT, Day, Text, gettext_noop
from bot.i18n.verbatim import verbatim

ANY_OTHER = ""  # the result of `install.family` for every other platform
ALL = (IOS, ANDROID, MACOS, WINDOWS, ANY_OTHER)


Applies = Callable[[Build, datetime], bool]


def _always(build: Build, now: datetime) -> bool:
    return True


class InstallRule(Struct, frozen=True):
    """A possible cause: its platforms, symptoms, and builds.

    `title` and `fix` are message ids; `{system}`, `{day}` and `{app}` in them are filled in from the build. `page` is
    the vendor's. The rule applies from `since` on in `regions` only (ISO 3166; empty: everywhere), and from
    `everywhere` on everywhere; `system` is the first major version of the system that has it. The region of a device is
    unknown, so a regional rule is a possible cause, but never the reason for a verdict.
    """

    cause: FailureCause
    platforms: tuple[str, ...]
    symptoms: tuple[Symptom, ...]
    title: str
    fix: str
    page: str
    applies: Applies = _always
    since: date | None = None
    regions: tuple[str, ...] = ()
    everywhere: date | None = None
    system: int | None = None

    def holds(self, build: Build, now: datetime) -> bool:
        """Return whether the rule may be the cause for this build today."""
        in_force = self.since is None or self.since <= now.date()
        return in_force and family(build) in self.platforms and self.applies(build, now)

    def title_of(self, build: Build) -> Text:
        """Return the label of the cause."""
        return _filled(self.title, build)

    def fix_of(self, build: Build) -> Text:
        """Return the fix, with our own formatting."""
        return _filled(self.fix, build)


def _filled(sentence: str, build: Build) -> Text:
    facts: dict[str, object] = {}
    if "{system}" in sentence:
        facts["system"] = verbatim(install.required_system(build))
    if "{day}" in sentence and build.requirements.profile_expires_at:
        facts["day"] = Day(build.requirements.profile_expires_at)
    return Text(sentence, **facts) if sentence else NO_TEXT


def _is_limited(build: Build, now: datetime) -> bool:
    return bool(install.registration(build))


def _needs_system(build: Build, now: datetime) -> bool:
    return bool(install.required_system(build))


def _is_expired(build: Build, now: datetime) -> bool:
    expires = build.requirements.profile_expires_at
    return expires is not None and expires <= now


def _is_in_house(build: Build, now: datetime) -> bool:
    return install.is_enterprise(build)


def _is_bundle(build: Build, now: datetime) -> bool:
    return build.extension == "aab"


_IN_HOUSE = "https://support.apple.com/guide/deployment/distribute-proprietary-in-house-apps-depce7cefc4d/web"
DOWNLOAD_BUILD = "https://docs.applivery.com/en/app-distribution/api/builds/download-build"

RULES: tuple[InstallRule, ...] = (
    InstallRule(
        FailureCause.INSIDE_APP,
        (IOS,),
        (Symptom.NO_PROMPT,),
        gettext_noop("No prompt appeared"),
        gettext_noop("Open this page in Safari, not inside another app, and press *Install*."),
        _IN_HOUSE,
    ),
    InstallRule(
        FailureCause.WRONG_FILE,
        (IOS,),
        (Symptom.NO_PROMPT,),
        gettext_noop("A file was downloaded instead"),
        gettext_noop("An .ipa file is for computers. Get a new link on the iPhone and press *Install*."),
        _IN_HOUSE,
    ),
    InstallRule(
        FailureCause.PROFILE_EXPIRED,
        (IOS,),
        (Symptom.NOT_INSTALLED, Symptom.NOT_OPENING),
        gettext_noop("The profile expired on {day}"),
        gettext_noop("Ask in Slack for a newly signed build."),
        "https://developer.apple.com/help/account/provisioning-profiles/edit-download-or-delete-profiles",
        _is_expired,
    ),
    InstallRule(
        FailureCause.NOT_REGISTERED,
        (IOS,),
        (Symptom.NOT_INSTALLED, Symptom.NOT_OPENING),
        gettext_noop("This device may not be registered"),
        gettext_noop("Ask your team to register its UDID and sign a new build."),
        "https://developer.apple.com/help/account/devices/register-a-single-device",
        _is_limited,
    ),
    InstallRule(
        FailureCause.OLD_SYSTEM,
        (IOS,),
        (Symptom.NOT_INSTALLED,),
        gettext_noop("This app needs {system} or newer"),
        gettext_noop("Update in *Settings → General → Software Update*."),
        "https://support.apple.com/118575",
        _needs_system,
    ),
    InstallRule(
        FailureCause.STORAGE,
        (IOS,),
        (Symptom.NOT_INSTALLED,),
        gettext_noop("Not enough storage"),
        gettext_noop("Free up space in *Settings → General → iPhone Storage*, then install again."),
        "https://support.apple.com/108429",
    ),
    InstallRule(
        FailureCause.NOT_TRUSTED,
        (IOS,),
        (Symptom.NOT_OPENING,),
        gettext_noop("“Untrusted Enterprise Developer”"),
        gettext_noop("Trust the developer in *Settings → General → VPN & Device Management*."),
        "https://support.apple.com/118254",
        _is_in_house,
    ),
    InstallRule(
        FailureCause.TRUST_UNFINISHED,
        (IOS,),
        (Symptom.NOT_OPENING,),
        gettext_noop("Trusted, but not restarted since"),
        gettext_noop("From iOS 18, tap *Allow & Restart* when you trust the developer."),
        _IN_HOUSE,
        _is_in_house,
        since=date(2024, 9, 16),
        system=18,
    ),
    InstallRule(
        FailureCause.DEVELOPER_MODE,
        (IOS,),
        (Symptom.NOT_OPENING,),
        gettext_noop("“Developer Mode Required”"),
        gettext_noop("Turn it on in *Settings → Privacy & Security → Developer Mode*, then restart."),
        "https://developer.apple.com/documentation/xcode/enabling-developer-mode-on-a-device",
        _is_limited,
        since=date(2022, 9, 12),
        system=16,
    ),
    InstallRule(
        FailureCause.UNKNOWN_APPS,
        (ANDROID,),
        (Symptom.BLOCKED,),
        gettext_noop("Android blocked the install"),
        gettext_noop("Allow this browser in *Settings → Apps → Special app access → Install unknown apps*."),
        "https://developer.android.com/distribute/marketing-tools/alternative-distribution#unknown-sources",
        system=8,
    ),
    InstallRule(
        FailureCause.UNVERIFIED_DEVELOPER,
        (ANDROID,),
        (Symptom.BLOCKED,),
        gettext_noop("The developer isn't verified"),
        gettext_noop(
            "In some countries Android installs only apps of verified developers. Ask your team to register it."
        ),
        "https://developer.android.com/developer-verification",
        since=date(2026, 9, 30),
        regions=("BR", "ID", "SG", "TH"),
        everywhere=date(2027, 1, 1),  # Google announced only the year
    ),
    InstallRule(
        FailureCause.PLAY_PROTECT,
        (ANDROID,),
        (Symptom.BLOCKED,),
        gettext_noop("Play Protect blocked the app"),
        gettext_noop("If you trust your team's build, choose *More details → Install anyway*."),
        "https://support.google.com/googleplay/answer/2812853",
    ),
    InstallRule(
        FailureCause.OTHER_SIGNATURE,
        (ANDROID,),
        (Symptom.NOT_INSTALLED,),
        gettext_noop("“App not installed”"),
        gettext_noop("Uninstall any copy from a store or with another signature, then open the file again."),
        "https://developer.android.com/studio/publish/app-signing",
    ),
    InstallRule(
        FailureCause.OLD_SYSTEM,
        (ANDROID,),
        (Symptom.NOT_INSTALLED, Symptom.BAD_FILE),
        gettext_noop("This app needs {system} or newer"),
        gettext_noop("Update Android, or use another device."),
        "https://support.google.com/android/answer/7680439",
        _needs_system,
    ),
    InstallRule(
        FailureCause.STORAGE,
        (ANDROID,),
        (Symptom.NOT_INSTALLED,),
        gettext_noop("Not enough storage"),
        gettext_noop("Free up space in *Settings → Storage*, then open the file again."),
        "https://support.google.com/android/answer/7431795",
    ),
    InstallRule(
        FailureCause.WRONG_FILE,
        (ANDROID,),
        (Symptom.BAD_FILE,),
        gettext_noop("An .aab file can't be installed"),
        gettext_noop("Get the .apk instead."),
        "https://developer.android.com/guide/app-bundle",
        _is_bundle,
    ),
    InstallRule(
        FailureCause.INSIDE_APP,
        (ANDROID,),
        (Symptom.NO_PROMPT,),
        gettext_noop("The page was open inside another app"),
        gettext_noop("Open it in Chrome, then download the file again."),
        "https://developer.android.com/distribute/marketing-tools/alternative-distribution",
    ),
    InstallRule(
        FailureCause.INCOMPLETE,
        (ANDROID, MACOS, WINDOWS),
        (Symptom.BAD_FILE, Symptom.NO_PROMPT),
        gettext_noop("The download is incomplete"),
        gettext_noop("Delete the file and download it again with a new link."),
        DOWNLOAD_BUILD,
    ),
    InstallRule(
        FailureCause.GATEKEEPER,
        (MACOS,),
        (Symptom.BLOCKED,),
        gettext_noop("macOS blocked the app"),
        gettext_noop("If you trust your team's build, allow it in *System Settings → Privacy & Security*."),
        "https://support.apple.com/102445",
    ),
    InstallRule(
        FailureCause.SMART_SCREEN,
        (WINDOWS,),
        (Symptom.BLOCKED,),
        gettext_noop("Windows blocked the app"),
        gettext_noop("If you trust your team's build, choose *More info → Run anyway*."),
        "https://learn.microsoft.com/windows/security/operating-system-security/virus-and-threat-protection/microsoft-defender-smartscreen/",
    ),
    InstallRule(
        FailureCause.WRONG_DEVICE,
        ALL,
        (),
        gettext_noop("It's for another kind of device"),
        gettext_noop("Open the link on a device that the build is for, or get the build for yours."),
        DOWNLOAD_BUILD,
    ),
    InstallRule(
        FailureCause.LINK_USED,
        ALL,
        (Symptom.LINK,),
        gettext_noop("The link has been used or has expired"),
        gettext_noop("Each link works once, for a few minutes. Get a new one."),
        DOWNLOAD_BUILD,
    ),
    InstallRule(
        FailureCause.OTHER,
        ALL,
        (Symptom.OTHER,),
        gettext_noop("Something else"),
        gettext_noop("Try a new link. If that doesn't help, tell the uploader what your device shows."),
        DOWNLOAD_BUILD,
    ),
)

# The symptoms on each platform's devices, in the order of the question.
SYMPTOMS: dict[str, tuple[tuple[Symptom, str], ...]] = {
    IOS: (
        (Symptom.NO_PROMPT, gettext_noop("No prompt appeared")),
        (Symptom.NOT_INSTALLED, gettext_noop("“Unable to install”")),
        (Symptom.NOT_OPENING, gettext_noop("It doesn't open")),
    ),
    ANDROID: (
        (Symptom.BLOCKED, gettext_noop("Android blocked it")),
        (Symptom.NOT_INSTALLED, gettext_noop("“App not installed”")),
        (Symptom.BAD_FILE, gettext_noop("The file doesn't open")),
        (Symptom.NO_PROMPT, gettext_noop("Nothing was downloaded")),
    ),
    MACOS: (
        (Symptom.BLOCKED, gettext_noop("The system blocked it")),
        (Symptom.BAD_FILE, gettext_noop("The file doesn't open")),
    ),
    WINDOWS: (
        (Symptom.BLOCKED, gettext_noop("The system blocked it")),
        (Symptom.BAD_FILE, gettext_noop("The file doesn't open")),
    ),
}
_EVERYWHERE = (
    (Symptom.LINK, gettext_noop("The link didn't work")),
    (Symptom.OTHER, gettext_noop("Something else")),
)


def symptoms(build: Build) -> tuple[tuple[Symptom, str], ...]:
    """Return the possible symptoms for this build, each with its label, a message id."""
    return (*SYMPTOMS.get(family(build), ()), *_EVERYWHERE)


def causes(build: Build, symptom: Symptom, now: datetime) -> list[InstallRule]:
    """Return the possible causes of a symptom for this build, the likelier first."""
    return [rule for rule in RULES if symptom in rule.symptoms and rule.holds(build, now)]


def rule_of(build: Build, cause: FailureCause) -> InstallRule | None:
    """Return the rule of a cause for a build's platform, if there is one."""
    return next((rule for rule in RULES if rule.cause is cause and family(build) in rule.platforms), None)


def listed(build: Build, now: datetime, *, without: Sequence[Symptom] = ()) -> list[InstallRule]:
    """Return all rules that may be a cause for this build, each once, for a list."""
    return [
        rule for rule in RULES if rule.symptoms and not set(rule.symptoms) <= set(without) and rule.holds(build, now)
    ]


def may_stop_everywhere(build: Build, now: datetime) -> bool:
    """Return whether a rule that the bot cannot check applies to this build in every region."""
    return any(
        rule.everywhere is not None and rule.everywhere <= now.date() and rule.holds(build, now) for rule in RULES
    )
