"""Polling schedule of the watched apps, and the leases of the replicas that poll them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from bot.db.connect import fresh_token
from bot.db.dialect_sql import JsonRows, Statement, as_rows, far, span, written
from bot.db.transaction import Transaction
from bot.db.types import micros, moment
from bot.db.wakeups import Topic

FURTHEST_SECONDS = 86_400.0
PAGE_SECONDS = 3600.0  # after which an unchanged list is polled in full all the same
LEASED_AT_ONCE = 100  # apps that all replicas together may be polling
FAILURES = 3  # polls of an app in a row


class PollLease(Struct, frozen=True):
    """An app leased for polling until the lease ends; pass `token` to `record_poll` or `record_failure` once.

    While `baseline_done` is false, the listed builds are not announced, except those made after `baseline_since`.
    `on_request`: a webhook or a user requested the poll before it was due. `running`: a build was processing at the
    last poll. While the first page of the list has `page_hash`, there is nothing to record; empty for a full poll.
    """

    app_id: str
    token: str
    baseline_done: bool
    baseline_since: datetime | None
    failures: int
    on_request: bool = False
    running: bool = False
    page_hash: str = ""


class PollingStats(Struct, frozen=True):
    """State of the polling: `behind` counts the apps whose last successful poll is too old.

    `oldest_poll` and `newest_poll` are the times (UTC) of the least and most recent successful poll of an app.
    """

    apps: int
    behind: int
    never_polled: int
    oldest_poll: datetime | None
    newest_poll: datetime | None = None


def ensure_apps(tx: Transaction, app_ids: Iterable[str], *, catalogue_seen_at: datetime | None) -> None:
    """Start polling these apps now, unless they are polled already: new apps for subscriptions to every app.

    `catalogue_seen_at` is when the list of apps was last seen without them: builds made after it are announced. None
    (the first list) stands for the moment the oldest subscription to every app was made.
    """
    rows = _rows_of(app_ids)
    since = None if catalogue_seen_at is None else micros(catalogue_seen_at)
    tx.execute(_ENSURE, since=since, rows=rows)


def claim_due_apps(
    tx: Transaction,
    limit: int,
    lease_seconds: float,
    only_due: bool = True,
    *,
    furthest_seconds: float = FURTHEST_SECONDS,
) -> list[PollLease]:
    """Take up to `limit` due apps with a subscription (paused or not) under a lease: those that were requested first,
    then the longest due.

    `only_due=False` takes apps whose time has not come as well. A time further ahead than `furthest_seconds` was set
    before the clock was set back, and counts as due.
    """
    token = fresh_token()
    values = {
        "token": token,
        "lease": span(lease_seconds),
        "limit": limit,
        "leased": far(lease_seconds),
        "page": span(PAGE_SECONDS),
    }
    rows = tx.execute(_CLAIM, far=span(furthest_seconds), **values) if only_due else tx.execute(_CLAIM_ANY, **values)
    found_rows = sorted(rows, key=lambda row: (not row.on_request, row.next_poll_at, row.app_id))
    return [
        PollLease(
            row.app_id,
            token,
            bool(row.baseline_done),
            None if row.history_before is None else moment(row.history_before),
            row.failures,
            bool(row.on_request),
            bool(row.running),
            row.page_hash,
        )
        for row in found_rows
    ]


def renew_leases(tx: Transaction, token: str, lease_seconds: float) -> None:
    """Renew the leases under one token that have not ended yet: they last `lease_seconds` from now."""
    tx.execute(_RENEW, token=token, lease=span(lease_seconds))


def release_poll_leases(tx: Transaction) -> None:
    """Release all poll leases, at the start of a process that has the database to itself."""
    tx.execute(_END_LOOKS)


def poll_due_in(tx: Transaction, *, furthest_seconds: float = FURTHEST_SECONDS) -> float | None:
    """Return the seconds until `claim_due_apps` finds an app; 0 if it does now, None if no app is polled."""
    wait = tx.execute(_DUE_IN, far=span(furthest_seconds), leased=far()).scalar()
    return None if wait is None else max(0.0, int(wait) / 1e6)


def record_failure(tx: Transaction, app_id: str, token: str, retry_in_seconds: float, *, failed: bool = True) -> None:
    """Release an app whose poll failed; it is due in `retry_in_seconds`, or now if a webhook arrived meanwhile.

    With `failed` false the poll was interrupted and is not counted as a failure. A requested poll stays requested.
    """
    values = {"app": app_id, "token": token, "wait": span(retry_in_seconds), "failed": int(failed)}
    tx.execute(_FAIL, **values)


def record_unchanged(tx: Transaction, app_id: str, token: str, next_at_seconds: float) -> None:
    """Release an app whose list has not changed; it is due in `next_at_seconds`, as with `record_poll`."""
    tx.execute(_UNCHANGED, app=app_id, token=token, wait=span(next_at_seconds))


def note_page(tx: Transaction, app_id: str, token: str, page_hash: str, seconds: float) -> None:
    """Record the hash of the first page if no other poll has run since the one under `token` recorded its content.

    For that many seconds an unchanged first page needs no further work.
    """
    tx.execute(_NOTE_PAGE, app=app_id, token=token, hash=page_hash, wait=span(seconds))


def count_apps(tx: Transaction) -> tuple[int, int]:
    """Return how many apps are polled, and how many of them have a build that is processing."""
    row = tx.execute(_COUNT).one()
    return row.apps, row.running or 0


def retry_failing(tx: Transaction) -> None:
    """Make every app whose last poll failed due now and reset its failures, after an outage."""
    tx.execute(_RETRY)
    tx.notify(Topic.APP_POLLS)


def request_poll(tx: Transaction, app_ids: Iterable[str] | None = None) -> None:
    """Mark these apps (None: all) as due now; an app that is being polled is polled once more."""
    if app_ids is None:
        tx.execute(_RING_ALL)
    else:
        tx.execute(_RING, rows=_rows_of(app_ids))
    tx.notify(Topic.APP_POLLS)


def find_watched_apps(tx: Transaction, app_ids: Iterable[str]) -> set[str]:
    """Return which of these apps have a subscription."""
    return set(tx.execute(_WHICH_WATCHED, rows=_rows_of(app_ids)).scalars())


def _rows_of(app_ids: Iterable[str]) -> str:
    return as_rows({"app": app_id} for app_id in sorted(set(app_ids)))


def list_watched_apps(tx: Transaction) -> set[str]:
    """Return the ids of all apps with a subscription."""
    return set(tx.execute(_WATCHED_APPS).scalars())


def get_polling_stats(
    tx: Transaction, *, behind_after_seconds: float = 60.0, overdue_after_seconds: float | None = None
) -> PollingStats:
    """Return the number of polled apps and how far behind they are, for `/readyz` and the metrics.

    An app is behind when its last three polls failed, or when its last success is older than `behind_after_seconds` and
    it is failing or overdue by `overdue_after_seconds` (by default the same).
    """
    overdue = behind_after_seconds if overdue_after_seconds is None else overdue_after_seconds
    spans = {"late": span(behind_after_seconds), "overdue": span(overdue)}
    row = tx.execute(_STATE, **spans, failures=FAILURES).one()
    oldest, newest = (None if item is None else moment(item) for item in (row.oldest, row.newest))
    return PollingStats(row.apps, row.behind or 0, row.never or 0, oldest, newest)


_WAITED_FOR = "EXISTS (SELECT 1 FROM build_waiters w WHERE w.app_id = app_polls.app_id AND NOT w.notified)"

# Whether an app has a subscription, for a few apps: two index lookups for each.
_WATCHED = f"""(
        EXISTS (SELECT 1 FROM subscriptions s WHERE s.app_id IN (app_polls.app_id, '*')) OR {_WAITED_FOR}
    )"""  # noqa: S608 - no user input

# The same for all apps: one lookup of `*`, and PostgreSQL reads the subscriptions once.
_EACH_WATCHED = f"""(
        EXISTS (SELECT 1 FROM subscriptions s WHERE s.app_id = '*')
        OR EXISTS (SELECT 1 FROM subscriptions s WHERE s.app_id = app_polls.app_id) OR {_WAITED_FOR}
    )"""  # noqa: S608 - no user input

_APPS = JsonRows("rows", {"app": "text"})

_ENSURE = written(
    """
    INSERT INTO app_polls (app_id, next_poll_at, lease_until, poll_requested, baseline_done, history_before, failures)
    SELECT o.app, {now}, 0, false, false,
        coalesce(CAST(:since AS bigint), (SELECT min(s.created_at) FROM subscriptions s WHERE s.app_id = '*')), 0
    FROM {rows} WHERE true
    ON CONFLICT (app_id) DO NOTHING
    """,
    _APPS,
)


def _claims(due: str) -> Statement:
    # MATERIALIZED: PostgreSQL must run the locking part once only, or it may lock more than the limit.
    return written(f"""
    WITH taken AS MATERIALIZED (
        SELECT app_id FROM app_polls
        WHERE (lease_until <= {{now}} OR lease_until > {{now}} + :leased)
            AND {due} AND {_WATCHED}
        ORDER BY poll_requested DESC, next_poll_at, app_id LIMIT :limit {{skip_locked}}
    )
    UPDATE app_polls SET lease_token = :token, lease_until = {{now}} + :lease,
        on_request = poll_requested, poll_requested = false,
        page_hash = CASE WHEN poll_requested OR page_until <= {{now}} OR page_until > {{now}} + :page THEN ''
            ELSE page_hash END
    WHERE app_id IN (SELECT app_id FROM taken)
    RETURNING app_id, next_poll_at, baseline_done, history_before, failures, on_request, running, page_hash
