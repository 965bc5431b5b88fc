"""*It didn't install*: find the cause with at most four answers, without asking what is known already."""

from __future__ import annotations

import hashlib
from datetime import datetime

from msgspec import Struct

from bot.domain import devices, install_rules
from bot.domain.devices import Devices
from bot.domain.install_rules import InstallRule
from bot.domain.model import Build
from bot.domain.model.failures import DeviceAnswer, FailureAnswers, FailureCause, Symptom


class AskDevice(Struct, frozen=True):
    """Ask for the device."""


class AskSymptom(Struct, frozen=True):
    """Ask which of these symptoms was seen, each with its label, a message id."""

    choices: tuple[tuple[Symptom, str], ...]


class AskCause(Struct, frozen=True):
    """Ask which of these causes applies."""

    symptom: Symptom
    choices: tuple[InstallRule, ...]


class Found(Struct, frozen=True):
    """The cause; `is_guess` if it follows from known facts and not from an answer."""

    rule: InstallRule
    is_guess: bool = False


Step = AskDevice | AskSymptom | AskCause | Found


def next_step(build: Build, known: Devices, answers: FailureAnswers, now: datetime) -> Step:
    """Return the next step after these answers; a question is repeated if its answer does not fit the build."""
    if answers.cause and (rule := install_rules.rule_of(build, answers.cause)):
        return Found(rule)
    if answers.device in (DeviceAnswer.PHONE, DeviceAnswer.COMPUTER):
        return _found(build, FailureCause.WRONG_DEVICE)
    if answers.symptom:
        return _of_symptom(build, answers.symptom, now)
    guess = None if answers.is_denied else guessed(build, known, now)
    if guess and (rule := install_rules.rule_of(build, guess)):
        return Found(rule, is_guess=True)
    if answers.device is None and _has_to_ask_for_device(build, known):
        return AskDevice()
    return AskSymptom(install_rules.symptoms(build))


def _of_symptom(build: Build, symptom: Symptom, now: datetime) -> Step:
    rules = install_rules.causes(build, symptom, now)
    if len(rules) > 1:
        return AskCause(symptom, tuple(rules))
    return Found(rules[0]) if rules else _found(build, FailureCause.OTHER)


def _found(build: Build, cause: FailureCause) -> Step:
    rule = install_rules.rule_of(build, cause) or install_rules.rule_of(build, FailureCause.OTHER)
    return Found(rule) if rule else AskSymptom(install_rules.symptoms(build))


def guessed(build: Build, known: Devices, now: datetime) -> FailureCause | None:
    """Return the cause that follows from the build and the user's own device, if any."""
    expires = build.requirements.profile_expires_at
    if expires is not None and expires <= now:
        return FailureCause.PROFILE_EXPIRED
    return devices.cause_of(build, known)


def _has_to_ask_for_device(build: Build, known: Devices) -> bool:
    platform = devices.platform_of(build)
    return platform is not None and platform not in known


def answer_key(salt: str, user_id: str, build_id: str) -> str:
    """Return the key to store a user's answer about a build, so that it counts once without identifying the user."""
    return hashlib.blake2b(
        f"{user_id}\n{build_id}".encode("utf-8", "replace"), key=salt.encode()[:64], digest_size=16
    ).hexdigest()
