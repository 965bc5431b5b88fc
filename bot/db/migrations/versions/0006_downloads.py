"""Download summaries: digests, the managers' channels, and who was asked to try a build."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make them; every instant is integer microseconds since 1970, UTC."""
    op.create_table(
        "digests",
        sa.Column("id", ROW_ID, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("team_id", "place", "app_id", "app_name", "which", "by", "schedule", "tz")
        ),
        sa.Column("quiet", sa.Boolean, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("told_until", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("lease_token", sa.Text),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("paused", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_digests"),
        sa.UniqueConstraint(
            "place", "app_id", "which", "by", "schedule", name="uq_digests_place_app_id_which_by_schedule"
        ),
    )
    op.create_index("ix_digests_due_at", "digests", ["due_at"])
    _small_ones()


def _small_ones() -> None:
    op.create_table(
        "manager_channels",
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", name="pk_manager_channels"),
    )
    op.create_table(
        "nudges",
        sa.Column("build_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("sent_by", sa.Text, nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("build_id", "user_id", name="pk_nudges"),
    )
    op.create_table(
        "unnudged",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_unnudged"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("unnudged", "nudges", "manager_channels", "digests"):
        op.drop_table(table)
