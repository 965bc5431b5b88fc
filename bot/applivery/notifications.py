"""The workspace's webhook subscriptions, and the body that adds the bot's."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.slack_imports import SlackAnnouncement

# A webhook only triggers a poll, so these two events are enough.
EVENTS = ("buildCreated", "buildProcessed")
LONGEST_URL = 500  # of the workspace's webhooks; 256 for those of a single app
DESCRIPTION = "Applivery bot for Slack"


@dataclass(frozen=True, slots=True)
class WebhookSubscription:
    """A subscription: the webhook's URL or the Slack channel (the other is None), and the enabled events."""

    id: str
    url: str | None = field(repr=False)
    events: frozenset[str]
    slack: SlackAnnouncement | None = None


def subscription_body(url: str) -> dict[str, object]:
    """Return the body that subscribes `url` to the events the bot uses.

    https://docs.applivery.com/en/api/workspace/organization-notifications/
    """
    return {
        "type": "webhook",
        "description": DESCRIPTION,
        "events": dict.fromkeys(EVENTS, True),
        "setup": {"webhook": {"url": url}},
    }
