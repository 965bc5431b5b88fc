"""Instructions for a build on this device: obstacles, the steps after the click, and possible causes of failure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.domain import install, install_rules
from bot.domain.devices import NO_DEVICES, Devices, judge_here
from bot.domain.install import Browser, Device
from bot.domain.install_rules import InstallRule
from bot.domain.model import Build, FileKind
from bot.domain.model.failures import FailureCause, Symptom
from bot.domain.tickets import Ticket
from bot.domain.verdicts import Prospect, Verdict
from bot.i18n import _
from bot.i18n.verbatim import verbatim

_SAID_BELOW = (Symptom.LINK,)  # the page itself explains expired links, with a button for a new one


class Cause(Struct, frozen=True):
    """A possible cause of a failed install, its fix, and the vendor's page. `word` is its value in the form."""

    word: FailureCause
    title: str
    fix: str
    page: str


class Guidance(Struct, frozen=True):
    """Sentences with our own formatting: `notes` are obstacles for this person, `steps` follow the click.

    `causes` are possible causes of a failed install, if there is anything to install. `verdict` says that it works on
    the visitor's own device, if that is known.
    """

    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    verdict: str = ""


def guide(ticket: Ticket, build: Build, browser: Browser, now: datetime, devices: Devices = NO_DEVICES) -> Guidance:
    """Return the instructions for a build on this device, without claims about unknown facts.

    `devices` are those of the ticket's user.
    """
    obstacles = [_(obstacle) for obstacle in install.obstacles(build, now)]
    notes = obstacles[: build.disabled]
    if ticket.file_id is not None:
        return Guidance(tuple(notes))
    if install.over_the_air(build) and ticket.kind is FileKind.AUTO:
        if browser.device is Device.IPHONE:
            told = _on_apple(build, browser, now, obstacles)
            return _with_verdict(told, judge_here(build, ticket.kind, browser, devices, now))
        if browser.device is Device.MAC_OR_IPAD:
            return Guidance(tuple(notes), (), _causes(build, now))
    elif install.is_android(build) and browser.device is Device.ANDROID and ticket.kind is not FileKind.AAB:
        told = _on_android(build, now, notes)
        return _with_verdict(told, judge_here(build, ticket.kind, browser, devices, now))
    elif build.platform.casefold() in ("macos", "windows") and browser.device not in (Device.IPHONE, Device.ANDROID):
        return Guidance(tuple(notes), (_("Open the downloaded file to install the app."),), _causes(build, now))
    return Guidance(tuple(notes))


def _with_verdict(guidance: Guidance, verdict: Verdict | None) -> Guidance:
    """Return the guidance with the verdict about the visitor's own device."""
    if verdict is None:
        return guidance
    if verdict.prospect is Prospect.STOPPED:
        return replace(guidance, notes=(*guidance.notes, _(verdict.sentence)))
    return replace(guidance, verdict=_(verdict.sentence))


def _on_apple(build: Build, browser: Browser, now: datetime, notes: list[str]) -> Guidance:
    if limited := install.registration(build):
        notes.append(_(limited))
    if browser.system and install.is_older(browser.system, build.requirements.min_os):
        notes.append(_("Needs {system} or newer.", system=verbatim(install.required_system(build))))
    steps = [_("Tap *Install* in the prompt."), _("Find the app on your home screen.")]
    if _has(FailureCause.TRUST_UNFINISHED, build, browser, now):
        steps.append(
            _("First time: trust the developer in *Settings → General → VPN & Device Management*, then restart.")
        )
    elif install.is_enterprise(build):
        steps.append(_("First time: trust the developer in *Settings → General → VPN & Device Management*."))
    if install.is_development(build) and _has(FailureCause.DEVELOPER_MODE, build, browser, now):
        steps.append(_("First time: turn on *Settings → Privacy & Security → Developer Mode*, then restart."))
    return Guidance(tuple(notes), tuple(steps), _causes(build, now))


def _has(cause: FailureCause, build: Build, browser: Browser, now: datetime) -> bool:
    """Return whether a rule applies to a build on the visitor's system, as far as known."""
    rule, major = install_rules.rule_of(build, cause), browser.system.partition(".")[0]
    new_enough = rule is not None and major.isdecimal() and int(major) >= (rule.system or 0)
    return rule is not None and new_enough and rule.holds(build, now)


def _on_android(build: Build, now: datetime, notes: list[str]) -> Guidance:
    steps = (_("Open the downloaded file."), _("If Android asks, allow this browser to install apps."))
    return Guidance(tuple(notes), steps, _causes(build, now))


def _causes(build: Build, now: datetime) -> tuple[Cause, ...]:
    rules = install_rules.listed(build, now, without=_SAID_BELOW)
    return tuple(cause_of(rule, build) for rule in rules)


def cause_of(rule: InstallRule, build: Build) -> Cause:
    """Return a rule as the page shows it."""
    page = "" if rule.page == install_rules.DOWNLOAD_BUILD else rule.page  # that page is for developers
    return Cause(rule.cause, _(rule.title_of(build)), _(rule.fix_of(build)), page)
