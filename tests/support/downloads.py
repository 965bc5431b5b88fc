"""Summaries of given rows."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.downloads import DownloadAggregator, DownloadSummary
from bot.domain.model import MemberDownloads


def summarise(rows: Iterable[MemberDownloads], tz: str = "UTC") -> DownloadSummary:
    """Return the summary of `rows`; `tz` is the zone whose days are counted."""
    aggregator = DownloadAggregator(tz)
    for row in rows:
        aggregator.add(row)
    return aggregator.summary()