""")  # noqa: S608 - no user input


_CLAIM = _claims("(next_poll_at <= {now} OR next_poll_at > {now} + :far)")
_CLAIM_ANY = _claims("true")

_RENEW = written("UPDATE app_polls SET lease_until = {now} + :lease WHERE lease_token = :token")

_END_LOOKS = written("UPDATE app_polls SET lease_token = NULL, lease_until = 0 WHERE lease_token IS NOT NULL")

# Reads the index from both ends: leased apps are due and come first, followed by the app that is due next.
_DUE_IN = written(f"""
    SELECT CASE WHEN EXISTS (SELECT 1 FROM app_polls WHERE next_poll_at > {{now}} + :far AND {_WATCHED}) THEN 0 ELSE (
        SELECT min(w.at) - {{now}} FROM (
            SELECT CASE WHEN lease_until > next_poll_at AND lease_until <= {{now}} + :leased THEN lease_until
                ELSE next_poll_at END AS at
            FROM app_polls WHERE {_WATCHED} ORDER BY next_poll_at LIMIT {LEASED_AT_ONCE}
        ) AS w
    ) END
""")  # noqa: S608 - no user input

_FAIL = written("""
    UPDATE app_polls SET lease_token = NULL, lease_until = 0, failures = failures + :failed,
        poll_requested = (poll_requested OR on_request),
        next_poll_at = {now} + CASE WHEN poll_requested THEN 0 ELSE :wait END
    WHERE app_id = :app AND lease_token = :token
