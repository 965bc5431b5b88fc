"""Requests that Slack delivers again, or that are sent again by a third party: each is worked on once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial
from typing import Any

from bot.db import idempotency
from bot.db.database import Database
from bot.db.link_quota import LinkLimits
from bot.db.runner import StartOptions
from bot.domain.audit import Entrypoint
from bot.domain.outcomes import Arrival, RequestOutcome
from bot.observability.metrics import Metrics
from bot.slack.incoming import IncomingRequest

LOOK_SECONDS = 2.5  # beside the acknowledgement; a database that takes longer is away


def request_keys(request: IncomingRequest, body: dict[str, Any]) -> list[str]:
    """Return the keys that identify a request at every redelivery; few, since each is a row on the disk.

    Slack repeats commands, clicks and forms with the same trigger, and events with the same id:
    https://github.com/slackapi/bolt-js/issues/2487. What has neither is known by its envelope of Socket Mode, or by its
    signature, which is valid for five minutes and is of the trigger and the id too:
    https://docs.slack.dev/authentication/verifying-requests-from-slack.
    """
    keys = []
    if trigger := body.get("trigger_id"):
        keys.append(f"trigger {trigger}")
    if event_id := body.get("event_id"):
        keys.append(str(event_id))
    event = body.get("event") or {}
    if event.get("ts") and str(event.get("channel") or "").startswith("D"):
        # one message may be both an app_mention and a message.im
        keys.append(f"message {event['channel']} {event['ts']}")
    if not keys and request.envelope:
        keys.append(f"envelope {request.envelope}")
    if not keys and request.signature:
        keys.append(f"signature {request.signature}")
    return keys


class RequestDeduplicator:
    """Knows, over all replicas, what was delivered within a day."""

    def __init__(self, store: Database, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    def start_check(
        self,
        request: IncomingRequest,
        body: dict[str, Any],
        clicks: Collection[str] = (),
        link: LinkLimits | None = None,
    ) -> asyncio.Future[Arrival] | None:
        """Look up, during the acknowledgement, whether this request was here before; None when it has no keys.

        `clicks` are those in it that are answered once, and `link` what the user of the only one may have: the link
        that it asks for is counted. The future raises DatabaseUnavailable when the database does not
        answer in time: no answer is no leave, since it may have been done before.
        """
        known = sorted(request_keys(request, body))
        if not known and not clicks:
            return None
        # a link is given out after its audit entry is on the disk, and this with it; without that, the click may come
        # again
        how = StartOptions(LOOK_SECONDS, synced=link is None)
        look = self._store.start(how, idempotency.record_arrival, known, clicks, link)
        look.add_done_callback(partial(self._count_replay, Entrypoint.SOCKET if request.envelope else Entrypoint.HTTP))
        return look

    def _count_replay(self, entrypoint: Entrypoint, look: asyncio.Future[Arrival]) -> None:
        # the exception is read here: there may be nobody who waits for it
        if not look.cancelled() and look.exception() is None and look.result().is_replayed:
            self._metrics.requests.labels(entrypoint, "", RequestOutcome.REPLAYED).inc()
