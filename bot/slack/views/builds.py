"""Cards about builds: announcements, lists and states; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from slack_sdk.models.blocks import ButtonElement, Option, OverflowMenuElement

from bot.domain import build_labels, platforms
from bot.domain.model import App, Build, Recall, Stage
from bot.domain.time_zones import local, zone
from bot.i18n import _, format_day, format_short_day, gettext_noop
from bot.slack import blocks, mrkdwn
from bot.slack.blocks import Block, Message
from bot.slack.blocks.paging import PagedItems, page_buttons
from bot.slack.button_values import BuildValue, PageValue
from bot.slack.mrkdwn import date_tag, escape_inline
from bot.slack.views import build_card

STAGE_WORDS = {
    Stage.PENDING: gettext_noop("⏳ waiting to be processed"),
    Stage.RUNNING: gettext_noop("⏳ being processed"),
    Stage.READY: gettext_noop("✅ ready"),
    Stage.FAILED: gettext_noop("❌ failed"),
    Stage.DELETED: gettext_noop("⛔ deleted in Applivery"),
}
# The same in a list.
_SHORT = {
    Stage.PENDING: gettext_noop("waiting"),
    Stage.RUNNING: gettext_noop("processing"),
    Stage.READY: gettext_noop("ready"),
    Stage.FAILED: gettext_noop("failed"),
    Stage.DELETED: gettext_noop("deleted"),
}
REST = gettext_noop("_(see all under *What's new*)_")
REASON = 600  # characters of an error that every card shows
SHOWN_BUILDS = 10
NO_WAY_TO_TELL = gettext_noop("Check it in Applivery: this status is unknown here.")
TOO_LONG = gettext_noop("This build is taking unusually long and may never finish. Check it in Applivery.")
PLATFORMS = 20  # buttons: more than there are platforms
BRANCH = 24  # characters of a branch in a list
DIRECT = 2  # builds of a list with a button of their own
MORE = "more.builds.v1"


def title(build: Build) -> str:
    """`Courier 2.4.0 (173) for iOS`, escaped."""
    name = versioned(build)
    if build.number:
        name += f" ({escape_inline(build.number, 40)})"
    return _("{build} for {platform}", build=name, platform=platform_name(build)) if build.platform else name


def heading(build: Build, limit: int = 80) -> str:
    """`Courier 2.4.0 (173) · iOS`, escaped, for use outside of sentences; the app's name is truncated to `limit`."""
    number = f" ({escape_inline(build.number, 40)})" if build.number else ""
    return " · ".join(filter(None, [f"{versioned(build, limit)}{number}", platform_name(build)]))


def versioned(build: Build, limit: int = 80) -> str:
    """`Courier 2.4.0`, escaped, with the app's name truncated to `limit`."""
    version = escape_inline(build.version, 60) if build.version else _("without a version")
    return f"{escape_inline(build.app.name, limit)} {version}"


def plain_title(build: Build) -> str:
    """Return `title` unescaped, for callers that escape it."""
    number = f" ({build.number})" if build.number else ""
    name = f"{build.app.name} {build.version or _('without a version')}{number}"
    platform = plain_platform(build)
    return _("{build} for {platform}", build=name, platform=platform) if platform else name


def several(app: App, builds: Sequence[Build]) -> str:
    """Return the unescaped name of an app, a build, or several: by their common version, or by each platform's."""
    if len(builds) == 1:
        return plain_title(builds[0])
    versions = {build.version: None for build in builds}
    if len(versions) > 1:
        on = [f"{platforms.name(build.platform)} {build.version}".strip() for build in builds]
        return f"{app.name} {' · '.join(dict.fromkeys(on))}"
    return f"{app.name} {next(iter(versions), '')}".rstrip()


def platform_name(build: Build) -> str:
    """Return the platform's proper name, escaped."""
    return escape_inline(plain_platform(build), 40)


def plain_platform(build: Build) -> str:
    """Return the unescaped `platform_name`, for callers that escape it."""
    return platforms.name(build.platform)


def facts(build: Build, *, commit: bool = True) -> list[str]:
    """Return the known facts of a build, one short line each; the commit only with `commit`."""
    origin = build.origin
    lines = []
    if build.size is not None:
        lines.append(_("*Size* {size}", size=mrkdwn.size(build.size)))
    if origin.branch:
        lines.append(_("*Branch* {branch}", branch=escape_inline(origin.branch, 80)))
    if tags := [*build.tags, *filter(None, [origin.tag])]:
        lines.append(_("*Tags* {tags}", tags=escape_inline(", ".join(dict.fromkeys(tags)), 120)))
    if commit and origin.commit:
        message = f" {escape_inline(origin.commit_message.splitlines()[0], 80)}" if origin.commit_message else ""
        lines.append(_("*Commit* {commit}", commit=f"{escape_inline(origin.commit[:10], 10)}{message}"))
    if build.uploader:
        lines.append(_("*Uploaded by* {person}", person=escape_inline(build.uploader, 80)))
    if build.created_at:
        lines.append(_("*Uploaded* {when}", when=date_tag(build.created_at)))
    return lines


