"""The bot's health for an admin: a line for each part; pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot import exceptions
from bot.i18n import NO_TEXT, Text, _, format_number, gettext_noop, joined, ngettext
from bot.i18n.units import format_duration
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import date_tag, escape, escape_inline, truncate

if TYPE_CHECKING:
    from bot.domain.health import (
        AppliveryHealth,
        DatabaseHealth,
        Health,
        LastOutage,
        OutboxHealth,
        PollingHealth,
        SlackHealth,
    )

NAMED = 5
WHERE = gettext_noop("`subscriptions all` lists them.")
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
FOR_ADMINS = (
    exceptions.InvalidCredentials,
    exceptions.Forbidden,
    exceptions.WorkspaceNotFound,
    exceptions.FeatureNotInPlan,
    exceptions.QuotaExceeded,
)
CHECK = Text("`applivery-bot doctor` shows more.")
WELL = gettext_noop("All is well.")
NOT_WELL = gettext_noop("Not all is well.")
# Kind of outage in the log → text; a worker's own errors mostly are the database's.
_PARTS = {"applivery": "Applivery", "slack": "Slack"}


def health(health: Health) -> Message:
    """Return all parts, and a pointer to the `status` of builds."""
    head = _(WELL if health.well else NOT_WELL)
    told = [*_parts(health).values(), _trouble(health.trouble)]
    small = _("Version {version}, running since {when}.", version=health.version, when=date_tag(health.started_at))
    if health.asked_at:
        small = f"{_('Asked {when}.', when=date_tag(health.asked_at))} {small}"
    buttons = blocks.actions(
        blocks.button(_("Check again"), "run.v1#again", "status", accessibility_label=_("Check the bot again")),
        blocks.button(
            _("Newest build"), "run.v1#newest", "status latest", accessibility_label=_("Status of the newest build")
        ),
    )
    text = " ".join((head, *told, small))
    return Message(text, (blocks.section("\n".join((f"*{head}*", *told))), blocks.context(small), buttons))


def outage(kind: str, cause: str, began: datetime) -> Message:
    """Return the message to an admin when polls fail: what is wrong, and what to do about it.

    `kind` is the error's (exceptions.kind_of); an unknown one stands for any error of Applivery's.
    """
    problem = exceptions.by_kind(kind) or exceptions.AppliveryError
    head = _("⚠️ *New builds can't be announced: Applivery can't be polled.*")
    why = _(problem.sentence) + _because(cause)
    # the others' next steps are for who asked for something
    step = _(joined(" ", (problem.next_step if issubclass(problem, FOR_ADMINS) else NO_TEXT, CHECK)))
    small = _("Since {when}. I'll DM you when it works again.", when=date_tag(began))
    text = "\n".join((head, why, step))
    return Message(f"{text} {small}", (blocks.section(text), blocks.context(small)))


def recovery(began: datetime, ended: datetime) -> Message:
    """Return what the same admin reads once when that is over."""
    text = _(
        "✅ *Applivery works again.* New builds from {began} to {ended} are announced now.",
        began=date_tag(began),
        ended=date_tag(ended),
    )
    return Message(text, (blocks.section(text),))


def summary(health: Health) -> str:
    """Return whether all is well, and what is not."""
    if health.well:
        return f"✅ {_(WELL)}"
    parts = _parts(health)
    return "\n".join((f"⚠️ *{_(NOT_WELL)}*", *(parts[name] for name in parts if not getattr(health, name).well)))


def _parts(health: Health) -> dict[str, str]:
    lines = {
        "slack": _slack(health.slack),
        "applivery": _applivery(health.applivery),
        "database": _database(health.database),
        "polling": _polling(health.polling),
        "to_say": _to_say(health.to_say),
    }
    return {name: f"{'✅' if getattr(health, name).well else '⚠️'} {line}" for name, line in lines.items()}


def _slack(side: SlackHealth) -> str:
    if not side.wanted:
        if side.ok:
            return _("*Slack* reaches me over HTTP and takes my token.")
        return _("*Slack* does not take my token, or does not answer.") + _because(side.problem)
    line = _(
        "*Slack*: Socket Mode, {open} of {wanted} connections are open.",
        open=format_number(side.connections),
        wanted=format_number(side.wanted),
    )
    if side.greeted_at:
        line += " " + _("Last hello {when}.", when=date_tag(side.greeted_at))
    return line + _because(side.problem)


def _because(problem: str) -> str:
    """Return the problem as the log has it, in English, for the admin who reads this."""
    return f" ({escape_inline(problem, 300)})" if problem else ""


def _applivery(side: AppliveryHealth) -> str:
    line = _("*Applivery* answers.")
    if side.problem:
        line = _("*Applivery* does not answer as it should: {problem}", problem=truncate(escape(_(side.problem)), 300))
        line += _because(side.cause)
        line += " " + (
            _("The last good answer was {when}.", when=date_tag(side.worked_at))
            if side.worked_at
            else _("There was no good answer since I started.")
        )
    left = _(
        "{left} of {budget} requests are left in this hour.",
        left=format_number(side.left),
        budget=format_number(side.budget),
    )
    if side.stretch > 1:
        times = format_number(round(side.stretch, 1))
        left += " " + _("As these are few, apps are looked at {times} times less often.", times=times)
    return f"{line} {left}"


def _database(storage: DatabaseHealth) -> str:
    kind = DATABASES.get(storage.kind, storage.kind)
    if not storage.ok:
        return _("*Database*: {kind} does not answer.", kind=kind) + _because(storage.problem)
    return _(
        "*Database*: {kind} {version} answers; its tables are of version {tables}.",
        kind=kind,
        version=escape_inline(storage.version, 40),
        tables=storage.tables,
    )


def _polling(polling: PollingHealth) -> str:
    if polling.apps is None:
        return _("*Polling*: unknown while the database is away.")
    if not polling.apps:
        idle = _("*Polling*: no app is watched, as there are no subscriptions and no watched builds.")
        return idle + _because(polling.problem)
    watched = ngettext("*Polling*: {number} app is watched.", "*Polling*: {number} apps are watched.", polling.apps)
    seen = _("None was looked at yet.")
    if polling.oldest:
        seen = _("The oldest look that brought something was {when}.", when=date_tag(polling.oldest))
    behind = ""
    if polling.behind:
        behind = " " + ngettext("{number} of them is behind.", "{number} of them are behind.", polling.behind)
    return f"{watched}{behind} {seen}{_because(polling.problem)}"


def _to_say(to_say: OutboxHealth) -> str:
    if to_say.count is None:
        return _("*Announcements*: unknown while the database is away.")
    line = _("*Announcements*: none waits.")
    if to_say.count:
        line = ngettext(
            "*Announcements*: {number} waits, for {time}.",
            "*Announcements*: {number} wait, the oldest for {time}.",
            to_say.count,
            time=format_duration(to_say.oldest_seconds),
        )
    named, left = ", ".join(f"<#{channel_id}>" for channel_id in to_say.paused[:NAMED]), len(to_say.paused) - NAMED
    if left > 0:
        more = format_number(left)
        return f"{line} {_('I cannot speak in {channels} and {more} more.', channels=named, more=more)} {_(WHERE)}"
    return line + " " + _("I cannot speak in {channels}.", channels=named) if named else line


def _trouble(trouble: LastOutage | None) -> str:
    if trouble is None:
        return _("*Last outage*: none since I started.")
    what = _PARTS.get(trouble.what, trouble.what)
    if trouble.problem == exceptions.DatabaseUnavailable.kind:
        what = _("the database")
    began = date_tag(trouble.began)
    if trouble.ended is None:
        return _("*Outage*: {what} has been away since {began}.", what=what, began=began) + _because(trouble.cause)
    over = _("*Last outage*: {what}, from {began} to {ended}.", what=what, began=began, ended=date_tag(trouble.ended))
    return over + _because(trouble.cause)
