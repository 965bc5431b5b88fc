"""`every:` of `downloads`: a summary that comes by itself; and how it is listed and ended beside subscriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.db import scheduled_reports
from bot.dispatch.channel_policy import ABOUT_PEOPLE, may_name, may_post
from bot.dispatch.display_names import build_names
from bot.dispatch.registry import BuildReference, CommandContext, button
from bot.domain import access
from bot.domain.audit import AuditAction, AuditOutcome
from bot.domain.model import App, Role
from bot.domain.scheduled_reports import ScheduledReport
from bot.domain.timeparse import schedule as timeparse_schedule
from bot.exceptions import UserInputError
from bot.i18n import _
from bot.services.reports import ReportQuery
from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.blocks.paging import page_of, turned_to
from bot.slack.views import scheduled_report as cards

YES = ("yes", "true", "on", "1")
NO = ("no", "false", "off", "0")


async def begin(
    call: CommandContext, question: ReportQuery, target: BuildReference | None, every: str, quiet: str | None
) -> Message:
    """Save a digest for the place where it was asked for, and say when the first one comes."""
    schedule = timeparse_schedule.parse(every)
    place = _places(call)[0]
    if not place.startswith(("U", "W")):
        await may_post(call, ABOUT_PEOPLE)
    digest = await call.house.store.run(
        scheduled_reports.add_report,
        team_id=call.asker.team_id,
        place=place,
        app_id=question.app.id,
        app_name=question.app.name,
        which=_which(question, target),
        by=question.by,
        schedule=str(schedule),
        tz=call.asker.tz,
        quiet=_quiet(quiet),
        created_by=call.asker.user_id,
        due_at=timeparse_schedule.next_after(schedule, call.now, call.asker.tz),
    )
    await call.write_down(AuditAction.DIGEST, f"{digest.schedule} in {place}", app_id=question.app.id)
    return cards.begun(digest, await _builds(call, [digest]), names=digest.private or await may_name(call))


async def _builds(call: CommandContext, reports: Sequence[ScheduledReport]) -> Mapping[str, str]:
    """The names of the builds that digests are about."""
    return await build_names(call, [(report.app_id, report.which) for report in reports])


async def listed(call: CommandContext, message: Message, number: int = 0) -> Message:
    """What a place is subscribed to, with a page of its digests below."""
    page = page_of(await call.house.store.run(scheduled_reports.list_reports, _places(call)), number, cards.SHOWN)
    return cards.listed(message, page, await _builds(call, page.items))


@button(cards.MORE, need=Role.MEMBER, replaces_message=True)
async def turned(call: CommandContext, value: str) -> Message:
    """*More* and *Previous* below the digests."""
    return await listed(call, Message("", (blocks.header(_("Scheduled reports")),)), turned_to(value)[0])


async def ended(call: CommandContext, typed: str) -> Message | None:
    """End the digest that was named (`d3`); None when it is no name of a digest."""
    return await _end(call, typed[1:]) if typed[:1].casefold() == "d" and typed[1:].isdecimal() else None


@button("undigest.v1", need=Role.MANAGER)
async def pressed(call: CommandContext, value: str) -> Message:
    """The button beside a digest."""
    return await _end(call, value)


async def _end(call: CommandContext, number: str) -> Message:
    if not number.isdecimal() or len(number) > 18:
        raise UserInputError(_("That is not the number of a summary."), _("See them with `subscriptions`."))
    reports = await call.house.store.run(scheduled_reports.list_reports, _places(call))
    for report in reports:
        if report.id == int(number):
            _require(call, report)
    removed = await call.house.store.run(scheduled_reports.remove_report, _places(call), int(number))
    if removed is None:
        raise UserInputError(_("That summary has already ended."), _("See what is left with `subscriptions`."))
    await call.write_down(AuditAction.DIGEST, AuditOutcome.ENDED, app_id=removed.app_id)
    return cards.ended(removed, await _builds(call, [removed]))


def _require(call: CommandContext, digest: ScheduledReport) -> None:
    app = App(digest.app_id, digest.app_id, digest.app_name)
    access.require(call.asker.role_for(app.id), Role.MANAGER, app)


def _places(call: CommandContext) -> Sequence[str]:
    """Where the asker is: the channel, or for direct messages the person."""
    channel_id = call.asker.channel_id or ""
    return (call.asker.user_id,) if not channel_id or channel_id.startswith("D") else (channel_id,)


def _which(question: ReportQuery, target: BuildReference | None) -> str:
    """The build as it was typed, so that `latest` is always the latest; empty for the whole app."""
    if not question.builds:
        return ""
    return (target.which if target else None) or question.builds[0].id


def _quiet(word: str | None) -> bool:
    if word is None or word.casefold() in NO:
        return False
    if word.casefold() in YES:
        return True
    raise UserInputError(_("`quiet:` cannot be “{word}”.", word=word[:40]), _("There are `quiet:yes` and `quiet:no`."))
