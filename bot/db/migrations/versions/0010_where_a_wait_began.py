"""The channel in which a person asked to be told of a build: an app may be kept to its channels."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; nothing is known of what was asked before, which counts as asked in direct messages."""
    op.add_column("awaited", sa.Column("channel_id", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("awaited", "channel_id")
