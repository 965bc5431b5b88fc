"""Tables of reports, goals and build requests; every time is a `UtcMicros`, untrusted text is `SanitizedText`."""

from __future__ import annotations

import sqlalchemy as sa

from bot.db.column_types import ChannelId, EnumText, RowId, SanitizedText, UtcMicros, metadata
from bot.domain.model import ReportKind
from bot.domain.model.failures import FailureCause
from bot.domain.states import GoalState

# Channels in which a report may name people.
manager_channels = sa.Table(
    "manager_channels",
    metadata,
    sa.Column("channel_id", ChannelId, primary_key=True),
    sa.Column("set_by", SanitizedText, nullable=False),
    sa.Column("set_at", UtcMicros, nullable=False),
)

# A scheduled report. `reported_until` is where the last one ended and the next one begins; `target_id` is a channel, or
# a user (U…) for their direct messages. A forecast is about every app where `app_id` is empty, so many days ahead; its
# `build_ref` is its kind, so that it differs from a report at the same time.
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
    sa.Index("ix_scheduled_reports_leased", "lease_token", sqlite_where=sa.text("lease_token IS NOT NULL")),
    sa.Index("ix_scheduled_reports_paused", "paused", sqlite_where=sa.text("paused IS NOT NULL")),
)

# A share of a group (`group_id`) or of a channel's people (`members_of`) that is to have a build: so many `people` if
# `percent` is 0. `ended_at` is 0 while it runs, `frozen` once its card shows the end; `card_ts` is that card.
goals = sa.Table(
    "goals",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("team_id", SanitizedText, nullable=False),
    sa.Column("channel_id", ChannelId, nullable=False),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("app_name", SanitizedText, nullable=False),
    sa.Column("build_ref", SanitizedText, nullable=False),
    sa.Column("what", SanitizedText, nullable=False),
    sa.Column("group_id", SanitizedText, nullable=False),
    sa.Column("members_of", ChannelId, nullable=False),
    sa.Column("place_name", SanitizedText, nullable=False),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("people", sa.Integer, nullable=False),
    sa.Column("deadline", UtcMicros, nullable=False),
    sa.Column("tz", SanitizedText, nullable=False),
    sa.Column("asks", sa.Boolean, nullable=False),
    sa.Column("created_by", SanitizedText, nullable=False),
    sa.Column("created_at", UtcMicros, nullable=False),
    sa.Column("state", EnumText(GoalState), nullable=False),
    sa.Column("ended_at", sa.BigInteger, nullable=False),
    sa.Column("frozen", sa.Boolean, nullable=False),
    sa.Column("paused", SanitizedText),
    sa.Column("card_ts", SanitizedText),
    sa.Column("due_at", UtcMicros, nullable=False),
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", UtcMicros, nullable=False),
    sa.UniqueConstraint("channel_id", "app_id", "build_ref", "group_id", "members_of", "ended_at", name="uq_goals"),
    sa.Index("ix_goals_leased", "lease_token", sqlite_where=sa.text("lease_token IS NOT NULL")),
    sa.Index("ix_goals_running", "due_at", sqlite_where=sa.text("NOT frozen")),
    sa.Index("ix_goals_frozen", "deadline", sqlite_where=sa.text("frozen")),
    sa.Index(None, "app_id"),
)

# The counts over time, for the chart.
goal_samples = sa.Table(
    "goal_samples",
    metadata,
    sa.Column("goal_id", sa.BigInteger, primary_key=True),
    sa.Column("at", UtcMicros, primary_key=True),
    sa.Column("have", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("unknown", sa.Integer, nullable=False),
)

# The users asked for a goal: once per local day over all goals, which the key ensures over all replicas.
goal_requests = sa.Table(
    "goal_requests",
    metadata,
    sa.Column("user_id", SanitizedText, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("goal_id", sa.BigInteger, nullable=False),
    sa.Column("asked_at", UtcMicros, nullable=False),
    sa.Index(None, "goal_id"),
    sa.Index(None, "asked_at"),
)

# The users asked to try a build: once per user and build, for good.
nudges = sa.Table(
    "nudges",
    metadata,
    sa.Column("build_id", SanitizedText, primary_key=True),
    sa.Column("user_id", SanitizedText, primary_key=True),
    sa.Column("sent_by", SanitizedText, nullable=False),
    sa.Column("sent_at", UtcMicros, nullable=False),
    sa.Index(None, "user_id"),
    sa.Index(None, "sent_at"),
)

# Why a build did not install, as a user answered. `answer_key` is a keyed hash of the user and the build: it counts a
# user once without identifying them.
install_failures = sa.Table(
    "install_failures",
    metadata,
    sa.Column("answer_key", sa.Text, primary_key=True),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("build_id", SanitizedText, nullable=False),
    sa.Column("cause", EnumText(FailureCause), nullable=False),
    sa.Column("at", UtcMicros, nullable=False),
    sa.Index("ix_install_failures_app_id", "app_id", "at"),
    sa.Index(None, "at"),
)

# The users who opted out of being asked.
nudge_opt_outs = sa.Table(
    "nudge_opt_outs",
    metadata,
    sa.Column("user_id", SanitizedText, primary_key=True),
    sa.Column("since", UtcMicros, nullable=False),
)
