"""*It didn't install*: the questions, the cause with its fix, and the message to the uploader; pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec.structs import replace
from slack_sdk.models.blocks import ButtonElement, OverflowMenuElement

from bot.domain import build_labels, install, install_rules
from bot.domain.devices import KnownDevice
from bot.domain.install_failures import AskCause, AskDevice, AskSymptom, Found
from bot.domain.install_rules import InstallRule
from bot.domain.model import Build
from bot.domain.model.failures import DeviceAnswer, FailureAnswers, FailureCause, Symptom
from bot.i18n import _, gettext_noop, localize, use_locale
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.button_values import BuildValue
from bot.slack.failure_value import FailureValue
from bot.slack.markup import strip_formatting
from bot.slack.mrkdwn import escape, escape_inline
from bot.slack.views import links
from bot.slack.views.builds import heading, title

STEP, TELL, SEND, KEEP = "failed.step.v1", "failed.tell.v1", "failed.send.v1", "failed.keep.v1"
_DEVICES = {
    install.IOS: (gettext_noop("iPhone or iPad"), gettext_noop("Android phone")),
    install.ANDROID: (gettext_noop("Android phone"), gettext_noop("iPhone or iPad")),
}
_VENDORS = {
    "support.apple.com": "Apple Support",
    "developer.apple.com": "Apple Developer",
    "developer.android.com": "Android Developers",
    "support.google.com": "Google Help",
    "learn.microsoft.com": "Microsoft Learn",
}


def asked(build: Build, value: FailureValue, step: AskDevice | AskSymptom | AskCause) -> Message:
    """Return a question, with its answers as buttons."""
    if isinstance(step, AskDevice):
        question, choices = _("Where did you try it?"), _devices(build)
    elif isinstance(step, AskSymptom):
        question, choices = _("What happened?"), _symptoms(step)
    else:
        question, choices = _("Which one fits?"), _causes(build, step)
    row = [
        blocks.button(label, f"{STEP}#{number}", str(replace(value, answers=merged(value.answers, answer))))
        for number, (label, answer) in enumerate(choices)
    ]
    body = (blocks.section(f"*{question}*\n{heading(build)}"), blocks.actions(*row))
    return Message(f"{title(build)}: {question}", body)


def merged(before: FailureAnswers, answer: FailureAnswers) -> FailureAnswers:
    """Return the answers so far with one more."""
    return FailureAnswers(
        answer.device or before.device,
        answer.symptom or before.symptom,
        answer.cause or before.cause,
        is_denied=before.is_denied or answer.is_denied,
    )


def _devices(build: Build) -> list[tuple[str, FailureAnswers]]:
    own, other = _DEVICES.get(install.family(build), _DEVICES[install.IOS])
    return [
        (_(own), FailureAnswers(DeviceAnswer.MATCHING)),
        (_(other), FailureAnswers(DeviceAnswer.PHONE)),
        (_("Computer"), FailureAnswers(DeviceAnswer.COMPUTER)),
    ]


def _symptoms(step: AskSymptom) -> list[tuple[str, FailureAnswers]]:
    return [(_(label), FailureAnswers(symptom=symptom)) for symptom, label in step.choices]


def _causes(build: Build, step: AskCause) -> list[tuple[str, FailureAnswers]]:
    known = [(localize(rule.title_of(build)), FailureAnswers(cause=rule.cause)) for rule in step.choices]
    return [*known, (_("None of these"), FailureAnswers(symptom=Symptom.OTHER))]


def found(
    build: Build, value: FailureValue, step: Found, *, installs: bool, uploader: str | None, device: KnownDevice | None
) -> Message:
    """Return the cause and what to do: the vendor's page, a new link, and the other kinds of file.

    `uploader` is the user who can be notified, if any. `device` is the asker's own.
    """
    cause, fix = escape(step.rule.title_of(build)), escape(step.rule.fix_of(build))
    head = _("Likely cause: {cause}", cause=cause) if step.is_guess else cause
    small = []
    if step.is_guess and device is not None:
        small.append(_("Your last download was from {system}", system=escape_inline(device.runs, 60)))
    small.append(_("Counted without your name"))
    row = [*_ways(build, value, step.rule, installs=installs), *_more(value, step, uploader)]
    body = (blocks.section(f"*{head}*\n{fix}"), blocks.actions(*row), blocks.context(" · ".join(small)))
    return Message(strip_formatting(f"{title(build)}: {head}. {fix}"), body)


def _ways(
    build: Build, value: FailureValue, rule: InstallRule, *, installs: bool
) -> list[ButtonElement | OverflowMenuElement | None]:
    """Return the buttons for a new link, the vendor's page, and the other kinds of file."""
    label = _("Get new link")
    says = f"{label} {build_labels.label(build)}"
    again = BuildValue(value.app_id, value.build_id, value.kind)
    row: list[ButtonElement | OverflowMenuElement | None] = [
        blocks.button(label, "get.v1", str(again), style="primary", accessibility_label=says)
    ]
    vendor = _VENDORS.get(urlsplit(rule.page).hostname or "")
    if vendor:
        row.append(blocks.link_button(vendor, rule.page, "open.guide"))
    row += [
        links.get_kind(build, kind)
        for kind in install.kinds(build)
        if kind.value != value.kind and (installs or not links.starts_install(build, kind))
    ]
    if rule.cause is FailureCause.WRONG_DEVICE:
        row.append(blocks.button(_("Details"), "details.v1", str(BuildValue.of(build))))
    return row


