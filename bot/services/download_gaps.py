"""Which users of a group or channel have downloaded a build, which have not, and which of those may get it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from bot.domain import access as permissions
from bot.domain import downloads as decisions
from bot.domain import lookup, references
from bot.domain.downloads import DownloadGap
from bot.domain.model import App, Role
from bot.exceptions import ADMINS_FIX, PermissionDenied, SlackError, UserInputError
from bot.i18n import Number, Text
from bot.i18n.verbatim import verbatim
from bot.services.access import AccessResolver
from bot.services.channels import ChannelService
from bot.services.report_query import about
from bot.services.reports import ReportBuilder, ReportQuery
from bot.slack.errors import NO_GROUP

MOST = 500  # users, each of which needs a request to Slack


class DownloadGapService:
    """Compares the users of a group or channel with Applivery's download log.

    A place is Slack's mention of a user group or channel. Methods raise errors of Slack and Applivery, and
    DatabaseUnavailable.
    """

    def __init__(self, access: AccessResolver, channels: ChannelService, reports: ReportBuilder) -> None:
        self._access = access
        self._channels = channels
        self._reports = reports

    def in_background(self) -> DownloadGapService:
        """Return this service with the priority of a worker."""
        return DownloadGapService(self._access, self._channels, self._reports.in_background())

    async def of_builds(self, query: ReportQuery) -> ReportQuery:
        """Return the builds that users should have: those named, else each platform's newest version.

        Raises UserInputError when nothing is ready.
        """
        if query.builds:
            return query
        builds = await self._reports.newest_builds(query.app)
        if not builds:
            raise UserInputError(
                Text("No builds of {app} are ready yet.", app=verbatim(query.app.name)),
                commands=lookup.see_builds(query.app),
            )
        return about(query, builds)

    async def compare(self, query: ReportQuery, place: str, viewer: str) -> DownloadGap:
        """Return which users of a place have the builds of a query; `viewer` must be able to see the channel.

        Raises UserInputError for a place with too many people.
        """
        people, tally = await asyncio.gather(
            self._access.emails(await self._members(place, viewer)),
            self._reports.count_downloads(query, query.period),
        )
        if people and not any(people.values()):
            raise SlackError(
                Text("I can't see email addresses in Slack, so I can't compare people."),
                ADMINS_FIX,
                Text("Add the scope `users:read.email` and reinstall the Slack app."),
                code="no_emails",
            )
        return decisions.missing(people, tally.summary())

    async def _members(self, place: str, viewer: str) -> Collection[str]:
        found: Collection[str]
        if group := references.group(place):
            found = await self._group_members(group)
        else:
            channel = await self._channels.look_up_for(viewer, place[2:-1])
            found = await self._channels.members(channel.id)
        if len(found) > MOST:
            many = {"place": place, "number": Number(len(found)), "most": Number(MOST)}
            raise UserInputError(
                Text("{place} has {number} people. The limit is {most}.", **many), Text("Pick a smaller group.")
            )
        return found

    async def _group_members(self, group: str) -> Collection[str]:
        try:
            return await self._access.group_members(group)
        except SlackError as error:
            if error.code not in NO_GROUP:
                raise
            raise UserInputError(
                Text("I can't see that user group."), Text("Pick a user group or channel from Slack's list.")
            ) from error

    async def able(self, app: App, people: Collection[str]) -> list[str]:
        """Return which users may get a build of an app in their direct messages."""
        allowed = (await self._channels.app_lists()).get(app.id, frozenset())
        return [user_id for user_id in people if await self._may_use(user_id, app, allowed)]

    async def _may_use(self, user_id: str, app: App, allowed: Collection[str]) -> bool:
        try:
            permissions.require_for(await self._access.resolve_actor(user_id, None), Role.MEMBER, app, allowed)
        except PermissionDenied:
            return False
        return True
