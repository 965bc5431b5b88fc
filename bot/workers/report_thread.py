"""Post a report: its headline and its thread, each once, even after an attempt with unknown outcome."""

from __future__ import annotations

from collections.abc import Collection

from bot.db.outbox_types import DeliveryClaim
from bot.db.serialization import forecast_of, report_of
from bot.domain import scheduled_reports
from bot.domain.model import Delivery, ReportKind
from bot.exceptions import DeliveryUnknown, SlackError, SlackRateLimited
from bot.observability.logging import logger
from bot.slack.blocks import Message
from bot.slack.client import MessageRef, SlackClient
from bot.slack.message_lookup import SearchPeriod
from bot.slack.views import forecast, scheduled_report

log = logger(__name__)


async def post_thread(slack_client: SlackClient, claim: DeliveryClaim, found: str | None) -> str:
    """Post the report of a claim with its thread; return the headline's ts. Raises as `SlackClient.post` does.

    `found` is the ts of a headline posted before a crash: then only the missing messages of its thread are posted. Once
    the headline is posted, every failure leaves an unknown outcome: the next attempt checks again.
    """
    announcement = claim.announcement
    message = _message(announcement)
    if found is None:
        posted = await slack_client.post(
            announcement.channel_id, message, key=announcement.key, before=claim.deadline_monotonic
        )
    else:
        posted = MessageRef(announcement.channel_id, found)
    keys = [f"{announcement.key}:{number}" for number in range(1, len(message.thread) + 1)]
    try:
        there = {} if found is None else await _posted_keys(slack_client, announcement.channel_id, keys, found)
        for key, below in zip(keys, message.thread, strict=True):
            if there is not None and key not in there:
                await slack_client.post(
                    posted.channel, below, thread_ts=posted.ts, key=key, before=claim.deadline_monotonic
                )
    except SlackRateLimited as error:
        raise DeliveryUnknown(code=error.code) from error
    return posted.ts


def _message(announcement: Delivery) -> Message:
    """Return the message: a report with its thread, or a forecast."""
    if scheduled_reports.kind_of(announcement.key) is ReportKind.FORECAST:
        return forecast.forecast(forecast_of(announcement.fact))
    return scheduled_report.summary(report_of(announcement.fact))


async def _posted_keys(
    slack_client: SlackClient, channel: str, keys: Collection[str], thread_ts: str
) -> Collection[str] | None:
    """Return which of the keys are in a thread, read once; None when it cannot be read."""
    try:
        return await slack_client.find_messages(channel, keys, (SearchPeriod(float(thread_ts)),), thread_ts=thread_ts)
    except (DeliveryUnknown, SlackRateLimited):
        raise
    except SlackError as error:
        # without the history scope the headline could not be found either
        log.info("threads.cannot_look_up", code=error.code)
        return None
