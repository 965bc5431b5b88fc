"""Messages with a link or a button for one: private replies, attachments, sent builds, expired links; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from slack_sdk.models.blocks import ButtonElement, Option, OverflowMenuElement

from bot.domain import build_labels, install
from bot.domain.expiry import expires
from bot.domain.model import Actor, Attachment, Build, FileKind, Link, Recall, Stage
from bot.domain.verdicts import Prospect, Verdict
from bot.i18n import _, current_locale, format_number, gettext_noop, localize
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Block, Message, MessageExpiry, Modal
from bot.slack.blocks.paging import page_buttons, paginate
from bot.slack.button_values import BuildValue
from bot.slack.markup import strip_formatting
from bot.slack.mrkdwn import escape, escape_inline, time_tag
from bot.slack.views import build_card
from bot.slack.views.builds import (
    build_value,
    changelog,
    check_button,
    endless,
    facts,
    get_button,
    has_more,
    heading,
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
SHARE = 24  # characters of the title of a form


def link(
    build: Build,
    made: Link,
    asker: Actor,
    now: datetime,
    *,
    dashboard: str,
    others: Sequence[Build] = (),
    in_dm: bool = False,
    verdict: Verdict | None = None,
) -> Message:
    """Return the private reply with a new link, for whom it is, and its expiry by Applivery's `expiresAt`.

    `others` are the latest builds of other platforms. `in_dm` is whether the message is in a direct message, where it
    can't be shared. `verdict` is about the asker's own device.
    """
    parts = _fixed_parts(
        build, made.kind, tuple(others), None if in_dm else asker.channel_id, dashboard, made.by_page, current_locale()
    )
    life = life_words(made, asker, now)
    notes, needs = _device_words(build, verdict, now)
    small = "\n".join(filter(None, (*notes, life, needs, parts.elsewhere)))
    body = (parts.heading, blocks.with_address(parts.row, made.url), blocks.context(small))
    about = [f"· {needs}"] if verdict and not notes else notes
    text = " ".join((f"{parts.title}. {parts.what}: {made.url} {life}", *about))
    return Message(text, body, is_secret=True, expires=_expires(build, made, now))


class _FixedParts(NamedTuple):
    """The parts of a link's card that are the same for all users; the first button of `row` has no address yet."""

    title: str
    what: str
    elsewhere: str
    heading: Block
    row: Block


@lru_cache(maxsize=64)  # many users request the same new build, in the same few languages and channels
def _fixed_parts(  # noqa: PLR0917 - each is a part of the key
    build: Build,
    kind: FileKind,
    others: tuple[Build, ...],
    channel_id: str | None,
    dashboard: str,
    by_page: bool,
    _language: str,
) -> _FixedParts:
    what = link_words(build, kind)
    row: list[ButtonElement | OverflowMenuElement | None] = [open_link(what, "", build_labels.label(build))]
    elsewhere = ""
    if install.over_the_air(build) and not by_page:  # only an https page can make an iPhone install
        elsewhere = _elsewhere(build)
        row.append(blocks.link_button("Applivery", dashboard, "open.dashboard"))
    if install.family(build):
        row.append(failure_button(build, kind))
    row.append(_menu(build, kind, others, channel_id))
    return _FixedParts(title(build), what, elsewhere, blocks.section(f"*{heading(build)}*"), blocks.actions(*row))


def _device_words(build: Build, verdict: Verdict | None, now: datetime) -> tuple[list[str], str]:
    """Return what would stop the install on the asker's device, or else what it or any device needs."""
    stops = [*install.obstacles(build, now)]
    if verdict and verdict.prospect is Prospect.STOPPED:
        stops.append(verdict.sentence)
    if stops:
        return [f"⚠️ {escape(each)}" for each in stops], ""
    labels = [verdict.sentence] if verdict else install.requirements(build)
    if verdict and verdict.prospect is Prospect.OPEN:
        labels = [*install.requirements(build), verdict.sentence]
    return [], " · ".join(escape(label) for label in labels)


