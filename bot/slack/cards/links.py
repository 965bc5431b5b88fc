"""Cards that carry a link or lead to one: private answers, what is attached, what was sent, what has expired; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from slack_sdk.models.blocks import ButtonElement

from bot.domain import choice, installing
from bot.domain.model import Asker, Attachment, Build, FileKind, Link, Recall, Stage
from bot.slack import blocks, wording
from bot.slack.blocks import Block, Expires, Message
from bot.slack.cards.builds import build_value, changelog, facts, get_button, platform_name, state, title
from bot.slack.wording import inline, when

SHOWN_ATTACHMENTS = 40


def link(
    build: Build,
    made: Link,
    asker: Asker,
    now: datetime,
    *,
    dashboard: str,
    others: Sequence[Build] = (),
    installs: bool,
) -> Message:
    """The private answer with a fresh address: for whom it is, and how long it lives by Applivery's own `expiresAt`.

    `others` are the latest builds of other platforms, offered as buttons; `installs` says whether there is a claim
    page, without which an iPhone cannot be made to install.
    """
    what = link_words(build, made)
    life = life_words(made, now)
    lines = [f"*{title(build)}*", f"<{made.url}|{what}> — only for <@{asker.user_id}>. It {life}."]
    warnings = [inline(warning, 200) for warning in installing.warnings(build, now)]
    lines += [f"⚠️ {warning}" for warning in warnings]
    if installing.over_the_air(build) and not installs:
        lines.append(f"_{NO_PAGE}_")
    body: list[Block] = [blocks.section("\n".join(lines), fields=facts(build))]
    if notes := changelog(build):
        body.append(blocks.section(notes))
    body += _buttons(build, made.kind, dashboard, others, installs)
    text = " ".join((f"{title(build)}: {what}: {made.url} (it {life}, only for you).", *warnings))
    return Message(text, tuple(body), secret=True, expires=_expires(build, made))


def ready(build: Build, made: Link, asker: Asker, now: datetime, *, dashboard: str, installs: bool) -> Message:
    """What somebody gets who asked to be told: the build is ready, and here is the link."""
    message = link(build, made, asker, now, dashboard=dashboard, installs=installs)
    head = blocks.section("✅ *Ready*, as you asked to be told.")
    return replace(message, text=f"Ready, as you asked to be told: {message.text}", blocks=(head, *message.blocks))


NO_PAGE = (
    "Installing straight onto an iPhone or iPad needs a public address of this bot (PUBLIC_URL), and none is set. "
    "Here is the file; the dashboard can install it too."
)


def link_words(build: Build, made: Link) -> str:
    """What following the link does."""
    if made.by_page:
        return (
            "Open the install page"
            if made.kind is FileKind.AUTO
            else f"Open the page for the {file_word(build, made.kind)}"
        )
    if made.kind is FileKind.AUTO:
        return "Install"
    return f"Download the {file_word(build, made.kind)}"


def file_word(build: Build, kind: FileKind) -> str:
    """What a kind of file is called, escaped."""
    return inline(installing.file_word(build, kind), 20)


def life_words(made: Link, now: datetime) -> str:
    """`works once, until 14:32 (4 minutes)`, the time in the reader's own zone."""
    if made.expires_at is None:
        return "works once, for a short time"
    return f"works once, until {when(made.expires_at, '{time}')}{_minutes(made.expires_at, now)}"


