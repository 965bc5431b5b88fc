"""What a person was refused, where, and for how much it was allowed; and the admins' messages about it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; every request there is was asked for, and allowed as it was."""
    op.add_column("role_requests", sa.Column("command", sa.Text, nullable=False, server_default=""))
    op.add_column("role_requests", sa.Column("channel_id", sa.Text))
    op.add_column("role_requests", sa.Column("sent", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column("role_requests", sa.Column("wide", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "role_request_copies",
        sa.Column("request_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("ts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("request_id", "user_id", name="pk_role_request_copies"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("role_request_copies")
    for column in ("wide", "sent", "channel_id", "command"):
        op.drop_column("role_requests", column)