def changelog(build: Build, limit: int = 300) -> str:
    """Return the start of the changelog as a quotation, if there is one."""
    text = build.changelog.strip()
    if not text:
        return ""
    start = mrkdwn.truncate(text, limit)
    quoted = "\n".join(f">{escape_inline(line, limit)}" for line in start.splitlines() if line.strip())
    return f"{quoted}\n>{_(REST)}" if len(text) > limit else quoted


def has_more(build: Build, limit: int = 300) -> bool:
    """Return whether a changelog is longer than `limit`, so that a button for the rest is needed."""
    return len(build.changelog.strip()) > limit


def build_value(build: Build) -> str:
    """Return the value of a build's buttons: ids without state, so that they work months later."""
    return str(BuildValue.of(build))


def get_button(build: Build, *, style: str | None = "primary") -> ButtonElement:
    """Return the button that creates a new link for the user on each click."""
    return get_named(_("Get build"), "get.v1", build, style)


def get_named(label: str, action: str, build: Build, style: str | None = "primary") -> ButtonElement:
    """Return the get button with its own label, for several in a row."""
    return blocks.button(
        label,
        action,
        build_value(build),
        style=style,
        accessibility_label=build_labels.label(build),
    )


def get_each_platform(builds: Sequence[Build]) -> list[ButtonElement]:
    """Return a button for each platform to get the newest of these builds."""
    by_platform = {build.platform: build for build in reversed(builds)}
    several = len(by_platform) > 1
    return [
        blocks.button(
            _("Get it for {platform}", platform=plain_platform(build))
            if several and build.platform
            else _("Get build"),
            f"get.v1#{number}",
            build_value(build),
            style=None if number else "primary",
        )
        for number, build in enumerate(list(by_platform.values())[:PLATFORMS])
    ]


def build_choice(builds: Sequence[Build], *, with_app: bool = False) -> list[Block]:
    """Return a row to get one of these builds: a select, a button if there is only one, nothing if there is none."""
    if not builds:
        return []
    names = [
        f"{build.app.name} {build_labels.short(build)}" if with_app else build_labels.short(build) for build in builds
    ]
    if len(builds) == 1:
        return [blocks.actions(get_named(_("Get {build}", build=names[0]), "get.v1", builds[0], style=None))]
    items = [blocks.menu_item(name, "get.v1", build_value(build)) for name, build in zip(names, builds, strict=True)]
    return [blocks.actions(blocks.menu_select(_("Get a build…"), items))]


def news_button(build: Build) -> ButtonElement:
    """Return the buttons for the whole changelog, and for the changes since the user's build."""
    says = _("What's new in {build}", build=build_labels.label(build))
    return blocks.button(_("What's new"), "news.v1", build_value(build), accessibility_label=says)


def recall_button(build: Build) -> ButtonElement:
    """Return the button that opens the form for the reason."""
    says = _("Recall {build}", build=build_labels.label(build))
    return blocks.button(_("Recall…"), "recall.v1", build_value(build), accessibility_label=says)


def unrecall_button(build: Build) -> ButtonElement:
    """Return the button to undo a recall."""
    says = _("Undo recall of {build}", build=build_labels.label(build))
    return blocks.button(_("Undo recall"), "unrecall.v1", build_value(build), accessibility_label=says)


def watch_button(build: Build, label: str = "") -> ButtonElement:
    """Return the button for `watch`; `label` (translated) is a verb, after which the build can be named."""
    label = label or _("Watch")
    return blocks.button(
        label, "watch.v1", build_value(build), accessibility_label=f"{label} {build_labels.label(build)}"
    )


def failure(build: Build) -> str:
    """Return Applivery's reason why a build failed, escaped, with its code."""
    reason = escape_inline(build.error, REASON) if build.error else _("Applivery gave no reason.")
    if build.error_code:
        return _("{reason} (code {code})", code=escape_inline(build.error_code, 40), reason=reason)
    return reason


