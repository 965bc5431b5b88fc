"""Tables and columns get the field's names; before the first release, so that no older replica is left out."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = {
    "announcements": "outbox",
    "app_channels": "app_channel_allowlist",
    "apps": "app_polls",
    "awaited": "build_waiters",
    "channels": "channel_leases",
    "digests": "scheduled_reports",
    "expiries": "link_expiries",
    "given_links": "link_quota",
    "notes": "key_value",
    "progress": "build_watches",
    "recent": "idempotency_keys",
    "unnudged": "nudge_opt_outs",
}

# By the new name of the table.
COLUMNS = {
    "app_polls": {"rung": "poll_requested", "next_at": "next_poll_at", "baseline_since": "history_before"},
    "audit": {"door": "entrypoint"},
    "build_waiters": {"told": "notified", "facts": "snapshot"},
    "build_watches": {
        "standing": "state",
        "shown": "last_text",
        "tried": "post_attempted",
        "alarmed": "stuck_notified",
        "usual_seconds": "expected_seconds",
    },
    "builds": {"facts": "snapshot", "gone": "deleted", "mark": "content_hash"},
    "channel_leases": {"waiting": "has_pending", "next_at": "next_send_at"},
    "link_expiries": {"again": "refresh_value", "address": "target"},
    "outbox": {
        "fact": "payload",
        "unsure": "outcome_unknown",
        "key": "dedup_key",
        "card": "card_key",
        "manner": "options",
        "held_until": "not_before",
    },
    "scheduled_reports": {
        "place": "target_id",
        "which": "build_ref",
        "told_until": "reported_until",
        "quiet": "skip_if_empty",
        "by": "group_by",
    },
    "subscriptions": {"manner": "options"},
    "tickets": {"origin": "channel_id", "claims_left": "uses_left"},
}

# Old name, new name, table, columns, and for which rows.
INDEXES = [
    ("ix_announcements_build_id", "ix_outbox_build_id", "outbox", ["build_id"], None),
    ("ix_announcements_channel_id_card", "ix_outbox_channel_id_card_key", "outbox", ["channel_id", "card_key"], None),
    ("ix_announcements_held", "ix_outbox_held", "outbox", ["not_before"], "state = 'held'"),
    (
        "ix_announcements_last_post",
        "ix_outbox_last_post",
        "outbox",
        ["channel_id", "app_id", "posted_at"],
        None,
    ),
    (
        "ix_announcements_standing",
        "ix_outbox_standing",
        "outbox",
        ["channel_id", "app_id"],
        "event = 'processed' AND superseded_by IS NULL",
    ),
    ("ix_announcements_waiting", "ix_outbox_waiting", "outbox", ["channel_id", "id"], "state IN ('due', 'sending')"),
    ("ix_apps_next_at", "ix_app_polls_next_poll_at", "app_polls", ["next_poll_at"], None),
    ("ix_awaited_app_id", "ix_build_waiters_app_id", "build_waiters", ["app_id"], None),
    ("ix_channels_lease_token", "ix_channel_leases_lease_token", "channel_leases", ["lease_token"], None),
    ("ix_channels_waiting", "ix_channel_leases_pending", "channel_leases", ["next_send_at"], "has_pending"),
    ("ix_digests_due_at", "ix_scheduled_reports_due_at", "scheduled_reports", ["due_at"], None),
    ("ix_expiries_due_at", "ix_link_expiries_due_at", "link_expiries", ["due_at"], None),
    ("ix_given_links_user_id_at", "ix_link_quota_user_id_at", "link_quota", ["user_id", "at"], None),
    ("ix_progress_due_at", "ix_build_watches_due_at", "build_watches", ["due_at"], None),
    ("ix_recent_at", "ix_idempotency_keys_at", "idempotency_keys", ["at"], None),
]

# Old name, new name, table, columns.
UNIQUE = [
    (
        "uq_announcements_channel_id_build_id_event",
        "uq_outbox_channel_id_build_id_event",
        "outbox",
        ["channel_id", "build_id", "event"],
    ),
    (
        "uq_digests_place_app_id_which_by_schedule",
        "uq_scheduled_reports",
        "scheduled_reports",
        ["target_id", "app_id", "build_ref", "group_by", "schedule"],
    ),
]


def upgrade() -> None:
    """Rename them; every row stays."""
    for old, _, _, _, _ in INDEXES:
        op.drop_index(old)
    for old, new in TABLES.items():
        op.rename_table(old, new)
    for table, names in COLUMNS.items():
        for old, new in names.items():
            op.execute(f'ALTER TABLE {table} RENAME COLUMN "{old}" TO {new}')
    if op.get_bind().dialect.name == "postgresql":
        for old, new, table, _ in UNIQUE:
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
        for old, new in TABLES.items():
            op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT pk_{old} TO pk_{new}")
    else:
        for old, new, table, columns in UNIQUE:
            with op.batch_alter_table(table) as batch:
                batch.drop_constraint(old, type_="unique")
                batch.create_unique_constraint(new, columns)
    for _, new, table, columns, where in INDEXES:
        rows = None if where is None else sa.text(where)
        op.create_index(new, table, columns, sqlite_where=rows, postgresql_where=rows)


def downgrade() -> None:
    """Raise: the release before is none."""
    raise NotImplementedError
