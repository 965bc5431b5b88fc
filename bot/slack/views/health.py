"""How the bot does, in words for an admin: a line for each part; pure."""

from __future__ import annotations

from datetime import datetime

from bot import exceptions
from bot.domain.health import (
    AppliveryHealth,
    DatabaseHealth,
    Health,
    LastOutage,
    OutboxHealth,
    PollingHealth,
    SlackHealth,
)
from bot.i18n import count, figure, later, say
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.mrkdwn import cut, escape, inline, when

NAMED = 5
WHERE = later("`subscriptions all` lists them.")
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
FOR_ADMINS = (
    exceptions.InvalidCredentials,
    exceptions.Forbidden,
    exceptions.WorkspaceNotFound,
    exceptions.FeatureNotInPlan,
    exceptions.QuotaExceeded,
)
CHECK = later("`applivery-bot doctor` shows more.")
WELL = later("All is well.")
NOT_WELL = later("Not all is well.")
# What an outage is called in the log → in words; a job's own trouble mostly is the database's.
_PARTS = {"applivery": "Applivery", "slack": "Slack"}


def health(health: Health) -> Message:
    """Everything, and the way to what `status` tells of builds."""
    head = say(WELL if health.well else NOT_WELL)
    told = [*_parts(health).values(), _trouble(health.trouble)]
    small = say("Version {version}, running since {when}.", version=health.version, when=when(health.started_at))
    if health.asked_at:
        small = f"{say('Asked {when}.', when=when(health.asked_at))} {small}"
    buttons = blocks.actions(
        blocks.button(say("Check again"), "run.v1#again", "status", says=say("Check the bot again")),
        blocks.button(say("Newest build"), "run.v1#newest", "status latest", says=say("Status of the newest build")),
    )
    text = " ".join((head, *told, small))
    return Message(text, (blocks.section("\n".join((f"*{head}*", *told))), blocks.context(small), buttons))


def outage(kind: str, cause: str, began: datetime) -> Message:
    """What an admin reads once when polls bring nothing: what is wrong, and what to do about it.

    `kind` is the error's (errors.kind_of); one that is unknown here stands for any error of Applivery's.
    """
    problem = exceptions.by_kind(kind) or exceptions.AppliveryError
    head = say("⚠️ *New builds can't be announced: Applivery can't be polled.*")
    why = say(problem.sentence) + _because(cause)
    # the others' next steps are for who asked for something
    step = " ".join(
        say(candidate)
        for candidate in (problem.next_step if issubclass(problem, FOR_ADMINS) else "", CHECK)
        if candidate
    )
    small = say("Since {when}. I'll DM you when it works again.", when=when(began))
    text = "\n".join((head, why, step))
    return Message(f"{text} {small}", (blocks.section(text), blocks.context(small)))


def recovery(began: datetime, ended: datetime) -> Message:
    """What the same admin reads once when that is over."""
    text = say(
        "✅ *Applivery works again.* New builds from {began} to {ended} are announced now.",
        began=when(began),
        ended=when(ended),
    )
    return Message(text, (blocks.section(text),))


def summary(health: Health) -> str:
    """Whether all is well, and what is not."""
    if health.well:
        return f"✅ {say(WELL)}"
    parts = _parts(health)
    return "\n".join((f"⚠️ *{say(NOT_WELL)}*", *(parts[name] for name in parts if not getattr(health, name).well)))


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
            return say("*Slack* reaches me over HTTP and takes my token.")
        return say("*Slack* does not take my token, or does not answer.") + _because(side.problem)
    line = say(
        "*Slack*: Socket Mode, {open} of {wanted} connections are open.",
        open=figure(side.connections),
        wanted=figure(side.wanted),
    )
    if side.greeted_at:
        line += " " + say("Last hello {when}.", when=when(side.greeted_at))
    return line + _because(side.problem)


def _because(problem: str) -> str:
    """The problem as the log has it, in English, for the admin who reads this."""
    return f" ({inline(problem, 300)})" if problem else ""


def _applivery(side: AppliveryHealth) -> str:
    line = say("*Applivery* answers.")
    if side.problem:
        line = say("*Applivery* does not answer as it should: {problem}", problem=cut(escape(side.problem), 300))
        line += _because(side.cause)
        line += " " + (
            say("The last good answer was {when}.", when=when(side.worked_at))
            if side.worked_at
            else say("There was no good answer since I started.")
        )
    left = say("{left} of {budget} requests are left in this hour.", left=figure(side.left), budget=figure(side.budget))
    if side.stretch > 1:
        times = figure(round(side.stretch, 1))
        left += " " + say("As these are few, apps are looked at {times} times less often.", times=times)
    return f"{line} {left}"


def _database(storage: DatabaseHealth) -> str:
    kind = DATABASES.get(storage.kind, storage.kind)
    if not storage.ok:
        return say("*Database*: {kind} does not answer.", kind=kind) + _because(storage.problem)
    return say(
        "*Database*: {kind} {version} answers; its tables are of version {tables}.",
        kind=kind,
        version=inline(storage.version, 40),
        tables=storage.tables,
    )


def _polling(polling: PollingHealth) -> str:
    if polling.apps is None:
        return say("*Polling*: nobody can tell while the database is away.")
    if not polling.apps:
        idle = say("*Polling*: no app is watched, as nobody has subscribed to one or waits for a build.")
        return idle + _because(polling.problem)
    watched = count("*Polling*: {number} app is watched.", "*Polling*: {number} apps are watched.", polling.apps)
    seen = say("None was looked at yet.")
    if polling.oldest:
        seen = say("The oldest look that brought something was {when}.", when=when(polling.oldest))
    behind = ""
    if polling.behind:
        behind = " " + count("{number} of them is behind.", "{number} of them are behind.", polling.behind)
    return f"{watched}{behind} {seen}{_because(polling.problem)}"


def _to_say(to_say: OutboxHealth) -> str:
    if to_say.count is None:
        return say("*Announcements*: nobody can tell while the database is away.")
    line = say("*Announcements*: none waits.")
    if to_say.count:
        line = count(
            "*Announcements*: {number} waits, for {time}.",
            "*Announcements*: {number} wait, the oldest for {time}.",
            to_say.count,
            time=_long(to_say.oldest_seconds),
        )
    named, left = ", ".join(f"<#{channel_id}>" for channel_id in to_say.paused[:NAMED]), len(to_say.paused) - NAMED
    if left > 0:
        more = figure(left)
        return f"{line} {say('I cannot speak in {channels} and {more} more.', channels=named, more=more)} {say(WHERE)}"
    return line + " " + say("I cannot speak in {channels}.", channels=named) if named else line


def _trouble(trouble: LastOutage | None) -> str:
    if trouble is None:
        return say("*Last outage*: none since I started.")
    what = _PARTS.get(trouble.what, trouble.what)
    if trouble.problem == exceptions.DatabaseUnavailable.kind:
        what = say("the database")
    began = when(trouble.began)
    if trouble.ended is None:
        return say("*Outage*: {what} has been away since {began}.", what=what, began=began) + _because(trouble.cause)
    over = say("*Last outage*: {what}, from {began} to {ended}.", what=what, began=began, ended=when(trouble.ended))
    return over + _because(trouble.cause)


def _long(seconds: float) -> str:
    if seconds < 90:
        return count("{number} second", "{number} seconds", max(1, round(seconds)))
    if seconds < 5400:
        return count("{number} minute", "{number} minutes", round(seconds / 60))
    return count("{number} hour", "{number} hours", round(seconds / 3600))
