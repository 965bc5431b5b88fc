"""`every:` of `downloads`: scheduled reports, which are listed and ended with subscriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.dispatch.targets import BuildReference
from bot.domain import access
from bot.domain.model import App, ReportKind, Role
from bot.domain.scheduled_reports import ScheduledReport
from bot.domain.timeparse import schedule as timeparse_schedule
from bot.exceptions import UserInputError
from bot.i18n import Text, _, gettext_noop
from bot.services.channels import ABOUT_PEOPLE
from bot.services.reports import ReportQuery
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.blocks.paging import paginate, parse_page_value
from bot.slack.views import scheduled_report as cards
from bot.slack.views.subscription_names import EVERY_APP

ABOUT_BUILDS = gettext_noop("forecasts show your builds and channels")
STOP = gettext_noop("stop scheduled reports")
SCHEDULE = gettext_noop("schedule reports")
YES = ("yes", "true", "on", "1")
NO = ("no", "false", "off", "0")
SEE_ALL = ((Text("See subscriptions"), "subscriptions"),)


async def begin(
    call: CommandContext, question: ReportQuery, target: BuildReference | None, every: str, quiet: str | None
) -> Message:
    """Save a report for this channel or user; the confirmation says when the first one is sent."""
    schedule = timeparse_schedule.parse(every)
    place = await _postable_place(call, ABOUT_PEOPLE)
    digest = await call.services.scheduled_reports.begin(
        call.asker,
        call.entrypoint,
        place=place,
        query=question,
        which=_which(question, target),
        every=schedule,
        skip_if_empty=_quiet(quiet),
        now=call.now,
    )
    return cards.begun(
        digest,
        await _builds(call, [digest]),
        names=digest.private or await call.services.channels.may_name_people(call.asker.channel_id),
    )


async def begin_forecast(call: CommandContext, app: App | None, days: int, every: str, quiet: str | None) -> Message:
    """Save a forecast for this channel or user; the confirmation says when the first one is sent."""
    schedule = timeparse_schedule.parse(every)
    place = await _postable_place(call, ABOUT_BUILDS)
    digest = await call.services.scheduled_reports.begin_forecast(
        call.asker,
        call.entrypoint,
        place=place,
        app=app,
        every_app=_(EVERY_APP),
        days=days,
        every=schedule,
        skip_if_empty=_quiet(quiet),
        now=call.now,
    )
    return cards.begun(digest, names=True)


async def _builds(call: CommandContext, reports: Sequence[ScheduledReport]) -> Mapping[str, str]:
    """Return the names of the builds of scheduled reports."""
    about = [report for report in reports if report.kind is ReportKind.DOWNLOADS]
    return await call.services.names.of_builds([(report.app_id, report.build_ref) for report in about])


async def listed(call: CommandContext, message: Message, number: int = 0) -> Message:
    """Return the list of subscriptions with a page of the scheduled reports below."""
    page = paginate(await call.services.scheduled_reports.of_places(_places(call)), number, cards.SHOWN)
    return cards.listed(message, page, await _builds(call, page.items))


@button(cards.MORE, need=Role.MEMBER, replaces_message=True)
async def turned(call: CommandContext, value: str) -> Message:
    """*More* and *Previous* below the scheduled reports."""
    shown = await listed(call, Message("", (blocks.header(_("Scheduled reports")),)), parse_page_value(value)[0])
    return shown if shown.text else Message(_("There are no scheduled reports here."))


async def ended(call: CommandContext, typed: str) -> Message | None:
    """End the report of this name (`d3`) in this channel; return None if it is not the name of a report."""
    if typed[:1].casefold() != "d" or not typed[1:].isdecimal():
        return None
    return await _end(call, await _report(call, typed[1:]))


@button("undigest.v1", need=Role.MEMBER)  # the role that is required depends on the report
async def pressed(call: CommandContext, value: str) -> Message:
    """*End* next to a report; also, in other places, below the notice to its creator and in an admin's forecast."""
    return await _end(call, await _report(call, value, call.asker.user_id, everywhere=call.asker.role >= Role.ADMIN))


async def _report(call: CommandContext, number: str, creator: str = "", *, everywhere: bool = False) -> ScheduledReport:
    """Return a report of this channel or user, or of this `creator`, or any if `everywhere`."""
    if not number.isdecimal() or len(number) > 18:
        raise UserInputError(Text("There's no scheduled report with that number."), commands=SEE_ALL)
    report = await call.services.scheduled_reports.find(int(number))
    if report is None:
        raise _gone()
    if not everywhere and report.target_id not in _places(call) and report.created_by != creator:
        raise _gone()
    return report


def _gone() -> UserInputError:
    return UserInputError(Text("That report was already stopped."), commands=SEE_ALL)


async def _end(call: CommandContext, report: ScheduledReport) -> Message:
    _require(call, report, STOP)
    removed = await call.services.scheduled_reports.end(call.asker, call.entrypoint, report.id)
    if removed is None:
        raise _gone()
    return cards.ended(*removed, await _builds(call, [report]))


@button("undo.digest.v1", need=Role.MEMBER, replaces_message=True)
async def undo(call: CommandContext, value: str) -> Message:
    """*Undo* below an ended report: restores it with its number and the end of its last period."""
    report = await call.services.scheduled_reports.ended(value)
    if report is None:
        raise UserInputError(Text("This change is too old to undo."), commands=SEE_ALL)
    if report.target_id not in _places(call) and not call.asker.is_(report.created_by):
        raise _gone()
    _require(call, report, SCHEDULE)
    restored = await call.services.scheduled_reports.restore(call.asker, call.entrypoint, report, call.now)
    if restored is None:
        raise UserInputError(Text("This report is already scheduled again."), commands=SEE_ALL)
    return cards.restored(restored, await _builds(call, [restored]))


def _require(call: CommandContext, digest: ScheduledReport, act: str) -> None:
    if not digest.app_id:
        access.require_somewhere(call.asker, digest.role, act)
        return
    app = App(digest.app_id, digest.app_id, digest.app_name)
    access.require(call.asker.role_for(app.id), digest.role, app, act=act)


async def _postable_place(call: CommandContext, about: str) -> str:
    """Return the target of a report. Raises an error if messages `about` this can't be posted in the channel."""
    place = _places(call)[0]
    if not place.startswith(("U", "W")):
        await call.require_postable_here(about)
    return place


def _places(call: CommandContext) -> Sequence[str]:
    """Return the target of a report: this channel, or in direct messages the user."""
    channel_id = call.asker.channel_id or ""
    return (call.asker.user_id,) if not channel_id or channel_id.startswith("D") else (channel_id,)


def _which(question: ReportQuery, target: BuildReference | None) -> str:
    """Return the build as it was typed, so that `latest` stays the latest; empty for the whole app."""
    if not question.builds:
        return ""
    return (target.which if target else None) or question.builds[0].id


def _quiet(word: str | None) -> bool:
    if word is None or word.casefold() in NO:
        return False
    if word.casefold() in YES:
        return True
    raise UserInputError(
        Text("`quiet:` can't be “{word}”.", word=word[:40]), every=["quiet:yes", "quiet:no"], replaces=f"quiet:{word}"
    )
