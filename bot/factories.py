"""Create the parts that depend only on settings: Applivery's client, Slack's client, the claim page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

import aiohttp

from bot.applivery.client import AppliveryClient
from bot.applivery.hosts import AppliveryHosts
from bot.applivery.rate_budget import RequestBudget
from bot.db.database import Database
from bot.domain.colleagues import ColleagueRule
from bot.domain.model import Role
from bot.observability.metrics import Metrics
from bot.observability.redaction import redactor
from bot.services.access import AccessResolver
from bot.services.device_history import DeviceHistory
from bot.services.permissions import PermissionChecker
from bot.setting_values import networks
from bot.slack.client import SlackClient
from bot.slack.group_homes import GroupHomes
from bot.slack.refused_blocks import RefusedBlocks
from bot.testing_overrides import TestingOverrides
from bot.web.claim.page import ClaimPage

if TYPE_CHECKING:
    from bot.settings import Settings


def learn_secrets(settings: Settings) -> None:
    """Redact the secrets of these settings in all later log lines."""
    for secret in (
        settings.slack_bot_token,
        settings.slack_app_token,
        settings.slack_signing_secret,
        settings.applivery_token,
        settings.applivery_webhook_secret,
    ):
        redactor.learn(secret.get_secret_value() if secret else None)
    written = re.search(r"://[^/@]*?:([^/@]*)@", settings.database_url)  # the password of the database
    if written:
        redactor.learn(written[1], unquote(written[1]))


@asynccontextmanager
async def applivery_of(
    settings: Settings, tuning: TestingOverrides, metrics: Metrics
) -> AsyncIterator[AppliveryClient]:
    """Yield Applivery's client for these settings; it is closed at the end of the block."""
    budget = RequestBudget(settings.applivery_requests_per_hour)
    metrics.budget_left.set_function(lambda: budget.left)
    client = AppliveryClient(
        hosts=AppliveryHosts.of_tenant(
            settings.applivery_tenant,
            api=settings.applivery_api_url,
            upload=settings.applivery_upload_url,
            download=settings.applivery_download_url,
            dashboard=settings.applivery_dashboard_url,
        ),
        organization=settings.applivery_organization,
        token=settings.applivery_token.get_secret_value(),
        budget=budget,
        timeout=tuning.applivery_seconds,
        timeouts=tuning.endurance,
        observe=metrics.asked,
        clock=tuning.clock,
    )
    async with client:
        yield client


def poster_of(
    settings: Settings,
    tuning: TestingOverrides,
    session: aiohttp.ClientSession,
    store: Database | None = None,
    installation: str = "",
) -> SlackClient:
    """Return Slack's client for these settings; `store` has the known data about the workspace.

    `installation` is the tag of messages by which they are found again.
    """
    return SlackClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=f"{settings.slack_api_url}/",
        session=session,
        pace=tuning.pace_seconds,
        refused=RefusedBlocks(store, tuning.clock) if store else None,
        group_homes=GroupHomes(store),
        app_name=settings.slack_app_name,
        installation=installation,
    )


def people_of(settings: Settings, slack_client: SlackClient, store: Database) -> AccessResolver:
    """Return the resolver of Slack's users with the roles of these settings and the grants."""
    return AccessResolver(
        slack_client,
        store,
        admins=settings.access_admins,
        default=Role[settings.access_default_role.upper()],
        language=settings.language,
        rule=ColleagueRule(settings.access_org),
    )


def claim_page(
    settings: Settings,
    tuning: TestingOverrides,
    *,
    applivery: AppliveryClient,
    store: Database,
    metrics: Metrics,
    permission: PermissionChecker,
    devices: DeviceHistory,
) -> ClaimPage | None:
    """Return the claim page; None without a public address."""
    if settings.public_url is None:
        return None
    life_seconds = settings.ticket_minutes * 60
    return ClaimPage(
        applivery,
        store,
        metrics,
        tuning.clock,
        settings.public_url,
        permit=permission.require_ticket_holder,
        devices=devices,
        life_seconds=life_seconds,
        language=settings.language,
        trusted_proxies=networks(settings.trusted_proxies),
    )
