"""Find what is too old by its time, a few rows at once, without reading what is not."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

OF_USERS = "key LIKE 'choice:%' OR key LIKE 'withheld %' OR key LIKE 'recalled %'"
INDEXES = {
    "ix_bisections_ended": ("bisections", "voted_at", "running_for IS NULL"),
    "ix_build_waiters_notified": ("build_waiters", "asked_at", "notified"),
    "ix_build_watches_ended": ("build_watches", "started_at", "state <> 'open'"),
    "ix_goal_requests_asked_at": ("goal_requests", "asked_at", None),
    "ix_goals_frozen": ("goals", "deadline", "frozen"),
    "ix_key_value_of_users": ("key_value", "written_at", OF_USERS),
    "ix_nudges_sent_at": ("nudges", "sent_at", None),
    "ix_role_requests_asked_at": ("role_requests", "asked_at", None),
    "ix_sent_builds_sent_at": ("sent_builds", "sent_at", None),
}


def upgrade() -> None:
    """Add the indexes."""
    for name, (table, column, rows) in INDEXES.items():
        where = None if rows is None else sa.text(rows)
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Drop them."""
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table)
