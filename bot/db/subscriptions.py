"""Subscriptions of channels, and the builds each one knew when it was created."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from bot.db import drafts
from bot.db.database_info import current_time
from bot.db.dialect_sql import POSTGRESQL, JsonRows, Statement, as_rows, written
from bot.db.serialization import PLACES, RECORDED, manner_of, row_of, text_of
from bot.db.transaction import Transaction
from bot.db.types import EVERY_APP, micros, moment, moment_or_none
from bot.db.wakeups import Topic
from bot.domain import delivery_options
from bot.domain.model import EVENT_OF, Build, BuildEvent, DeliveryOptions, SharedAs, Stage, Subscription
from bot.domain.subscription_changes import HeldAnnouncement, SubscriptionChange

PAGE = 200  # subscriptions per transaction over all channels, so that others do not wait long


class SubscriptionsPage(NamedTuple):
    """Page `number` (from 0) of `pages`: subscriptions, each with the time of its app's last post in its channel."""

    found: list[tuple[Subscription, datetime | None]]
    number: int
    pages: int


def add_subscription(  # noqa: PLR0917 - what a subscription is, in its order
    tx: Transaction,
    team_id: str,
    channel_id: str,
    app_id: str | None,
    app_name: str,
    events: Sequence[BuildEvent],
    query: str,
    created_by: str,
    *,
    manner: DeliveryOptions = DeliveryOptions(),  # noqa: B008 - frozen
    baseline: Sequence[Build] = (),
) -> Subscription:
    """Save a channel's subscription to an app (None: every app), replacing an earlier one, and return it.

    `baseline` is the app's newest builds as just listed, without gaps: their current state is not announced to this
    channel, but every later change is. The same transaction starts polling the app. A replaced subscription keeps its
    id. Raises `DatabaseUnavailable`.
    """
    wish = {
        "team_id": team_id,
        "channel_id": channel_id,
        "app_id": app_id or EVERY_APP,
        "app_name": app_name,
        "events": " ".join(events),
        "query": query,
        "created_by": created_by,
        "options": text_of(manner),
    }
    return _write(tx, wish, baseline)


def change_subscription(
    tx: Transaction, expected: Subscription | None, /, **wish: Any
) -> tuple[Subscription, str] | None:
    """Do what `add_subscription` does if the current subscription is still the `expected` one (None: none).

    Return it with the key to undo that (empty for a new one); save nothing and return None when the channel has another
    one by now.
    """
    serialize_changes(tx)
    if _version(tx, wish["channel_id"], wish["app_id"]) != (expected.created_at if expected else None):
        return None
    saved = add_subscription(tx, **wish)
    return saved, _save_change(tx, SubscriptionChange(expected, saved.created_at)) if expected else ""


def end_subscription(tx: Transaction, channel_id: str, number: int) -> tuple[Subscription, str] | None:
    """Remove a channel's subscription, and return it with the key to undo that; None if there is none."""
    serialize_changes(tx)
    held = tuple(HeldAnnouncement(row.id, row.reason) for row in tx.execute(_HELD, id=number))
    removed = remove_subscription(tx, channel_id, number)
    return (removed, _save_change(tx, SubscriptionChange(removed, None, held))) if removed else None


def get_change(tx: Transaction, key: str) -> SubscriptionChange | None:
    """Return the change with this key; None when it is too old to be undone."""
    saved = drafts.get_draft(tx, key)
    return None if saved is None else _changes.decode(saved)


def undo_change(tx: Transaction, change: SubscriptionChange, baseline: Sequence[Build] = ()) -> Subscription | None:
    """Restore a subscription as it was before a change, with its held deliveries; `baseline` as in `add_subscription`.

    Change nothing and return None when it was changed again since.
    """
    before = change.before
    serialize_changes(tx)
    if _version(tx, before.channel_id, before.app_id) != change.after:
        return None
    wish = {
        "team_id": before.team_id,
        "channel_id": before.channel_id,
        "app_id": before.app_id or EVERY_APP,
        "app_name": before.app_name,
        "events": " ".join(before.events),
        "query": before.query,
        "created_by": before.created_by,
        "created_at": before.created_at,
        "options": text_of(before.manner),
    }
    if change.after is None:
        wish["muted_until"] = before.muted_until
        # its number, unless SQLite has reused it
        if tx.execute(_IS_THERE, id=before.id).first() is None:
            wish["id"] = before.id
    restored = _write(tx, wish, baseline)
    held = as_rows({"id": each.id, "reason": each.reason} for each in change.held)
    tx.execute(_HOLD_AGAIN, me=restored.id, rows=held)
    tx.notify(Topic.HELD)
    tx.notify(Topic.PAUSED_CHANNELS)
    return restored


