"""The Home tab: a user's builds, watches, requests and roles, and for admins the bot's health; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from slack_sdk.models.blocks import ButtonElement

from bot.domain import build_labels
from bot.domain.model import App, Build, Recall, Role, Stage, Subscription
from bot.i18n import _, gettext_noop, ngettext
from bot.i18n.verbatim import code
from bot.slack import blocks
from bot.slack.blocks import Block, HomeView
from bot.slack.blocks.paging import page_buttons, paginate, parse_page_value
from bot.slack.mrkdwn import date_tag, escape, escape_inline
from bot.slack.views import builds as buildcards
from bot.slack.views import subscriptions as subscriptioncards
from bot.slack.views.health import summary

if TYPE_CHECKING:
    from bot.domain.health import Health

SHOWN_WATCHES = 10
SHOWN_SUBSCRIPTIONS = 10
SHOWN_APPS = 20
GET = gettext_noop("Get a build")
AT_HOME = "home.v1"
WATCHED, OWN = "watched", "own"


class HomePages(Struct, frozen=True):
    """The pages to show of the watched builds and of the user's subscriptions, each counted from 0."""

    watched: int = 0
    own: int = 0

    @classmethod
    def to(cls, value: str) -> HomePages:
        """Parse the value of a page button: the new page, its list, and the page of the other list."""
        page, rest = parse_page_value(value)
        which, _separator, other = rest.partition(" ")
        stays = parse_page_value(other)[0]
        return cls(page, stays) if which == WATCHED else cls(stays, page) if which == OWN else NOT_TURNED


NOT_TURNED = HomePages()


class HomeBuilds(Struct, frozen=True):
    """The builds to show, and when a link to each was issued; `mine` is False for the newest builds of all."""

    found: Sequence[tuple[Build, datetime | None]]
    mine: bool
    apps: Sequence[App] = ()
    recalls: Mapping[str, Recall] = msgspec.field(default_factory=dict)


class WatchedBuild(Struct, frozen=True):
    """A watched build; of a paused one only what the user knows already is shown."""

    build: Build
    paused: bool = False


class OwnSubscriptions(Struct, frozen=True):
    """A user's subscriptions, each with its last post; `may` is whether the user can create one."""

    found: Sequence[tuple[Subscription, datetime | None]]
    handles: Mapping[str, str]
    may: bool


def home(
    *,
    turned: HomePages = NOT_TURNED,
    builds: HomeBuilds | str,
    watched: Sequence[WatchedBuild],
    own: OwnSubscriptions,
    can: str,
    role: Role,
    health: Health | None,
    now: datetime,
    can_write: bool = True,
) -> HomeView:
    """Return the Home tab, beginning with the actions.

    `builds` is a sentence if Applivery does not answer, `can` are the lines about roles, and `role` is the highest one.
    `can_write` is whether the bot receives messages that are written in the Messages tab.
    """
    line = [] if health is None else [_health(health)]
    above, below = (line, []) if health and not health.well else ([], line)
    apps_known = () if isinstance(builds, str) else builds.apps
    apps = [] if isinstance(builds, str) else _apps(apps_known)
    return HomeView(
        (
            *above,
            _actions(role),
            *_write(apps_known, can_write=can_write),
            *_builds(builds),
            *_watched(watched, turned),
            *_own(own, turned, now),
            blocks.header(_("Your access")),
            blocks.section("\n".join([can, *apps])),
            *below,
        )
    )


def _write(apps: Sequence[App], *, can_write: bool) -> list[Block]:
    """Return the hint that commands can also be written in the Messages tab."""
    if not can_write:
        return []
    example = code(escape(f"get {apps[0].slug or apps[0].id}" if apps else "get courier"))
    return [blocks.context(_("Or type it in *Messages*: {command}", command=example))]


def _health(health: Health) -> Block:
    """Return the bot's health in a line, or what needs attention, with a button for details."""
    more = blocks.button(_("Bot health"), "run.v1#health", "status")
    return blocks.section(summary(health), accessory=more)


