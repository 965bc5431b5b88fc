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
from bot.i18n import NO_TEXT, Number, Text, gettext_noop, use_locale
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
    await call.services.installation.require_scope("users:read.email")
    question = await _of_a_build(call, question)
    gap = await _compared(call, question, place)
    typed = await call.services.drafts.store(
        f"{question.typed} {grammar.explain(grammar.ParsedText((), (KeyValue('missing', place),)))}"
    )
    able = await _able(call, question, gap)
    ask = (await call.services.nudges.askable(question.builds[0], able))[:ASKED_AT_ONCE]
    names = cards.names(question.what, place, gap, typed=typed, ask=ask, asker=call.asker.user_id)
    if question.email is None and await call.services.channels.may_name_people(call.asker.channel_id):
        await call.require_postable_here(ABOUT_PEOPLE)
        with use_locale(call.services.language):
            what = about(question, question.builds).what
            shown = replace(cards.headline(what, place, gap), thread=(cards.counts(gap),)).to_channel()
        return replace(shown, copies=((call.asker.user_id, names),))
    return replace(cards.headline(question.what, place, gap), thread=(names,))


@button("nudge.v1", need=Role.MANAGER, once=True, act=gettext_noop("ask people to try builds"))
async def nudge(call: CommandContext, value: str) -> Message:
    """*Ask 12 people*: one direct message for each build and person, and none to users who opted out."""
    typed = grammar.parse(value)
    question = await _of_a_build(call, await report_query.again(call, value))
    place = _mention(next(iter(typed.values("missing")), ""))
    gap = await _compared(call, question, place)
    lack, able = _others(call, gap), await _able(call, question, gap)
    build = question.builds[0]
    asked = await call.services.nudges.record(call.asker, call.entrypoint, build, able, limit=ASKED_AT_ONCE)
    waiting = len(able) - 1 - able.index(asked[-1]) if len(asked) == ASKED_AT_ONCE else 0
    skipped = len(able) - len(asked) - waiting
    message = cards.nudged(
        question.what,
        len(asked),
        skipped=skipped,
        without_access=len(lack) - len(able),
        waiting=waiting,
        typed=value,
    )
    return replace(message, copies=tuple([(person, await _nudging(call, question, person)) for person in asked]))


async def _nudging(call: CommandContext, question: ReportQuery, person: str) -> Message:
    """Return the message to one of them, in their language."""
    with use_locale(await call.services.access.language(person)):
        return cards.nudge(question.builds, call.asker.user_id)


@button("unnudge.v1", need=Role.MEMBER)
async def stop(call: CommandContext, value: str) -> Message:
    """*Don't ask me again*, for all builds."""
    await call.services.nudges.opt_out(call.asker.user_id)
    return cards.opted_out()


@button("renudge.v1", need=Role.MEMBER, replaces_message=True)
async def resume(call: CommandContext, value: str) -> Message:
    """*Undo*, after *Don't ask me again*."""
    await call.services.nudges.opt_in(call.asker.user_id)
    return cards.opted_in()


def _mention(whom: str) -> str:
    """Return the group or channel as Slack writes it, without its name."""
    if group := references.group(whom):
        return f"<!subteam^{group}>"
    if channel := references.channel(whom):
        return f"<#{channel}>"
    raise UserInputError(
        Text("I couldn't find “{typed}”.", typed=whom[:60]),
        Text("Pick a user group or channel from Slack's list."),
    )


async def _of_a_build(call: CommandContext, question: ReportQuery) -> ReportQuery:
    """Return what they are to have: what was named, else each platform's newest version."""
    if question.builds:
        return question
    builds = await call.services.reports.newest_builds(question.app)
    if not builds:
        raise UserInputError(Text("No builds of {app} are ready yet.", app=verbatim(question.app.name)), NO_TEXT)
    return about(question, builds)


async def _compared(call: CommandContext, question: ReportQuery, place: str) -> DownloadGap:
    people, tally = await asyncio.gather(
        call.services.access.emails(await _members(call, place)),
        call.services.reports.count_downloads(question, question.period),
    )
    if people and not any(people.values()):
        raise SlackError(
            Text("I can't see email addresses in Slack, so I can't compare people."),
            ADMINS_FIX,
            Text("Add the scope `users:read.email` and reinstall the Slack app."),
            code="no_emails",
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
            Text("{place} has {number} people. The limit is {most}.", **many), Text("Pick a smaller group.")
        )
    return found


def _others(call: CommandContext, gap: DownloadGap) -> list[str]:
    """Return who lacks the build besides the asker."""
    return [user_id for user_id in gap.lack if not call.asker.is_(user_id)]


async def _able(call: CommandContext, question: ReportQuery, gap: DownloadGap) -> list[str]:
    """Return those of them who may get the build."""
    return [user_id for user_id in _others(call, gap) if await _may_use(call, question, user_id)]


async def _may_use(call: CommandContext, question: ReportQuery, user_id: str) -> bool:
    """Return whether a person could get the build by being asked: they are asked in their direct messages."""
    try:
        asker = await call.services.access.resolve_actor(user_id, None)
        await replace(call, required_role=Role.MEMBER).authorize_app(question.app, asker)
    except PermissionDenied:
        return False
    return True
