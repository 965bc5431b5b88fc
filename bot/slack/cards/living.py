"""The cards of release channels: one for each build, version or digest, showing how everything on it stands; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, urlsplit

from slack_sdk.models.blocks import ButtonElement, ImageElement

from bot.domain import changelogs, choice
from bot.domain.model import Announcement, Build, Manner, Shown, Stage
from bot.slack import blocks, wording
from bot.slack.blocks import Block, Message
from bot.slack.cards.builds import build_value, changelog, facts, failure, get_button, platform_name, title
from bot.slack.wording import inline, when

Dashboard = Callable[[Build], str]

HEADS = {
    Stage.PENDING: ("⬆️", "was uploaded"),
    Stage.RUNNING: ("⚙️", "is being processed"),
    Stage.READY: ("✅", "is ready"),
    Stage.FAILED: ("❌", "failed to process"),
}
DIGEST_LINES = 20
LINK = 600  # characters of an address


def card(announcement: Announcement, dashboard: Dashboard) -> Message:
    """The message a channel has for an announcement, as things stand now; it carries buttons, never a token."""
    shown = announcement.shown or (Shown(announcement.build),)
    if len(shown) == 1:
        return (_line_card if announcement.manner.compact else _build_card)(shown[0], announcement.manner, dashboard)
    if len({(one.build.app.id, one.build.version) for one in shown}) == 1:
        return _version_card(shown, announcement.manner, dashboard)
    return _digest(shown, announcement.manner)


def of_build(build: Build, dashboard: Dashboard) -> Message:
    """The card of one build in the usual manner, as it stands now; for a channel that nobody subscribed."""
    return _build_card(Shown(build), Manner(), dashboard)


def _build_card(one: Shown, manner: Manner, dashboard: Dashboard) -> Message:
    build = one.build
    head = f"{_label(manner)}{_head(one)}"
    body = [blocks.section(f"*{head}*{_mention(manner)}", fields=facts(build), accessory=_icon(build))]
    body += _aftermath(one)
    if build.stage is Stage.FAILED:
        body.append(blocks.section(failure(build)))
    if _is_news(one) and (notes := changelog(build, changelogs.START)):
        body.append(blocks.section(notes))
    get = [get_button(build, style="primary" if _is_news(one) else None)] if _can_be_had(one) else []
    body += [*_read_on([build], dashboard), blocks.actions(*get, *_buttons(build))]
    return Message(f"{head}{_mention(manner)}{_small_facts(build)}. {_why(one)}".strip(), tuple(body))


def _line_card(one: Shown, manner: Manner, dashboard: Dashboard) -> Message:
    """The compact format: a line and a button."""
    build = one.build
    head = f"{_label(manner)}{_head(one)}"
    accessory = get_button(build, style=None) if _can_be_had(one) else None
    why = f"\n{_why(one)}" if _why(one) else ""
    line = f"*{head}*{_small_facts(build)}{_mention(manner)}{why}\n{_links([build], dashboard)}"
    text = f"{head}{_mention(manner)}{_small_facts(build)}. {_why(one)}".strip()
    return Message(text, (blocks.section(line, accessory=accessory),))


def _version_card(shown: Sequence[Shown], manner: Manner, dashboard: Dashboard) -> Message:
    """One version for all its platforms: a line for each build, the changelog once, a button for each."""
    first = shown[0].build
    name = f"{inline(first.app.name, 80)} {inline(first.version or 'without a version', 60)}"
    states = [f"{_icon_of(one)} {_platform(one.build)} {_state(one)}" for one in shown]
    head = f"{_label(manner)}{name}"
    body = [blocks.section(f"*{head}*{_mention(manner)}\n" + "\n".join(states), accessory=_icon(first))]
    for one in shown:
        body += [blocks.section(f"*{_platform(one.build)}* {failure(one.build)}")] if _failed(one) else []
        body += _aftermath(one)
    body += [blocks.context(" · ".join(facts(first)[:5]))] if facts(first) else []
    if notes := changelog(max((one.build for one in shown), key=lambda b: len(b.changelog)), changelogs.START):
        body.append(blocks.section(notes))
    gets = [
        blocks.button(
            f"Get {_plain_platform(one.build)}",
            f"get.v1#{number}",
            build_value(one.build),
            style="primary",
            says=f"Get {choice.label(one.build)}",
        )
        for number, one in enumerate(shown)
        if _can_be_had(one)
    ]
    body += [
        *_read_on([one.build for one in shown[:5]], dashboard),
        blocks.actions(*gets[:10], *_buttons(first)),
    ]
    text = f"{head}{_mention(manner)}: {'; '.join(states)}. {' '.join(filter(None, map(_why, shown)))}"
    return Message(text.strip(), tuple(body))


def _digest(shown: Sequence[Shown], manner: Manner) -> Message:
    """What was kept back until now, newest first, in one message."""
    names = list(dict.fromkeys(inline(one.build.app.name, 80) for one in shown))
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more apps" if len(names) > 5 else "")
    head = f"{_label(manner)}📦 {len(shown)} builds of {listed}"
    body: list[Block] = [blocks.section(f"*{head}*{_mention(manner)}")]
    newest = list(reversed(shown))
    for number, one in enumerate(newest[:DIGEST_LINES]):
        line = f"{_head(one)}{_small_facts(one.build)}"
        why = f"\n{_why(one)}" if _why(one) else ""
        get = _numbered(get_button(one.build, style=None), number) if _can_be_had(one) else None
        body.append(blocks.section(f"{line}{why}", accessory=get))
    if left := len(newest) - DIGEST_LINES:
        body += [blocks.context(f"… and {left} more; `builds` with the app's name lists them.")] if left > 0 else []
    return Message(
        f"{head}{_mention(manner)}: " + "; ".join(_head(one) for one in newest[:DIGEST_LINES]) + ".", tuple(body)
    )


def details(announcement: Announcement, now_warnings: Sequence[str]) -> Message:
    """A reply in a card's thread: a piece of the whole changelog, and with the first what may stop an installation."""
    build = announcement.build
    pieces = changelogs.pieces(build.changelog)
    body: list[Block] = []
    text = f"{title(build)}: "
    if announcement.part == 0 and now_warnings:
        body.append(blocks.section("\n".join(f"⚠️ {inline(one)}" for one in now_warnings)))
        text += " ".join(inline(one) for one in now_warnings) + " "
    if announcement.part < len(pieces):
        piece = pieces[announcement.part]
        count = f" ({announcement.part + 1} of {len(pieces)})" if len(pieces) > 1 else ""
        quoted = "\n".join(f">{inline(line, changelogs.PIECE)}" for line in piece.splitlines())
        body.append(blocks.section(f"*What's new in {title(build)}*{count}\n{wording.cut(quoted, 2900)}"))
        text += f"what's new{count}: {inline(piece, 500)}"
    return Message(text.strip(), tuple(body))


