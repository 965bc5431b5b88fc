"""Goals: a share of a group that is to have a build by a deadline, how it went, and who was asked for it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables; every time is integer microseconds since 1970, UTC."""
    before = (
        "team_id",
        "channel_id",
        "app_id",
        "app_name",
        "build_ref",
        "what",
        "group_id",
        "members_of",
        "place_name",
    )
    op.create_table(
        "goals",
        sa.Column("id", ROW_ID, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in before),
        sa.Column("percent", sa.Integer, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("deadline", sa.BigInteger, nullable=False),
        sa.Column("tz", sa.Text, nullable=False),
        sa.Column("asks", sa.Boolean, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=False),
        sa.Column("frozen", sa.Boolean, nullable=False),
        sa.Column("paused", sa.Text),
        sa.Column("card_ts", sa.Text),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("lease_token", sa.Text),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_goals"),
        sa.UniqueConstraint("channel_id", "app_id", "build_ref", "group_id", "members_of", "ended_at", name="uq_goals"),
    )
    running = sa.text("NOT frozen")
    op.create_index("ix_goals_running", "goals", ["due_at"], sqlite_where=running, postgresql_where=running)
    op.create_index("ix_goals_app_id", "goals", ["app_id"])
    _history()


def _history() -> None:
    op.create_table(
        "goal_samples",
        sa.Column("goal_id", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("have", "total", "unknown")),
        sa.PrimaryKeyConstraint("goal_id", "at", name="pk_goal_samples"),
    )
    op.create_table(
        "goal_requests",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("goal_id", sa.BigInteger, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "day", name="pk_goal_requests"),
    )
    op.create_index("ix_goal_requests_goal_id", "goal_requests", ["goal_id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("goal_requests", "goal_samples", "goals"):
        op.drop_table(table)
