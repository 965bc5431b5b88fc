"""`missing:` of `downloads`: who has not downloaded a build yet, and a reminder to try it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from bot.commands import report_query
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain import downloads as decisions
from bot.domain import grammar, references
from bot.domain.downloads import DownloadGap
from bot.domain.grammar import KeyValue
from bot.domain.model import Role
from bot.exceptions import ADMINS_FIX, PermissionDenied, SlackError, UserInputError
from bot.i18n import Number, Text, _, gettext_noop, use_locale
from bot.i18n.verbatim import verbatim
from bot.services.channels import ABOUT_PEOPLE
from bot.services.report_query import about
from bot.services.reports import ReportQuery
from bot.slack.blocks import Message
from bot.slack.views import missing as cards

MOST = 500  # people: Slack is asked about each
ASKED_AT_ONCE = 100


async def who_lacks(call: CommandContext, question: ReportQuery, whom: str) -> Message:
    """Count how many of a group or channel have a build: names only for the asker."""
    place = _mention(whom)
    question = await _of_a_build(call, question)
    gap = await _compared(call, question, place)
    typed = await call.services.drafts.store(
        f"{question.typed} {grammar.explain(grammar.ParsedText((), (KeyValue('missing', place),)))}"
    )
    names = cards.names(question.what, place, gap, typed)
    if question.email is None and await call.services.channels.may_name_people(call.asker.channel_id):
        await call.services.channels.require_postable(call.asker.channel_id, ABOUT_PEOPLE)
        with use_locale(call.services.language):
            what = about(question, question.builds).what
            shown = replace(cards.headline(what, place, gap), thread=(cards.counts(gap),)).to_channel()
        return replace(shown, copies=((call.asker.user_id, names),))
    head = cards.headline(question.what, place, gap)
    return replace(head, thread=(names,), pointer=cards.here(head))


@button("nudge.v1", need=Role.MANAGER, once=True, act=gettext_noop("ask people to try builds"))
async def nudge(call: CommandContext, value: str) -> Message:
    """*Ask them politely*: one direct message for each build and person, and none to users who opted out."""
    typed = grammar.parse(value)
    question = await _of_a_build(call, await report_query.again(call, value))
    place = _mention(next(iter(typed.values("missing")), ""))
    gap = await _compared(call, question, place)
    lack = [user_id for user_id in gap.lack if user_id != call.asker.user_id]
    able = [user_id for user_id in lack if await _may_use(call, question, user_id)]
    build = question.builds[0]
    asked = await call.services.nudges.record(call.asker, call.entrypoint, build, able, limit=ASKED_AT_ONCE)
    waiting = len(able) - 1 - able.index(asked[-1]) if len(asked) == ASKED_AT_ONCE else 0
    message = cards.nudged(question.what, len(asked), len(lack) - len(asked) - waiting, waiting)
    return replace(message, copies=tuple([(person, await _nudging(call, question, person)) for person in asked]))


async def _nudging(call: CommandContext, question: ReportQuery, person: str) -> Message:
    """Return the message to one of them, in their language."""
    with use_locale(await call.services.access.language(person)):
        return cards.nudge(question.builds, call.asker.user_id)


@button("unnudge.v1", need=Role.MEMBER)
async def stop(call: CommandContext, value: str) -> Message:
    """*Do not ask me again*, for all builds."""
    await call.services.nudges.opt_out(call.asker.user_id)
    return Message(_("Done: I won't ask you to try builds any more."))


def _mention(whom: str) -> str:
    """Return the group or channel as Slack writes it, without its name."""
    if group := references.group(whom):
        return f"<!subteam^{group}>"
    if channel := references.channel(whom):
        return f"<#{channel}>"
    raise UserInputError(
        Text("I cannot tell who “{typed}” is.", typed=whom[:60]),
        Text("Type `missing:@` or `missing:#` and pick a group or channel."),
    )


async def _of_a_build(call: CommandContext, question: ReportQuery) -> ReportQuery:
    """Return what they are to have: what was named, else each platform's newest version."""
    if question.builds:
        return question
    builds = await call.services.reports.newest_builds(question.app)
    if not builds:
        text = Text("{app} has no build yet that is ready.", app=verbatim(question.app.name))
        raise UserInputError(text, Text("Ask again when it has one."))
    return about(question, builds)


async def _compared(call: CommandContext, question: ReportQuery, place: str) -> DownloadGap:
    people, tally = await asyncio.gather(
        call.services.access.emails(await _members(call, place)),
        call.services.reports.count_downloads(question, question.period),
    )
    if people and not any(people.values()):
        raise SlackError(
            Text("Slack doesn't show me e-mail addresses."),
            ADMINS_FIX,
            Text("Add the scope `users:read.email` and reinstall the Slack app."),
            code="missing_scope",
        )
    return decisions.missing(people, tally.summary())


async def _members(call: CommandContext, place: str) -> Collection[str]:
    if group := references.group(place):
        found: Collection[str] = await call.services.access.group_members(group)
    else:
        channel = await call.services.channels.look_up_for(call.asker.user_id, place[2:-1])
        found = await call.services.channels.members(channel.id)
    if len(found) > MOST:
        many = {"place": place, "number": Number(len(found)), "most": Number(MOST)}
        raise UserInputError(
            Text("{place} has {number} people, and I compare {most} at most.", **many), Text("Name a smaller group.")
        )
    return found


async def _may_use(call: CommandContext, question: ReportQuery, user_id: str) -> bool:
    """Return whether a person could get the build by being asked: they are asked in their direct messages."""
    try:
        asker = await call.services.access.resolve_actor(call.asker.team_id, user_id, None)
        await replace(call, required_role=Role.MEMBER).authorize_app(question.app, asker)
    except PermissionDenied:
        return False
    return True
