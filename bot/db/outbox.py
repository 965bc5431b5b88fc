"""The outbox: claims on the next delivery of each channel, and the results of posts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from bot.db import outbox_enqueue, outbox_read
from bot.db.connect import fresh_token
from bot.db.dialect_sql import JsonRows, as_rows, far, span, written
from bot.db.outbox_types import ChannelLease, DeliveryClaim, DeliveryResult, OutboxBacklog, OutboxBatch
from bot.db.subscriptions import subscription_of
from bot.db.transaction import Step, Transaction
from bot.db.types import moment, storable
from bot.db.wakeups import Topic
from bot.domain.model import Subscription
from bot.domain.states import DeliveryState, ResultKind

# No wait is longer than the ten minutes of a Retry-After: a time further ahead was set before the clock was set back,
# and counts as due.
FURTHEST = span(660)

# A delivery that this version cannot read is from a newer version, which runs beside it during a rolling update. It
# blocks its channel for this long; then it is skipped.
LEFT_TO_NEWER = span(600)
LEFT_SECONDS = 5.0

Rows = Sequence[Any]


def commit_results_and_claim(
    tx: Transaction, done: Sequence[DeliveryResult], room: int, *, lease_seconds: float, pace_seconds: float
) -> OutboxBatch:
    """Record the results of posts and claim up to `room` new deliveries, in one transaction.

    The first recorded ts of a delivery stays. A result frees its channel, which is due after `pace_seconds` (or
    `retry_in`, if longer). Then each free channel that is due yields only its oldest waiting delivery. May be repeated
    with the same `done` after `DatabaseUnavailable`.
    """
    ended = [outcome for outcome in done if outcome.kind is not ResultKind.UNSURE]
    claiming = _Claiming(room, lease_seconds)
    before = list(_steps_to_commit(ended, pace_seconds))
    answers = tx.execute_all([*before, *claiming.steps()])
    lost, more_due = _commit_results(tx, ended, pace_seconds, *answers[: len(before)]) if ended else ((), False)
    claims = claiming.finish(tx, *answers[len(before) :])
    if more_due and len(claims) < room:
        claims = (*claims, *_Claiming(room - len(claims), lease_seconds).claim(tx))
    return OutboxBatch(claims, lost, None if claims else delivery_due_in(tx))


def _steps_to_commit(ended: Sequence[DeliveryResult], pace_seconds: float) -> Iterator[Step]:
    if ended:
        rows = as_rows(_row(outcome, pace_seconds) for outcome in ended)
        yield _HAND_IN, {"rows": rows}
        yield _FREE, {"rows": rows}
        if any(outcome.covers for outcome in ended):
            yield _COVER, {"rows": rows}


def _commit_results(
    tx: Transaction,
    ended: Sequence[DeliveryResult],
    pace_seconds: float,
    handed_in: Rows,
    freed_rows: Rows,
    _covered: Rows = (),
) -> tuple[tuple[DeliveryResult, ...], bool]:
    """Return the posts that ended after their lease, and whether there is more to claim than the statements saw.

    That is the case after a late edit, which makes another one due, and when a channel is freed that was moved to
    another id. The rows are the results of the statements of `_steps_to_commit`.
    """
    written_down = {row.id: row.channel_id for row in handed_in}
    freed = {row.channel_id for row in freed_rows}
    moved = any(written_down.get(o.announcement_id, o.channel_id) != o.channel_id for o in ended)
    if moved:
        # the channel got another id during the post: the lease is under that id
        ended = [replace(o, channel_id=written_down.get(o.announcement_id, o.channel_id)) for o in ended]
        freed |= set(tx.execute(_FREE, rows=as_rows(_row(outcome, pace_seconds) for outcome in ended)).scalars())
    # Of two that ended at the same time in one channel, one was late.
    times = Counter(outcome.channel_id for outcome in ended)
    in_time = {channel for channel in freed if times[channel] == 1}
    late_edits = [o for o in ended if o.edited and o.channel_id not in in_time]
    _refresh_late_edits(tx, late_edits)
    kept = {o.announcement_id for o in ended if o.announcement_id in written_down and times[o.channel_id] == 1}
    late = [o for o in ended if o.kind is ResultKind.POSTED and o.announcement_id not in kept]
    if not late:
        return (), bool(late_edits) or moved
    # The same ts again is this replica's own result, repeated because the first response was lost.
    result = tx.execute(_FIRST, rows=as_rows({"id": o.announcement_id} for o in late))
    first = {row.id: row.ts for row in result}
    return tuple(o for o in late if first.get(o.announcement_id, o.ts) != o.ts), bool(late_edits) or moved


def _refresh_late_edits(tx: Transaction, late: Sequence[DeliveryResult]) -> None:
    """Edit cards again after late edits, which may have replaced newer content with older."""
    if late:
        result = tx.execute(_BUILDS, rows=as_rows({"id": o.announcement_id} for o in late))
        outbox_enqueue.enqueue(tx, "", (), set(result.scalars()))


class _Claiming:
    """The statements that claim up to `room` deliveries, and the evaluation of their rows."""

    def __init__(self, room: int, lease_seconds: float) -> None:
        self._room = room
        self._seconds = lease_seconds
        self._token = fresh_token()
        self._start = time.monotonic()

    def steps(self) -> Sequence[Step]:
        """Return the statements; none without room."""
        lease = {"token": self._token, "lease": span(self._seconds)}
        steps: Sequence[Step] = (
            (_LEASE, {**lease, "room": self._room, "far": FURTHEST, "leased": far(self._seconds)}),
            (_HEADS, {"token": self._token}),
            (outbox_read.FACTS_OF_LEASE, lease),
            (outbox_read.SUBSCRIPTIONS_OF_LEASE, lease),
        )
        return steps if self._room > 0 else ()

    def claim(self, tx: Transaction) -> tuple[DeliveryClaim, ...]:
        """Claim up to `room` deliveries."""
        return self.finish(tx, *tx.execute_all(self.steps()))

    def finish(
        self, tx: Transaction, leased: Rows = (), _heads: Rows = (), facts: Rows = (), about: Rows = ()
    ) -> tuple[DeliveryClaim, ...]:
        """Return the claims in these rows; remaining room is filled from other channels."""
        if not leased:
            return ()
        until = {row.channel_id: moment(row.lease_until) for row in leased}
        subscribed: dict[int, list[Subscription]] = {}
        for row in about:
            subscribed.setdefault(row.delivery_id, []).append(subscription_of(row))
        taken, left = [], []
        for row, announcement in outbox_read.deliveries_of(tx, facts):
            if announcement is None:
                if int(row.age) < LEFT_TO_NEWER:
                    left.append(_row_left(row, self._token))
                else:
                    tx.execute(_UNREADABLE, id=row.id)
                continue
            lease = ChannelLease(self._token, until[row.channel_id], self._start, self._seconds)
            taken.append(DeliveryClaim.of(row, announcement, lease, subscribed.get(row.id, ())))
        if len(taken) == len(leased):
            return tuple(taken)
        if left:
            tx.execute(_HAND_IN, rows=as_rows(left))
            tx.execute(_FREE, rows=as_rows(left))
        # Channels without a waiting delivery are marked so, and others can be claimed.
        used = as_rows({"channel": claim.announcement.channel_id} for claim in taken)
        tx.execute(_CLOSE, token=self._token, rows=used)
        return (*taken, *_Claiming(self._room - len(taken), self._seconds).claim(tx))


def record_not_posted(tx: Transaction, claim: DeliveryClaim) -> None:
    """Record that the attempts before this claim posted nothing, and that its own attempt starts now."""
    tx.execute(_NOT_POSTED, id=claim.announcement.id, token=claim.channel_token)


def get_posted_ts(tx: Transaction, number: int) -> str | None:
    """Return the ts recorded for a delivery; None without one."""
    ts: str | None = tx.execute(_POSTED, id=number).scalar()
    return ts


def wake_replicas(tx: Transaction) -> None:
    """Wake the other replicas, which wait for the end of leases that this one has released."""
    tx.notify(Topic.OUTBOX)


def delivery_due_in(tx: Transaction) -> float | None:
    """Return the seconds until a delivery can be claimed; 0 if one can now, None if none waits."""
    wait = tx.execute(_DUE_IN, far=FURTHEST, leased=far()).scalar()
    return None if wait is None else max(0.0, int(wait) / 1e6)


def get_backlog(tx: Transaction) -> OutboxBacklog:
    """Return the backlog for the metrics, including deliveries being sent."""
    row = tx.execute(_WAITING).one()
    return OutboxBacklog(row.number, None if row.age is None else max(0.0, int(row.age) / 1e6))


_STATES = {
    ResultKind.POSTED: DeliveryState.POSTED,
    ResultKind.AGAIN: DeliveryState.DUE,
    ResultKind.HELD: DeliveryState.HELD,
    ResultKind.FAILED: DeliveryState.FAILED,
    ResultKind.LOOK_UP: DeliveryState.SENDING,
}


def _row(outcome: DeliveryResult, pace_seconds: float) -> dict[str, object]:
    if outcome.kind is ResultKind.POSTED and not outcome.ts:
        raise ValueError("a posted announcement has a ts")
    return {
        "id": outcome.announcement_id,
        "channel": outcome.channel_id,
        "token": outcome.channel_token,
        "state": _STATES[outcome.kind],
        "ts": outcome.ts if outcome.kind is ResultKind.POSTED else None,
        "reason": None if outcome.reason is None else storable(outcome.reason),
        "wait": span(max(pace_seconds, outcome.retry_in)),
        "covers": outcome.covers,
    }


def _row_left(row: Any, token: str) -> dict[str, object]:
    facts = {"id": row.id, "channel": row.channel_id, "token": token, "wait": span(LEFT_SECONDS), "covers": 0}
    return {**facts, "state": DeliveryState.DUE, "ts": None, "reason": None}


_ENDED = JsonRows(
    "rows",
    {
        "id": "bigint",
        "channel": "text",
        "token": "text",
        "state": "text",
        "ts": "text",
        "reason": "text",
        "wait": "bigint",
        "covers": "bigint",
    },
)

# The first ts stays, with or without the lease; all else needs the lease. A delivery with an unknown outcome keeps it
# until it was looked up; a held one starts again.
_HAND_IN = written(
    """
    UPDATE outbox SET ts = o.ts, reason = o.reason,
        state = CASE WHEN o.state = {delivery.DUE} AND outbox.outcome_unknown THEN {delivery.SENDING} ELSE o.state END,
        first_attempt_at = CASE WHEN o.state <> {delivery.HELD} OR outbox.outcome_unknown THEN first_attempt_at END,
        payload = CASE WHEN o.state IN ({delivery.POSTED}, {delivery.FAILED}) THEN '' ELSE payload END,
        attempted_from = CASE WHEN o.state NOT IN ({delivery.DUE}, {delivery.HELD}) OR outbox.outcome_unknown
            THEN attempted_from END,
        not_before = CASE WHEN o.state <> {delivery.HELD} THEN not_before END,
        posted_at = CASE WHEN o.state = {delivery.POSTED} THEN {now} END
    FROM {rows}
    WHERE outbox.id = o.id AND outbox.ts IS NULL AND (
        o.state = {delivery.POSTED} OR outbox.state = {delivery.SENDING} AND EXISTS (
            SELECT 1 FROM channel_leases c WHERE c.channel_id = outbox.channel_id AND c.lease_token = o.token
        )
    )
    RETURNING outbox.id, outbox.channel_id
    """,
    _ENDED,
)

# In the order of channel ids, as `enqueue` locks channels, to avoid deadlocks.
_FREE = written(
    """
    UPDATE channel_leases SET lease_token = NULL, lease_until = 0, next_send_at = {now} + f.wait
    FROM (
        SELECT c.channel_id, o.wait FROM channel_leases c
        JOIN {rows} ON c.channel_id = o.channel AND c.lease_token = o.token
        ORDER BY c.channel_id {lock_c}
    ) AS f
    WHERE channel_leases.channel_id = f.channel_id
    RETURNING channel_leases.channel_id
    """,
    _ENDED,
)

# A card shows all that was due for it when it was posted, but not what was held then and released since.
_COVER = written(
    """
    UPDATE outbox SET state = {delivery.POSTED}, ts = o.ts, posted_at = {now}
    FROM {rows} JOIN outbox h ON h.id = o.id
    WHERE o.covers > 0 AND h.ts = o.ts AND outbox.channel_id = h.channel_id AND outbox.card_key = h.card_key
        AND outbox.id <= o.covers AND outbox.state = {delivery.DUE}
        AND outbox.event NOT LIKE {follow.DETAILS:%}
        AND (outbox.not_before IS NULL OR outbox.not_before <= h.first_attempt_at)
    """,
    _ENDED,
)

_BUILDS = written(
    "SELECT a.build_id FROM {rows} JOIN outbox a ON a.id = o.id",
    JsonRows("rows", {"id": "bigint"}),
)

_FIRST = written(
    "SELECT a.id, a.ts FROM outbox a JOIN {rows} ON a.id = o.id WHERE a.ts IS NOT NULL",
    JsonRows("rows", {"id": "bigint"}),
)

_LEASE = written("""
    WITH free AS MATERIALIZED (
        SELECT channel_id FROM channel_leases
        WHERE has_pending AND (lease_until <= {now} OR lease_until > {now} + :leased)
            AND (next_send_at <= {now} OR next_send_at > {now} + :far)
        ORDER BY next_send_at, channel_id LIMIT :room {skip_locked}
    )
    UPDATE channel_leases SET lease_token = :token, lease_until = {now} + :lease
    WHERE channel_id IN (SELECT channel_id FROM free)
    RETURNING channel_id, lease_until
