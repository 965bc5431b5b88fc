"""Find what a question is about without reading what is there besides: what is paused, leased, held or still waits."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_app_polls_failing": ("app_polls", ["failures"], "failures > 0"),
    "ix_app_polls_leased": ("app_polls", ["lease_token"], "lease_token IS NOT NULL"),
    "ix_audit_named": ("audit", ["outcome"], "outcome <> lower(outcome)"),
    "ix_bisections_created_by": ("bisections", ["created_by"], None),
    "ix_build_waiters_app_id": ("build_waiters", ["app_id"], "NOT notified"),
    "ix_build_waiters_waiting": ("build_waiters", ["user_id", "asked_at"], "NOT notified"),
    "ix_goals_leased": ("goals", ["lease_token"], "lease_token IS NOT NULL"),
    "ix_link_expiries_ts": ("link_expiries", ["ts"], None),
    "ix_nudges_user_id": ("nudges", ["user_id"], None),
    "ix_outbox_held_channel": ("outbox", ["channel_id"], "state = 'held'"),
    "ix_role_requests_refused": ("role_requests", ["asked_at"], "NOT sent"),
    "ix_scheduled_reports_leased": ("scheduled_reports", ["lease_token"], "lease_token IS NOT NULL"),
    "ix_scheduled_reports_paused": ("scheduled_reports", ["paused"], "paused IS NOT NULL"),
    "ix_sent_builds_recipient": ("sent_builds", ["recipient"], None),
    "ix_sent_builds_sender": ("sent_builds", ["sender"], None),
    "ix_subscriptions_created_by": ("subscriptions", ["created_by"], None),
    "ix_subscriptions_paused": ("subscriptions", ["paused"], "paused IS NOT NULL"),
    "ix_tickets_user_id": ("tickets", ["user_id"], None),
}
PREFIX = "ix_key_value_prefix"


def upgrade() -> None:
    """Add the indexes; that of an app's waiters has those only who still wait."""
    op.drop_index("ix_build_waiters_app_id", "build_waiters")
    for name, (table, columns, rows) in INDEXES.items():
        where = None if rows is None else sa.text(rows)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_index(PREFIX, "key_value", ["key"], postgresql_ops={"key": "text_pattern_ops"})


def downgrade() -> None:
    """Drop them."""
    op.drop_index(PREFIX, "key_value")
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table)
    op.create_index("ix_build_waiters_app_id", "build_waiters", ["app_id"])
