"""The tables behind download summaries; every time is an `Instant`, every text from outside `Words`."""

from __future__ import annotations

import sqlalchemy as sa

from bot.db.types import Instant, RowId, Words, metadata

# In these channels a summary may name people.
manager_channels = sa.Table(
    "manager_channels",
    metadata,
    sa.Column("channel_id", Words, primary_key=True),
    sa.Column("set_by", Words, nullable=False),
    sa.Column("set_at", Instant, nullable=False),
)

# A summary that comes by itself. `told_until` is where the last one ended and the next one begins; `place` is a
# channel, or a person (U…) for their direct messages.
digests = sa.Table(
    "digests",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("team_id", Words, nullable=False),
    sa.Column("place", Words, nullable=False),
    sa.Column("app_id", Words, nullable=False),
    sa.Column("app_name", Words, nullable=False),
    sa.Column("which", Words, nullable=False),
    sa.Column("by", Words, nullable=False),
    sa.Column("schedule", Words, nullable=False),
    sa.Column("tz", Words, nullable=False),
    sa.Column("quiet", sa.Boolean, nullable=False),
    sa.Column("created_by", Words, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("told_until", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", Instant, nullable=False),
    sa.Column("paused", Words),
    sa.UniqueConstraint("place", "app_id", "which", "by", "schedule"),
    sa.Index(None, "due_at"),
)

# Who was asked to try which build: once each, for good.
nudges = sa.Table(
    "nudges",
    metadata,
    sa.Column("build_id", Words, primary_key=True),
    sa.Column("user_id", Words, primary_key=True),
    sa.Column("sent_by", Words, nullable=False),
    sa.Column("sent_at", Instant, nullable=False),
)

# Who does not want to be asked.
unnudged = sa.Table(
    "unnudged",
    metadata,
    sa.Column("user_id", Words, primary_key=True),
    sa.Column("since", Instant, nullable=False),
)
