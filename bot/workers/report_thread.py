"""Post a summary: its headline and its thread, each once, also after an attempt with unknown outcome."""

from __future__ import annotations

from bot.db.outbox_types import DeliveryClaim
from bot.db.serialization import report_of
from bot.exceptions import DeliveryUnknown, SlackError, SlackRateLimited
from bot.observability.logging import logger
from bot.slack.client import MessageRef, SlackClient
from bot.slack.views import scheduled_report

log = logger(__name__)


async def post_thread(slack_client: SlackClient, claim: DeliveryClaim, found: str | None) -> str:
    """Post the summary of a claim with its thread; returns the headline's ts. Raises as `SlackClient.post` does.

    `found` is the ts of a headline that was posted before its sender died: then only what its thread lacks is posted.
    Once the headline is posted, every failure leaves the outcome unsure: the next attempt looks again.
    """
    announcement = claim.announcement
    message = scheduled_report.summary(report_of(announcement.fact))
    if found is None:
        posted = await slack_client.post(
            announcement.channel_id, message, key=announcement.key, before=claim.deadline_monotonic
        )
    else:
        posted = MessageRef(announcement.channel_id, found)
    for number, below in enumerate(message.thread, 1):
        key = f"{announcement.key}:{number}"
        try:
            if found is None or not await _is_posted(slack_client, claim, key, found):
                await slack_client.post(
                    posted.channel, below, thread_ts=posted.ts, key=key, before=claim.deadline_monotonic
                )
        except SlackRateLimited as error:
            raise DeliveryUnknown(code=error.code) from error
    return posted.ts


async def _is_posted(slack_client: SlackClient, claim: DeliveryClaim, key: str, thread_ts: str) -> bool:
    try:
        channel = claim.announcement.channel_id
        return await slack_client.find_message(channel, key, claim.first_attempt_at, thread_ts=thread_ts) is not None
    except DeliveryUnknown:
        raise
    except SlackError as error:
        # without the history scope the headline could not have been found either
        log.info("threads.cannot_look_up", code=error.code)
        return True
