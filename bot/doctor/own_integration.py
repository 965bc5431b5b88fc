"""Check whether Applivery's own Slack integration also announces in the bot's channels."""

from __future__ import annotations

from bot.db import subscriptions
from bot.doctor import database
from bot.doctor.context import CheckContext
from bot.doctor.results import CheckResult, skipped, warning
from bot.domain.slack_imports import Here, ImportCandidate, Obstacle, candidates
from bot.exceptions import AppliveryError, BotError
from bot.observability.causes import cause

OWN = "Applivery's own Slack app"
IMPORT = "To take over its channels, an admin types `{command} subscriptions import` in Slack."


async def own_integration(case: CheckContext) -> list[CheckResult]:
    """List the channels in which both announce, and how to import the others; no result if it isn't used.

    Applivery lists the subscriptions of the whole workspace, not those of single apps.
    """
    try:
        found = [item.slack for item in await case.applivery.notifications() if item.slack]
    except AppliveryError:
        return []  # reported by the check of the permission
    store = await database.readable(case)
    if not found or store is None:
        return [skipped(OWN, "needs the database.")] if found else []
    try:
        own = await case.poster.identity()
        here = Here({own.team_id, own.team, own.enterprise_id} - {""}, await case.poster.own_channels())
        there = candidates(found, here)
        named = {each.channel_id for each in there if each.channel_id}
        subscribed = await store.run(subscriptions.find_subscribed, named)
    except BotError as problem:
        return [skipped(OWN, f"Slack doesn't share the bot's channels ({cause(problem)}).")]
    return _compared(case, there, subscribed)


def _compared(case: CheckContext, found: list[ImportCandidate], subscribed: set[str]) -> list[CheckResult]:
    offer = IMPORT.format(command=case.settings.slack_command)
    ready = [candidate for candidate in found if candidate.obstacle is None]
    both = [candidate for candidate in ready if candidate.channel_id in subscribed]
    others = [candidate for candidate in ready if candidate.channel_id not in subscribed]
    unnamed = sum(candidate.obstacle is Obstacle.UNNAMED for candidate in found)
    results = []
    if both:
        fix = f"Turn it off there: Applivery → Workspace Settings → Integrations. {offer}"
        results.append(warning(OWN, f"announces in {_named(both)} too: two messages for each build.", fix))
    if others:
        results.append(skipped(OWN, f"announces in {_named(others)}, and the bot doesn't.", offer))
    if unnamed:
        results.append(skipped(OWN, f"announces in {unnamed} more, which Applivery doesn't name."))
    return results or [skipped(OWN, "announces in channels that the bot isn't in.", offer)]


def _named(found: list[ImportCandidate]) -> str:
    return ", ".join(f"#{candidate.announcement.name}" for candidate in found)