def state(build: Build, recall: Recall | None = None) -> str:
    """Return a build's state as text: `✅ ready`, `⛔ recalled: crash on login`."""
    if recall:
        return _("⛔ recalled: {reason}", reason=escape_inline(recall.reason, 300))
    return f"⚠️ {unknown(build)}" if build.stage is Stage.UNKNOWN else _(STAGE_WORDS[build.stage])


def unknown(build: Build) -> str:
    """Return an undocumented status as Applivery names it."""
    if not build.status:
        return _("no status")
    return _("unknown status {status}", status=mrkdwn.code(build.status, 60))


def _short(build: Build) -> str:
    return unknown(build) if build.stage is Stage.UNKNOWN else _(_SHORT[build.stage])


def builds(
    app: App,
    page: PagedItems[Build],
    note: str = "",
    recalls: Mapping[str, Recall] | None = None,
    again: str = "",
    *,
    now: datetime,
    tz: str,
    uploads: bool = False,
) -> Message:
    """Return a page of an app's builds, newest first: a line for each, and buttons to get them.

    `recalls` has the recalled ones by build id; `again` is the value of the buttons to other pages. Days are in the
    user's zone `tz`; `uploads` is whether the user may upload builds of the app.
    """
    if not page.items:
        return _no_builds(app, note, uploads=uploads)
    name = escape_inline(app.name, 80)
    recalls = recalls or {}
    lines = [" · ".join(filter(None, [_("*Builds of {app}*", app=name), page.range_text, note]))]
    listed = []
    for build in page.items:
        recall = recalls.get(build.id)
        label = escape_inline(build_labels.label(build), 140)
        listed.append(f"{label}: {state(build, recall) if recall else _short(build)}")
        lines.append(" · ".join(filter(None, [_marked(build, recall), _day(build, recall, now, tz)])))
    body = [*blocks.paragraphs(lines), *_ways_to(page.items, recalls), *page_buttons(page, MORE, again)]
    return Message(_("Builds of {app}: {builds}.", app=name, builds="; ".join(listed)), tuple(body))


def _no_builds(app: App, note: str, *, uploads: bool) -> Message:
    """Return the message for an empty list, with a button to show all builds if a filter is set, or to upload one."""
    text, label = _("{app} has no builds yet.", app=escape_inline(app.name, 80)), _("Check again")
    if note:
        text, label = (
            _("No build of {app} matches {filter}.", app=escape_inline(app.name, 80), filter=note),
            _("Show all builds"),
        )
    button = blocks.button(label, f"{MORE}#all", str(PageValue(0, app.id)))
    if uploads and not note:
        button = blocks.button(_("Upload a build"), "run.v1", f"upload {app.id}")
    return Message(text, (blocks.section(text), blocks.actions(button)))


def _marked(build: Build, recall: Recall | None) -> str:
    """Return the line of a build in a list: its label with its short state."""
    number = f" ({escape_inline(build.number, 40)})" if build.number else ""
    name = f"{escape_inline(build.version, 60) if build.version else _('no version')}{number}"
    rest = [f"{name if recall else f'*{name}*'} {platform_name(build)}".rstrip()]
    rest += [escape_inline(build.origin.branch, BRANCH)] if build.origin.branch else []
    label = " · ".join(rest)
    if recall:
        return _("⛔ {build} recalled: {reason}", build=f"~{label}~", reason=escape_inline(recall.reason, 300))
    mark = state(build).partition(" ")[0]
    return f"{mark} {label}" if build.stage is Stage.READY else f"{mark} {label} · {_short(build)}"


def _day(build: Build, recall: Recall | None, now: datetime, tz: str) -> str:
    """Return when a build was uploaded; empty for an unavailable one, whose state is shown instead."""
    at = build.created_at
    if at is None or recall or build.stage is not Stage.READY:
        return ""
    if time := build_card.recent_time(at, now):
        return time
    day = local(at, zone(tz)).date()
    return format_short_day(day) if day.year == local(now, zone(tz)).year else format_day(day)


def _ways_to(builds: Sequence[Build], recalls: Mapping[str, Recall]) -> list[Block]:
    """Return a button for the newest build of each platform, and a select for the others."""
    newest: dict[str, Build] = {}
    for build in builds:
        if _is_available(build, recalls) and len(newest) < DIRECT:
            newest.setdefault(build.platform, build)
    others = [build for build in builds if build not in newest.values()]
    gets = [
        get_named(_("Get {build}", build=_version_and_platform(build)), f"get.v1#{number}", build, style=None)
        for number, build in enumerate(newest.values())
    ]
    items = [_way_to(build, recalls) for build in others]
    return [
        *([blocks.actions(*gets)] if gets else []),
        *([blocks.actions(blocks.menu_select(_("Get or check a build…"), items))] if items else []),
    ]


