"""Find what a user waits for without reading what everybody ever waited for."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_build_waiters_user_id", "build_waiters", ["user_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_build_waiters_user_id", "build_waiters")
