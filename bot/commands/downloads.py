"""`downloads`: download reports for managers: a headline, and the people in its thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from slack_sdk.models.blocks import Option

from bot.commands import digests, get, report_query
from bot.commands.missing import who_lacks
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import MenuItem, button, command, form, options
from bot.dispatch.targets import BuildReference
from bot.domain import lookup
from bot.domain.audit import AuditAction
from bot.domain.downloads import GroupBy
from bot.domain.model import App, Role
from bot.domain.timeparse.period import Period
from bot.exceptions import Outdated, PermissionDenied, UserInputError
from bot.i18n import NO_TEXT, Text, _, gettext_noop, use_locale
from bot.services.channels import ABOUT_PEOPLE
from bot.services.report_query import about
from bot.services.reports import ReportQuery
from bot.slack import blocks
from bot.slack.blocks import Message, Modal, Reply
from bot.slack.button_values import PageValue
from bot.slack.views import downloads as cards


@command(need=Role.MANAGER, menu=MenuItem(4, gettext_noop("Downloads")), act=gettext_noop("see downloads"))
async def downloads(
    call: CommandContext,
    target: BuildReference | None = None,
    *,
    since: Period | None = None,
    by: GroupBy | None = None,
    person: str | None = None,
    missing: str | None = None,
    every: str | None = None,
    quiet: str | None = None,
) -> Reply:
    """Report who downloaded an app or a build.

    /applivery downloads courier
    /applivery downloads courier 2.4.0 since:7d by:version
    /applivery downloads courier since:2026-11-01 until:2026-11-07
    /applivery downloads courier person:@ana
    /applivery downloads courier latest missing:@qa-team
    /applivery downloads courier every:monday@09:00 quiet:yes
    """
    if not any((target, since, by, person, missing, every, quiet)):
        return await ask(call)
    if every is None and quiet is not None:
        text = Text("`quiet:` only works with a scheduled report.")
        raise UserInputError(text, every=["every:monday@09:00", "every:daily@09:00"])
    question = await report_query.question(call, target, since=since, by=by, person=person)
    if every is not None:
        if since or person or missing:
            text = Text("A scheduled report covers everyone since the last report.")
            raise UserInputError(text, Text("Remove `since:`, `until:`, `person:` and `missing:`."))
        return await digests.begin(call, question, target, every, quiet)
    if missing is not None:
        return await who_lacks(call, question, missing)
    return await answer(call, question)


async def answer(call: CommandContext, question: ReportQuery) -> Message:
    """Return the report: to the channel if reports there may name people, otherwise to the user alone."""
    if question.email is None and await call.services.channels.may_name_people(call.asker.channel_id):
        await call.require_postable_here(ABOUT_PEOPLE)
        return await _without_person(call, question, names=True)
    report = await call.services.reports.build_report(question)
    in_channel = not (call.asker.channel_id or "D").startswith("D") and question.email is None
    here = cards.here(report, share=in_channel)
    return replace(cards.headline(report), thread=cards.thread(report), pointer=here)


async def _without_person(call: CommandContext, question: ReportQuery, *, names: bool) -> Message:
    """Return the report for the channel without the person's name, in the language of channels."""
    spoken, asker = call.services.language, call.asker.user_id
    with use_locale(spoken):
        question = about(question, question.builds)
    report = await call.services.reports.build_report(question, spoken)  # errors are shown to the user
    shown = report.shared(await call.services.access.email_domain(asker)) if names else report.without_names()
    with use_locale(spoken):
        return replace(cards.headline(shown, by=asker), thread=cards.thread(shown)).to_channel()


# ------------------------------------------------------------------ the buttons


@button("summary.share.v1", need=Role.MANAGER, once=True)
async def share(call: CommandContext, value: str) -> Message:
    """*Share here*: post the report in the channel, with names only if reports there may name people."""
    question = await report_query.again(call, value)
    if question.email is not None:
        raise PermissionDenied(Text("A report about one person can't be shared."), NO_TEXT)
    await call.require_postable_here(ABOUT_PEOPLE)
    names = await call.services.channels.may_name_people(call.asker.channel_id)
    message = await _without_person(call, question, names=names)
    with_what = "with names" if names else "counts only"
    await call.record_audit(AuditAction.DOWNLOADS, f"shared, {with_what}", app_id=question.app.id)
    return message


