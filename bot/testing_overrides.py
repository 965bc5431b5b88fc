"""Internal timing parameters; overridden in tests and benchmarks only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.applivery.upload import UploadTimeouts
from bot.slack.client import HTTP_SECONDS
from bot.system_clock import utc_now
from bot.web.connections import ConnectionLimits
from bot.workers import build_poller, outbox_dispatcher, progress_updater, scheduled_reports


@dataclass(frozen=True, slots=True)
class TestingOverrides:
    """Intervals, leases, timeouts, the clock."""

    pace_seconds: float = 1.0
    lease_seconds: float = outbox_dispatcher.LEASE_SECONDS
    watch_lease_seconds: float = build_poller.LEASE_SECONDS
    digest_lease_seconds: float = scheduled_reports.LEASE_SECONDS
    slack_seconds: float = HTTP_SECONDS
    applivery_seconds: float = 30.0
    progress_seconds: float = progress_updater.EVERY_SECONDS
    endurance: UploadTimeouts = field(default_factory=UploadTimeouts)
    limits: ConnectionLimits = field(default_factory=ConnectionLimits.of_this_process)
    clock: Callable[[], datetime] = utc_now
