"""What to do with a build on this device: what would stop it, what comes after the press, and what may go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain import install
from bot.domain.install import Browser, Device
from bot.domain.model import Build, FileKind
from bot.domain.tickets import Ticket
from bot.i18n import _, format_day
from bot.i18n.verbatim import verbatim


@dataclass(frozen=True, slots=True)
class Guidance:
    """Sentences with our own formatting: `notes` would stop this person, `steps` follow the press.

    `causes` are why it may not have installed, each with what to do; none where nothing is to be installed.
    """

    notes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    causes: tuple[tuple[str, str], ...] = ()


def guide(ticket: Ticket, build: Build, browser: Browser, now: datetime) -> Guidance:
    """Return what this device is to be told of a build; nothing that cannot be known from the two."""
    obstacles = [_(obstacle) for obstacle in install.obstacles(build, now)]
    notes = obstacles[: build.disabled]
    if ticket.file_id is not None:
        return Guidance(tuple(notes))
    if install.over_the_air(build) and ticket.kind is FileKind.AUTO:
        if browser.device is Device.IPHONE:
            return _on_apple(build, browser, now, obstacles)
        if browser.device is Device.MAC_OR_IPAD:
            return Guidance(tuple(notes), (), _apple_causes(build, now))
    elif install.is_android(build) and browser.device is Device.ANDROID and ticket.kind is not FileKind.AAB:
        return _on_android(build, notes)
    elif build.platform.casefold() in ("macos", "windows") and browser.device not in (Device.IPHONE, Device.ANDROID):
        return Guidance(tuple(notes), (_("Open the downloaded file to install the app."),))
    return Guidance(tuple(notes))


def _on_apple(build: Build, browser: Browser, now: datetime, notes: list[str]) -> Guidance:
    if devices := install.registration(build):
        notes.append(_(devices))
    if browser.system and install.is_older(browser.system, build.requirements.min_os):
        notes.append(_("Needs {system} or newer.", system=verbatim(install.required_system(build))))
    steps = [_("Tap *Install* in the prompt."), _("Find the app on your home screen.")]
    if install.is_enterprise(build):
        steps.append(_("First time: trust the developer in *Settings → General → VPN & Device Management*."))
    return Guidance(tuple(notes), tuple(steps), _apple_causes(build, now))


def _apple_causes(build: Build, now: datetime) -> tuple[tuple[str, str], ...]:
    causes = [(_("No prompt appeared"), _("Open this page in Safari, not inside another app, and press *Install*."))]
    expires = build.requirements.profile_expires_at
    if expires is not None and expires <= now:
        day = format_day(expires)
        causes.append((_("The profile expired on {day}", day=day), _("Ask in Slack for a newly signed build.")))
    if install.registration(build):
        fix = _("Ask your team to register its UDID and sign a new build.")
        causes.append((_("This device may not be registered"), fix))
    if system := install.required_system(build):
        fix = _("Update in *Settings → General → Software Update*.")
        causes.append((_("This app needs {system} or newer", system=verbatim(system)), fix))
    if install.is_enterprise(build):
        fix = _("Trust the developer in *Settings → General → VPN & Device Management*.")
        causes.append((_("“Untrusted Enterprise Developer”"), fix))
    return tuple(causes)


def _on_android(build: Build, notes: list[str]) -> Guidance:
    steps = (_("Open the downloaded file."), _("If Android asks, allow this browser to install apps."))
    causes = [
        (
            _("Android blocked the install"),
            _("Allow this browser in *Settings → Apps → Special app access → Install unknown apps*."),
        ),
        (
            _("“App not installed”"),
            _("Uninstall any copy from a store or with another signature, then open the file again."),
        ),
    ]
    if system := install.required_system(build):
        fix = _("Update Android, or use another device.")
        causes.append((_("This app needs {system} or newer", system=verbatim(system)), fix))
    return Guidance(tuple(notes), steps, tuple(causes))
