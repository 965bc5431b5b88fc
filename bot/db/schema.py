"""The tables; every time is a `UtcMicros`, untrusted text is `SanitizedText`."""

from __future__ import annotations

import sqlalchemy as sa

from bot.db.column_types import ChannelId, EnumText, RowId, SanitizedText, UtcMicros, metadata
from bot.db.dialect_sql import literal
from bot.domain.audit import AuditAction, Entrypoint
from bot.domain.model import FileKind
from bot.domain.states import BisectionState, BisectVerdict, DeliveryState, WatchState
from bot.domain.tickets import TicketState

PAUSED = sa.text("paused IS NOT NULL")
LEASED = sa.text("lease_token IS NOT NULL")
STILL_WAITING = sa.text("NOT notified")

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("team_id", SanitizedText, nullable=False),
    sa.Column("channel_id", ChannelId, nullable=False),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("app_name", SanitizedText, nullable=False),
    sa.Column("events", SanitizedText, nullable=False),
    sa.Column("query", SanitizedText, nullable=False),
    sa.Column("created_by", SanitizedText, nullable=False),
    sa.Column("created_at", UtcMicros, nullable=False),
    sa.Column("paused", SanitizedText),
    sa.Column("options", SanitizedText, nullable=False),
    sa.Column("muted_until", UtcMicros),
    sa.UniqueConstraint("channel_id", "app_id"),
    sa.Index(None, "app_id"),
    sa.Index(None, "created_by"),
    sa.Index("ix_subscriptions_paused", "paused", sqlite_where=PAUSED),
)

