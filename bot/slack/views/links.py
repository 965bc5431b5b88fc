"""Cards with a link or a button for one: private answers, attachments, sent builds, expired links; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from slack_sdk.models.blocks import ButtonElement

from bot.domain import build_labels, install
from bot.domain.expiry import expires
from bot.domain.model import Actor, Attachment, Build, FileKind, Link, Recall, Stage
from bot.i18n import _, current_locale, format_number, gettext_noop
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Block, Message, MessageExpiry
from bot.slack.blocks.paging import page_buttons, paginate
from bot.slack.button_values import BuildValue
from bot.slack.markup import strip_formatting
from bot.slack.mrkdwn import escape, escape_inline, time_tag
from bot.slack.views.builds import (
    build_value,
    changelog,
    check_button,
    endless,
    facts,
    get_button,
    has_more,
    instead_buttons,
    latest_available,
    news_button,
    plain_platform,
    state,
    title,
    unknown,
)

SHOWN_ATTACHMENTS = 20  # each may take two of a message's fifty blocks
MORE_FILES = "more.files.v1"


def link(
    build: Build,
    made: Link,
    asker: Actor,
    now: datetime,
    *,
    dashboard: str,
    others: Sequence[Build] = (),
    installs: bool,
) -> Message:
    """Return the private answer with a fresh address: for whom it is, and until when by Applivery's `expiresAt`.

    `others` are the latest builds of other platforms, offered as buttons; `installs` says whether there is a claim
    page, without which an iPhone cannot be made to install.
    """
    what = link_words(build, made)
    life = life_words(made, asker, now)
    lines = [f"*{title(build)}*", _offer(made, what, asker, life)]
    warnings = [escape(warning) for warning in install.warnings(build, now)]
    lines += [f"⚠️ {warning}" for warning in warnings]
    if install.over_the_air(build) and not installs:
        lines.append(f"_{_(NO_PAGE)}_")
    body: list[Block] = [blocks.section("\n".join(lines), fields=facts(build))]
    if notes := changelog(build):
        body.append(blocks.section(notes))
    body += _buttons(build, made.kind, dashboard, others, installs)
    text = _(
        "{build}: {what}: {url} (it {life}, only for you).", build=title(build), what=what, url=made.url, life=life
    )
    return Message(" ".join((text, *warnings)), tuple(body), is_secret=True, expires=_expires(build, made, now))


def _offer(made: Link, what: str, asker: Actor, life: str) -> str:
    return _("<{url}|{what}> — only for <@{user}>. It {life}.", url=made.url, what=what, user=asker.user_id, life=life)


def ready(build: Build, made: Link, asker: Actor, now: datetime, *, dashboard: str, installs: bool) -> Message:
    """Return the notification that a watched or uploaded build is ready, with its link."""
    message = link(build, made, asker, now, dashboard=dashboard, installs=installs)
    head = _("{build} is ready", build=title(build))
    return replace(message, text=f"✅ {head}. {message.text}", blocks=(blocks.section(f"✅ *{head}*"), *message.blocks))


NO_PAGE = gettext_noop(
    "Installing straight onto an iPhone or iPad needs a public address of this bot (PUBLIC_URL), and none is set. "
    "Here is the file; the dashboard can install it too."
)
NO_PAGE_BUT_A_FILE = gettext_noop(
    "Installing straight onto an iPhone or iPad needs a public address of this bot (PUBLIC_URL), and none is set. "
    "You can have the file; the dashboard can install it too."
)


def link_words(build: Build, made: Link) -> str:
    """Return what following the link does."""
    if made.kind is FileKind.AUTO:
        return _("Open the install page") if made.by_page else _("Install")
    file = file_word(build, made.kind)
    return _("Open the page for the {file}", file=file) if made.by_page else _("Download the {file}", file=file)


def file_word(build: Build, kind: FileKind) -> str:
    """Return what a kind of file is called, escaped."""
    return escape_inline(install.file_word(build, kind), 20)


def life_words(made: Link, asker: Actor, now: datetime) -> str:
    """`works once, expires 14:32 (4 minutes)`, the time in the reader's own zone."""
    return _("works once, {expires}", expires=expires(made.expires_at, now, lambda at: time_tag(at, now, asker.tz)))


