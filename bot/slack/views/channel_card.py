"""Cards in release channels: one for each build, version or digest, with the state of everything on it; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, urlsplit

from slack_sdk.models.blocks import ButtonElement, ImageElement

from bot.domain import build_labels, changelogs, platforms
from bot.domain.model import Build, CardEntry, Delivery, DeliveryOptions, Stage
from bot.i18n import _, gettext_noop, ngettext
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Block, Message
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views.builds import (
    build_value,
    changelog,
    facts,
    failure,
    get_button,
    get_named,
    news_button,
    platform_name,
    title,
    unknown,
    versioned,
)

Dashboard = Callable[[Build], str]

HEADS = {
    Stage.PENDING: ("⬆️", gettext_noop("{build} was uploaded")),
    Stage.RUNNING: ("⚙️", gettext_noop("{build} is being processed")),
    Stage.READY: ("✅", gettext_noop("{build} is ready")),
    Stage.FAILED: ("❌", gettext_noop("{build} failed to process")),
    Stage.UNKNOWN: ("⚠️", ""),  # its own word is said instead
    Stage.DELETED: ("🗑️", gettext_noop("{build} was deleted in Applivery")),
}
DIGEST_LINES = 20
GETS = 20  # buttons in a row, which takes 25, with the others
STATES = 10  # lines beside the icon
LINK = 600  # characters of an address


def card(announcement: Delivery, dashboard: Dashboard) -> Message:
    """Return the card of an announcement in its present state; it has buttons, never a token."""
    shown = announcement.shown or (CardEntry(announcement.build),)
    if len(shown) == 1:
        return (_line_card if announcement.manner.compact else _build_card)(shown[0], announcement.manner, dashboard)
    if len({(entry.build.app.id, entry.build.version) for entry in shown}) == 1:
        return _version_card(shown, announcement.manner, dashboard)
    return _digest(shown, announcement.manner)


def of_build(build: Build, dashboard: Dashboard) -> Message:
    """Return the card of one build with default options, in its present state; for a channel without a subscription."""
    return _build_card(CardEntry(build), DeliveryOptions(), dashboard)


def _build_card(entry: CardEntry, manner: DeliveryOptions, dashboard: Dashboard) -> Message:
    build = entry.build
    head = f"{_label(manner)}{_head(entry)}"
    body = [blocks.section(f"*{head}*{_mention(manner)}", fields=facts(build), accessory=_icon(build))]
    body += _aftermath(entry)
    if _failed(entry):
        body.append(blocks.section(failure(build)))
    if _is_news(entry) and (notes := changelog(build, changelogs.START)):
        body.append(blocks.section(notes))
    get = [get_button(build, style="primary" if _is_news(entry) else None)] if _can_be_had(entry) else []
    body += [*_read_on([entry], dashboard), blocks.actions(*get, *_buttons(entry))]
    return Message(f"{head}{_mention(manner)}{_small_facts(build)}. {_why(entry)}".strip(), tuple(body))


def _line_card(entry: CardEntry, manner: DeliveryOptions, dashboard: Dashboard) -> Message:
    """Return the compact format: a line and a button."""
    build = entry.build
    head = f"{_label(manner)}{_head(entry)}"
    accessory = get_button(build, style=None) if _can_be_had(entry) else None
    why = f"\n{_why(entry)}" if _why(entry) else ""
    line = f"*{head}*{_small_facts(build)}{_mention(manner)}{why}\n{_links([entry], dashboard)}"
    text = f"{head}{_mention(manner)}{_small_facts(build)}. {_why(entry)}".strip()
    return Message(text, (blocks.section(line, accessory=accessory),))


def _version_card(shown: Sequence[CardEntry], manner: DeliveryOptions, dashboard: Dashboard) -> Message:
    """Return one version for all its platforms: a line for each build, the changelog once, a button for each."""
    first = shown[0].build
    states = [_state(each_entry, _platform(each_entry.build)) for each_entry in shown]
    head = f"{_label(manner)}{versioned(first)}"
    body = [blocks.section(f"*{head}*{_mention(manner)}\n" + "\n".join(states[:STATES]), accessory=_icon(first))]
    body += blocks.paragraphs(states[STATES:])
    for entry in shown:
        body += [blocks.section(f"*{_platform(entry.build)}* {failure(entry.build)}")] if _failed(entry) else []
        body += _aftermath(entry)
    body += [blocks.context(" · ".join(facts(first)[:5]))] if facts(first) else []
    if notes := changelog(
        max((each_entry.build for each_entry in shown), key=lambda b: len(b.changelog)), changelogs.START
    ):
        body.append(blocks.section(notes))
    gets = [
        get_named(_("Get {build}", build=_plain_platform(candidate.build)), f"get.v1#{number}", candidate.build)
        for number, candidate in enumerate(shown)
        if _can_be_had(candidate)
    ]
    body += [
        *_read_on(shown[:5], dashboard),
        *(blocks.actions(*gets[at : at + GETS]) for at in range(0, len(gets) - GETS, GETS)),
        blocks.actions(
            *gets[(len(gets) - 1) // GETS * GETS :],
            *_buttons(next((candidate for candidate in shown if not _deleted(candidate)), shown[0])),
        ),
    ]
    text = f"{head}{_mention(manner)}: {'; '.join(states)}. {' '.join(filter(None, map(_why, shown)))}"
    return Message(text.strip(), tuple(body))


def _digest(shown: Sequence[CardEntry], manner: DeliveryOptions) -> Message:
    """Return what was held until now, newest first, in one message."""
    names = list(dict.fromkeys(escape_inline(each_entry.build.app.name, 80) for each_entry in shown))
    apps = ", ".join(names[:5])
    if left := len(names[5:]):
        apps = ngettext("{apps} and {number} more app", "{apps} and {number} more apps", left, apps=apps)
    much = ngettext("{number} build of {apps}", "{number} builds of {apps}", len(shown), apps=apps)
    head = f"{_label(manner)}📦 {much}"
    body: list[Block] = [blocks.section(f"*{head}*{_mention(manner)}")]
    newest = list(reversed(shown))
    for number, entry in enumerate(newest[:DIGEST_LINES]):
        line = f"{_head(entry)}{_small_facts(entry.build)}"
        why = f"\n{_why(entry)}" if _why(entry) else ""
        get = _numbered(get_button(entry.build, style=None), number) if _can_be_had(entry) else None
        body.append(blocks.section(f"{line}{why}", accessory=get))
    if left := len(newest[DIGEST_LINES:]):
        body.append(blocks.context(_("… and {number} more; `builds` with the app's name lists them.", number=left)))
    return Message(
        f"{head}{_mention(manner)}: " + "; ".join(_head(each_entry) for each_entry in newest[:DIGEST_LINES]) + ".",
        tuple(body),
    )


def _head(entry: CardEntry) -> str:
    return _state(entry, title(entry.build))


def _icon_of(entry: CardEntry) -> str:
    if entry.recall:
        return "⛔"
    if entry.superseded_by and entry.build.stage is Stage.READY:
        return "↪️"
    return HEADS[entry.build.stage][0]


def _state(entry: CardEntry, name: str) -> str:
    """Return what has become of a build, as a sentence about it by this name."""
    if entry.build.stage is Stage.UNKNOWN and entry.recall is None:
        return f"{_icon_of(entry)} {name}: {unknown(entry.build)}"
    sentence = gettext_noop("{build} was recalled") if entry.recall else HEADS[entry.build.stage][1]
    if entry.recall is None and entry.superseded_by and entry.build.stage is Stage.READY:
        newer = _newer(entry.build, entry.superseded_by)
        return f"{_icon_of(entry)} {_('{build} is ready, superseded by {newer}', build=name, newer=newer)}"
    return f"{_icon_of(entry)} {_(sentence, build=name)}"


def _newer(build: Build, newer: Build) -> str:
    same = newer.version == build.version or not newer.version
    number = f" ({escape_inline(newer.number, 40)})" if newer.number and same else ""
    return f"{escape_inline(newer.version, 60) if newer.version else _('a newer build')}{number}"


def _why(entry: CardEntry) -> str:
    """Return the sentence after the head: why it was recalled, or why it failed."""
    if entry.recall:
        return _("Recalled: {reason}", reason=escape_inline(entry.recall.reason, 300))
    if _failed(entry) and entry.build.error:
        return _("Applivery says: {reason}", reason=escape_inline(entry.build.error, 300))
    return ""


def _aftermath(entry: CardEntry) -> list[Block]:
    if recall := entry.recall:
        text = _(
            "⛔ *Recalled: {reason}*\nby <@{person}> {when}. Please do not install it.",
            reason=escape_inline(recall.reason, 600),
            person=recall.by,
            when=date_tag(recall.at),
        )
        return [blocks.section(text)]
    if (newer := entry.superseded_by) and entry.build.stage is Stage.READY:
        label = _("Get {build}", build=newer.version) if newer.version else _("Get the newer one")
        get = get_named(label, "get.v1#newer", newer, style=None)
        return [blocks.section(_("A newer build is ready: {build}.", build=title(newer)), accessory=get)]
    return []


def _failed(entry: CardEntry) -> bool:
    return entry.build.stage is Stage.FAILED


def _can_be_had(entry: CardEntry) -> bool:
    return entry.build.stage is Stage.READY and entry.recall is None


def _is_news(entry: CardEntry) -> bool:
    return entry.recall is None and entry.superseded_by is None and not _deleted(entry)


def _deleted(entry: CardEntry) -> bool:
    return entry.build.stage is Stage.DELETED


def _buttons(entry: CardEntry) -> list[ButtonElement]:
    build = entry.build
    downloads = _("Who downloaded {build}", build=build_labels.label(build))
    mute = _("Mute {app} in this channel", app=build.app.name)
    more = [
        news_button(build),
        blocks.button(_("Downloads"), "downloads.v1", build_value(build), accessibility_label=downloads),
    ]
    more = [] if _deleted(entry) else more if build.stage is Stage.READY else more[:1] if build.changelog else []
    return [
        *more,
        blocks.button(_("Mute"), "mute.v1", build.app.id, accessibility_label=mute),
    ]


def _read_on(shown: Sequence[CardEntry], dashboard: Dashboard) -> list[Block]:
    links = _links(shown, dashboard)
    return [blocks.context(links)] if links else []


def _links(shown: Sequence[CardEntry], dashboard: Dashboard) -> str:
    """Return links to further reading: addresses without credentials, so they may be shown in a channel."""
    links = []
    for entry in shown:
        build, open_it, run = entry.build, _("Open in Applivery"), _("CI run")
        if len(shown) > 1:
            name = _plain_platform(build)
            open_it, run = _("Open {platform} in Applivery", platform=name), _("CI run {platform}", platform=name)
        links.append("" if _deleted(entry) else _link(dashboard(build), open_it))
        if _is_web(build.origin.url):
            links.append(_link(build.origin.url or "", run))
    return " · ".join(filter(None, links))


def _link(url: str, words: str) -> str:
    """Return an address as mrkdwn, if it can be. https://docs.slack.dev/messaging/formatting-message-text#links"""
    if len(url) > LINK or any(character in url for character in "<>| ") or not url.isprintable():
        return ""
    return f"<{url.replace('&', '&amp;')}|{escape_inline(words, 60)}>"


