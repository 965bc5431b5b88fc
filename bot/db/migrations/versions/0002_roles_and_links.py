"""Roles, allow-lists, links that were given and messages that expire."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make them; every instant is integer microseconds since 1970, UTC."""
    _permits()
    _handing()


def _permits() -> None:
    op.create_table(
        "grants",
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("grantee", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("granted_by", sa.Text, nullable=False),
        sa.Column("granted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("team_id", "grantee", "app_id", name="pk_grants"),
    )
    op.create_table(
        "app_channels",
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "channel_id", name="pk_app_channels"),
    )
    op.create_table(
        "role_requests",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("allowed", sa.Boolean),
        sa.PrimaryKeyConstraint("id", name="pk_role_requests"),
    )
    op.create_index("ix_role_requests_user_id_asked_at", "role_requests", ["user_id", "asked_at"])


def _handing() -> None:
    op.create_table(
        "given_links",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_given_links"),
    )
    op.create_index("ix_given_links_user_id_at", "given_links", ["user_id", "at"])
    op.create_table(
        "recent",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_recent"),
    )
    op.create_index("ix_recent_at", "recent", ["at"])
    op.create_table(
        "awaited",
        sa.Column("build_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("build_id", "user_id", name="pk_awaited"),
    )
    op.create_index("ix_awaited_app_id", "awaited", ["app_id"])
    op.create_table(
        "sent_builds",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("build_id", sa.Text, nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_sent_builds"),
    )
    op.create_table(
        "expiries",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("ts", sa.Text),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("build_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("again", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_expiries"),
    )
    op.create_index("ix_expiries_due_at", "expiries", ["due_at"])


def downgrade() -> None:
    """Drop them, and what is remembered with them."""
    for table in (
        "expiries",
        "sent_builds",
        "awaited",
        "recent",
        "given_links",
        "role_requests",
        "app_channels",
        "grants",
    ):
        op.drop_table(table)
