"""Cards about builds: announcements, lists and states; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import ButtonElement

from bot.domain import choice
from bot.domain.model import App, Build, Recall, Stage
from bot.slack import blocks, wording
from bot.slack.blocks import Block, Message
from bot.slack.wording import inline, when

STAGE_WORDS = {
    Stage.PENDING: "⏳ waiting to be processed",
    Stage.RUNNING: "⚙️ being processed",
    Stage.READY: "✅ ready",
    Stage.FAILED: "❌ failed",
}
SHOWN_BUILDS = 10


def title(build: Build) -> str:
    """`Courier 2.4.0 (173) for iOS`, escaped."""
    number = f" ({inline(build.number, 40)})" if build.number else ""
    platform = f" for {platform_name(build)}" if build.platform else ""
    return f"{inline(build.app.name, 80)} {inline(build.version or 'without a version', 60)}{number}{platform}"


def plain_title(build: Build) -> str:
    """The same as it was written, for who escapes it later."""
    number = f" ({build.number})" if build.number else ""
    platform = f" for {choice.PLATFORMS.get(build.platform.casefold(), build.platform)}" if build.platform else ""
    return f"{build.app.name} {build.version or 'without a version'}{number}{platform}"


def platform_name(build: Build) -> str:
    """The platform as its maker writes it, escaped."""
    return choice.PLATFORMS.get(build.platform.casefold(), inline(build.platform, 40))


def facts(build: Build) -> list[str]:
    """What is known of a build, one short line each; what Applivery did not say is left out."""
    origin = build.origin
    lines = []
    if build.size is not None:
        lines.append(f"*Size* {wording.size(build.size)}")
    if origin.branch:
        lines.append(f"*Branch* {inline(origin.branch, 80)}")
    if origin.tag or build.tags:
        lines.append(f"*Tags* {inline(', '.join(dict.fromkeys([*build.tags, *filter(None, [origin.tag])])), 120)}")
    if origin.commit:
        message = f" {inline(origin.commit_message.splitlines()[0], 80)}" if origin.commit_message else ""
        lines.append(f"*Commit* {inline(origin.commit[:10], 10)}{message}")
    if build.uploader:
        lines.append(f"*Uploaded by* {inline(build.uploader, 80)}")
    if build.created_at:
        lines.append(f"*Uploaded* {when(build.created_at)}")
    return lines


def changelog(build: Build, limit: int = 300) -> str:
    """The start of the changelog as a quotation, or nothing."""
    text = build.changelog.strip()
    if not text:
        return ""
    start = wording.cut(text, limit)
    quoted = "\n".join(f">{inline(line, limit)}" for line in start.splitlines() if line.strip())
    return f"{quoted}\n>_(the rest is in the dashboard)_" if len(text) > limit else quoted


def build_value(build: Build) -> str:
    """What a build's buttons carry: ids, never state, so that they work months later."""
    return f"{build.app.id}/{build.id}"


def get_button(build: Build, *, style: str | None = "primary") -> ButtonElement:
    """The button that never goes stale: each click makes a fresh link for whoever clicks."""
    return blocks.button("Get build", "get.v1", build_value(build), style=style, says=f"Get {choice.label(build)}")


def news_button(build: Build) -> ButtonElement:
    """The whole changelog, and what came since the build somebody has."""
    return blocks.button("What's new", "news.v1", build_value(build), says=f"What's new in {choice.label(build)}")


def recall_button(build: Build) -> ButtonElement:
    """Opens the form that asks why."""
    return blocks.button("Recall…", "recall.v1", build_value(build), says=f"Recall {choice.label(build)}")


def unrecall_button(build: Build) -> ButtonElement:
    """The way back."""
    return blocks.button("Unrecall", "unrecall.v1", build_value(build), says=f"Unrecall {choice.label(build)}")


def watch_button(build: Build, label: str = "Watch") -> ButtonElement:
    """The button twin of `watch`."""
    return blocks.button(label, "watch.v1", build_value(build), says=f"{label} {choice.label(build)}")


def failure(build: Build) -> str:
    """Applivery's own words on why a build failed, escaped, with its code."""
    code = f" (code {inline(build.error_code, 40)})" if build.error_code else ""
    reason = inline(build.error, 600) if build.error else "Applivery gave no reason."
    return f"*Reason*{code}: {reason}"


def state(build: Build, recall: Recall | None = None) -> str:
    """How a build stands, in words: `✅ ready`, `⛔ recalled: crash on login`."""
    return f"⛔ recalled: {inline(recall.reason, 300)}" if recall else STAGE_WORDS[build.stage]


def builds(app: App, found: Sequence[Build], note: str = "", recalls: Mapping[str, Recall] | None = None) -> Message:
    """The newest builds of an app, each with its state in words and a button when it can be had.

    `recalls` tells, by build id, which were taken back.
    """
    name = inline(app.name, 80)
    if not found:
        return Message(f"{name} has no builds{' that fit' if note else ' yet'}.{' ' + note if note else ''}")
    body: list[Block] = [blocks.section(f"*Builds of {name}*, newest first{': ' + note if note else ''}")]
    lines = []
    for build in found[:SHOWN_BUILDS]:
        recall = (recalls or {}).get(build.id)
        line = f"*{inline(choice.label(build), 140)}* · {state(build, recall)} · {when(build.created_at)}"
        lines.append(f"{inline(choice.label(build), 140)}: {state(build, recall) if recall else build.stage}")
        body.append(blocks.section(line, accessory=_builds_button(build, recall)))
    if len(found) > SHOWN_BUILDS:
        body.append(blocks.context(f"… and {len(found) - SHOWN_BUILDS} older ones. Narrow it with `branch:` or `os:`."))
    return Message(f"Builds of {name}: {'; '.join(lines)}.", tuple(body))


def _builds_button(build: Build, recall: Recall | None) -> ButtonElement:
    if build.stage is Stage.READY and recall is None:
        return get_button(build, style=None)
    return blocks.button("Status", "status.v1", build_value(build), says=f"Status of {choice.label(build)}")


def status(build: Build, dashboard: str, recall: Recall | None = None, *, releases: bool = False) -> Message:
    """How far one build has come, and what can be done now; `releases`: by somebody who may take a build back."""
    sentence = f"{title(build)}: {state(build, recall)}."
    by = f"\nby <@{recall.by}> {when(recall.at)}" if recall else ""
    body = [blocks.section(f"*{title(build)}*\n{state(build, recall)}{by}", fields=facts(build))]
    if build.stage is Stage.FAILED:
        body.append(blocks.section(failure(build)))
        sentence += f" {failure(build)}"
    buttons: list[ButtonElement] = []
    if build.stage is Stage.READY:
        buttons += [get_button(build)] if recall is None else []
        buttons.append(news_button(build))
    elif not build.stage.final:
        buttons.append(watch_button(build))
        buttons.append(blocks.button("Check again", "status.v1", build_value(build)))
    if releases and (recall or build.stage is Stage.READY):
        buttons.append(recall_button(build) if recall is None else unrecall_button(build))
    buttons.append(blocks.link_button("Open in Applivery", dashboard, "open.dashboard"))
    body.append(blocks.actions(*buttons))
    return Message(sentence, tuple(body))