""")

_UNCHANGED = written("""
    UPDATE app_polls SET lease_token = NULL, lease_until = 0, failures = 0, last_polled_at = {now},
        next_poll_at = {now} + CASE WHEN poll_requested THEN 0 ELSE :wait END
    WHERE app_id = :app AND lease_token = :token
""")

_NOTE_PAGE = written("""
    UPDATE app_polls SET page_hash = :hash, page_until = {now} + :wait WHERE app_id = :app AND page_hash = :token
""")

_COUNT = written(f"""
    SELECT count(*) AS apps, sum(CASE WHEN running THEN 1 ELSE 0 END) AS running FROM app_polls
    WHERE {_EACH_WATCHED}
""")  # noqa: S608 - no user input

_RETRY = written("UPDATE app_polls SET next_poll_at = {now}, failures = 0, poll_requested = true WHERE failures > 0")

_RING = written(
    """
    UPDATE app_polls SET next_poll_at = {now}, poll_requested = true
    WHERE app_id IN (SELECT o.app FROM {rows})
    """,
    _APPS,
)

_RING_ALL = written("UPDATE app_polls SET next_poll_at = {now}, poll_requested = true")

_WHICH_WATCHED = written(
    f"SELECT app_polls.app_id FROM {{rows}} CROSS JOIN app_polls WHERE app_polls.app_id = o.app AND {_WATCHED}",  # noqa: S608 - no user input
    _APPS,
)

_WATCHED_APPS = written(f"SELECT app_id FROM app_polls WHERE {_EACH_WATCHED}")  # noqa: S608 - no user input

_STATE = written(f"""
    SELECT count(*) AS apps, min(last_polled_at) AS oldest, max(last_polled_at) AS newest,
        sum(CASE WHEN failures >= :failures OR (
            (failures > 0 OR next_poll_at + :overdue < {{now}})
            AND (last_polled_at IS NULL OR last_polled_at + :late < {{now}})
        ) THEN 1 ELSE 0 END) AS behind,
        sum(CASE WHEN last_polled_at IS NULL THEN 1 ELSE 0 END) AS never
    FROM app_polls WHERE {_EACH_WATCHED}
""")  # noqa: S608 - no user input
