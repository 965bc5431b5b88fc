"""A forecast: a line for each thing that ends or stops, with its date, its people and its button; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import ButtonElement

from bot import exceptions, i18n
from bot.domain import build_labels, platforms
from bot.domain.forecast_facts import ForecastKind, ForecastPart
from bot.domain.model import Stage
from bot.i18n import _, format_number, gettext_noop, ngettext
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.blocks.paging import page_buttons, paginate
from bot.slack.button_values import BuildValue
from bot.slack.mrkdwn import date_tag, escape, escape_inline
from bot.slack.views.builds import heading
from bot.slack.views.pause_reasons import WHY
from bot.slack.views.subscription_names import EVERY_APP, PAUSED, channel_name

if TYPE_CHECKING:
    from bot.domain.forecast_facts import Forecast, ForecastItem, Unchecked

SHOWN = 5  # lines of a page: what fits on a phone
NAMED = 3  # apps in a line of small print
MORE = "more.forecast.v1"
# the second becomes "today" or "tomorrow", for use outside of a sentence
DAY, NEAR = "{date_short}", "{date_short_pretty}"
APP_SETTINGS = "https://api.slack.com/apps"

# Names of the parts that could not be checked.
_PARTS = {
    ForecastPart.BUILDS: gettext_noop("builds"),
    ForecastPart.RETENTION: gettext_noop("build retention"),
    ForecastPart.PEOPLE: gettext_noop("who has which build"),
    ForecastPart.DOWNLOADS: gettext_noop("this month's downloads"),
    ForecastPart.CHANNELS: gettext_noop("channels"),
    ForecastPart.ROLES: gettext_noop("roles"),
    ForecastPart.APPS: gettext_noop("apps"),
}
# Each thing that ends, without its date and people.
_WHAT = {
    ForecastKind.PROFILE: gettext_noop("{builds}: profile expires"),
    ForecastKind.PENDING_DELETION: gettext_noop("{builds}: retention ends, may be deleted 30 days later"),
    ForecastKind.DELETION: gettext_noop("{builds}: may be deleted"),
    ForecastKind.LIMIT: gettext_noop("Download limit at this pace: {used} of {limit} used"),
    ForecastKind.LIMIT_REACHED: gettext_noop("Limit for “{item}” reached: {used} of {limit}"),
    ForecastKind.PAUSED: gettext_noop("{app} in {channel} is paused: {reason}"),
    ForecastKind.NO_LISTENERS: gettext_noop("{app} in {channel}: only bots are in the channel"),
    ForecastKind.WILL_PAUSE: gettext_noop("{app} in {channel} pauses at the next build: {reason}"),
    ForecastKind.NO_MATCH: gettext_noop("{app} in {channel}: no recent build matches the filters"),
    ForecastKind.REPORT_PAUSED: gettext_noop("Scheduled report on {app} is paused: {reason}"),
    ForecastKind.ROLES_LEFT: gettext_noop("People who left still have roles"),
    ForecastKind.SCOPE: gettext_noop("Roles of user groups are off: Slack permission `{item}` is missing"),
}
_NO_DOWNLOADS = gettext_noop("Download limit reached: {used} of {limit}")
_REFUSED = gettext_noop("Slack refused the request.")
_EXPIRED = gettext_noop("{builds}: profile has expired")
_NOT_KNOWN = {
    ForecastPart.RETENTION: gettext_noop("Build retention of {apps} is unknown: your workspace or plan sets it."),
    ForecastPart.BUILDS: gettext_noop("Only the newest builds of {apps} were checked."),
    ForecastPart.PEOPLE: gettext_noop("People weren't counted for {apps}. Ask for one app."),
    ForecastPart.DOWNLOADS: gettext_noop("The download limit wasn't checked: your workspace has too many apps."),
}


def forecast(found: Forecast, page: int = 0) -> Message:
    """Return a page of the forecast, the earliest first; `page` counts from 0."""
    with i18n.use_locale(i18n.locale_of(found.language) or i18n.current_locale()):
        return _forecast(found, page)


def _forecast(found: Forecast, page: int) -> Message:
    shown = paginate(found.items, page, SHOWN)
    small = [_("Sent late. It was due {when}.", when=date_tag(found.late))] if found.late else []
    small += [_unchecked(each) for each in found.unchecked]
    head = " · ".join(filter(None, (_head(found), shown.range_text)))
    lines = [_line(item, found.made_at) for item in shown.items]
    body = [blocks.section(head)]
    body += [
        blocks.section(line, accessory=_button(item, number))
        for number, (line, item) in enumerate(zip(lines, shown.items, strict=True))
    ]
    if any(item.people is not None and item.build for item in shown.items):
        small.append(_("People are counted by their latest recorded download."))
    body += [blocks.context("\n".join(small))] if small else []
    if found.key:
        body += page_buttons(shown, MORE, found.key)
    return Message("\n".join((head, *lines, *small)), tuple(body))


def _head(found: Forecast) -> str:
    day, app = date_tag(found.until, DAY), escape_inline(found.app_name, 80)
    if found.items and app:
        return _("*What ends for {app} by {day}*", app=app, day=day)
    if found.items:
        return _("*What ends by {day}*", day=day)
    if any(each.error for each in found.unchecked):
        return _("*Nothing found until {day}.* Some parts couldn't be checked.", day=day)
    if app:
        return _("*Nothing breaks for {app} until {day}.*", app=app, day=day)
    return _("*Nothing breaks until {day}.*", day=day)


# ------------------------------------------------------------------ lines


def _line(item: ForecastItem, made_at: datetime) -> str:
    return " · ".join(filter(None, (f"*{_when(item)}*", _what(item, made_at), _people(item))))


def _when(item: ForecastItem) -> str:
    if item.at is None:
        return _("Now")
    if item.is_year:
        return str(item.at.year)
    if item.kind is ForecastKind.LIMIT:
        return _("About {day}", day=date_tag(item.at, DAY))
    return date_tag(item.at, NEAR)


def _people(item: ForecastItem) -> str:
    if item.build is not None and item.people is None:
        return _("people unknown")
    if item.build is None and not item.people:
        return ""
    return ngettext("{number} person", "{number} people", item.people or 0)


def _what(item: ForecastItem, made_at: datetime) -> str:
    """Return the thing that ends, without its date and people."""
    if item.kind is ForecastKind.PLATFORM:
        names = {"cause": _(item.reason), "platform": platforms.name(item.platform), "regions": ", ".join(item.regions)}
        if item.regions:
            return _("{cause}: installs on {platform} may stop in {regions}", **names)
        return _("{cause}: installs on {platform} may stop everywhere", **names)
    return _(
        _sentence(item, made_at),
        builds=_builds(item) if item.build else "",
        app=escape_inline(item.app_name, 80) if item.app_id else _(EVERY_APP),
        channel=channel_name(item.channel_id, everywhere=True),
        reason=_why_paused(item.reason),
        item=escape_inline(item.reason, 60),
        used=format_number(item.used or 0),
        limit=format_number(item.limit),
    )


def _sentence(item: ForecastItem, made_at: datetime) -> str:
    if item.kind is ForecastKind.PROFILE and item.at is not None and item.at <= made_at:
        return _EXPIRED
    if item.kind is ForecastKind.LIMIT_REACHED and not item.reason:
        return _NO_DOWNLOADS
    return _WHAT[item.kind]


def _builds(item: ForecastItem) -> str:
    assert item.build is not None
    names = heading(item.build)
    if item.others:
        names += " " + ngettext("and {number} more build", "and {number} more builds", item.others)
    return names


def _why_paused(reason: str) -> str:
    known = {**PAUSED, **{str(withdrawal): words for withdrawal, words in WHY.items()}}
    if reason in known:
        return _(known[reason])
    return _("Slack refuses messages in that channel (`{code}`)", code=escape_inline(reason or "unknown", 60))


# ------------------------------------------------------------------ buttons


def _button(item: ForecastItem, number: int) -> ButtonElement | None:
    if item.build is not None:
        return _build_button(item, number)
    if item.kind in _ADDRESSES:
        label, name = _ADDRESSES[item.kind]
        says = _("{label}: {line}", label=_(label), line=_(_SPOKEN[item.kind]))
        return blocks.link_button(_(label), item.url or APP_SETTINGS, f"{name}#{number}", accessibility_label=says)
    if item.kind is ForecastKind.ROLES_LEFT:
        return blocks.button(_("Audit"), f"run.v1#forecast{number}", "audit", accessibility_label=_("Audit log"))
    if item.kind is ForecastKind.REPORT_PAUSED:
        says = _("Stop report d{number} on {app}", number=str(item.number), app=item.app_name or _(EVERY_APP))
        return blocks.button(_("Stop report"), f"undigest.v1#{number}", str(item.number), accessibility_label=says)
    return _subscription_button(item, number)


# Buttons that open an address: label, and the action id that Slack reports.
_ADDRESSES = {
    ForecastKind.LIMIT: (gettext_noop("Open"), "open.dashboard"),
    ForecastKind.LIMIT_REACHED: (gettext_noop("Open"), "open.dashboard"),
    ForecastKind.PLATFORM: (gettext_noop("Read"), "open.change"),
    ForecastKind.SCOPE: (gettext_noop("Open"), "open.settings"),
}
_SPOKEN = {
    ForecastKind.LIMIT: gettext_noop("your workspace in Applivery"),
    ForecastKind.LIMIT_REACHED: gettext_noop("your workspace in Applivery"),
    ForecastKind.PLATFORM: gettext_noop("the maker's page"),
    ForecastKind.SCOPE: gettext_noop("the app's settings in Slack"),
}


def _build_button(item: ForecastItem, number: int) -> ButtonElement:
    assert item.build is not None
    value, name = str(BuildValue.of(item.build)), build_labels.label(item.build)
    if item.kind is ForecastKind.PROFILE or item.build.stage is not Stage.READY:
        says = _("Details of {build}", build=name)
        return blocks.button(_("Details"), f"status.v1#{number}", value, accessibility_label=says)
    return blocks.button(_("Get"), f"get.v1#{number}", value, accessibility_label=name)


def _subscription_button(item: ForecastItem, number: int) -> ButtonElement:
    value, app = f"{item.channel_id}/{item.number}", item.app_name if item.app_id else _(EVERY_APP)
    if item.kind is ForecastKind.NO_MATCH:
        says = _("Edit the filters of {app}", app=app)
        return blocks.button(_("Edit"), f"edit.v1#{number}", value, accessibility_label=says)
    says = _("Unsubscribe from {app}", app=app)
    return blocks.button(_("Unsubscribe"), f"unsubscribe.v1#{number}", value, accessibility_label=says)


# ------------------------------------------------------------------ what was not looked at


def _unchecked(each: Unchecked) -> str:
    apps = _named(each.apps)
    if each.error:
        problem = exceptions.by_kind(each.error) or exceptions.BotError
        why = _(_REFUSED) if problem is exceptions.SlackError else _(problem.sentence)
        words = {"part": _(_PARTS[each.part]), "apps": apps, "why": escape(why)}
        return (
            _("Couldn't check {part} of {apps}: {why}", **words) if apps else _("Couldn't check {part}: {why}", **words)
        )
    if each.part in _NOT_KNOWN:
        return _(_NOT_KNOWN[each.part], apps=apps)
    return _left_out(each.part, each.number)


def _left_out(part: ForecastPart, number: int) -> str:
    """Return the line about how much of a part was left out because it is too large."""
    if part is ForecastPart.CHANNELS:
        return ngettext("{number} more channel wasn't checked.", "{number} more channels weren't checked.", number)
    if part is ForecastPart.ROLES:
        return ngettext("{number} more role wasn't checked.", "{number} more roles weren't checked.", number)
    return ngettext("{number} more app wasn't checked.", "{number} more apps weren't checked.", number)


def _named(apps: Sequence[str]) -> str:
    if not apps:
        return ""
    names, more = escape_inline(", ".join(apps[:NAMED]), 200), len(apps) - NAMED
    return _("{some} and {number} more", some=names, number=format_number(more)) if more > 0 else names
