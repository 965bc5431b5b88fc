"""Why a build did not install, and the user's answers about it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from bot.domain.model.described import DescribedEnum
from bot.i18n import gettext_noop


class FailureCause(DescribedEnum):
    """Why a build did not install, by a user's answer; values are stored. `description` is a label, a message id."""

    description: str

    WRONG_DEVICE = ("wrong_device", gettext_noop("Other kind of device"))
    OLD_SYSTEM = ("old_system", gettext_noop("System too old"))
    NOT_REGISTERED = ("not_registered", gettext_noop("Unregistered device"))
    PROFILE_EXPIRED = ("profile_expired", gettext_noop("Profile expired"))
    NOT_TRUSTED = ("not_trusted", gettext_noop("Untrusted developer"))
    TRUST_UNFINISHED = ("trust_unfinished", gettext_noop("Not restarted"))
    DEVELOPER_MODE = ("developer_mode", gettext_noop("Developer Mode off"))
    UNKNOWN_APPS = ("unknown_apps", gettext_noop("Browser blocked"))
    UNVERIFIED_DEVELOPER = ("unverified_developer", gettext_noop("Unverified developer"))
    PLAY_PROTECT = ("play_protect", gettext_noop("Play Protect"))
    OTHER_SIGNATURE = ("other_signature", gettext_noop("Other signature"))
    STORAGE = ("storage", gettext_noop("Not enough storage"))
    INSIDE_APP = ("inside_app", gettext_noop("Inside another app"))
    WRONG_FILE = ("wrong_file", gettext_noop("Wrong kind of file"))
    INCOMPLETE = ("incomplete", gettext_noop("Incomplete download"))
    GATEKEEPER = ("gatekeeper", gettext_noop("Blocked by macOS"))
    SMART_SCREEN = ("smart_screen", gettext_noop("Blocked by Windows"))
    LINK_USED = ("link_used", gettext_noop("Link used or expired"))
    OTHER = ("other", gettext_noop("Something else"))
    UNKNOWN = ("unknown", gettext_noop("Unknown cause"))  # a value of another version

    @classmethod
    def _missing_(cls, value: object) -> FailureCause:
        return cls.UNKNOWN


class Symptom(StrEnum):
    """What a user saw; the value is part of button values."""

    NO_PROMPT = "prompt"
    BLOCKED = "blocked"
    NOT_INSTALLED = "install"
    NOT_OPENING = "open"
    BAD_FILE = "file"
    LINK = "link"
    OTHER = "other"


class DeviceAnswer(StrEnum):
    """The device that a user tried; the value is part of button values."""

    MATCHING = "matching"  # a device that the build is for
    PHONE = "phone"  # a phone with another system
    COMPUTER = "computer"


class FailureAnswers(Struct, frozen=True):
    """A user's answers so far; None if not asked yet. `is_denied`: the user rejected the guess."""

    device: DeviceAnswer | None = None
    symptom: Symptom | None = None
    cause: FailureCause | None = None
    is_denied: bool = False


NO_ANSWERS = FailureAnswers()