def certificate(build: Build, dashboard: str, warnings: Sequence[str]) -> Message:
    """A channel asked to hear when the newest build's certificate or profile runs out."""
    text = f"⚠️ {title(build)}: {' '.join(inline(one) for one in warnings)} Somebody has to sign and upload a new one."
    buttons = blocks.actions(blocks.link_button("Open in Applivery", dashboard, "open.dashboard"))
    return Message(text, (blocks.section(text), buttons))


def feedback(kind: str, app_name: str, dashboard: str) -> Message:
    """A channel asked to hear of feedback; what it says is read in Applivery."""
    what = "A bug was reported" if kind == "bug" else "Somebody sent feedback"
    text = f"💬 {what} about {inline(app_name, 80)}."
    buttons = blocks.actions(blocks.link_button("Read it in Applivery", dashboard, "open.dashboard"))
    return Message(text, (blocks.section(text), buttons))


def _head(one: Shown) -> str:
    return f"{_icon_of(one)} {title(one.build)} {_state(one)}"


def _icon_of(one: Shown) -> str:
    if one.recall:
        return "⛔"
    if one.superseded_by and one.build.stage is Stage.READY:
        return "↪️"
    return HEADS[one.build.stage][0]


def _state(one: Shown) -> str:
    if one.recall:
        return "was recalled"
    if one.superseded_by and one.build.stage is Stage.READY:
        return f"is ready, superseded by {_newer(one)}"
    return HEADS[one.build.stage][1]


def _newer(one: Shown) -> str:
    newer = one.superseded_by
    assert newer is not None
    same = newer.version == one.build.version or not newer.version
    number = f" ({inline(newer.number, 40)})" if newer.number and same else ""
    return f"{inline(newer.version or 'a newer build', 60)}{number}"


