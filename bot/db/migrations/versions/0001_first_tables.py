"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
WAITING = sa.text("state IN ('due', 'sending')")


def upgrade() -> None:
    """Make them; every instant is integer microseconds since 1970, UTC."""
    _watching()
    _telling()
    _remembering()


def _watching() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("app_name", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("paused", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.UniqueConstraint("channel_id", "app_id", name="uq_subscriptions_channel_id_app_id"),
    )
    op.create_index("ix_subscriptions_app_id", "subscriptions", ["app_id"])
    op.create_table(
        "apps",
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("lease_token", sa.Text),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("rung", sa.Boolean, nullable=False),
        sa.Column("baseline_done", sa.Boolean, nullable=False),
        sa.Column("baseline_since", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_polled_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("app_id", name="pk_apps"),
    )
    op.create_index("ix_apps_next_at", "apps", ["next_at"])
    op.create_table(
        "builds",
        sa.Column("build_id", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("build_id", name="pk_builds"),
    )
    op.create_index("ix_builds_app_id_stage", "builds", ["app_id", "stage"])


def _telling() -> None:
    op.create_table(
        "channels",
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("waiting", sa.Boolean, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("lease_token", sa.Text),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", name="pk_channels"),
    )
    waiting = sa.text("waiting")
    op.create_index("ix_channels_waiting", "channels", ["next_at"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_channels_lease_token", "channels", ["lease_token"])
    op.create_table(
        "announcements",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("build_id", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("unsure", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("first_attempt_at", sa.BigInteger),
        sa.Column("ts", sa.Text),
        sa.Column("posted_at", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_announcements"),
        sa.UniqueConstraint("channel_id", "build_id", "event", name="uq_announcements_channel_id_build_id_event"),
    )
    op.create_index(
        "ix_announcements_waiting",
        "announcements",
        ["channel_id", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index("ix_announcements_last_post", "announcements", ["channel_id", "app_id", "posted_at"])


def _remembering() -> None:
    op.create_table(
        "audit",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("door", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text),
        sa.Column("app_id", sa.Text),
        sa.Column("build_id", sa.Text),
        sa.Column("token_hash", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_user_id_at", "audit", ["user_id", "at"])
    op.create_index("ix_audit_app_id_at", "audit", ["app_id", "at"])
    op.create_table(
        "seen_events",
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_seen_events"),
    )
    op.create_index("ix_seen_events_seen_at", "seen_events", ["seen_at"])
    op.create_table(
        "notes",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_notes"),
    )


def downgrade() -> None:
    """Drop them all, and what is remembered with them."""
    for table in ("notes", "seen_events", "audit", "announcements", "channels", "builds", "apps", "subscriptions"):
        op.drop_table(table)
