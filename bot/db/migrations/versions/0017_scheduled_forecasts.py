"""What a scheduled report is about, and how far ahead a forecast looks."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both; every report that is there is about downloads."""
    op.add_column("scheduled_reports", sa.Column("kind", sa.Text, nullable=False, server_default="downloads"))
    op.add_column("scheduled_reports", sa.Column("horizon_days", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop both, and the reports that are not about downloads."""
    op.execute("DELETE FROM scheduled_reports WHERE kind <> 'downloads'")
    for column in ("horizon_days", "kind"):
        op.drop_column("scheduled_reports", column)
