"""Which apps have a build on its way, for an even pace; the last page of a list, to know it when it comes again."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; after the next poll of an app they are known."""
    op.add_column("app_polls", sa.Column("running", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("app_polls", sa.Column("on_request", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("app_polls", sa.Column("page_hash", sa.Text, nullable=False, server_default=""))
    op.add_column("app_polls", sa.Column("page_until", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop them."""
    for column in ("page_until", "page_hash", "on_request", "running"):
        op.drop_column("app_polls", column)
