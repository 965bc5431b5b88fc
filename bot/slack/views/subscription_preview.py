"""What the dry run of a subscription says: which of the newest builds would have come, or why none; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.i18n import _, gettext_noop, ngettext
from bot.slack.mrkdwn import escape_inline
from bot.slack.views.builds import platform_name

if TYPE_CHECKING:
    from bot.domain.model import Build, Subscription
    from bot.domain.subscription_preview import SubscriptionPreview

NAMED = 5


def dry_run(subscription: Subscription, tried: SubscriptionPreview | None) -> str:
    """Return which of the newest builds would have been posted, or what may be too narrow; empty without builds."""
    if tried is None:
        return ""
    if not tried.looked:
        return _("There is no build yet that it could be tried on.")
    if not tried.would:
        none = ngettext(
            "None of the only build there is would have posted",
            "None of the last {number} builds would have posted",
            len(tried.looked),
        )
        return f"{none}{_why_none(subscription, tried)}"
    builds = ", ".join(_name(build, with_app=subscription.app_id is None) for build in tried.would[:NAMED])
    if left := len(tried.would[NAMED:]):
        builds = _("{names} and {number} more", names=builds, number=left)
    if len(tried.looked) == 1:
        return _("1 of the only build there is would have posted: {builds}.", builds=builds)
    return ngettext(
        "{number} of the last {last} builds would have posted: {builds}.",
        "{number} of the last {last} builds would have posted: {builds}.",
        len(tried.would),
        last=len(tried.looked),
        builds=builds,
    )


def _why_none(subscription: Subscription, tried: SubscriptionPreview) -> str:
    """Return the rest of the sentence, and what may help."""
    if tried.fitting:
        ends = [event for event in subscription.events if event.description.none]
        why = ends[0].description.none if len(ends) == 1 else gettext_noop("none of them was processed or failed")
        fit = ngettext("{number} of them fits the filter.", "{number} of them fit the filter.", len(tried.fitting))
        return f": {_(why)}. {fit if tried.there else ''}".rstrip()
    return ". " + _(
        "The filter may be too narrow: they have {facts}.",
        facts="; ".join(_there(key, facts) for key, facts in tried.there),
    )


def _there(key: str, facts: Sequence[str]) -> str:
    """Return what the builds have where a filter asks for something, under the filter's key as it is typed."""
    if not facts:
        return _("no {key}", key=key)
    names = ", ".join(escape_inline(fact, 40) for fact in facts[:NAMED])
    if left := len(facts[NAMED:]):
        names = _("{names} and {number} more", names=names, number=left)
    return f"{key} {names}"


def _name(build: Build, *, with_app: bool) -> str:
    app = f"{escape_inline(build.app.name, 60)} " if with_app else ""
    number = f" ({escape_inline(build.number, 40)})" if build.number else ""
    version = escape_inline(build.version, 60) if build.version else _("no version")
    return f"{app}{version}{number} {platform_name(build)}".rstrip()