def _write(tx: Transaction, wish: dict[str, Any], baseline: Sequence[Build]) -> Subscription:
    """Insert a subscription, or update the one for the same app of the same channel."""
    channel_id, app_id = wish["channel_id"], None if wish["app_id"] == EVERY_APP else wish["app_id"]
    serialize_changes(tx)
    heard = _covers(tx, app_id, channel_id)
    watched = _covers(tx, app_id)
    row = tx.execute(_SAVE_AS if "id" in wish else _SAVE, **{"created_at": None, "muted_until": None, **wish}).one()
    if not watched:
        _start_polling(tx, app_id, baseline)
    if not heard and (watched or app_id is None):
        _record_known(tx, row.id, channel_id, baseline)
    void_polls(tx, app_id)
    tx.notify(Topic.APP_POLLS)
    tx.notify(Topic.ACCESS)
    saved = subscription_of(row)
    move_held(tx, [saved])
    return saved


def move_held(tx: Transaction, changed: Sequence[Subscription]) -> None:
    """Hold their held deliveries until when each would hold a new build; those that none would hold are due now."""
    now = current_time(tx)
    for subscription in changed:
        until = delivery_options.held_until(subscription, now)
        where = {"channel": subscription.channel_id, "id": subscription.id}
        tx.execute(_MOVE_HELD, until=micros(until) if until else None, **where)
    if changed:  # `release_held` with no change would wake itself for ever
        tx.notify(Topic.HELD)


def _version(tx: Transaction, channel_id: str, app_id: str | None) -> datetime | None:
    """Return when the subscription of a channel to an app was last saved; None when there is none."""
    return moment_or_none(tx.execute(_SAVED_AT, channel=channel_id, app=app_id or EVERY_APP).scalar())


def _save_change(tx: Transaction, change: SubscriptionChange) -> str:
    return drafts.save_draft(tx, msgspec.json.encode(change).decode())


_changes = msgspec.json.Decoder(SubscriptionChange)


def remove_subscription(tx: Transaction, channel_id: str, id_or_app: int | str) -> Subscription | None:
    """Remove a channel's subscription by its id or its app's (`*`: every app); None if there is none."""
    serialize_changes(tx)
    if isinstance(id_or_app, int):
        row = tx.execute(_REMOVE, channel=channel_id, id=id_or_app).first()
    else:
        row = tx.execute(_REMOVE_APP, channel=channel_id, app=id_or_app).first()
    if row is None:
        return None
    removed = subscription_of(row)
    tx.execute(_DROP, id=removed.id)
    void_polls(tx, removed.app_id)
    return removed


def list_subscriptions(
    tx: Transaction, channel_id: str | None = None, *, about: str | None = None
) -> list[Subscription]:
    """Return all subscriptions, or one channel's, or those `about` an app (id), oldest first, paused ones included."""
    conditions = (
        *(("channel_id = :channel",) if channel_id is not None else ()),
        *(("app_id IN (:about, '*')",) if about is not None else ()),
    )
    return [subscription_of(row) for row in tx.execute(_list(*conditions), channel=channel_id, about=about)]


def list_subscriptions_after(tx: Transaction, number: int, most: int = PAGE) -> list[Subscription]:
    """Return a page of all subscriptions: the first `most` with a higher number, oldest first."""
    return [subscription_of(row) for row in tx.execute(_AFTER, id=number, most=most)]


def list_subscriptions_near(
    tx: Transaction, channel_ids: Collection[str], user_ids: Collection[str]
) -> list[Subscription]:
    """Return the subscriptions of these channels and those created by these users, oldest first."""
    rows = as_rows([*({"channel": each} for each in channel_ids), *({"creator": each} for each in user_ids)])
    return [subscription_of(row) for row in tx.execute(_NEAR, rows=rows)]


