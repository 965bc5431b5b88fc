"""Cards that live on after they were posted: what shares one, how it is told, what is held back; and recalls."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

HELD = sa.text("state = 'held'")
STANDING = sa.text("event = 'processed' AND superseded_by IS NULL")


def upgrade() -> None:
    """Every announcement of before is a card of its own, told in the usual manner."""
    op.add_column("subscriptions", sa.Column("manner", sa.Text, nullable=False, server_default=""))
    op.add_column("subscriptions", sa.Column("muted_until", sa.BigInteger))
    op.add_column("builds", sa.Column("mark", sa.Text, nullable=False, server_default=""))
    op.add_column("announcements", sa.Column("card", sa.Text, nullable=False, server_default=""))
    op.execute("UPDATE announcements SET card = build_id")
    op.add_column("announcements", sa.Column("manner", sa.Text, nullable=False, server_default=""))
    op.add_column("announcements", sa.Column("fact", sa.Text, nullable=False, server_default=""))
    op.add_column("announcements", sa.Column("subscription_id", sa.BigInteger))
    op.add_column("announcements", sa.Column("held_until", sa.BigInteger))
    op.add_column("announcements", sa.Column("superseded_by", sa.Text))
    op.create_index("ix_announcements_channel_id_card", "announcements", ["channel_id", "card"])
    op.create_index("ix_announcements_build_id", "announcements", ["build_id"])
    op.create_index("ix_announcements_held", "announcements", ["held_until"], sqlite_where=HELD, postgresql_where=HELD)
    op.create_index(
        "ix_announcements_standing",
        "announcements",
        ["channel_id", "app_id"],
        sqlite_where=STANDING,
        postgresql_where=STANDING,
    )
    op.create_table(
        "recalls",
        sa.Column("build_id", sa.Text, nullable=False),
        sa.Column("app_id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("recalled_by", sa.Text, nullable=False),
        sa.Column("recalled_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("build_id", name="pk_recalls"),
    )


def downgrade() -> None:
    """Forget all that; what is held back is lost."""
    op.drop_table("recalls")
    for index in ("standing", "held", "build_id", "channel_id_card"):
        op.drop_index(f"ix_announcements_{index}", table_name="announcements")
    for column in ("superseded_by", "held_until", "subscription_id", "fact", "manner", "card"):
        op.drop_column("announcements", column)
    op.drop_column("builds", "mark")
    op.drop_column("subscriptions", "muted_until")
    op.drop_column("subscriptions", "manner")
