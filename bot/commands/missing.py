"""`missing:` of `downloads`: who has not downloaded a build yet, and a reminder to try it."""

from __future__ import annotations

from dataclasses import replace

from bot.commands import report_query
from bot.dispatch.context import CommandContext
from bot.dispatch.registry import button
from bot.domain import grammar, mentions, references
from bot.domain.downloads import DownloadGap
from bot.domain.grammar import KeyValue
from bot.domain.model import Role
from bot.i18n import gettext_noop, use_locale
from bot.services.channels import ABOUT_PEOPLE
from bot.services.report_query import about
from bot.services.reports import ReportQuery
from bot.slack.blocks import Message
from bot.slack.views import missing as cards

ASKED_AT_ONCE = 100


async def who_lacks(call: CommandContext, question: ReportQuery, whom: str) -> Message:
    """Count how many people of a group or channel have a build; only the user sees names."""
    place = await _place(call, whom)
    await call.services.installation.require_scope("users:read.email")
    question = await call.services.gaps.of_builds(question)
    gap, names = await names_of(call, question, place)
    if question.email is None and await call.services.channels.may_name_people(call.asker.channel_id):
        await call.require_postable_here(ABOUT_PEOPLE)
        with use_locale(call.services.language):
            what = about(question, question.builds).what
            shown = replace(cards.headline(what, place, gap), thread=(cards.counts(gap),)).to_channel()
        return replace(shown, copies=((call.asker.user_id, names),))
    return replace(cards.headline(question.what, place, gap), thread=(names,))


async def _place(call: CommandContext, typed: str) -> str:
    """Return a channel or user group as Slack writes it; a group that is only typed is found by its handle.

    Raises UserInputError.
    """
    if not typed or typed.startswith(("<", "#")):
        return references.place(typed)
    return f"<!subteam^{mentions.named(typed, await call.services.channels.group_handles())}>"


async def names_of(call: CommandContext, question: ReportQuery, place: str) -> tuple[DownloadGap, Message]:
    """Return how many of these people have the builds, and the names of the others, for the user alone."""
    gap = await call.services.gaps.compare(question, place, call.asker.user_id)
    typed = await call.services.drafts.store(
        f"{question.typed} {grammar.explain(grammar.ParsedText((), (KeyValue('missing', place),)))}"
    )
    able = await _able(call, question, gap)
    ask = (await call.services.nudges.askable(question.builds[0], able))[:ASKED_AT_ONCE]
    return gap, cards.names(question.what, place, gap, typed=typed, ask=ask, asker=call.asker.user_id)


@button("nudge.v1", need=Role.MANAGER, once=True, act=gettext_noop("ask people to try builds"))
async def nudge(call: CommandContext, value: str) -> Message:
    """*Ask 12 people*: at most one direct message per build and person, and none to users who opted out."""
    typed = grammar.parse(value)
    question = await call.services.gaps.of_builds(await report_query.again(call, value))
    place = references.place(next(iter(typed.values("missing")), ""))
    gap = await call.services.gaps.compare(question, place, call.asker.user_id)
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
    """Return the message to one person, in their language."""
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


def _others(call: CommandContext, gap: DownloadGap) -> list[str]:
    """Return the people without the build, except the user."""
    return [user_id for user_id in gap.lack if not call.asker.is_(user_id)]


async def _able(call: CommandContext, question: ReportQuery, gap: DownloadGap) -> list[str]:
    """Return the people without the build who may get it."""
    return await call.services.gaps.able(question.app, _others(call, gap))
