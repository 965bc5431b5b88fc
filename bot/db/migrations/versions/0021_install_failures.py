"""Why builds did not install, as users answered; without their ids."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "install_failures",
        sa.Column("answer_key", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("build_id", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("answer_key", name="pk_install_failures"),
    )
    op.create_index("ix_install_failures_app_id", "install_failures", ["app_id", "at"])
    op.create_index("ix_install_failures_at", "install_failures", ["at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("install_failures")
