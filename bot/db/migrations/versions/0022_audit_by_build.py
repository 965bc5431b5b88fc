"""Count the links to a build, and find its uploader, without reading all links to its app."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_audit_app_id_build_id", "audit", ["app_id", "build_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_audit_app_id_build_id", "audit")