def _way_to(build: Build, recalls: Mapping[str, Recall]) -> Option:
    if _is_available(build, recalls):
        return blocks.menu_item(_("Get {build}", build=build_labels.short(build)), "get.v1", build_value(build))
    label = _("Status of {build}", build=build_labels.short(build))
    return blocks.menu_item(label, "status.v1", build_value(build))


def _is_available(build: Build, recalls: Mapping[str, Recall]) -> bool:
    return build.stage is Stage.READY and build.id not in recalls


def _version_and_platform(build: Build) -> str:
    return f"{build.version} {plain_platform(build)}".strip() if build.version else build_labels.short(build)


def status(
    build: Build,
    dashboard: str,
    recall: Recall | None = None,
    *,
    releases: bool = False,
    awaitable: bool = False,
    instead: Build | None = None,
    now: datetime | None = None,
) -> Message:
    """Return the state of one build, and what can be done now.

    `releases` is whether the user may recall a build; `awaitable` whether it may be watched; `instead` is the newest
    available build of its kind. The time of a build that is old at `now` has its day.
    """
    failed = build.stage is Stage.FAILED
    lines = [f"❌ *{_('{build} failed to process', build=heading(build))}*" if failed else f"*{heading(build)}*"]
    notes = [failure(build)] if failed else []
    lines += notes if failed else [state(build, recall)]
    if recall:
        lines.append(_("by <@{person}> {when}", person=recall.by, when=date_tag(recall.at)))
    small = [build_card.small_line([build], now)]
    if not build.stage.final and not awaitable:
        notes.append(endless(build))
        small.append(endless(build))
    body = [blocks.section("\n".join(lines)), *(blocks.context(line) for line in small if line)]
    if failed and len(build.error or "") > REASON:
        body += map(blocks.section, blocks.quote(build.error or ""))
    body.append(
        blocks.actions(*_ways_on(build, dashboard, recall, releases=releases, awaitable=awaitable, instead=instead))
    )
    text = f"{title(build)}: {state(build, recall)}."
    return Message(" ".join([text, *notes, *latest_available(instead)]), tuple(body))


def _ways_on(
    build: Build, dashboard: str, recall: Recall | None, *, releases: bool, awaitable: bool, instead: Build | None
) -> list[ButtonElement | OverflowMenuElement | None]:
    """Return the buttons of a build's state, and the menu with the rest."""
    value, is_ready = build_value(build), build.stage is Stage.READY
    row: list[ButtonElement | OverflowMenuElement | None] = [*instead_buttons(instead)]
    if is_ready and recall is None:
        row.append(get_button(build))
    if releases and recall:
        row.append(unrecall_button(build))
    if not build.stage.final:
        row += [watch_button(build), check_button(build)] if awaitable else [check_button(build)]
    if build.stage is Stage.FAILED:
        row.append(build_card.ci_button(build))
    row = [button for button in row if button]
    if not row:
        return [blocks.link_button(_("Open in Applivery"), dashboard, "open.dashboard")]
    menu = blocks.menu(
        blocks.menu_item(_("What's new"), "news.v1", value) if is_ready else None,
        blocks.menu_item(_("Recall…"), "recall.v1", value) if releases and is_ready and recall is None else None,
        blocks.menu_link(_("Open in Applivery"), dashboard, "open.dashboard"),
    )
    return [*row, menu]


def endless(build: Build) -> str:
    """Return why a build cannot be watched."""
    return _(NO_WAY_TO_TELL if build.stage is Stage.UNKNOWN else TOO_LONG)


def check_button(build: Build) -> ButtonElement:
    """Return the button that shows the current state of the build."""
    return blocks.button(_("Check again"), "status.v1", build_value(build))


def instead_buttons(instead: Build | None, style: str | None = "primary") -> list[ButtonElement]:
    """Return the buttons for the build to get in place of an unavailable one."""
    if instead is None:
        return []
    return [get_named(_("Get {build}", build=_numbered(instead)), "get.v1#instead", instead, style)]


def _numbered(build: Build) -> str:
    """Return a name that distinguishes a build from others of its app and platform, for a narrow button."""
    number = f"({build.number})" if build.number else ""
    return " ".join(filter(None, (build.version, number))) or build_labels.label(build)


def latest_available(instead: Build | None) -> list[str]:
    """Return the build of `instead_buttons` as a sentence, for the plain text of a message."""
    return [] if instead is None else [_("Latest available build: {build}.", build=title(instead))]
