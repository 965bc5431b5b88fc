"""Detect requests that Slack redelivers or a third party replays, so that each is handled once."""

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

LOOK_SECONDS = 2.5  # within the time of the acknowledgement; a slower database counts as unavailable


def request_keys(request: IncomingRequest, body: dict[str, Any]) -> list[str]:
    """Return the keys that identify a request at every redelivery; few, since each is a row in the database.

    Slack repeats commands, clicks and forms with the same trigger, and events with the same id:
    https://github.com/slackapi/bolt-js/issues/2487. A request with neither is identified by its Socket Mode envelope,
    or by its signature, which is valid for five minutes and covers the trigger and the id too:
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
    """Recognise, across all replicas, requests that were delivered within the last day."""

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
        """Start to look up, before the acknowledgement, if the request was handled before; None if it has no keys.

        `clicks` are the clicks in it that are answered once; `link` is the quota of the user, from which the link that
        the only click requests is reserved. The future raises DatabaseUnavailable if the database does not answer in
        time; the request must not be handled then, since it may have been before.
        """
        known = sorted(request_keys(request, body))
        if not known and not clicks:
            return None
        # a link is issued only after its audit entry is on disk, and this row with it: so this need not be synced
        # itself
        how = StartOptions(LOOK_SECONDS, synced=link is None)
        look = self._store.start(how, idempotency.record_arrival, known, clicks, link)
        look.add_done_callback(partial(self._count_replay, Entrypoint.SOCKET if request.envelope else Entrypoint.HTTP))
        return look

    def _count_replay(self, entrypoint: Entrypoint, look: asyncio.Future[Arrival]) -> None:
        # retrieve the exception here, as there may be no other consumer
        if not look.cancelled() and look.exception() is None and look.result().is_replayed:
            self._metrics.requests.labels(entrypoint, "", RequestOutcome.REPLAYED).inc()
