"""Typed texts that are too long for Slack."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make its table; every instant is integer microseconds since 1970, UTC."""
    op.create_table(
        "drafts",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_drafts"),
    )
    op.create_index("ix_drafts_expires_at", "drafts", ["expires_at"])


def downgrade() -> None:
    """Drop it: forms and buttons that lead to a draft say that it is no longer kept."""
    op.drop_table("drafts")
