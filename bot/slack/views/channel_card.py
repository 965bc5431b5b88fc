"""Cards in release channels: one for each build, version or digest, with the state of everything on it; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from slack_sdk.models.blocks import ButtonElement, OverflowMenuElement

from bot.domain import build_labels, platforms
from bot.domain.model import Build, CardEntry, Delivery, DeliveryOptions, Recall, Stage
from bot.i18n import _, gettext_noop, ngettext
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Message
from bot.slack.button_values import BuildValue
from bot.slack.mrkdwn import escape_inline
from bot.slack.views import build_card
from bot.slack.views.builds import (
    build_choice,
    build_value,
    get_button,
    get_named,
    heading,
    platform_name,
    title,
    unknown,
    versioned,
    watch_button,
)

Dashboard = Callable[[Build], str]

HEADS = {
    Stage.PENDING: ("⏳", gettext_noop("{build} was uploaded")),
    Stage.RUNNING: ("⏳", gettext_noop("{build} is being processed")),
    Stage.READY: ("✅", gettext_noop("{build} is ready")),
    Stage.FAILED: ("❌", gettext_noop("{build} failed to process")),
    Stage.UNKNOWN: ("⚠️", ""),  # shown as Applivery names it
    Stage.DELETED: ("⛔", gettext_noop("{build} was deleted in Applivery")),
}
DIGEST_LINES = 20
SHORT = 8  # characters of a version on a button beside a line
SHORT_NAME = 24  # characters of an app's name in that line
GETS = 20  # buttons: a row takes 25, including the others


def card(announcement: Delivery, dashboard: Dashboard, now: datetime | None = None) -> Message:
    """Return the card of an announcement in its current state; it has buttons, never a token.

    The time of a build that is old at `now` has its day.
    """
    return of_entries(entries_of(announcement), announcement.manner, dashboard, now)


def entries_of(announcement: Delivery) -> tuple[CardEntry, ...]:
    """Return the entries on the card of an announcement."""
    return announcement.shown or (CardEntry(announcement.build),)


def of_entries(
    shown: Sequence[CardEntry], manner: DeliveryOptions, dashboard: Dashboard, now: datetime | None = None
) -> Message:
    """Return a card with these entries; see `card`."""
    if len(shown) == 1:
        return _build_card(shown[0], manner, dashboard, now)
    if len({(entry.build.app.id, entry.build.version) for entry in shown}) == 1:
        return _version_card(shown, manner, dashboard, now)
    return _digest(shown, manner)


def of_build(build: Build, dashboard: Dashboard) -> Message:
    """Return the current card of one build with default options, for a channel without a subscription."""
    return _build_card(CardEntry(build), DeliveryOptions(), dashboard, None)


def below_link(build: Build, recall: Recall | None, dashboard: Dashboard) -> Message:
    """Return the compact card that is shown below a pasted link: the build's state, with *Get build* when ready."""
    return _build_card(CardEntry(build, recall=recall), DeliveryOptions(compact=True), dashboard, None)


def _build_card(entry: CardEntry, manner: DeliveryOptions, dashboard: Dashboard, now: datetime | None) -> Message:
    build = entry.build
    text = f"{_label(manner)}{_told(entry, title(build))}{_mention(manner)}{_small_facts(build)}. {_why(entry)}".strip()
    if _is_over(entry):
        line = f"{_label(manner)}{_state(entry, heading(build, SHORT_NAME))}{_mention(manner)}"
        return Message(text, (blocks.section(line, accessory=_way_on(entry)),))
    head = f"{_label(manner)}{_state(entry, f'*{heading(build)}*')}{_mention(manner)}"
    reason = [_reason(build)] if _failed(entry) else []
    if manner.compact:
        line = "\n".join(filter(None, [head, *(reason or [build_card.few_facts(build)])]))
        return Message(text, (blocks.section(line, accessory=_button(build)),))
    run = build_card.ci_button(build) if _failed(entry) else None
    buttons = [run, _button(build), _more(entry, dashboard)]
    return Message(text, tuple(build_card.card(head, build, buttons, now, lines=reason)))


