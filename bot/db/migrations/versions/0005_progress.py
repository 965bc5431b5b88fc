"""Progress messages, and builds as they were when a user began to watch them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their table and column; every instant is integer microseconds since 1970, UTC."""
    op.create_table(
        "progress",
        sa.Column("build_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("standing", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("usual_seconds", sa.Double),
        sa.Column("channel", sa.Text),
        sa.Column("ts", sa.Text),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("tried", sa.Boolean, nullable=False),
        sa.Column("alarmed", sa.Boolean, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("build_id", "user_id", name="pk_progress"),
    )
    op.create_index("ix_progress_due_at", "progress", ["due_at"])
    op.add_column("awaited", sa.Column("facts", sa.Text))


def downgrade() -> None:
    """Drop both: the messages stay as they are, and the end is still notified."""
    op.drop_column("awaited", "facts")
    op.drop_table("progress")
