"""Bisects in channels, and what testers said of their builds."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables; every instant is integer microseconds since 1970, UTC."""
    op.create_table(
        "bisections",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("team_id", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("thread_ts", sa.Text),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("app_id", "app_slug", "app_name", "platform", "builds", "steps", "gone", "state")
        ),
        sa.Column("running_for", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("voted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bisections"),
        sa.UniqueConstraint("channel_id", "running_for", name="uq_bisections_channel_id_running_for"),
    )
    op.create_index("ix_bisections_state_voted_at", "bisections", ["state", "voted_at"])
    op.create_table(
        "bisection_verdicts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("bisection_id", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("build_id", "user_id", "verdict")),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bisection_verdicts"),
        sa.UniqueConstraint(
            "bisection_id", "build_id", "user_id", name="uq_bisection_verdicts_bisection_id_build_id_user_id"
        ),
    )
    op.create_index("ix_bisection_verdicts_user_id", "bisection_verdicts", ["user_id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("bisection_verdicts", "bisections"):
        op.drop_table(table)
