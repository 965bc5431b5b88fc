"""The private message to the uploader about an upload, from its start to its end; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slack_sdk.models.blocks import ButtonElement

from bot.domain import build_labels
from bot.i18n import _
from bot.i18n.units import format_duration_short, format_percent
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Message
from bot.slack.markup import strip_formatting
from bot.slack.mrkdwn import escape_inline, size
from bot.slack.views.builds import build_value, heading, title, watch_button
from bot.slack.views.forms import reopen_button
from bot.slack.views.links import attachments_button

if TYPE_CHECKING:
    from bot.domain.model import App, Build
    from bot.domain.uploads import TransferProgress
    from bot.exceptions import BotError

BAR = 20  # characters


def under_way(name: str, to: str, pace: TransferProgress | None) -> Message:
    """Return the progress of an upload `to` an app or build; `pace` is None while it is queued."""
    head = _("Uploading *{file}* to *{place}*", file=escape_inline(name, 120), place=escape_inline(to, 120))
    if pace is None:
        text = _("Waiting for another upload to finish.")
        return Message(f"{_bare(head)}. {text}", (blocks.section(head), blocks.context(text)))
    filled = min(BAR, pace.percent * BAR // 100)
    line = f"{'▰' * filled}{'▱' * (BAR - filled)} {format_percent(pace.percent)}"
    small = measure(pace)
    return Message(
        f"{_bare(head)}: {format_percent(pace.percent)}, {small}",
        (blocks.section(f"{head}\n{line}"), blocks.context(small)),
    )


def looking(name: str, to: str) -> Message:
    """Return the message that the upload got no response, and that the build is being searched for."""
    head = _("Uploading *{file}* to *{place}*", file=escape_inline(name, 120), place=escape_inline(to, 120))
    text = _("⏳ The connection dropped. Checking whether Applivery has the file…")
    return Message(f"{_bare(head)}: {text}", (blocks.section(f"{head}\n{text}"),))


def measure(pace: TransferProgress) -> str:
    """Return `412.0 MB of 960.0 MB · 12.3 MB/s · 45 s left`."""
    parts = [_("{sent} of {total}", sent=size(pace.sent), total=size(pace.total))]
    if pace.sent >= pace.total:
        parts.append(_("sent, waiting for Applivery"))
        return " · ".join(parts)
    if pace.rate:
        parts.append(f"{size(int(pace.rate))}/s")
    if pace.left is not None:
        parts.append(_("{time} left", time=format_duration_short(pace.left)))
    return " · ".join(parts)


def uploaded(name: str, build: Build, by: str, dashboard: str, *, found: bool, mails: bool) -> Message:
    """Return the message that the upload is complete: its build, by whom, and what happens next."""
    lines = [f"✅ *{_('Uploaded {build}', build=heading(build))}*"]
    if found:
        lines.append(_("The connection dropped, but Applivery has the build."))
    if mails:
        lines.append(_("Applivery will email the people you chose."))
    lines.append(_("I'll DM you when it's ready or fails."))
    small = " · ".join((escape_inline(name, 120), _("by <@{user}>", user=by)))
    row = blocks.actions(
        watch_button(build),
        _check_button(build),
        blocks.menu(blocks.menu_link(_("Open in Applivery"), dashboard, "open.dashboard")),
    )
    text = f"✅ {_('Uploaded {build}', build=title(build))}"
    return Message(
        f"{text}. {small}. {' '.join(lines[1:])}", (blocks.section("\n".join(lines)), blocks.context(small), row)
    )


def _check_button(build: Build) -> ButtonElement:
    says = build_labels.label(build)
    return blocks.button(_("Check now"), "status.v1", build_value(build), accessibility_label=says)


def attached(name: str, build: Build) -> Message:
    """Return the message that the attachment was uploaded."""
    text = _("✅ Attached *{file}* to *{build}*.", file=escape_inline(name, 120), build=title(build))
    return Message(_bare(text), (blocks.section(text), blocks.actions(attachments_button(build))))


def failed(name: str, to: str, problem: BotError, reference: str | None = None, *, again: str = "") -> Message:
    """Return what went wrong and what to do, as far as known; `again` reopens the form as it was submitted."""
    head = _("❌ Couldn't upload *{file}* to *{place}*", file=escape_inline(name, 120), place=escape_inline(to, 120))
    words = f"{mrkdwn.escape(_(problem.sentence))}\n{mrkdwn.escape(_(problem.next_step))}".strip()
    small = [blocks.context(_("Reference `{reference}`", reference=reference))] if reference else []
    text = f"{_bare(head)}. {' '.join(words.split())}"
    back = [blocks.actions(reopen_button(again))] if again else []
    return Message(text, (blocks.section(f"{head}\n{words}"), *small, *back))


def begun(name: str, count: int, app: App, build: Build | None = None) -> Message:
    """Return the reply where the upload was requested."""
    file, much = escape_inline(name, 120), size(count)
    if build:
        text = _(
            "Attaching *{file}* ({size}) to *{build}*. Progress is in your DMs.",
            file=file,
            size=much,
            build=title(build),
        )
    else:
        text = _(
            "Uploading *{file}* ({size}) to *{app}*. Progress is in your DMs.",
            file=file,
            size=much,
            app=escape_inline(app.name, 80),
        )
    return Message(_bare(text), (blocks.section(text),))


def _bare(text: str) -> str:
    return strip_formatting(text)