def _more(value: FailureValue, step: Found, uploader: str | None) -> list[ButtonElement]:
    cause = replace(value, answers=merged(value.answers, FailureAnswers(cause=step.rule.cause)))
    row = []
    if step.is_guess:
        denied = replace(value, answers=FailureAnswers(is_denied=True))
        row.append(blocks.button(_("Something else"), f"{STEP}#other", str(denied)))
    if uploader:
        row.append(blocks.button(_("Tell the uploader"), TELL, str(cause)))
    return row


# ------------------------------------------------------------------ telling the uploader


def preview(
    build: Build, value: FailureValue, asker: str, uploader: str, device: KnownDevice | None, *, language: str
) -> Message:
    """Return exactly the message to the uploader, in their `language`, and the question whether to send it.

    The `device` is sent only by the button that says so.
    """
    with use_locale(language):
        lines = _report_lines(build, _rule(build, value), asker, device if value.names_device else None)
    question = _("Send this to <@{user}>?", user=uploader)
    row = [blocks.button(_("Send"), SEND, str(value), style="primary")]
    if device is not None and not value.names_device:
        row.append(blocks.button(_("Add my device"), f"{TELL}#device", str(replace(value, names_device=True))))
    row.append(blocks.button(_("Cancel"), KEEP, str(value)))
    quoted = "\n".join(f">{line}" for line in lines)
    body = (blocks.section(f"*{question}*"), blocks.section(quoted), blocks.actions(*row))
    return Message(f"{question} {strip_formatting(' '.join(lines))}", body)


def for_uploader(build: Build, rule: InstallRule, asker: str, device: KnownDevice | None) -> Message:
    """Return the direct message to the uploader."""
    lines = _report_lines(build, rule, asker, device)
    return Message(strip_formatting(" ".join(lines)), (blocks.section("\n".join(lines)),))


def _report_lines(build: Build, rule: InstallRule, asker: str, device: KnownDevice | None) -> list[str]:
    lines = [
        _("*{build} didn't install* for <@{user}>.", build=title(build), user=asker),
        _("Cause: {cause}", cause=escape(rule.title_of(build))),
    ]
    if device is not None:
        name = escape_inline(localize(device.name), 60)
        lines.append(_("Device: {device} ({system})", device=name, system=escape_inline(device.runs, 60)))
    return lines


def told(uploader: str) -> Message:
    """Return the confirmation that the uploader was notified."""
    return Message(_("Sent to <@{user}>.", user=uploader))


def kept() -> Message:
    """Return the confirmation that nothing was sent."""
    return Message(_("Nothing was sent."))


def _rule(build: Build, value: FailureValue) -> InstallRule:
    rule = install_rules.rule_of(build, value.answers.cause or FailureCause.OTHER)
    return rule or install_rules.RULES[-1]