# One row per polled app. `poll_requested`: a webhook arrived, so poll at once, even if a poll is running; `on_request`
# marks that poll. `running`: a build is processing. While the list's first page has `page_hash`, there is nothing to
# record until `page_until`.
app_polls = sa.Table(
    "app_polls",
    metadata,
    sa.Column("app_id", SanitizedText, primary_key=True),
    sa.Column("next_poll_at", UtcMicros, nullable=False),
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", UtcMicros, nullable=False),
    sa.Column("poll_requested", sa.Boolean, nullable=False),
    sa.Column("baseline_done", sa.Boolean, nullable=False),
    sa.Column("history_before", UtcMicros),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_polled_at", UtcMicros),
    sa.Column("running", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("on_request", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("page_hash", sa.Text, nullable=False, server_default=""),
    sa.Column("page_until", UtcMicros, nullable=False, server_default="0"),
    sa.Index(None, "next_poll_at"),
    sa.Index("ix_app_polls_failing", "failures", sqlite_where=sa.text("failures > 0")),
    sa.Index("ix_app_polls_leased", "lease_token", sqlite_where=LEASED),
)

# One row per build ever seen. `snapshot` is msgspec JSON of domain.model.Build as of its last change, `content_hash` a
# hash of the listed text. A `deleted` row keeps its snapshot for deliveries that wait, but counts as unknown; its stage
# is `deleted` when the build was deleted from Applivery. `seen_at` is when it was first seen, `made_at` when it was
# uploaded (at most `seen_at`), and `since` when processing started.
builds = sa.Table(
    "builds",
    metadata,
    sa.Column("build_id", SanitizedText, primary_key=True),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("snapshot", SanitizedText, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("changed_at", UtcMicros, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("made_at", UtcMicros, nullable=False),
    sa.Column("seen_at", UtcMicros, nullable=False),
    sa.Column("since", UtcMicros, nullable=False),
    sa.Index(None, "app_id", "stage"),
    sa.Index(None, "app_id", "made_at"),
)

# The lease is on the channel: this row ensures the order, the pace and at most one post in progress.
channel_leases = sa.Table(
    "channel_leases",
    metadata,
    sa.Column("channel_id", ChannelId, primary_key=True),
    sa.Column("has_pending", sa.Boolean, nullable=False),
    sa.Column("next_send_at", UtcMicros, nullable=False),
    sa.Column("lease_token", sa.Text),
    sa.Column("lease_until", UtcMicros, nullable=False),
    # postgres.py adds the same condition for PostgreSQL: named here, its dialect would be loaded for SQLite too
    sa.Index("ix_channel_leases_pending", "next_send_at", sqlite_where=sa.text("has_pending")),
    sa.Index(None, "lease_token"),
)

WAITING = sa.text(literal("state IN {waiting}"))
HELD = sa.text(literal("state = {delivery.HELD}"))
STANDING = sa.text(literal("event = {event.PROCESSED} AND superseded_by IS NULL"))

# The outbox. (held →) due → sending → posted or failed; `known` existed before the subscription and is never posted.
# Rows with the same `card_key` share one message in the channel. A held row without `not_before` waits for its channel.
# An announcement that is not about one build has a `payload` until it is posted; empty otherwise.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("channel_id", ChannelId, nullable=False),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("build_id", SanitizedText, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("dedup_key", sa.Text, nullable=False),
    sa.Column("state", EnumText(DeliveryState), nullable=False),
    sa.Column("outcome_unknown", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcMicros, nullable=False),
    sa.Column("first_attempt_at", UtcMicros),
    sa.Column("attempted_from", UtcMicros),
    sa.Column("attempted_until", UtcMicros),
    sa.Column("ts", SanitizedText),
    sa.Column("posted_at", UtcMicros),
    sa.Column("reason", SanitizedText),
    sa.Column("card_key", SanitizedText, nullable=False),
    sa.Column("options", SanitizedText, nullable=False),
    sa.Column("payload", SanitizedText, nullable=False),
    sa.Column("subscription_id", sa.BigInteger),
    sa.Column("not_before", UtcMicros),
    sa.Column("superseded_by", SanitizedText),
    sa.UniqueConstraint("channel_id", "build_id", "event"),
    sa.Index(None, "channel_id", "card_key"),
    sa.Index(None, "build_id"),
    sa.Index("ix_outbox_held", "not_before", sqlite_where=HELD),
    sa.Index("ix_outbox_held_channel", "channel_id", sqlite_where=HELD),
    sa.Index("ix_outbox_standing", "channel_id", "app_id", sqlite_where=STANDING),
    sa.Index("ix_outbox_waiting", "channel_id", "id", sqlite_where=WAITING),
    sa.Index("ix_outbox_last_post", "channel_id", "app_id", "posted_at"),
)

NAMED = sa.text("outcome <> lower(outcome)")

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("at", UtcMicros, nullable=False),
    sa.Column("team_id", SanitizedText, nullable=False),
    sa.Column("user_id", SanitizedText, nullable=False),
    sa.Column("action", EnumText(AuditAction), nullable=False),
    sa.Column("outcome", SanitizedText, nullable=False),
    sa.Column("entrypoint", EnumText(Entrypoint), nullable=False),
    sa.Column("channel_id", ChannelId),
    sa.Column("app_id", SanitizedText),
    sa.Column("build_id", SanitizedText),
    sa.Column("token_hash", sa.Text),
    sa.Index(None, "at"),
    sa.Index(None, "user_id", "at"),
    sa.Index(None, "app_id", "at"),
    sa.Index(None, "app_id", "build_id"),
    # user ids are in capitals, unlike other common outcomes
    sa.Index("ix_audit_named", "outcome", sqlite_where=NAMED),
)

# Only the `hash` of a claim ticket is stored. `file_id` is empty for the build itself.
tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("team_id", SanitizedText, nullable=False),
    sa.Column("user_id", SanitizedText, nullable=False),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("build_id", SanitizedText, nullable=False),
    sa.Column("kind", EnumText(FileKind), nullable=False),
    sa.Column("file_id", SanitizedText, nullable=False),
    sa.Column("created_at", UtcMicros, nullable=False),
    sa.Column("expires_at", UtcMicros, nullable=False),
    sa.Column("uses_left", sa.Integer, nullable=False),
    sa.Column("state", EnumText(TicketState), nullable=False),
    sa.Column("channel_id", ChannelId, nullable=False),
    sa.Index(None, "build_id", "user_id"),
    sa.Index(None, "expires_at"),
    sa.Index(None, "user_id"),
)

# Slack may deliver an event again; Socket Mode does not say so (https://github.com/slackapi/bolt-python/issues/1484).
seen_events = sa.Table(
    "seen_events",
    metadata,
    sa.Column("event_id", SanitizedText, primary_key=True),
    sa.Column("seen_at", UtcMicros, nullable=False),
    sa.Index(None, "seen_at"),
)

# Typed texts that are too long for a form or a button, by an unguessable key.
drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", SanitizedText, nullable=False),
    sa.Column("expires_at", UtcMicros, nullable=False),
    sa.Index(None, "expires_at"),
)

# A user's last choices, and notifications of a build: deleted with age.
OF_USERS = sa.text("key LIKE 'choice:%' OR key LIKE 'withheld %' OR key LIKE 'recalled %'")