def ready(
    build: Build, made: Link, asker: Actor, now: datetime, *, dashboard: str, verdict: Verdict | None = None
) -> Message:
    """Return the notification that a watched or uploaded build is ready, with its link."""
    message = link(build, made, asker, now, dashboard=dashboard, in_dm=True, verdict=verdict)
    head = _("{build} is ready", build=title(build))
    text = f"✅ {head}{message.text.removeprefix(title(build))}"
    return replace(message, text=text, blocks=(blocks.section(f"✅ *{head}*"), *message.blocks[1:]))


def open_link(label: str, url: str, name: str) -> ButtonElement:
    """Return the button that opens the link; `name` is the build, for its accessible name."""
    says = f"{label} {name}"
    return blocks.link_button(label, url, "open.link", style="primary", accessibility_label=says)


def failure_button(build: Build, had: FileKind) -> ButtonElement:
    """Return the button to report that the build did not install."""
    label = _("It didn't install")
    says = f"{label}: {build_labels.label(build)}"
    return blocks.button(label, "failed.v1", str(BuildValue.of(build, had.value)), accessibility_label=says)


def _elsewhere(build: Build) -> str:
    """Return how to install a build without a claim page."""
    if build.platform.casefold() == "ios":
        return _("On iPhone, install from Applivery.")
    return _("To install it, open it in Applivery.")


def link_words(build: Build, kind: FileKind) -> str:
    """Return the label of a link to this kind of file, by what it does."""
    return _("Install") if starts_install(build, kind) else _("Download {file}", file=_file(build, kind))


def starts_install(build: Build, kind: FileKind) -> bool:
    """Return whether a link to this kind of file starts an install on an iPhone or iPad, and no download."""
    return kind is FileKind.AUTO and install.over_the_air(build)


def _file(build: Build, kind: FileKind) -> str:
    """Return the name of a kind of file, for a label."""
    return localize(install.file_word(build, kind))


def life_words(made: Link, asker: Actor, now: datetime) -> str:
    """Return `Single use · expires 14:32 (4 min) · only for you`, the time in the reader's own zone."""
    until = _(expires(made.expires_at, now, lambda at: time_tag(at, now, asker.tz)))
    return " · ".join((_("Single use"), until, _("only for you")))


def _expires(build: Build, made: Link, now: datetime) -> MessageExpiry | None:
    # no expiry in the past: if the local clock is wrong, the link works all the same
    if made.expires_at is None or made.expires_at <= now:
        return None
    name = f"{build.app.name} {build_labels.short(build)}"
    again = str(BuildValue.of(build, made.kind.value))
    return MessageExpiry(made.expires_at, build.app.id, build.id, name, again, current_locale())


def _menu(build: Build, had: FileKind, others: Sequence[Build], channel_id: str | None) -> OverflowMenuElement | None:
    value = str(BuildValue.of(build, had.value))
    items = [blocks.menu_item(_("Fresh link"), "fresh.v1", value)]
    if channel_id:
        items.append(blocks.menu_item(_("Send to my DM"), "dm.v1", value))
        if not channel_id.startswith("D"):
            items.append(blocks.menu_item(_("Share here"), "share.ask.v1", build_value(build)))
    items.append(blocks.menu_item(_("Details"), "details.v1", value))
    items += [blocks.menu_item(_platform_label(other), "fresh.v1", build_value(other)) for other in others]
    return blocks.menu(*items)


