"""The language of each message that is to say that its link is over."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; what waits already was written in English."""
    op.add_column("expiries", sa.Column("language", sa.Text, nullable=False, server_default="en"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("expiries", "language")
