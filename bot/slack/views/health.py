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
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
FOR_ADMINS = (
    exceptions.InvalidCredentials,
    exceptions.Forbidden,
    exceptions.WorkspaceNotFound,
    exceptions.FeatureNotInPlan,
    exceptions.QuotaExceeded,
)
CHECK = Text("For details, run `applivery-bot doctor` where the bot runs.")
WELL = gettext_noop("Everything works")
NOT_WELL = gettext_noop("Needs attention")
# Texts by the name of an outage in the log
PARTS = {
    "applivery": "Applivery",
    "slack": "Slack",
    "watch": gettext_noop("polling"),
    "hold": gettext_noop("muted announcements"),
    "announce": gettext_noop("announcements"),
    "pausing": gettext_noop("channel checks"),
    "withdrawals": gettext_noop("permission checks"),
    "progress": gettext_noop("watches"),
    "digest": gettext_noop("scheduled reports"),
    "goals": gettext_noop("goals"),
    "expire": gettext_noop("link expiry"),
}


def health(health: Health) -> Message:
    """Return the health of all parts, and a hint about the `status` of builds."""
    head = _(WELL if health.well else NOT_WELL)
    lines = [*_parts(health).values(), *_trouble(health.trouble)]
    facts = [_("Version {version}", version=health.version), _("up since {when}", when=date_tag(health.started_at))]
    if health.asked_at:
        facts.append(_("checked {when}", when=date_tag(health.asked_at)))
    small = " · ".join(facts)
    if not health.has_claim_page:
        small += "\n" + _("Claim page off: set `PUBLIC_URL` so that iPhones can install straight from a link.")
    buttons = blocks.actions(
        blocks.button(_("Check again"), "run.v1#again", "status", accessibility_label=_("Check the bot again")),
        blocks.button(
            _("Newest build"), "run.v1#newest", "status latest", accessibility_label=_("Status of the newest build")
        ),
    )
    text = "\n".join((f"*{head}*", *lines))
    return Message(f"{text}\n{small}", (blocks.section(text), blocks.context(small), buttons))


def outage(kind: str, cause: str, began: datetime) -> Message:
    """Return the message to an admin that polls fail, and what to do about it.

    `kind` is that of the error (exceptions.kind_of); an unknown one is shown as an error of Applivery.
    """
    problem = exceptions.by_kind(kind) or exceptions.AppliveryError
    head = _("❌ *Can't check Applivery for new builds*")
    why = _(problem.sentence) + _because(cause)
    # next steps of other errors address the user of a command
    step = _(joined(" ", (problem.admin_step if issubclass(problem, FOR_ADMINS) else NO_TEXT, CHECK)))
    small = _("Since {when}. I'll DM you when it works again.", when=date_tag(began))
    text = "\n".join((head, why, step))
    return Message(f"{text} {small}", (blocks.section(text), blocks.context(small)))


def recovery(began: datetime, ended: datetime) -> Message:
    """Return the message to the same admin when the outage is over."""
    text = _(
        "✅ *Applivery works again.* Builds from {began} to {ended} are being announced.",
        began=date_tag(began),
        ended=date_tag(ended),
    )
    return Message(text, (blocks.section(text),))


def summary(health: Health) -> str:
    """Return a line that all is well, or which parts are not."""
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
        how = _("*Slack* · HTTP mode") if side.ok else _("*Slack* · not connected")
        return how + _because(side.problem)
    return ngettext(
        "*Slack* · {open} of {number} connection",
        "*Slack* · {open} of {number} connections",
        side.wanted,
        open=format_number(side.connections),
    ) + _because(side.problem)


def _because(problem: str) -> str:
    """Return the problem as it is in the log, in English."""
    return f" ({escape_inline(problem, 300)})" if problem else ""


def _applivery(side: AppliveryHealth) -> str:
    left = _(
        "{left} of {budget} requests left this hour",
        left=format_number(side.left),
        budget=format_number(side.budget),
    )
    facts = [_("*Applivery*")]
    if side.problem:
        facts += [
            truncate(escape(_(side.problem)), 300) + _because(side.cause),
            _("last success {when}", when=date_tag(side.worked_at))
            if side.worked_at
            else _("no success since the bot started"),
        ]
    facts.append(left)
    if side.stretch > 1:
        facts.append(_("polls {times}× less often", times=format_number(round(side.stretch, 1))))
    return " · ".join(facts)


def _database(storage: DatabaseHealth) -> str:
    kind = DATABASES.get(storage.kind, storage.kind)
    if not storage.ok:
        return _("*Database* · {kind} is down", kind=kind) + _because(storage.problem)
    return _("*Database* · {kind} {version}", kind=kind, version=escape_inline(storage.version, 40))


def _polling(polling: PollingHealth) -> str:
    if polling.apps is None:
        return _("*Polling* · unknown while the database is down")
    if not polling.apps:
        return _("*Polling* · no apps yet") + _because(polling.problem)
    facts = [ngettext("*Polling* · {number} app", "*Polling* · {number} apps", polling.apps)]
    if polling.behind:
        facts.append(_("{number} behind", number=format_number(polling.behind)))
    if not polling.oldest:
        facts.append(_("none polled yet"))
    elif not polling.well:
        facts.append(_("oldest poll {when}", when=date_tag(polling.oldest)))
    return " · ".join(facts) + _because(polling.problem)


def _to_say(to_say: OutboxHealth) -> str:
    if to_say.count is None:
        return _("*Announcements* · unknown while the database is down")
    line = _("*Announcements* · none waiting")
    if to_say.count:
        line = _(
            "*Announcements* · {number} waiting for {time}",
            number=format_number(to_say.count),
            time=format_duration(to_say.oldest_seconds),
        )
    if not to_say.paused:
        return line
    named, left = ", ".join(f"<#{channel_id}>" for channel_id in to_say.paused[:NAMED]), len(to_say.paused) - NAMED
    if left > 0:
        more = _("{channels} and {number} more (see `subscriptions all`)", channels=named, number=format_number(left))
        named = more
    return line + " · " + _("can't post in {channels}", channels=named)


def _trouble(trouble: LastOutage | None) -> list[str]:
    if trouble is None:
        return []
    what = _(PARTS[trouble.what]) if trouble.what in PARTS else trouble.what
    if trouble.problem == exceptions.DatabaseUnavailable.kind:
        what = _("database")
    began = date_tag(trouble.began)
    if trouble.ended is None:
        line = _("*Outage* · {what}, since {began}", what=what, began=began)
    else:
        line = _("*Last outage* · {what}, {began} to {ended}", what=what, began=began, ended=date_tag(trouble.ended))
    return [line + _because(trouble.cause)]