def details(
    build: Build, now: datetime, *, dashboard: str, had: FileKind | None, others: Sequence[Build], installs: bool
) -> Message:
    """Return all facts and files of a build; `had` is the kind of file that was requested."""
    needs = " · ".join(escape(label) for label in install.requirements(build))
    warnings = [f"⚠️ {escape(warning)}" for warning in install.warnings(build, now)]
    known = facts(build)
    body: list[Block] = [blocks.section("\n".join((f"*{heading(build)}*", *warnings)), fields=known)]
    if notes := changelog(build):
        body.append(blocks.section(notes))
    if needs:
        body.append(blocks.context(needs))
    row: list[ButtonElement] = [
        get_kind(build, kind)
        for kind in install.kinds(build)
        if kind is not had and (installs or not starts_install(build, kind))
    ]
    if build.attachments:
        row.append(attachments_button(build))
    if has_more(build):
        row.append(news_button(build))
    row += [_get_platform(other, number) for number, other in enumerate(others[:10])]
    row.append(blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard"))
    text = ". ".join(filter(None, (title(build), strip_formatting(", ".join(known)), needs, *warnings)))
    return Message(text, (*body, blocks.actions(*row)))


def get_kind(build: Build, kind: FileKind, *, style: str | None = None) -> ButtonElement:
    """Return the button for a link to a kind of file."""
    label = _("Install") if starts_install(build, kind) else _("Get {build}", build=_file(build, kind))
    says = f"{label} {build_labels.label(build)}"
    value = str(BuildValue.of(build, kind.value))
    return blocks.button(label, f"get.v1#{kind.value}", value, style=style, accessibility_label=says)


def _platform_label(build: Build) -> str:
    return plain_platform(build) or _("Other build")


def _get_platform(build: Build, number: int) -> ButtonElement:
    label = _platform_label(build)
    says = f"{label}: {build_labels.label(build)}"
    return blocks.button(label, f"get.v1#{number}", build_value(build), accessibility_label=says)


def ask_to_share(build: Build, channel_id: str, channel_name: str) -> Modal:
    """Return the form to confirm posting a card, which says who will see it."""
    name = _("Share in {channel}?", channel=f"#{channel_name}")
    text = _(
        "Everyone in <#{channel}> will see {build}, with its changelog and branch. Each person gets their own link.",
        channel=channel_id,
        build=f"*{heading(build)}*",
    )
    head = name if len(name) <= SHARE else _("Share here?")
    return Modal("share.v1", head, (blocks.section(text),), submit=_("Share"), private_metadata=build_value(build))


def attachments_button(build: Build) -> ButtonElement:
    """Return the button that lists the attachments of a build."""
    return blocks.button(_attachments_label(build), "files.v1", build_value(build))


def _attachments_label(build: Build) -> str:
    return _("Attachments ({number})", number=format_number(len(build.attachments)))


def no_install(build: Build, dashboard: str) -> Message:
    """Return the reply to an install on an iPhone if there is no claim page for it."""
    text = f"*{heading(build)}*\n{_elsewhere(build)}"
    row = [
        blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard", style="primary"),
        get_kind(build, FileKind.FILE),
    ]
    return Message(f"{title(build)}. {_elsewhere(build)}", (blocks.section(text), blocks.actions(*row)))


def expired(label: str, again: str) -> Message:
    """Return the message that replaces one whose link has expired."""
    name, over = escape_inline(label, 140), _("This link expired.")
    fresh = blocks.button(_("Get new link"), "fresh.v1", again, style="primary")
    failed = blocks.button(_("It didn't install"), "failed.v1", again)
    return Message(f"{over} {name}", (blocks.section(f"*{over}* {name}"), blocks.actions(fresh, failed)))


def not_ready(build: Build, dashboard: str, *, awaitable: bool, instead: Build | None = None) -> Message:
    """Return the reply for an unavailable build, with a button to wait if `awaitable`, or for the build `instead`."""
    notify = blocks.button(_("Notify me"), "await.v1", build_value(build), style="primary")
    look = blocks.menu(
        blocks.menu_item(_("Check again"), "status.v1", build_value(build)),
        blocks.menu_link(_("Open in Applivery"), dashboard, "open.dashboard"),
    )
    choices = [*([notify] if awaitable else []), *instead_buttons(instead, None if awaitable else "primary")]
    row: list[ButtonElement | OverflowMenuElement | None] = [*choices, look]
    if not choices:
        row = [check_button(build), blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard")]
    more = "" if awaitable or build.stage.final else endless(build)
    return Message(
        " ".join(filter(None, [_why_not(build, title(build)), more, *latest_available(instead)])),
        (
            blocks.section(_why_not(build, f"*{heading(build)}*")),
            *([blocks.context(more)] if more else []),
            blocks.actions(*row),
        ),
    )


def _why_not(build: Build, name: str) -> str:
    if build.stage is Stage.UNKNOWN:
        return _("{build} can't be downloaded: {status}.", build=name, status=unknown(build))
    if build.stage is Stage.PENDING:
        return _("{build} isn't ready yet: waiting to be processed.", build=name)
    if build.stage is Stage.RUNNING:
        return _("{build} isn't ready yet: being processed.", build=name)
    return _("{build} isn't ready yet.", build=name)


def awaiting(build: Build) -> Message:
    """Return the confirmation of a watch."""
    sentence = gettext_noop("Watching {build}. I'll DM you when it's ready or fails.")
    return Message(_(sentence, build=title(build)), (blocks.section(_(sentence, build=f"*{heading(build)}*")),))


def shared(build: Build, by: str, now: datetime) -> Message:
    """Return the shared card: it contains no token, its buttons create a link for the user who clicks."""
    text = _("<@{user}> shared {build}.", user=by, build=title(build))
    more = [
        _news_item(build),
        blocks.menu_item(_attachments_label(build), "files.v1", build_value(build)) if build.attachments else None,
    ]
    return Message(text, _card(build, _("Shared by <@{user}>", user=by), now, get_button(build), blocks.menu(*more)))


def _news_item(build: Build) -> Option | None:
    return blocks.menu_item(_("What's new"), "news.v1", build_value(build)) if build.changelog else None


def _card(
    build: Build, by: str, now: datetime, get: ButtonElement, more: OverflowMenuElement | None
) -> tuple[Block, ...]:
    """Return the card of a build that a person recommends."""
    small = " · ".join(filter(None, (by, build_card.small_line([build], now))))
    words = "\n".join([f"*{heading(build)}*", *build_card.notes(build)])
    return (blocks.section(words), blocks.context(small), blocks.actions(get, more))


def attachments(build: Build, recall: Recall | None = None, number: int = 0) -> Message:
    """Return a page of a build's attachments, each with a button unless the build was recalled."""
    if not build.attachments:
        return Message(_("{build} has no attachments.", build=title(build)))
    recalled = state(build, recall) if recall else ""
    page = paginate(build.attachments, number, SHOWN_ATTACHMENTS)
    head = " · ".join(filter(None, (_("*Attachments of {build}*", build=title(build)), page.range_text)))
    body: list[Block] = [blocks.section(f"{head}\n{recalled}".strip())]
    names = []
    for at, attachment in enumerate(page.items):
        parts = (f"*{escape_inline(attachment.name, 120)}*", mrkdwn.size(attachment.size))
        line = " · ".join(filter(None, parts))
        names.append(strip_formatting(line))
        body.append(blocks.section(line, accessory=None if recall else _get_attachment(build, attachment, at)))
    body += page_buttons(page, MORE_FILES, build_value(build))
    listed = "; ".join(names)
    if recalled:
        text = _("Attachments of {build} ({state}): {files}.", build=title(build), state=recalled, files=listed)
    else:
        text = _("Attachments of {build}: {files}.", build=title(build), files=listed)
    return Message(text, tuple(body))


def _get_attachment(build: Build, attachment: Attachment, number: int) -> ButtonElement:
    value = str(BuildValue.of(build, attachment.id))
    return blocks.button(
        _("Get"), f"file.v1#{number}", value, accessibility_label=_("Get {file}", file=attachment.name)
    )


def attachment_link(build: Build, attachment: Attachment, made: Link, asker: Actor, now: datetime) -> Message:
    """Return the reply with a new link to one attachment."""
    name, life = escape_inline(attachment.name, 120), life_words(made, asker, now)
    head = f"*{name}* · {mrkdwn.size(attachment.size)}\n{heading(build)}"
    row = blocks.actions(
        open_link(_("Download"), made.url, attachment.name),
        blocks.button(_("All attachments"), "files.v1", build_value(build)),
    )
    text = f"{name}: {made.url} {life}"
    return Message(text, (blocks.section(head), row, blocks.context(life)), is_secret=True)


def sent(build: Build, by: str, number: int, now: datetime) -> Message:
    """Return the message to a colleague: a button that works only for them."""
    text = _("<@{user}> sent you {build}.", user=by, build=title(build))
    label = _("Get build")
    says = f"{label} {build_labels.label(build)}"
    get = blocks.button(label, "sent.v1", str(number), style="primary", accessibility_label=says)
    return Message(text, _card(build, _("Sent to you by <@{user}>", user=by), now, get, blocks.menu(_news_item(build))))