def _minutes(until: datetime, now: datetime) -> str:
    minutes = int((until - now).total_seconds() // 60)
    if minutes < 1:
        return " (less than a minute)"
    return f" ({minutes} minute{'s' if minutes != 1 else ''})" if minutes < 120 else ""


def _expires(build: Build, made: Link) -> Expires | None:
    if made.expires_at is None:
        return None
    name = f"{build.app.name} {choice.label(build)}"
    return Expires(made.expires_at, build.app.id, build.id, name, f"{build_value(build)}/{made.kind.value}")


def _buttons(build: Build, had: FileKind, dashboard: str, others: Sequence[Build], installs: bool) -> list[Block]:
    value = build_value(build)
    labels = {
        FileKind.AUTO: "Install",
        FileKind.FILE: f"File ({installing.file_word(build, FileKind.FILE)})",
        FileKind.AAB: ".aab",
    }
    row = [blocks.button("Get a fresh link", "fresh.v1", f"{value}/{had.value}")]
    row += [
        blocks.button(
            labels[kind],
            f"fresh.v1#{kind.value}",
            f"{value}/{kind.value}",
            says=f"{labels[kind]} of {choice.label(build)}",
        )
        for kind in installing.kinds(build)
        if kind is not had and (kind is not FileKind.AUTO or installs or not installing.over_the_air(build))
    ]
    if build.attachments:
        row.append(blocks.button(f"Attachments ({len(build.attachments)})", "files.v1", value))
    row += [
        blocks.button("Send to my DM", "dm.v1", f"{value}/{had.value}"),
        blocks.button(
            "Share here",
            "share.v1",
            value,
            confirm="Everybody in this channel will see the card; each gets a link of their own.",
        ),
    ]
    if installing.over_the_air(build) and not installs:
        row.append(blocks.link_button("Open in Applivery", dashboard, "open.dashboard"))
    found = [blocks.actions(*row)]
    if others:
        instead = [
            blocks.button(
                f"{platform_name(one)} instead", f"fresh.v1#{number}", build_value(one), says=f"Get {choice.label(one)}"
            )
            for number, one in enumerate(others[:4])
        ]
        found.append(blocks.actions(*instead))
    return found


def no_install(build: Build, dashboard: str) -> Message:
    """Somebody asked to install on an iPhone, and there is no page that could start it."""
    text = f"*{title(build)}*\n{NO_PAGE.replace('Here is the file; the', 'You can have the file; the')}"
    row = [
        blocks.button(
            f"File ({installing.file_word(build, FileKind.FILE)})",
            "fresh.v1",
            f"{build_value(build)}/file",
            style="primary",
        ),
        blocks.link_button("Open in Applivery", dashboard, "open.dashboard"),
    ]
    return Message(f"{title(build)}: {NO_PAGE}", (blocks.section(text), blocks.actions(*row)))


def expired(label: str, again: str) -> Message:
    """What a message turns into when its link's time is over."""
    text = f"Expired — the link for {inline(label, 140)} is over. Get a fresh one."
    return Message(
        text,
        (blocks.section(text), blocks.actions(blocks.button("Get a fresh link", "fresh.v1", again, style="primary"))),
    )


def not_ready(build: Build, dashboard: str) -> Message:
    """A build that cannot be had yet, with the offer to say when it can."""
    state = "waiting to be processed" if build.stage is Stage.PENDING else "being processed"
    text = f"{title(build)} is not ready yet: it is {state}."
    row = [
        blocks.button("Tell me when it is ready", "await.v1", build_value(build), style="primary"),
        blocks.button("Check again", "status.v1", build_value(build)),
        blocks.link_button("Open in Applivery", dashboard, "open.dashboard"),
    ]
    return Message(f"{text} I can tell you when it is.", (blocks.section(text), blocks.actions(*row)))


def awaiting(build: Build) -> Message:
    """The promise to tell somebody."""
    return Message(f"I will send you {title(build)} as a direct message when it is ready, or tell you why it is not.")


def shared(build: Build, by: str) -> Message:
    """The card somebody shares: buttons that make a link for whoever clicks, months later too; no token."""
    text = f"{title(build)}, shared by <@{by}>"
    body = [blocks.section(f"*{title(build)}*\nshared by <@{by}>", fields=facts(build))]
    if notes := changelog(build):
        body.append(blocks.section(notes))
    row: list[ButtonElement] = [get_button(build)]
    if build.attachments:
        row.append(blocks.button(f"Attachments ({len(build.attachments)})", "files.v1", build_value(build)))
    body.append(blocks.actions(*row))
    return Message(text, tuple(body))


def attachments(build: Build, recall: Recall | None = None) -> Message:
    """What is attached to a build, each piece with a button unless the build was taken back."""
    if not build.attachments:
        return Message(f"Nothing is attached to {title(build)}.")
    recalled = f"{state(build, recall)}" if recall else ""
    body: list[Block] = [blocks.section(f"*Attached to {title(build)}*\n{recalled}".strip())]
    names = []
    for number, one in enumerate(build.attachments[:SHOWN_ATTACHMENTS]):
        line = f"*{inline(one.name, 120)}* · {inline(one.kind or 'unknown kind', 60)} · {wording.size(one.size)}"
        names.append(line.replace("*", ""))
        value = f"{build_value(build)}/{one.id}"
        get = blocks.button("Get", f"file.v1#{number}", value, says=f"Get {one.name}")
        body.append(blocks.section(line, accessory=None if recall else get))
    if len(build.attachments) > SHOWN_ATTACHMENTS:
        body.append(blocks.context(f"… and {len(build.attachments) - SHOWN_ATTACHMENTS} more in the dashboard."))
    said = f" ({recalled})" if recalled else ""
    return Message(f"Attached to {title(build)}{said}: {'; '.join(names)}.", tuple(body))


def attachment_link(build: Build, one: Attachment, made: Link, asker: Asker, now: datetime) -> Message:
    """A fresh address for one attachment."""
    name = inline(one.name, 120)
    life = life_words(made, now)
    lines = (
        f"*{name}* ({wording.size(one.size)}) of {title(build)}",
        f"<{made.url}|Download it> — only for <@{asker.user_id}>. It {life}.",
    )
    back = blocks.actions(blocks.button("All attachments", "files.v1", build_value(build)))
    return Message(
        f"{name}: {made.url} (it {life}, only for you)", (blocks.section("\n".join(lines)), back), secret=True
    )


def sent(build: Build, by: str, number: int) -> Message:
    """What a colleague gets: a button that works for them alone."""
    text = f"<@{by}> sends you {title(build)}."
    body = [blocks.section(f"<@{by}> sends you *{title(build)}*.", fields=facts(build))]
    if notes := changelog(build):
        body.append(blocks.section(notes))
    body.append(
        blocks.actions(
            blocks.button("Get build", "sent.v1", str(number), style="primary", says=f"Get {choice.label(build)}")
        )
    )
    body.append(blocks.context("The button works for you alone."))
    return Message(text, tuple(body))
