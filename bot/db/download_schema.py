"""The tables behind download summaries; every time is a `UtcMicros`, every text from outside `SanitizedText`."""

from __future__ import annotations

import sqlalchemy as sa

from bot.db.types import ChannelId, EnumText, RowId, SanitizedText, UtcMicros, metadata
from bot.domain.model import ReportKind

# In these channels a summary may name people.
manager_channels = sa.Table(
    "manager_channels",
    metadata,
    sa.Column("channel_id", ChannelId, primary_key=True),
    sa.Column("set_by", SanitizedText, nullable=False),
    sa.Column("set_at", UtcMicros, nullable=False),
)

# A scheduled report. `reported_until` is where the last one ended and the next one begins; `target_id` is a channel, or
# a user (U…) for their direct messages. A forecast is about every app where `app_id` is empty, so many days ahead; its
# `build_ref` is the word of its kind, which sets it apart from a report at the same time.
scheduled_reports = sa.Table(
    "scheduled_reports",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("team_id", SanitizedText, nullable=False),
    sa.Column("target_id", ChannelId, nullable=False),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("app_name", SanitizedText, nullable=False),
    sa.Column("build_ref", SanitizedText, nullable=False),
    sa.Column("group_by", SanitizedText, nullable=False),
    sa.Column("schedule", SanitizedText, nullable=False),
    sa.Column("tz", SanitizedText, nullable=False),
    sa.Column("skip_if_empty", sa.Boolean, nullable=False),
    sa.Column("created_by", SanitizedText, nullable=False),
    sa.Column("created_at", UtcMicros, nullable=False),
    sa.Column("reported_until", UtcMicros, nullable=False),
    sa.Column("due_at", UtcMicros, nullable=False),
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", UtcMicros, nullable=False),
    sa.Column("paused", SanitizedText),
    sa.Column("kind", EnumText(ReportKind), nullable=False, server_default=ReportKind.DOWNLOADS),
    sa.Column("horizon_days", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("target_id", "app_id", "build_ref", "group_by", "schedule", name="uq_scheduled_reports"),
    sa.Index(None, "due_at"),
)

# Who was asked to try which build: once each, for good.
nudges = sa.Table(
    "nudges",
    metadata,
    sa.Column("build_id", SanitizedText, primary_key=True),
    sa.Column("user_id", SanitizedText, primary_key=True),
    sa.Column("sent_by", SanitizedText, nullable=False),
    sa.Column("sent_at", UtcMicros, nullable=False),
)

# Who does not want to be asked.
nudge_opt_outs = sa.Table(
    "nudge_opt_outs",
    metadata,
    sa.Column("user_id", SanitizedText, primary_key=True),
    sa.Column("since", UtcMicros, nullable=False),
)