def find_subscribed(tx: Transaction, channel_ids: Collection[str]) -> set[str]:
    """Return which of these channels have a subscription."""
    return set(tx.execute(_SUBSCRIBED, rows=as_rows({"channel": each} for each in channel_ids)).scalars())


def has_every_app_subscription(tx: Transaction) -> bool:
    """Return whether a channel is subscribed to every app, paused or not."""
    return tx.execute(_EVERY_APP).first() is not None


def list_with_last_post(tx: Transaction, created_by: str) -> list[tuple[Subscription, datetime | None]]:
    """Return the subscriptions a user created, oldest first, each with its app's last post in its channel."""
    return _with_last_post(tx.execute(_MADE_BY, creator=created_by))


def list_page(
    tx: Transaction, channel_id: str | None, number: int, size: int, *, app_ids: Collection[str] | None = None
) -> SubscriptionsPage:
    """Return a page of the subscriptions of a channel (None: of all) to these apps (None: to any), channel by channel.

    `number` counts from 0; a page that does not exist becomes the nearest one.
    """
    conditions = (
        *(("channel_id = :channel",) if channel_id is not None else ()),
        *(("app_id IN (SELECT o.app FROM {rows})",) if app_ids is not None else ()),
    )
    about = {"channel": channel_id, "rows": as_rows({"app": app_id} for app_id in app_ids or ())}
    pages = -(-tx.execute(_count(*conditions), **about).scalar_one() // size)
    number = max(0, min(number, pages - 1))
    rows = tx.execute(_page(*conditions), most=size, skip=number * size, **about)
    return SubscriptionsPage(_with_last_post(rows), number, pages)


def _with_last_post(rows: Sequence[Any]) -> list[tuple[Subscription, datetime | None]]:
    return [(subscription_of(row), moment_or_none(row.last_post)) for row in rows]


def pause_subscriptions(tx: Transaction, channel_id: str, reason: str) -> list[Subscription]:
    """Pause a channel's subscriptions with the reason; return those that were not paused before."""
    return _changed(tx, _PAUSE, channel=channel_id, reason=reason)


def resume_subscriptions(tx: Transaction, channel_id: str) -> list[Subscription]:
    """Resume a channel's paused subscriptions; return those that were paused.

    Subscriptions paused because access was lost (domain.states.Withdrawal) stay paused.
    """
    return _changed(tx, _UNPAUSE, channel=channel_id)


def decide_sharing(tx: Transaction, channel_id: str, shared: SharedAs, *, number: int | None = None) -> None:
    """Record what another organisation may see in a channel, for all its subscriptions or one (`number`).

    UNDECIDED: the channel is not shared any more; its owners are asked when it is shared again.
    """
    for row in tx.execute(_OPTIONS, channel=channel_id, id=number):
        options = text_of(replace(manner_of(row.options), shared=shared))
        tx.execute(_SET_OPTIONS, id=row.id, options=options)
    tx.notify(Topic.ACCESS)


def _changed(tx: Transaction, update: Statement, **values: object) -> list[Subscription]:
    changed = [subscription_of(row) for row in tx.execute(update, **values)]
    if changed:
        tx.notify(Topic.PAUSED_CHANNELS)
    return sorted(changed, key=lambda subscription: subscription.id)


def serialize_changes(tx: Transaction) -> None:
    """Serialize changes of subscriptions, so that only one of two concurrent ones starts polling an app."""
    if tx.dialect == POSTGRESQL:
        tx.execute(_TURN)


def _covers(tx: Transaction, app_id: str | None, channel_id: str | None = None) -> bool:
    """Return whether a subscription (of this channel) already covers the app."""
    statement = _COVERS if channel_id is None else _COVERS_IN
    return tx.execute(statement, app=app_id or EVERY_APP, channel=channel_id).first() is not None


def _start_polling(tx: Transaction, app_id: str | None, baseline: Sequence[Build]) -> None:
    """Reset the baseline for the first subscription: earlier records are stale, current builds are not announced."""
    if app_id is None:
        tx.execute(_FORGET_UNHEARD)
        tx.execute(_RESTART_UNHEARD)
        return
    builds = {build.id: build for build in baseline}
    created = [build.created_at for build in baseline if build.created_at]
    # The list is newest first and without gaps: an unknown build made after its oldest one is new, an unknown one made
    # before it is history. That compares times of Applivery's clock. For an empty list there is only the bot's clock.
    since = micros(min(created)) if created else None
    done = bool(builds) and since is None
    tx.execute(_FORGET, app=app_id)
    tx.execute(_RESTART, app=app_id, since=since, done=done, empty=not builds)
    tx.execute(
        _BASELINE, app=app_id, rows=as_rows(row_of(build, n) for n, build in enumerate(reversed(builds.values())))
    )


def _record_known(tx: Transaction, me: int, channel_id: str, baseline: Sequence[Build]) -> None:
    """Record the builds this channel knows: a build that is not polled yet is announced to other channels, not here."""
    stages = _stages(tx, [build.id for build in baseline])
    rows = [
        {"channel": channel_id, "app": build.app.id, "build": build.id, "event": event}
        for build in baseline
        for event in _pending_events(stages.get(build.id), build.stage)
    ]
    if rows:
        tx.execute(_KNOWN_TO_CHANNEL, me=me, rows=as_rows(rows))


def _stages(tx: Transaction, ids: Sequence[str]) -> dict[str, Stage]:
    rows = tx.execute(_STAGES, rows=as_rows({"id": build_id} for build_id in ids))
    return {row.build_id: Stage(row.stage) for row in rows}


def void_polls(tx: Transaction, app_id: str | None) -> None:
    """Void the polls in progress (None: of all apps), which were planned for the previous subscriptions.

    Rows without a lease are updated too, so that a concurrent claim waits for this commit or skips them.
    """
    if app_id is None:
        tx.execute(_LOOK_AGAIN_AT_ALL)
    else:
        tx.execute(_LOOK_AGAIN, app=app_id)


def _pending_events(before: Stage | None, stage: Stage) -> list[BuildEvent]:
    """Return the events that the next poll will find for a build, from its recorded stage to the listed one."""
    events = [BuildEvent.UPLOADED] if before is None else []
    end = EVENT_OF.get(stage) if before is not stage else None
    return [*events, end] if end else events


_EVENTS = {str(event): event for event in BuildEvent}


def subscription_of(row: Any) -> Subscription:
    """Return the subscription in a row of the table, without events that only a newer version knows."""
    return Subscription(
        id=row.id,
        team_id=row.team_id,
        channel_id=row.channel_id,
        app_id=None if row.app_id == EVERY_APP else row.app_id,
        app_name=row.app_name,
        events=tuple(_EVENTS[word] for word in row.events.split() if word in _EVENTS),
        query=row.query,
        created_by=row.created_by,
        created_at=moment(row.created_at),
        paused=row.paused,
        manner=manner_of(row.options),
        muted_until=moment_or_none(row.muted_until),
    )


COLUMNS = """
    id, team_id, channel_id, app_id, app_name, events, query, created_by, created_at, paused, options, muted_until
"""


@cache
def _list(*conditions: str) -> Statement:
    """Return the statement that reads the subscriptions that match all conditions."""
    return written(f"SELECT {COLUMNS} FROM subscriptions WHERE {_all_of(conditions)} ORDER BY id")  # noqa: S608 - no user input


def _all_of(conditions: Sequence[str]) -> str:
    return " AND ".join(conditions) or "true"


@cache
def _count(*conditions: str) -> Statement:
    return written(f"SELECT count(*) FROM subscriptions WHERE {_all_of(conditions)}", _APPS)  # noqa: S608 - no user input


@cache
def _page(*conditions: str) -> Statement:
    """Return the statement that reads a page; skipped subscriptions cost an index entry and no last post."""
    return written(
        f"""
        SELECT {COLUMNS} {_LAST_POST} FROM subscriptions WHERE id IN (
            SELECT id FROM subscriptions WHERE {_all_of(conditions)} ORDER BY channel_id, id LIMIT :most OFFSET :skip
        ) ORDER BY channel_id, id
        """,  # noqa: S608 - no user input
        _APPS,
    )


_APPS = JsonRows("rows", {"app": "text"})


_AFTER = written(f"SELECT {COLUMNS} FROM subscriptions WHERE id > :id ORDER BY id LIMIT :most")  # noqa: S608 - no user input

_NEAR = written(
    f"""
    SELECT {COLUMNS} FROM subscriptions WHERE id IN (
        SELECT s.id FROM {{rows}} JOIN subscriptions s ON s.channel_id = o.channel
        UNION SELECT s.id FROM {{rows}} JOIN subscriptions s ON s.created_by = o.creator
    ) ORDER BY id
    """,  # noqa: S608 - no user input
    JsonRows("rows", {"channel": "text", "creator": "text"}),
)

_SUBSCRIBED = written(
    "SELECT s.channel_id FROM {rows} JOIN subscriptions s ON s.channel_id = o.channel",
    JsonRows("rows", {"channel": "text"}),
)

# Two subqueries instead of an OR: each reads one end of an index, however much was posted.
_LAST_POST = """, CASE app_id
    WHEN '*' THEN (SELECT max(o.posted_at) FROM outbox o WHERE o.channel_id = subscriptions.channel_id)
    ELSE (
        SELECT max(o.posted_at) FROM outbox o
        WHERE o.channel_id = subscriptions.channel_id AND o.app_id = subscriptions.app_id
    ) END AS last_post
"""


_MADE_BY = written(f"SELECT {COLUMNS} {_LAST_POST} FROM subscriptions WHERE created_by = :creator ORDER BY id")  # noqa: S608 - no user input


def _saving(number: str, value: str) -> Statement:
    return written(f"""
        INSERT INTO subscriptions
            ({number} team_id, channel_id, app_id, app_name, events, query, created_by, created_at, options,
            muted_until)
        VALUES ({value} :team_id, :channel_id, :app_id, :app_name, :events, :query, :created_by,
            coalesce(CAST(:created_at AS bigint), {{now}}), :options, :muted_until)
        ON CONFLICT (channel_id, app_id) DO UPDATE SET team_id = excluded.team_id, app_name = excluded.app_name,
            events = excluded.events, query = excluded.query, created_by = excluded.created_by,
            created_at = excluded.created_at, options = excluded.options, paused = NULL
        RETURNING {COLUMNS}
    """)  # noqa: S608 - no user input


_SAVE, _SAVE_AS = _saving("", ""), _saving("id,", ":id,")

_IS_THERE = written("SELECT id FROM subscriptions WHERE id = :id")

_SAVED_AT = written("SELECT created_at FROM subscriptions WHERE channel_id = :channel AND app_id = :app")

_REMOVE = written(f"DELETE FROM subscriptions WHERE channel_id = :channel AND id = :id RETURNING {COLUMNS}")  # noqa: S608 - no user input

_REMOVE_APP = written(f"DELETE FROM subscriptions WHERE channel_id = :channel AND app_id = :app RETURNING {COLUMNS}")  # noqa: S608 - no user input

_EVERY_APP = written("SELECT id FROM subscriptions WHERE app_id = '*' LIMIT 1")

_PAUSE = written(f"""
    UPDATE subscriptions SET paused = :reason WHERE channel_id = :channel AND paused IS NULL RETURNING {COLUMNS}
""")  # noqa: S608 - no user input

_UNPAUSE = written(f"""
    UPDATE subscriptions SET paused = NULL
    WHERE channel_id = :channel AND paused NOT IN {{pause_reasons}} RETURNING {COLUMNS}
""")  # noqa: S608 - no user input

_OPTIONS = written("""
    SELECT id, options FROM subscriptions
    WHERE channel_id = :channel AND (CAST(:id AS bigint) IS NULL OR id = :id)
""")

_SET_OPTIONS = written("UPDATE subscriptions SET options = :options WHERE id = :id")

_TURN = written("SELECT pg_advisory_xact_lock(277548378)")

_COVERS = written("SELECT 1 FROM subscriptions WHERE app_id IN (:app, '*') LIMIT 1")

_COVERS_IN = written("SELECT 1 FROM subscriptions WHERE channel_id = :channel AND app_id IN (:app, '*') LIMIT 1")

# +id: otherwise SQLite reads the whole outbox by id, instead of the held rows.
_HELD = written("SELECT id, reason FROM outbox WHERE subscription_id = :id AND state = {delivery.HELD} ORDER BY +id")

_HOLD_AGAIN = written(
    """
    UPDATE outbox SET state = {delivery.HELD}, subscription_id = :me,
        reason = (SELECT o.reason FROM {rows} WHERE o.id = outbox.id)
    WHERE state = {delivery.FAILED} AND reason = 'unsubscribed' AND id IN (SELECT o.id FROM {rows})
    """,
    JsonRows("rows", {"id": "bigint", "reason": "text"}),
)

# Deliveries held until the same time share a card, as in domain.builds.
_MOVE_HELD = written("""
    UPDATE outbox SET not_before = coalesce(CAST(:until AS bigint), {now}),
        card_key = CASE WHEN card_key LIKE 'held/%' AND CAST(:until AS bigint) IS NOT NULL
            THEN 'held/' || subscription_id || '/' || (CAST(:until AS bigint) / 1000000) ELSE card_key END
    WHERE state = {delivery.HELD} AND channel_id = :channel AND subscription_id = :id AND not_before IS NOT NULL
""")

# Held deliveries of an ended subscription are dropped.
_DROP = written("""
    UPDATE outbox SET state = {delivery.FAILED}, reason = 'unsubscribed'
    WHERE subscription_id = :id AND state = {delivery.HELD}
""")

_VOID = """
    UPDATE app_polls SET lease_token = NULL, lease_until = 0, page_hash = '',
        next_poll_at = CASE WHEN lease_token IS NULL THEN next_poll_at ELSE {now} END
"""
_LOOK_AGAIN_AT_ALL = written(_VOID)
_LOOK_AGAIN = written(f"{_VOID} WHERE app_id = :app")

_FORGET = written("UPDATE builds SET deleted = true WHERE app_id = :app")

_RESTART = written("""
    INSERT INTO app_polls (app_id, next_poll_at, lease_until, poll_requested, baseline_done, history_before, failures)
    VALUES (:app, {now}, 0, false, :done, CASE WHEN :empty THEN {now} ELSE :since END, 0)
    ON CONFLICT (app_id) DO UPDATE SET
        next_poll_at = excluded.next_poll_at, lease_token = NULL, lease_until = 0, poll_requested = false, failures = 0,
        baseline_done = excluded.baseline_done, history_before = excluded.history_before, page_hash = ''
""")

_FORGET_UNHEARD = written("""
    UPDATE builds SET deleted = true
    WHERE NOT deleted AND app_id IN (
        SELECT p.app_id FROM app_polls p WHERE NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.app_id = p.app_id)
    )
""")

_RESTART_UNHEARD = written("""
    UPDATE app_polls SET next_poll_at = {now}, lease_token = NULL, lease_until = 0, poll_requested = false,
        failures = 0, baseline_done = false, history_before = {now}, page_hash = ''
    WHERE NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.app_id = app_polls.app_id)
""")

_BASELINE = written(
    f"""
    INSERT INTO builds (build_id, app_id, stage, snapshot, deleted, changed_at, content_hash, made_at, seen_at, since)
    SELECT o.id, :app, o.stage, o.facts, false, {{now}}, '', {PLACES} FROM {{rows}} WHERE true
    ON CONFLICT (build_id) DO UPDATE SET
        stage = excluded.stage, snapshot = excluded.snapshot, deleted = false, changed_at = excluded.changed_at,
        content_hash = ''
    """,  # noqa: S608 - no user input
    JsonRows("rows", RECORDED),
)

_STAGES = written(
    "SELECT build_id, stage FROM builds WHERE NOT deleted AND build_id IN (SELECT o.id FROM {rows})",
    JsonRows("rows", {"id": "text"}),
)

_KNOWN_TO_CHANNEL = written(
    """
    INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, state, outcome_unknown, created_at,
        card_key, options, payload)
    SELECT o.channel, o.app, o.build, o.event, o.channel || ':' || o.build || ':' || o.event, {delivery.KNOWN}, false,
        {now}, o.build, '', ''
    FROM {rows}
    WHERE NOT EXISTS (
        SELECT 1 FROM subscriptions s WHERE s.channel_id = o.channel AND s.app_id IN (o.app, '*') AND s.id <> :me
    )
    ON CONFLICT (channel_id, build_id, event) DO NOTHING
    """,
    JsonRows("rows", {"channel": "text", "app": "text", "build": "text", "event": "text"}),
)