key_value = sa.Table(
    "key_value",
    metadata,
    sa.Column("key", SanitizedText, primary_key=True),
    sa.Column("value", SanitizedText, nullable=False),
    sa.Column("written_at", UtcMicros),
    # postgres.py names the operator class with which PostgreSQL finds keys by prefix
    sa.Index("ix_key_value_prefix", "key"),
    sa.Index("ix_key_value_of_users", "written_at", sqlite_where=OF_USERS),
)

# A role for a user (U…) or a user group (S…); for every app it is stored under `*`.
grants = sa.Table(
    "grants",
    metadata,
    sa.Column("team_id", SanitizedText, primary_key=True),
    sa.Column("grantee", SanitizedText, primary_key=True),
    sa.Column("app_id", SanitizedText, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("granted_by", SanitizedText, nullable=False),
    sa.Column("granted_at", UtcMicros, nullable=False),
)

# An app with rows here can only be used in these channels.
app_channel_allowlist = sa.Table(
    "app_channel_allowlist",
    metadata,
    sa.Column("app_id", SanitizedText, primary_key=True),
    sa.Column("channel_id", ChannelId, primary_key=True),
    sa.Column("set_by", SanitizedText, nullable=False),
    sa.Column("set_at", UtcMicros, nullable=False),
)

# A command that was refused for lack of a role (`app_id` `*`: for every app), and the request to the admins once it was
# `sent`; `wide` when it was allowed for all apps. Until it is sent, `asked_at` is the time of the refusal.
role_requests = sa.Table(
    "role_requests",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("team_id", SanitizedText, nullable=False),
    sa.Column("user_id", SanitizedText, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("asked_at", UtcMicros, nullable=False),
    sa.Column("decided_by", SanitizedText),
    sa.Column("decided_at", UtcMicros),
    sa.Column("allowed", sa.Boolean),
    sa.Column("command", SanitizedText, nullable=False, server_default=""),
    sa.Column("channel_id", ChannelId),
    sa.Column("sent", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("wide", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index(None, "user_id", "asked_at"),
    sa.Index(None, "asked_at"),
    sa.Index("ix_role_requests_refused", "asked_at", sqlite_where=sa.text("NOT sent")),
)

# The messages that show a request to admins; all show the decision of any admin.
role_request_copies = sa.Table(
    "role_request_copies",
    metadata,
    sa.Column("request_id", sa.BigInteger, primary_key=True),
    sa.Column("user_id", SanitizedText, primary_key=True),
    sa.Column("channel_id", ChannelId, nullable=False),
    sa.Column("ts", SanitizedText, nullable=False),
)

# One row per issued link, for the limit per user, minute and hour.
link_quota = sa.Table(
    "link_quota",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("user_id", SanitizedText, nullable=False),
    sa.Column("at", UtcMicros, nullable=False),
    sa.Index(None, "user_id", "at"),
)

# Recent actions, so that a double click acts once, over all replicas.
idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("key", SanitizedText, primary_key=True),
    sa.Column("at", UtcMicros, nullable=False),
    sa.Index(None, "at"),
)

# Users to be notified when a build is ready; the app is watched for them. `snapshot` is the build as they saw it,
# `channel_id` where they asked.
build_waiters = sa.Table(
    "build_waiters",
    metadata,
    sa.Column("build_id", SanitizedText, primary_key=True),
    sa.Column("user_id", SanitizedText, primary_key=True),
    sa.Column("team_id", SanitizedText, nullable=False),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("asked_at", UtcMicros, nullable=False),
    sa.Column("notified", sa.Boolean, nullable=False),
    sa.Column("snapshot", SanitizedText),
    sa.Column("channel_id", ChannelId),
    sa.Index(None, "user_id"),
    sa.Index("ix_build_waiters_app_id", "app_id", sqlite_where=STILL_WAITING),
    sa.Index("ix_build_waiters_waiting", "user_id", "asked_at", sqlite_where=STILL_WAITING),
    sa.Index("ix_build_waiters_notified", "asked_at", sqlite_where=sa.text("notified")),
)

# The progress message of a watched build. `last_text` is its current text. `post_attempted` without a `ts`: a post with
# unknown outcome was started. `due_at` is when it may change next, or the end of its lease.
build_watches = sa.Table(
    "build_watches",
    metadata,
    sa.Column("build_id", SanitizedText, primary_key=True),
    sa.Column("user_id", SanitizedText, primary_key=True),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("state", EnumText(WatchState), nullable=False),
    sa.Column("started_at", UtcMicros, nullable=False),
    sa.Column("expected_seconds", sa.Double),
    sa.Column("channel", ChannelId),
    sa.Column("ts", SanitizedText),
    sa.Column("last_text", SanitizedText, nullable=False),
    sa.Column("post_attempted", sa.Boolean, nullable=False),
    sa.Column("stuck_notified", sa.Boolean, nullable=False),
    sa.Column("due_at", UtcMicros, nullable=False),
    sa.Index(None, "due_at"),
    sa.Index("ix_build_watches_ended", "started_at", sqlite_where=sa.text(literal("state <> {watch.OPEN}"))),
)

# A build that a user sent to another: only the recipient can use it; the sender is notified of the first use.
sent_builds = sa.Table(
    "sent_builds",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("team_id", SanitizedText, nullable=False),
    sa.Column("sender", SanitizedText, nullable=False),
    sa.Column("recipient", SanitizedText, nullable=False),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("build_id", SanitizedText, nullable=False),
    sa.Column("sent_at", UtcMicros, nullable=False),
    sa.Column("used_at", UtcMicros),
    sa.Index(None, "sender"),
    sa.Index(None, "recipient"),
    sa.Index(None, "sent_at"),
)

# Messages with a link, to be edited when it has expired: by response_url (`target`), or by channel and ts.
link_expiries = sa.Table(
    "link_expiries",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("due_at", UtcMicros, nullable=False),
    sa.Column("target", ChannelId, nullable=False),
    sa.Column("ts", SanitizedText),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("build_id", SanitizedText, nullable=False),
    sa.Column("title", SanitizedText, nullable=False),
    sa.Column("refresh_value", SanitizedText, nullable=False),
    sa.Column("language", SanitizedText, nullable=False, server_default="en"),
    sa.Index(None, "due_at"),
    sa.Index(None, "ts"),
)

# A recalled build; undoing the recall removes the row.
recalls = sa.Table(
    "recalls",
    metadata,
    sa.Column("build_id", SanitizedText, primary_key=True),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("reason", SanitizedText, nullable=False),
    sa.Column("recalled_by", SanitizedText, nullable=False),
    sa.Column("recalled_at", UtcMicros, nullable=False),
)

# A bisect: `builds` is JSON of domain.bisection.BisectedBuild, `steps` and `gone` are JSON of build ids. While it runs,
# `running_for` is the app and the platform, which a channel can have once; NULL afterwards. `version` counts its
# changes: each is shown by one row of the outbox. `voted_at` is its start or last vote.
bisections = sa.Table(
    "bisections",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("team_id", SanitizedText, nullable=False),
    sa.Column("channel_id", ChannelId, nullable=False),
    sa.Column("thread_ts", SanitizedText),
    sa.Column("app_id", SanitizedText, nullable=False),
    sa.Column("app_slug", SanitizedText, nullable=False),
    sa.Column("app_name", SanitizedText, nullable=False),
    sa.Column("platform", SanitizedText, nullable=False),
    sa.Column("builds", SanitizedText, nullable=False),
    sa.Column("steps", SanitizedText, nullable=False),
    sa.Column("gone", SanitizedText, nullable=False),
    sa.Column("state", EnumText(BisectionState), nullable=False),
    sa.Column("running_for", SanitizedText),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_by", SanitizedText, nullable=False),
    sa.Column("created_at", UtcMicros, nullable=False),
    sa.Column("voted_at", UtcMicros, nullable=False),
    sa.UniqueConstraint("channel_id", "running_for"),
    sa.Index(None, "state", "voted_at"),
    sa.Index("ix_bisections_ended", "voted_at", sqlite_where=sa.text("running_for IS NULL")),
    sa.Index(None, "created_by"),
)

# A tester's verdict on a build; the id of an erased user is replaced.
bisection_verdicts = sa.Table(
    "bisection_verdicts",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("bisection_id", sa.BigInteger, nullable=False),
    sa.Column("build_id", SanitizedText, nullable=False),
    sa.Column("user_id", SanitizedText, nullable=False),
    sa.Column("verdict", EnumText(BisectVerdict), nullable=False),
    sa.Column("at", UtcMicros, nullable=False),
    sa.UniqueConstraint("bisection_id", "build_id", "user_id"),
    sa.Index(None, "user_id"),
)