""")

# A statement of its own after _LEASE: with the channels locked, it sees all commits about them. The repeated `ts IS
# NULL` is for a late post that is being recorded concurrently. With the states there as well, PostgreSQL would read the
# whole queue by its index instead of the few heads by their ids.
_HEADS = written("""
    WITH heads AS MATERIALIZED (
        SELECT (
            SELECT min(w.id) FROM outbox w
            WHERE w.channel_id = c.channel_id AND w.state IN {waiting}
        ) AS id
        FROM channel_leases c WHERE c.lease_token = :token
    )
    UPDATE outbox SET outcome_unknown = (state = {delivery.SENDING}), state = {delivery.SENDING},
        first_attempt_at = coalesce(first_attempt_at, {now}),
        attempted_from = CASE WHEN state = {delivery.SENDING} THEN attempted_from ELSE {now} END,
        attempted_until = CASE WHEN state = {delivery.SENDING} THEN attempted_until ELSE {now} END
    WHERE ts IS NULL AND id IN (SELECT heads.id FROM heads)
    RETURNING id
""")

# `attempted_from` stays, so that messages which Slack shows late are looked up again if this attempt fails too.
_NOT_POSTED = written("""
    UPDATE outbox SET outcome_unknown = false, attempted_until = {now}
    WHERE id = :id AND ts IS NULL AND state = {delivery.SENDING} AND EXISTS (
        SELECT 1 FROM channel_leases c WHERE c.channel_id = outbox.channel_id AND c.lease_token = :token
    )
""")

_POSTED = written("SELECT ts FROM outbox WHERE id = :id")

_UNREADABLE = written("""
    UPDATE outbox SET state = {delivery.FAILED}, reason = 'made by another version of this bot' WHERE id = :id
""")

_CLOSE = written(
    """
    UPDATE channel_leases SET lease_token = NULL, lease_until = 0, has_pending = EXISTS (
        SELECT 1 FROM outbox w WHERE w.channel_id = channel_leases.channel_id AND w.state IN {waiting}
    )
    WHERE lease_token = :token AND channel_id NOT IN (SELECT o.channel FROM {rows})
    """,
    JsonRows("rows", {"channel": "text"}),
)

_DUE_IN = written("""
    SELECT min(CASE WHEN w.at > {now} + :far THEN 0 ELSE w.at - {now} END) FROM (
        SELECT CASE WHEN lease_until > next_send_at AND lease_until <= {now} + :leased THEN lease_until
            ELSE next_send_at END AS at
        FROM channel_leases WHERE has_pending
    ) AS w
""")

_WAITING = written("""
    SELECT count(*) AS number, {now} - min(created_at) AS age FROM outbox WHERE state IN {waiting}
""")