def _version_card(
    shown: Sequence[CardEntry], manner: DeliveryOptions, dashboard: Dashboard, now: datetime | None
) -> Message:
    """Return the card of a version for all its platforms: state, one changelog, a button for each platform."""
    first = shown[0].build
    states = [_told(each_entry, _platform(each_entry.build)) for each_entry in shown]
    head = f"{_label(manner)}{versioned(first)}"
    text = f"{head}{_mention(manner)}: {'; '.join(states)}. {' '.join(filter(None, map(_why, shown)))}".strip()
    newer = {entry.superseded_by.id if entry.superseded_by and _is_ready(entry) else "" for entry in shown}
    if len(newer) == 1 and newer != {""}:
        on = " · ".join(dict.fromkeys(platform_name(entry.build) for entry in shown))
        line = f"{_label(manner)}{_superseded(' · '.join(filter(None, [versioned(first), on])), shown[0])}"
        return Message(text, (blocks.section(f"{line}{_mention(manner)}", accessory=_way_on(shown[0])),))
    lines = _version_lines(shown, f"{_label(manner)}*{versioned(first)}*{_mention(manner)}")
    longest = max((entry.build for entry in shown), key=lambda build: len(build.changelog))
    small = build_card.small_line([entry.build for entry in shown], now)
    body = [*blocks.paragraphs([*lines, *build_card.notes(longest)]), *([blocks.context(small)] if small else [])]
    gets = [
        get_named(
            _("Get {build}", build=_plain_platform(candidate.build)),
            f"get.v1#{number}",
            candidate.build,
            None if candidate.superseded_by else "primary",
        )
        for number, candidate in enumerate(shown)
        if _can_be_had(candidate)
    ]
    more = _more(next((candidate for candidate in shown if not _deleted(candidate)), shown[0]), dashboard)
    body += [blocks.actions(*gets[at : at + GETS]) for at in range(0, len(gets) - GETS, GETS)]
    body.append(blocks.actions(*gets[(len(gets) - 1) // GETS * GETS :], more))
    return Message(text, tuple(body))


def _version_lines(shown: Sequence[CardEntry], head: str) -> list[str]:
    """Return the title: with all platforms if all are ready, otherwise followed by the state of each."""
    if all(_can_be_had(entry) and not entry.superseded_by for entry in shown):
        return [" · ".join([f"✅ {head}", *(_platform(entry.build) for entry in shown)])]
    lines = [head]
    for entry in shown:
        reason = f": {_reason(entry.build)}" if _failed(entry) else ""
        lines.append(f"{_state(entry, _platform(entry.build))}{reason}")
    return lines


def _digest(shown: Sequence[CardEntry], manner: DeliveryOptions) -> Message:
    """Return the held builds in one message, newest first."""
    names = list(dict.fromkeys(escape_inline(each_entry.build.app.name, 80) for each_entry in shown))
    apps = ", ".join(names[:5])
    if left := len(names[5:]):
        apps = ngettext("{apps} and {number} more app", "{apps} and {number} more apps", left, apps=apps)
    head = _label(manner) + ngettext("{number} build of {apps}", "{number} builds of {apps}", len(shown), apps=apps)
    newest = list(reversed(shown))
    lines = [f"*{head}*{_mention(manner)}"]
    for entry in newest[:DIGEST_LINES]:
        reason = f": {_reason(entry.build)}" if _failed(entry) else ""
        lines.append(f"{_state(entry, heading(entry.build))}{reason}")
    body = blocks.paragraphs(lines)
    if left := len(newest[DIGEST_LINES:]):
        more = ngettext(
            "… and {number} more build. See all with `builds`.",
            "… and {number} more builds. See all with `builds`.",
            left,
        )
        body.append(blocks.context(more))
    body += build_choice([entry.build for entry in newest if _can_be_had(entry)], with_app=len(names) > 1)
    told = "; ".join(_told(each_entry, title(each_entry.build)) for each_entry in newest[:DIGEST_LINES])
    return Message(f"{head}{_mention(manner)}: {told}.", tuple(body))


# ------------------------------------------------------------------ states


def _icon(entry: CardEntry) -> str:
    return "⛔" if entry.recall else HEADS[entry.build.stage][0]


def _state(entry: CardEntry, name: str) -> str:
    """Return the name and short state of a build, for a recalled one with the reason."""
    build = entry.build
    if entry.recall:
        reason = escape_inline(entry.recall.reason, 300)
        return _("⛔ {build} recalled: {reason}", build=_struck(name), reason=reason)
    if _deleted(entry):
        return _("⛔ {build} deleted in Applivery", build=_struck(name))
    if _is_ready(entry):
        return _superseded(name, entry) if entry.superseded_by else f"✅ {name}"
    if build.stage is Stage.UNKNOWN:
        return f"{_icon(entry)} {name}: {unknown(build)}"
    return f"{_icon(entry)} {_(HEADS[build.stage][1], build=name)}"


def _superseded(name: str, entry: CardEntry) -> str:
    newer = _newer(entry.build, entry.superseded_by) if entry.superseded_by else ""
    return _("{build} · superseded by {newer}", build=name, newer=newer)


def _struck(name: str) -> str:
    return f"~{name}~"


def _told(entry: CardEntry, name: str) -> str:
    """Return a sentence about the state of a build of this name, for the plain text of a message."""
    build = entry.build
    if build.stage is Stage.UNKNOWN and entry.recall is None:
        return f"{_icon(entry)} {name}: {unknown(build)}"
    if entry.recall is None and entry.superseded_by and _is_ready(entry):
        return _("{build} was superseded by {newer}", build=name, newer=_newer(build, entry.superseded_by))
    sentence = gettext_noop("{build} was recalled") if entry.recall else HEADS[build.stage][1]
    return f"{_icon(entry)} {_(sentence, build=name)}"


def _newer(build: Build, newer: Build) -> str:
    same = newer.version == build.version or not newer.version
    number = f" ({escape_inline(newer.number, 40)})" if newer.number and same else ""
    return f"{escape_inline(newer.version, 60) if newer.version else _('a newer build')}{number}"


def _why(entry: CardEntry) -> str:
    """Return the sentence after the first one: why the build was recalled, or why it failed."""
    if entry.recall:
        return _("Recalled: {reason}", reason=escape_inline(entry.recall.reason, 300))
    if _failed(entry) and entry.build.error:
        return _("Applivery says: {reason}", reason=escape_inline(entry.build.error, 300))
    return ""


def _reason(build: Build) -> str:
    """Return the start of why a build failed, in two rows of a phone; a button shows all of it."""
    return build_card.fit(build.error, build_card.NOTES) if build.error else _("Applivery gave no reason.")


def _is_over(entry: CardEntry) -> bool:
    """Return whether a build is recalled, superseded or deleted, so that its card is a single line."""
    is_superseded = entry.superseded_by is not None and _is_ready(entry)
    return entry.recall is not None or is_superseded or _deleted(entry)


def _is_ready(entry: CardEntry) -> bool:
    return entry.build.stage is Stage.READY


def _failed(entry: CardEntry) -> bool:
    return entry.build.stage is Stage.FAILED and entry.recall is None


def _can_be_had(entry: CardEntry) -> bool:
    return _is_ready(entry) and entry.recall is None


def _deleted(entry: CardEntry) -> bool:
    return entry.build.stage is Stage.DELETED


# ------------------------------------------------------------------ buttons


def _button(build: Build) -> ButtonElement:
    """Return the main button for a build in its stage."""
    if build.stage is Stage.READY:
        return get_button(build)
    if build.stage.under_way:
        return watch_button(build)
    return _status_button(build, _("What's wrong?") if build.stage is Stage.FAILED else _("Status"))


def _way_on(entry: CardEntry) -> ButtonElement | None:
    """Return the one button of a build that is over: to the newer build if there is one, else to its status.

    Its value also contains the build of the card, so that message shortcuts can find it.
    """
    build, newer = entry.build, entry.superseded_by
    if newer:
        is_short = 0 < len(newer.version) <= SHORT
        label = _("Get {build}", build=newer.version) if is_short else _("Get newer")
        says = build_labels.label(newer)
        value = str(BuildValue.of(newer, build.id))
        return blocks.button(label, "get.v1#newer", value, accessibility_label=says)
    return None if _deleted(entry) else _status_button(build, _("Details"))


def _status_button(build: Build, label: str) -> ButtonElement:
    says = f"{label} {build_labels.label(build)}"
    return blocks.button(label, "status.v1", build_value(build), accessibility_label=says)


def _more(entry: CardEntry, dashboard: Dashboard) -> OverflowMenuElement | None:
    """Return the ⋯ menu with the less common actions."""
    build = entry.build
    value = build_value(build)
    has_news = not _deleted(entry) and (_is_ready(entry) or bool(build.changelog))
    return blocks.menu(
        blocks.menu_item(_("What's new"), "news.v1", value) if has_news else None,
        blocks.menu_item(_("Downloads"), "downloads.v1", value) if _is_ready(entry) else None,
        blocks.menu_item(_("Mute"), "mute.v1", build.app.id),
        None if _deleted(entry) else blocks.menu_link(_("Open in Applivery"), dashboard(build), "open.dashboard"),
    )


# ------------------------------------------------------------------ parts


def _platform(build: Build) -> str:
    number = f" ({escape_inline(build.number, 40)})" if build.number else ""
    return f"{platform_name(build) or _('build')}{number}"


def _plain_platform(build: Build) -> str:
    return platforms.name(build.platform) or _("build")


def _small_facts(build: Build) -> str:
    """Return size, branch and uploader, as the rest of a sentence."""
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