def _expires(build: Build, made: Link, now: datetime) -> MessageExpiry | None:
    if made.expires_at is None or made.expires_at <= now:  # what is over by a clock that is wrong may well work
        return None
    name = f"{build.app.name} {build_labels.label(build)}"
    again = str(BuildValue.of(build, made.kind.value))
    return MessageExpiry(made.expires_at, build.app.id, build.id, name, again, current_locale())


def _buttons(build: Build, had: FileKind, dashboard: str, others: Sequence[Build], installs: bool) -> list[Block]:
    value = build_value(build)
    labels = {
        FileKind.AUTO: _("Install"),
        FileKind.FILE: _file_label(build),
        FileKind.AAB: ".aab",
    }
    row = [blocks.button(_("Get a fresh link"), "fresh.v1", str(BuildValue.of(build, had.value)))]
    row += [
        blocks.button(
            labels[kind],
            f"fresh.v1#{kind.value}",
            str(BuildValue.of(build, kind.value)),
            accessibility_label=_("{what} of {build}", what=labels[kind], build=build_labels.label(build)),
        )
        for kind in install.kinds(build)
        if kind is not had and (kind is not FileKind.AUTO or installs or not install.over_the_air(build))
    ]
    if build.attachments:
        row.append(attachments_button(build))
    if has_more(build):
        row.append(news_button(build))
    row += [
        blocks.button(_("Send to my DM"), "dm.v1", str(BuildValue.of(build, had.value))),
        blocks.button(
            _("Share here"),
            "share.v1",
            value,
            confirm=_("Everyone in this channel will see the card; each gets a link of their own."),
        ),
    ]
    if install.over_the_air(build) and not installs:
        row.append(blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard"))
    found = [blocks.actions(*row)]
    if others:
        found.append(blocks.actions(*(_instead(each_build, number) for number, each_build in enumerate(others[:4]))))
    return found


def _instead(other: Build, number: int) -> ButtonElement:
    return blocks.button(
        _("{platform} instead", platform=plain_platform(other)),
        f"fresh.v1#{number}",
        build_value(other),
        accessibility_label=_("Get {build}", build=build_labels.label(other)),
    )


def _file_label(build: Build) -> str:
    return _("File ({file})", file=install.file_word(build, FileKind.FILE))


def attachments_button(build: Build) -> ButtonElement:
    """Lists what is attached to a build."""
    label = _("Attachments ({number})", number=format_number(len(build.attachments)))
    return blocks.button(label, "files.v1", build_value(build))


def no_install(build: Build, dashboard: str) -> Message:
    """Return the answer to an install on an iPhone when there is no claim page for it."""
    text = f"*{title(build)}*\n{_(NO_PAGE_BUT_A_FILE)}"
    row = [
        blocks.button(_file_label(build), "fresh.v1", str(BuildValue.of(build, FileKind.FILE.value)), style="primary"),
        blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard"),
    ]
    return Message(f"{title(build)}: {_(NO_PAGE)}", (blocks.section(text), blocks.actions(*row)))


def expired(label: str, again: str) -> Message:
    """Return what a message turns into when its link's time is over."""
    text = _("Expired — the link for {build} is over. Get a fresh one.", build=escape_inline(label, 140))
    fresh = blocks.button(_("Get a fresh link"), "fresh.v1", again, style="primary")
    return Message(text, (blocks.section(text), blocks.actions(fresh)))


def not_ready(build: Build, dashboard: str, *, awaitable: bool, instead: Build | None = None) -> Message:
    """Return the answer for a build that is not available yet: with a button to wait if `awaitable`, or another."""
    if build.stage is Stage.UNKNOWN:
        text = _("{build} can't be downloaded: {status}.", build=title(build), status=unknown(build))
    elif build.stage is Stage.PENDING:
        text = _("{build} is not ready yet: it is waiting to be processed.", build=title(build))
    elif build.stage is Stage.RUNNING:
        text = _("{build} is not ready yet: it is being processed.", build=title(build))
    else:
        text = _("{build} is not ready yet: Applivery does not hand it out.", build=title(build))
    tell = blocks.button(_("Tell me when it is ready"), "await.v1", build_value(build), style="primary")
    row = [
        *([tell] if awaitable else []),
        *instead_buttons(instead),
        check_button(build),
        blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard"),
    ]
    more = _("I can tell you when it is.") if awaitable else "" if build.stage.final else endless(build)
    small = [blocks.context(more)] if more and not awaitable else []
    return Message(
        " ".join(filter(None, [text, more, *latest_available(instead)])),
        (blocks.section(text), *small, blocks.actions(*row)),
    )


def awaiting(build: Build) -> Message:
    """Return the confirmation of a watch."""
    return Message(
        _(
            "I will send you {build} as a direct message when it is ready, or tell you why it is not.",
            build=title(build),
        )
    )


def shared(build: Build, by: str) -> Message:
    """Return the shared card: its buttons make a link for the user who clicks, months later too; no token."""
    text = _("{build}, shared by <@{user}>", build=title(build), user=by)
    head = _("*{build}*\nshared by <@{user}>", build=title(build), user=by)
    body = [blocks.section(head, fields=facts(build))]
    if notes := changelog(build):
        body.append(blocks.section(notes))
    row: list[ButtonElement] = [get_button(build)]
    if build.attachments:
        row.append(attachments_button(build))
    if has_more(build):
        row.append(news_button(build))
    body.append(blocks.actions(*row))
    return Message(text, tuple(body))


def attachments(build: Build, recall: Recall | None = None, number: int = 0) -> Message:
    """Return a page of a build's attachments, each with a button unless the build was recalled."""
    if not build.attachments:
        return Message(_("Nothing is attached to {build}.", build=title(build)))
    recalled = state(build, recall) if recall else ""
    page = paginate(build.attachments, number, SHOWN_ATTACHMENTS)
    head = " · ".join(filter(None, (_("*Attached to {build}*", build=title(build)), page.range_text)))
    body: list[Block] = [blocks.section(f"{head}\n{recalled}".strip())]
    names = []
    for at, attachment in enumerate(page.items):
        kind = escape_inline(attachment.kind, 60) if attachment.kind else _("unknown kind")
        line = f"*{escape_inline(attachment.name, 120)}* · {kind} · {mrkdwn.size(attachment.size)}"
        names.append(strip_formatting(line))
        body.append(blocks.section(line, accessory=None if recall else _get_attachment(build, attachment, at)))
    body += page_buttons(page, MORE_FILES, build_value(build))
    listed = "; ".join(names)
    if recalled:
        text = _("Attached to {build} ({state}): {files}.", build=title(build), state=recalled, files=listed)
    else:
        text = _("Attached to {build}: {files}.", build=title(build), files=listed)
    return Message(text, tuple(body))


def _get_attachment(build: Build, attachment: Attachment, number: int) -> ButtonElement:
    value = str(BuildValue.of(build, attachment.id))
    return blocks.button(
        _("Get"), f"file.v1#{number}", value, accessibility_label=_("Get {file}", file=attachment.name)
    )


def attachment_link(build: Build, attachment: Attachment, made: Link, asker: Actor, now: datetime) -> Message:
    """Return a fresh address for one attachment."""
    name = escape_inline(attachment.name, 120)
    life = life_words(made, asker, now)
    lines = (
        _("*{file}* ({size}) of {build}", file=name, size=mrkdwn.size(attachment.size), build=title(build)),
        _offer(made, _("Download it"), asker, life),
    )
    back = blocks.actions(blocks.button(_("All attachments"), "files.v1", build_value(build)))
    text = _("{file}: {url} (it {life}, only for you)", file=name, url=made.url, life=life)
    return Message(text, (blocks.section("\n".join(lines)), back), is_secret=True)


def sent(build: Build, by: str, number: int) -> Message:
    """Return what a colleague gets: a button that works for them alone."""
    text = _("<@{user}> sends you {build}.", user=by, build=title(build))
    body = [blocks.section(_("<@{user}> sends you {build}.", user=by, build=f"*{title(build)}*"), fields=facts(build))]
    if notes := changelog(build):
        body.append(blocks.section(notes))
    says = _("Get {build}", build=build_labels.label(build))
    get = blocks.button(_("Get build"), "sent.v1", str(number), style="primary", accessibility_label=says)
    body.append(blocks.actions(get, *([news_button(build)] if has_more(build) else [])))
    body.append(blocks.context(_("The button works for you alone.")))
    return Message(text, tuple(body))
