"""Import the channels in which Applivery's own Slack integration announces builds."""

from __future__ import annotations

from bot.applivery.client import AppliveryClient
from bot.db import subscriptions
from bot.db.database import Database
from bot.db.types import EVERY_APP
from bot.domain import slack_imports
from bot.domain.slack_imports import Here, ImportCandidate
from bot.slack.client import SlackClient


class SlackImportService:
    """Compares Applivery's list of Slack channels with the bot's subscriptions."""

    def __init__(self, applivery: AppliveryClient, slack_client: SlackClient, store: Database) -> None:
        self._applivery = applivery
        self._slack_client = slack_client
        self._store = store

    async def candidates(self) -> list[ImportCandidate]:
        """Return Applivery's channels, each with the obstacle to its import. Raises AppliveryError, SlackError."""
        found = [item.slack for item in await self._applivery.notifications() if item.slack]
        if not found:
            return []
        own = await self._slack_client.identity()
        channels = await self._slack_client.own_channels()
        every = await self._store.run(subscriptions.list_subscriptions, about=EVERY_APP)
        subscribed = {subscription.channel_id for subscription in every}
        teams = {own.team_id, own.team, own.enterprise_id} - {""}
        return slack_imports.candidates(found, Here(teams, channels, subscribed))
