"""The workspace's webhook subscriptions, and the body that adds ours."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.slack_imports import SlackAnnouncement

# A webhook triggers a poll and is not trusted. So these two are enough for all events of subscriptions.
EVENTS = ("buildCreated", "buildProcessed")
LONGEST_URL = 500  # of the workspace's; one for a single app may have 256
DESCRIPTION = "Applivery bot for Slack"


@dataclass(frozen=True, slots=True)
class WebhookSubscription:
    """A subscription: the webhook's address or the Slack channel (None: it is none), and the flags that are on."""

    id: str
    url: str | None = field(repr=False)
    events: frozenset[str]
    slack: SlackAnnouncement | None = None


def doorbell(url: str) -> dict[str, object]:
    """Return the body that subscribes `url` to the events the bot uses.

    https://docs.applivery.com/en/api/workspace/organization-notifications/
    """
    return {
        "type": "webhook",
        "description": DESCRIPTION,
        "events": dict.fromkeys(EVENTS, True),
        "setup": {"webhook": {"url": url}},
    }