def _numbered(button: ButtonElement, number: int) -> ButtonElement:
    button.action_id = f"{button.action_id}#{number}"
    return button


def _platform(build: Build) -> str:
    number = f" ({escape_inline(build.number, 40)})" if build.number else ""
    return f"{platform_name(build) or _('build')}{number}"


def _plain_platform(build: Build) -> str:
    return platforms.name(build.platform) or _("build")


def _small_facts(build: Build) -> str:
    """Size, branch and who uploaded it, as the rest of a sentence."""
    parts = [
        mrkdwn.size(build.size) if build.size is not None else "",
        escape_inline(build.origin.branch, 60) if build.origin.branch else "",
        _("by {person}", person=escape_inline(build.uploader, 60)) if build.uploader else "",
    ]
    return "".join(f" · {part}" for part in parts if part)


def _label(manner: DeliveryOptions) -> str:
    return f"[{escape_inline(manner.label, 60)}] " if manner.label else ""


def _mention(manner: DeliveryOptions) -> str:
    return f" <!subteam^{manner.mention}>" if manner.mention.isalnum() else ""


def _is_web(url: str | None) -> bool:
    return bool(url and _parts(url).scheme in ("http", "https"))


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _icon(build: Build) -> ImageElement | None:
    """Return the app's picture, if its address is permanent: a signed one would be broken in a week."""
    if not build.icon:
        return None
    parts = _parts(build.icon)
    if parts.scheme != "https" or parts.query or len(build.icon) > blocks.URL:
        return None
    return ImageElement(image_url=build.icon, alt_text=_("Icon of {app}", app=mrkdwn.plain_text(build.app.name, 80)))
