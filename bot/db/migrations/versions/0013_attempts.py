"""When an attempt with an unknown outcome began, and when the last one did: where in the channel to look for it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; of an attempt from before neither is known, and more of the channel is read for it."""
    op.add_column("outbox", sa.Column("attempted_from", sa.BigInteger))
    op.add_column("outbox", sa.Column("attempted_until", sa.BigInteger))


def downgrade() -> None:
    """Drop them."""
    for column in ("attempted_until", "attempted_from"):
        op.drop_column("outbox", column)
