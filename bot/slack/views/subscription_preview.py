"""The preview of a subscription: which of the newest builds match, or which values they have if none does; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.i18n import _, gettext_noop, ngettext
from bot.slack.mrkdwn import code, escape_inline
from bot.slack.views.builds import platform_name

if TYPE_CHECKING:
    from bot.domain.model import Build, Subscription
    from bot.domain.subscription_preview import SubscriptionPreview

NAMED = 3
# By filter key: the values that recent builds have, and the text if they have none.
_RECENT = {
    "os": (gettext_noop("Recent platforms: {values}."), gettext_noop("No recent build has a platform.")),
    "branch": (gettext_noop("Recent branches: {values}."), gettext_noop("No recent build has a branch.")),
    "tag": (gettext_noop("Recent tags: {values}."), gettext_noop("No recent build has a tag.")),
    "version": (gettext_noop("Recent versions: {values}."), gettext_noop("No recent build has a version.")),
    "by": (gettext_noop("Recent uploaders: {values}."), gettext_noop("No recent build names its uploader.")),
}


def matches_none(tried: SubscriptionPreview | None) -> bool:
    """Return whether there are builds and none matches the filter."""
    return tried is not None and bool(tried.looked) and not tried.fitting


def preview(subscription: Subscription, tried: SubscriptionPreview | None) -> str:
    """Return which of the newest builds match, or why none does; empty for a subscription without build events."""
    if tried is None:
        return ""
    if not tried.looked:
        return _("No builds yet to preview.")
    if not tried.would:
        return _none_happened(subscription, tried) if tried.fitting else _none_matches(tried)
    if len(tried.looked) == 1:
        return _("Preview: the only build so far matches.")
    if len(tried.would) > NAMED:
        return _("Preview: {number} of the last {last} builds match.", number=len(tried.would), last=len(tried.looked))
    return ngettext(
        "Preview: {number} of the last {last} builds matches: {builds}.",
        "Preview: {number} of the last {last} builds match: {builds}.",
        len(tried.would),
        last=len(tried.looked),
        builds=", ".join(_name(build, with_app=subscription.app_id is None) for build in tried.would),
    )


def _none_matches(tried: SubscriptionPreview) -> str:
    none = _("No recent build matches.")
    if len(tried.looked) == 1:
        none = _("Preview: the only build so far doesn't match.")
    return " ".join((none, *(_there(key, facts) for key, facts in tried.there)))


def _none_happened(subscription: Subscription, tried: SubscriptionPreview) -> str:
    ends = [event for event in subscription.events if event.description.none]
    none = _(ends[0].description.none) if len(ends) == 1 else _("No recent build is ready or failed.")
    if not tried.there:
        return none
    fit = ngettext("{number} matches the filter.", "{number} match the filter.", len(tried.fitting))
    return f"{none} {fit}"


def _there(key: str, facts: Sequence[str]) -> str:
    some, none = _RECENT[key]
    return _(some, values=_more([code(fact, 40) for fact in facts])) if facts else _(none)


def _more(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    if left := len(names[NAMED:]):
        return _("{names} and {number} more", names=shown, number=left)
    return shown


def _name(build: Build, *, with_app: bool) -> str:
    app = f"{escape_inline(build.app.name, 60)} " if with_app else ""
    number = f" ({escape_inline(build.number, 40)})" if build.number else ""
    version = escape_inline(build.version, 60) if build.version else _("no version")
    return f"{app}{version}{number} {platform_name(build)}".rstrip()
