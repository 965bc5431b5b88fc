"""What the uploader reads in the one private message about an upload, from its start to its end; pure."""

from __future__ import annotations

from bot.domain import choice, uploads
from bot.domain.model import App, Build
from bot.domain.uploads import Pace
from bot.errors import Problem
from bot.slack import blocks, wording
from bot.slack.blocks import Message
from bot.slack.cards.builds import build_value, title, watch_button
from bot.slack.wording import inline, size

BAR = 20  # characters


def under_way(name: str, to: str, pace: Pace | None) -> Message:
    """How far a file is on its way `to` an app or a build; `pace` None while it waits for its turn."""
    head = f"⬆️ Uploading *{inline(name, 120)}* to *{inline(to, 120)}*"
    if pace is None:
        text = "It begins when another upload has ended."
        return Message(f"{_bare(head)}. {text}", (blocks.section(head), blocks.context(text)))
    filled = min(BAR, pace.percent * BAR // 100)
    line = f"{'▰' * filled}{'▱' * (BAR - filled)} {pace.percent} %"
    small = measure(pace)
    return Message(
        f"{_bare(head)}: {pace.percent} %, {small}", (blocks.section(f"{head}\n{line}"), blocks.context(small))
    )


def looking(name: str, to: str) -> Message:
    """Nobody answered in the end, and the build is being looked for."""
    head = f"🔎 *{inline(name, 120)}* for *{inline(to, 120)}*"
    text = "The answer got lost. I am looking whether Applivery has it …"
    return Message(f"{_bare(head)}: {text}", (blocks.section(f"{head}\n{text}"),))


def measure(pace: Pace) -> str:
    """`412.0 MB of 960.0 MB · 12.3 MB/s · 45 s left`."""
    parts = [f"{size(pace.sent)} of {size(pace.total)}"]
    if pace.sent >= pace.total:
        return f"{parts[0]} · all sent, waiting for Applivery’s answer"
    if pace.rate:
        parts.append(f"{size(int(pace.rate))}/s")
    if pace.left is not None:
        parts.append(f"{uploads.duration(pace.left)} left")
    return " · ".join(parts)


def uploaded(name: str, build: Build, by: str, dashboard: str, *, found: bool, mails: bool) -> Message:
    """Applivery has it: which build it became, by whom, and what happens next."""
    head = f"✅ *{title(build)}* is uploaded"
    lines = [f"from {inline(name, 120)}, by <@{by}>"]
    if found:
        lines.append(
            "The connection broke before Applivery answered. I looked: it has this build, new and of this size."
        )
    if mails:
        lines.append("Applivery mails the people you chose.")
    next_up = "Applivery is processing it. I will tell you here when it is ready, or why it is not."
    body = [
        blocks.section("\n".join([head, *lines])),
        blocks.context(next_up),
        blocks.actions(
            watch_button(build),
            blocks.button("Check now", "status.v1", build_value(build), says=f"Status of {choice.label(build)}"),
            blocks.link_button("Open in Applivery", dashboard, "open.dashboard"),
        ),
    ]
    return Message(f"{_bare(head)}, {' '.join(lines)}. {next_up}", tuple(body))


def attached(name: str, build: Build) -> Message:
    """Applivery has the attachment."""
    text = f"📎 *{inline(name, 120)}* is attached to *{title(build)}*."
    row = blocks.button(f"Attachments ({len(build.attachments)})", "files.v1", build_value(build))
    return Message(_bare(text), (blocks.section(text), blocks.actions(row)))


def failed(name: str, to: str, problem: Problem, reference: str | None = None) -> Message:
    """What went wrong, and what to do; never more than what is certain."""
    head = f"❌ *{inline(name, 120)}* did not get to *{inline(to, 120)}*"
    words = f"{wording.escape(problem.sentence)}\n{wording.escape(problem.next_step)}".strip()
    small = [blocks.context(f"Reference `{reference}`")] if reference else []
    text = f"{_bare(head)}. {' '.join(words.split())}"
    return Message(text, (blocks.section(f"{head}\n{words}"), *small))


def begun(name: str, count: int, app: App, build: Build | None = None) -> Message:
    """What is said where the upload was asked for."""
    to = title(build) if build else inline(app.name, 80)
    what = "Attaching" if build else "Uploading"
    text = f"{what} *{inline(name, 120)}* ({size(count)}) to *{to}*. You can follow it in our direct messages."
    return Message(_bare(text), (blocks.section(text),))


def _bare(text: str) -> str:
    return text.replace("*", "")
