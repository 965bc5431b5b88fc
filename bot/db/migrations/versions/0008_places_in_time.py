"""When each build was made and first seen, and since when it is on its way."""

from datetime import UTC, datetime, timedelta
from json import loads

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    """What is known already was first seen when it moved last: nothing earlier was written down."""
    for column in ("made_at", "seen_at", "since"):
        op.add_column("builds", sa.Column(column, sa.BigInteger, nullable=False, server_default="0"))
    builds = op.get_bind().execute(sa.text("SELECT build_id, facts, changed_at FROM builds")).all()
    rows = [{"id": row.build_id, "made": _made(row.facts, row.changed_at), "seen": row.changed_at} for row in builds]
    if rows:
        op.get_bind().execute(
            sa.text("UPDATE builds SET made_at = :made, seen_at = :seen, since = :made WHERE build_id = :id"), rows
        )
    op.create_index("ix_builds_app_id_made_at", "builds", ["app_id", "made_at"])


def _made(facts: str, seen: int) -> int:
    """Microseconds of the build's own date; of the time it was seen where that is missing or later."""
    try:
        made = datetime.fromisoformat(loads(facts)["created_at"])
    except (ValueError, TypeError, KeyError):
        return seen
    return min((made - EPOCH) // timedelta(microseconds=1), seen) if made.tzinfo else seen


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_builds_app_id_made_at", table_name="builds")
    for column in ("since", "seen_at", "made_at"):
        op.drop_column("builds", column)