def _why(one: Shown) -> str:
    """The sentence after the head: why it was recalled, or why it failed."""
    if one.recall:
        return f"Recalled: {inline(one.recall.reason, 300)}"
    if _failed(one) and one.build.error:
        return f"Applivery says: {inline(one.build.error, 300)}"
    return ""


def _aftermath(one: Shown) -> list[Block]:
    if recall := one.recall:
        reason = inline(recall.reason, 600)
        return [
            blocks.section(f"⛔ *Recalled: {reason}*\nby <@{recall.by}> {when(recall.at)}. Please do not install it.")
        ]
    if one.superseded_by and one.build.stage is Stage.READY:
        newer = blocks.button(
            f"Get {one.superseded_by.version or 'the newer one'}",
            "get.v1#newer",
            build_value(one.superseded_by),
            says=f"Get {choice.label(one.superseded_by)}",
        )
        return [blocks.section(f"A newer build is ready: {title(one.superseded_by)}.", accessory=newer)]
    return []


def _failed(one: Shown) -> bool:
    return one.build.stage is Stage.FAILED


def _can_be_had(one: Shown) -> bool:
    return one.build.stage is Stage.READY and one.recall is None


def _is_news(one: Shown) -> bool:
    return one.recall is None and one.superseded_by is None


def _buttons(build: Build) -> list[ButtonElement]:
    value, name = build_value(build), choice.label(build)
    more = [
        blocks.button("What's new", "news.v1", value, says=f"What's new in {name}"),
        blocks.button("Downloads", "downloads.v1", value, says=f"Who downloaded {name}"),
    ]
    return [
        *(more if build.stage is Stage.READY else more[:1] if build.changelog else []),
        blocks.button("Mute", "mute.v1", build.app.id, says=f"Mute {build.app.name} in this channel"),
    ]


def _read_on(builds: Sequence[Build], dashboard: Dashboard) -> list[Block]:
    links = _links(builds, dashboard)
    return [blocks.context(links)] if links else []


def _links(builds: Sequence[Build], dashboard: Dashboard) -> str:
    """Where to read on: addresses that are no credentials, so they may stand in a channel."""
    several = len(builds) > 1
    links = []
    for build in builds:
        name = f" {_plain_platform(build)}" if several else ""
        links.append(_link(dashboard(build), f"Open{name} in Applivery"))
        if _is_web(build.origin.url):
            links.append(_link(build.origin.url or "", f"CI run{name}"))
    return " · ".join(filter(None, links))


def _link(url: str, words: str) -> str:
    """An address as mrkdwn, when it can stand there. https://docs.slack.dev/messaging/formatting-message-text#links"""
    if len(url) > LINK or any(character in url for character in "<>|") or not url.isprintable():
        return ""
    return f"<{url.replace('&', '&amp;')}|{inline(words, 60)}>"


def _numbered(button: ButtonElement, number: int) -> ButtonElement:
    button.action_id = f"{button.action_id}#{number}"
    return button


def _platform(build: Build) -> str:
    number = f" ({inline(build.number, 40)})" if build.number else ""
    return f"{platform_name(build) or 'build'}{number}"


def _plain_platform(build: Build) -> str:
    return choice.PLATFORMS.get(build.platform.casefold(), build.platform) or "build"


def _small_facts(build: Build) -> str:
    """Size, branch and who uploaded it, as the rest of a sentence."""
    parts = [
        wording.size(build.size) if build.size is not None else "",
        inline(build.origin.branch, 60) if build.origin.branch else "",
        f"by {inline(build.uploader, 60)}" if build.uploader else "",
    ]
    return "".join(f" · {part}" for part in parts if part)


def _label(manner: Manner) -> str:
    return f"[{inline(manner.label, 60)}] " if manner.label else ""


def _mention(manner: Manner) -> str:
    return f" <!subteam^{manner.mention}>" if manner.mention.isalnum() else ""


def _is_web(url: str | None) -> bool:
    return bool(url and _parts(url).scheme in ("http", "https"))


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _icon(build: Build) -> ImageElement | None:
    """The app's picture, when its address is a lasting one: a signed one would be a hole in the card in a week."""
    if not build.icon:
        return None
    parts = _parts(build.icon)
    if parts.scheme != "https" or parts.query or len(build.icon) > blocks.URL:
        return None
    return ImageElement(image_url=build.icon, alt_text=f"Icon of {wording.plain(build.app.name, 80)}")