def _builds(builds: HomeBuilds | str) -> list[Block]:
    if isinstance(builds, str):
        again = blocks.button(_("Try again"), "home.v1")
        words = _("Can't show builds now: {problem}", problem=escape(builds))
        return [blocks.header(_("Builds")), blocks.section(words, accessory=again)]
    head = blocks.header(_("Your recent builds") if builds.mine else _("Newest builds"))
    if not builds.found:
        return [head, blocks.section(_("No builds yet."))]
    return [head, *(_build(build, had, builds.recalls.get(build.id)) for build, had in builds.found)]


def _build(build: Build, had: datetime | None, recall: Recall | None) -> Block:
    line = f"*{buildcards.title(build)}*\n{buildcards.state(build, recall)}"
    linked, uploaded = gettext_noop("you got a link {when}"), gettext_noop("uploaded {when}")
    text = _(linked if had else uploaded, when=date_tag(had or build.created_at, "{date_short_pretty}"))
    return blocks.section(f"{line} · {text}", accessory=_button(build, recall))


def _button(build: Build, recall: Recall | None) -> ButtonElement:
    if build.stage is Stage.READY and recall is None:
        return buildcards.get_button(build, style=None)
    says = _("Status of {build}", build=build_labels.label(build))
    return blocks.button(_("Status"), "status.v1", buildcards.build_value(build), accessibility_label=says)


def _watched(watched: Sequence[WatchedBuild], turned: HomePages) -> list[Block]:
    head = blocks.header(_("Watching"))
    if not watched:
        begin = blocks.button(_("Watch the newest build"), "run.v1", "watch")
        return [head, blocks.section(_("You aren't watching any builds.")), blocks.actions(begin)]
    page = paginate(watched, turned.watched, SHOWN_WATCHES)
    body = [
        blocks.section(
            f"*{buildcards.title(item.build)}* · {_('paused') if item.paused else buildcards.state(item.build)}",
            accessory=blocks.button(
                _("Stop"),
                "unwatch.v1",
                buildcards.build_value(item.build),
                accessibility_label=_("Stop watching {build}", build=build_labels.label(item.build)),
            ),
        )
        for item in page.items
    ]
    return [head, *body, *page_buttons(page, f"{AT_HOME}#watched", f"{WATCHED} {turned.own}")]


def _own(own: OwnSubscriptions, turned: HomePages, now: datetime) -> list[Block]:
    if not own.found and not own.may:
        return []
    head = blocks.header(_("Your subscriptions"))
    if not own.found:
        how = blocks.button(_("How to subscribe"), "run.v1", "help subscribe")
        return [head, blocks.section(_("You haven't subscribed any channel.")), blocks.actions(how)]
    page = paginate(own.found, turned.own, SHOWN_SUBSCRIPTIONS)
    rows = subscriptioncards.rows(page.items, own.handles, now=now)
    return [head, *rows, *page_buttons(page, f"{AT_HOME}#own", f"{OWN} {turned.watched}")]


def _apps(apps: Sequence[App]) -> list[str]:
    if not apps:
        return [_("Your apps can only be used in certain channels.")]
    named = ", ".join(escape_inline(app.name, 80) for app in apps[:SHOWN_APPS])
    left = len(apps) - SHOWN_APPS
    if left > 0:
        more = ngettext("Apps: {names} and {number} more.", "Apps: {names} and {number} more.", left, names=named)
        return [f"{more} {_('To find an app by name, press *Get a build*.')}"]
    return [_("Apps: {names}.", names=named)]


def _actions(role: Role) -> Block:
    """Return the buttons for a person with this role."""
    which = [(_(GET), "get", Role.MEMBER), (_("Upload a build"), "upload", Role.RELEASER)]
    which += [(_("Downloads"), "downloads", Role.MANAGER), (_("All subscriptions"), "subscriptions all", Role.ADMIN)]
    which += [(_("Help"), "help", Role.MEMBER)]
    buttons = [
        blocks.button(label, f"run.v1#{number}", typed, style=None if number else "primary")
        for number, (label, typed, need) in enumerate(which)
        if role >= need
    ]
    return blocks.actions(*buttons, blocks.button(_("Refresh"), "home.v1"))