@button("page.v1", need=Role.MANAGER, replaces_message=True)
async def page(call: CommandContext, value: str) -> Message:
    """Show another page of the people to the user who clicked."""
    wanted = PageValue.parse(value)
    if wanted.number is None:
        raise Outdated(commands=((Text("See downloads"), "downloads"),))
    report = await call.services.reports.build_report(await report_query.again(call, wanted.of))
    last = max(0, (report.crowd - 1) // cards.PAGE)
    return cards.table(report, min(wanted.number, last)) if report.summary.recorded else cards.nothing(report)


@button("summary.csv.v1", need=Role.MANAGER, once=True)
async def as_file(call: CommandContext, value: str) -> Message:
    """*CSV*: each download, for the user alone."""
    question = await report_query.again(call, value)
    file, lines, unlisted = await report_query.as_file(call, question)
    await call.record_audit(AuditAction.DOWNLOADS, f"{lines} lines as a file", app_id=question.app.id)
    return cards.file(question.what, question.period, file, lines, unlisted)


# ------------------------------------------------------------------ the form

SINCE = (
    (gettext_noop("All time"), "all"),
    (gettext_noop("Today"), "today"),
    (gettext_noop("Last 7 days"), "7d"),
    (gettext_noop("Last 30 days"), "30d"),
    (gettext_noop("This month"), "this month"),
    (gettext_noop("Since last month"), "last month"),
)


async def ask(call: CommandContext) -> Modal:
    """Return the form for a command without words."""
    return _form(await call.apps() or [await call.only_app(None)])


def _form(apps: Sequence[App]) -> Modal:
    only = blocks.option(apps[0].name, apps[0].id) if len(apps) == 1 else None
    since = [blocks.option(_(label), value) for label, value in SINCE]
    by = [blocks.option(_(group.description.heading), group.value) for group in GroupBy]
    return Modal(
        "downloads.v1",
        _("Download report"),
        (
            blocks.external_select(_("App"), "downloads.app", hint=_("Type to find an app"), chosen=only),
            blocks.external_select(_("Version"), "downloads.version", hint=_("All versions"), optional=True),
            blocks.static_select(_("Period"), "downloads.since", since, chosen=since[2]),
            blocks.static_select(_("Group by"), "downloads.by", by, chosen=by[0]),
        ),
        submit=_("Show report"),
        private_metadata=apps[0].id if only else "",
    )


@form("downloads.v1", need=Role.MANAGER)
async def submitted(call: CommandContext, typed: dict[str, str]) -> Message:
    """Return the report for the values of the form."""
    since = typed.get("downloads.since", "all")
    words = [typed.get("downloads.app", ""), typed.get("downloads.version", "all")]
    options_ = [("since", since)] * (since != "all") + [("by", typed.get("downloads.by", GroupBy.PERSON.value))]
    return await answer(call, await report_query.of(call, words, options_))


@options("downloads.app", need=Role.MANAGER)
async def apps(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the apps whose name fits what has been typed so far."""
    return await get.apps(call, typed, chosen)


@options("downloads.version", need=Role.MANAGER)
async def versions(call: CommandContext, typed: str, chosen: dict[str, str]) -> list[Option]:
    """Return the versions of the chosen app, newest first."""
    wanted = chosen.get("downloads.app") or chosen.get("memory")
    app = next((candidate for candidate in await call.apps() if candidate.id == wanted), None)
    if app is None:
        return []
    builds = await call.services.apps.search(
        app, typed, lambda other_build: lookup.has(other_build.version, typed), limit=None
    )
    known: dict[str, Option] = {}
    for build in builds:
        if build.version:
            # a version that is too long for an option is represented by its newest build
            value = build.version if len(build.version) <= blocks.OPTION_VALUE else build.id
            known.setdefault(build.version, blocks.option(build.version, value))
    return list(known.values())[: blocks.OPTIONS]
