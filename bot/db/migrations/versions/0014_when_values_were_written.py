"""When a value was written, so that what belongs to old builds and to people who have left can be deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of a value from before it is not known, and the retention job counts from its first run."""
    op.add_column("key_value", sa.Column("written_at", sa.BigInteger))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("key_value", "written_at")
