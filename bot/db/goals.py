"""Goals: leases, counts, requests to users, and the transaction that ends a goal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import asdict, replace

from bot.db import audit, outbox_enqueue
from bot.db.connect import fresh_token
from bot.db.dialect_sql import SKEW_SECONDS, JsonRows, as_rows, far, span, written
from bot.db.serialization import fact_of_goal, fact_of_request
from bot.db.transaction import Transaction
from bot.db.types import moment
from bot.db.wakeups import Topic
from bot.domain.audit import AuditAction, AuditEntry
from bot.domain.goals import APART, RARELY, Goal, GoalRequest, GoalSample, GoalStatus
from bot.domain.model import ChannelNotice, NewDelivery
from bot.domain.states import GoalState

COLUMNS = ", ".join(Goal.__struct_fields__)
# The longest postponement: a goal that is due later was last counted by a clock that was ahead.
AHEAD = span(RARELY.total_seconds() + SKEW_SECONDS)


def add_goal(tx: Transaction, goal: Goal, status: GoalStatus, *, most: int, first_wave: float) -> Goal | None:
    """Save a goal with its first count and enqueue its card; None when `most` goals, or the same goal, run already.

    It is due again in `first_wave` seconds. `status` is the content of the card, without the goal's number.
    """
    if int(tx.execute(_RUNNING).scalar_one()) >= most:
        return None
    due = goal.created_at + timedelta(seconds=first_wave)
    row = tx.execute(_ADD, **asdict(goal), due_at=due).first()
    if row is None:
        return None
    saved = goal_of(row)
    _add_samples(tx, saved.id, status.samples)
    shown = GoalStatus(saved, status.samples, status.builds, newer=status.newer)
    _say(tx, saved.channel_id, shown, ChannelNotice.GOAL)
    tx.notify(Topic.GOALS)
    return saved


def _say(tx: Transaction, channel_id: str, status: GoalStatus, event: ChannelNotice) -> None:
    name = card_name(status.goal.id)
    new = NewDelivery(channel_id, name, event, card=f"{name}/{event}", fact=fact_of_goal(status))
    outbox_enqueue.enqueue(tx, status.goal.app_id, [new])


def card_name(number: int) -> str:
    """Return the card key of a goal's messages in the outbox."""
    return f"goal/{number}"


def _add_samples(tx: Transaction, number: int, samples: Sequence[GoalSample]) -> None:
    for sample in samples:
        tx.execute(_ADD_SAMPLE, id=number, **asdict(sample))


def get_goal(tx: Transaction, number: int) -> Goal | None:
    """Return the goal of this number."""
    row = tx.execute(_GOAL, id=number).first()
    return None if row is None else goal_of(row)


def list_goals(tx: Transaction, channel_id: str) -> list[Goal]:
    """Return the running and paused goals of a channel, oldest first."""
    return [goal_of(row) for row in tx.execute(_OF_CHANNEL, channel=channel_id)]


def read_status(tx: Transaction, goal: Goal) -> GoalStatus:
    """Return a goal's counts so far, and how many people were asked."""
    rows = tx.execute(_SAMPLES, id=goal.id)
    samples = tuple(GoalSample(moment(row.at), row.have, row.total, row.unknown) for row in rows)
    return GoalStatus(goal, samples, asked=len(count_requests(tx, goal.id)))


def count_requests(tx: Transaction, number: int) -> dict[str, int]:
    """Return how often each person was asked for a goal."""
    return {row.user_id: row.times for row in tx.execute(_REQUESTS, id=number)}


def count_requests_since(tx: Transaction, number: int, since: datetime) -> int:
    """Return how many people were asked for a goal from a time (aware) on."""
    return int(tx.execute(_REQUESTS_SINCE, id=number, since=since).scalar_one())


def set_asking(tx: Transaction, number: int, *, asks: bool) -> Goal | None:
    """Turn a running goal's requests on or off; None when it has ended."""
    row = tx.execute(_SET_ASKING, id=number, asks=asks).first()
    tx.notify(Topic.GOALS)
    return None if row is None else goal_of(row)


def stop_goal(tx: Transaction, number: int) -> Goal | None:
    """Stop a goal; None when it has ended already. The worker updates the card."""
    row = tx.execute(_STOP, id=number).first()
    tx.notify(Topic.GOALS)
    return None if row is None else goal_of(row)


def resume_goal(tx: Transaction, number: int) -> Goal | None:
    """Resume a goal that a user stopped; None when that is impossible, or an equal goal runs by now."""
    goal = get_goal(tx, number)
    if goal is None or goal.state is not GoalState.STOPPED or find_like(tx, goal):
        return None
    tx.execute(_RESUME, id=number)
    tx.notify(Topic.GOALS)
    resumed = get_goal(tx, number)
    return resumed if resumed and resumed.is_running else None


def find_like(tx: Transaction, goal: Goal) -> Goal | None:
    """Return the running goal of the same channel, builds and people."""
    same = {name: getattr(goal, name) for name in ("channel_id", "app_id", "build_ref", "group_id", "members_of")}
    row = tx.execute(_LIKE, **same).first()
    return None if row is None else goal_of(row)


def count_now(tx: Transaction, app_id: str) -> None:
    """Make the goals of an app due now, after one of its builds has changed."""
    tx.execute(_COUNT_NOW, app=app_id)
    tx.notify(Topic.GOALS)


def count_after_links(tx: Transaction, seconds: float) -> None:
    """Make goals due if a link to their app was issued at least `seconds` ago and they were not counted since."""
    tx.execute(_AFTER_LINKS, get=AuditAction.GET, settled=span(seconds), skew=span(SKEW_SECONDS))


# -------------------------------------------------------------- scheduling


def lease_due_goals(tx: Transaction, most: int, lease_seconds: float) -> list[tuple[Goal, str]]:
    """Lease goals that are due; each has the token that ends the lease. An expired lease may be taken again."""
    token = fresh_token()
    tx.execute(_LEASE, token=token, lease=span(lease_seconds), far=far(lease_seconds), most=most, ahead=AHEAD)
    return [(goal_of(row), token) for row in tx.execute(_LEASED, token=token)]


def record_count(
    tx: Transaction,
    status: GoalStatus,
    token: str,
    *,
    sample: GoalSample | None,
    state: GoalState,
    entry: AuditEntry,
) -> GoalStatus | None:
    """Record a count and the resulting state and, if that ends the goal, enqueue the message: one transaction.

    `status` is the one before the count. None when the lease was lost or the goal has ended meanwhile.
    """
    goal = status.goal
    is_over = state is not GoalState.RUNNING
    row = tx.execute(_COUNTED, id=goal.id, token=token, state=state, is_over=is_over).first()
    if row is None:
        return None
    if sample is not None:
        _add_samples(tx, goal.id, [sample])
    now = GoalStatus(
        goal_of(row), (*status.samples, *filter(None, [sample])), status.builds, status.asked, status.newer
    )
    if is_over:
        if state is not GoalState.WITHDRAWN:
            _say(tx, now.goal.channel_id, replace(now, samples=now.samples[-1:]), ChannelNotice.GOAL_ENDED)
        audit.add_entry(tx, entry)
    return now


def record_requests(
    tx: Transaction,
    request: GoalRequest,
    token: str,
    people: Collection[tuple[str, str]],
    entry: AuditEntry,
    *,
    most: int,
) -> list[str]:
    """Ask the first of these people, `most` at most; return those asked. `people` are user ids with their local date.

    Skips users who were asked today already, for any goal or build, or opted out. The requests are enqueued in the same
    transaction, so that a crash never asks a user twice. `entry` is the audit row, without the number of users.
    """
    goal = request.goal
    if tx.execute(_ASKING, id=goal.id, token=token).first() is None:
        return []
    left_out = list_left_out(tx, [user_id for user_id, _ in people])
    asked: list[tuple[str, str]] = []
    for user_id, day in people:
        if len(asked) < most and user_id not in left_out:
            asked += [(each, day) for each in tx.execute(_ASK, user=user_id, day=day, id=goal.id).scalars()]
    for user_id, _ in asked:
        _note_nudge(tx, request, user_id)
    fact = fact_of_request(request)
    new = [
        NewDelivery(user_id, f"{card_name(goal.id)}/{day}", ChannelNotice.GOAL_REQUEST, fact=fact)
        for user_id, day in asked
    ]
    outbox_enqueue.enqueue(tx, goal.app_id, new)
    if asked:
        audit.add_entry(tx, replace(entry, outcome=f"{len(asked)} people"))
    return [user_id for user_id, _ in asked]


def list_left_out(tx: Transaction, people: Collection[str]) -> set[str]:
    """Return the users who opted out, or were asked recently by a goal or a manager."""
    rows = as_rows({"who": user_id} for user_id in people)
    return set(tx.execute(_LEFT_OUT, rows=rows, apart=span(APART.total_seconds())).scalars())


def _note_nudge(tx: Transaction, request: GoalRequest, user_id: str) -> None:
    """Record that a person was asked to try these builds, so that a manager does not ask them once more."""
    for build in request.builds[:1]:
        tx.execute(_NUDGED, build=build.id, user=user_id, by=request.goal.created_by)


def has_opted_out(tx: Transaction, user_id: str) -> bool:
    """Return whether a user opted out of being asked to try builds."""
    return tx.execute(_OPTED_OUT, user=user_id).first() is not None


def find_card(tx: Transaction, goal: Goal) -> str | None:
    """Return the ts of a goal's card and store it with the goal; None while it is not posted."""
    if goal.card_ts is not None:
        return goal.card_ts
    row = tx.execute(_CARD, **_card_of(goal)).first()
    ts: str | None = row.ts if row else None
    if ts is not None:
        tx.execute(_KEEP_CARD, id=goal.id, ts=ts)
    return ts


def is_card_refused(tx: Transaction, goal: Goal) -> bool:
    """Return whether Slack rejected a goal's card for good."""
    return any(row.is_refused for row in tx.execute(_CARD, **_card_of(goal)))


def _card_of(goal: Goal) -> dict[str, str]:
    return {"build": card_name(goal.id), "event": ChannelNotice.GOAL, "channel": goal.channel_id}


def release_goal(
    tx: Transaction, number: int, token: str, *, due_at: datetime, frozen: bool = False, resumed: bool = False
) -> None:
    """End a lease: the goal is due again at a time (aware), or never when it is `frozen`; `resumed`: it was paused."""
    tx.execute(_RELEASE, id=number, token=token, due_at=due_at, frozen=frozen, resumed=resumed)


def release_goal_leases(tx: Transaction, token: str | None = None) -> None:
    """Release the leases under one token; without a token all of them, when the only process starts."""
    if token is None:
        tx.execute(_RELEASE_ALL)
    else:
        tx.execute(_RELEASE_THESE, token=token)
    tx.notify(Topic.GOALS)


def goal_due_in(tx: Transaction) -> float | None:
    """Return the seconds until a goal is due or a lease lapses; 0 if one is due now, None if there is none."""
    wait = tx.execute(_DUE_IN, far=far(), ahead=AHEAD).scalar()
    return None if wait is None else max(0.0, int(wait) / 1e6)


def goal_of(row: Any) -> Goal:
    """Return the goal in a row of the table."""
    values = {name: getattr(row, name) for name in Goal.__struct_fields__}
    values |= {"deadline": moment(row.deadline), "created_at": moment(row.created_at), "state": GoalState(row.state)}
    return Goal(**{**values, "asks": bool(row.asks), "frozen": bool(row.frozen)})


# Running goals are not frozen: states the condition of a partial index.
_RUNNING = written("SELECT count(*) FROM goals WHERE ended_at = 0 AND NOT frozen")

_VALUES = COLUMNS.removeprefix("id, ")
_ADD = written(f"""
    INSERT INTO goals ({_VALUES}, due_at, lease_until) VALUES (:{_VALUES.replace(", ", ", :")}, :due_at, 0)
    ON CONFLICT DO NOTHING RETURNING {COLUMNS}
""")  # noqa: S608 - no user input

_ADD_SAMPLE = written("""
    INSERT INTO goal_samples (goal_id, at, have, total, unknown) VALUES (:id, :at, :have, :total, :unknown)
    ON CONFLICT (goal_id, at) DO NOTHING
""")

_GOAL = written(f"SELECT {COLUMNS} FROM goals WHERE id = :id")  # noqa: S608 - no user input

_OF_CHANNEL = written(f"SELECT {COLUMNS} FROM goals WHERE channel_id = :channel AND ended_at = 0 ORDER BY id")  # noqa: S608 - no user input

_SAMPLES = written("SELECT at, have, total, unknown FROM goal_samples WHERE goal_id = :id ORDER BY at")

_REQUESTS = written("SELECT user_id, count(*) AS times FROM goal_requests WHERE goal_id = :id GROUP BY user_id")

_REQUESTS_SINCE = written("SELECT count(*) FROM goal_requests WHERE goal_id = :id AND asked_at >= :since")

_SET_ASKING = written(f"""
    UPDATE goals SET asks = :asks, due_at = {{now}} WHERE id = :id AND ended_at = 0 RETURNING {COLUMNS}
""")  # noqa: S608 - no user input

_STOP = written(f"""
    UPDATE goals SET state = {{goal.STOPPED}}, ended_at = {{now}}, due_at = {{now}}, lease_token = NULL, lease_until = 0
    WHERE id = :id AND ended_at = 0 RETURNING {COLUMNS}
""")  # noqa: S608 - no user input

_RESUME = written("""
    UPDATE goals SET state = {goal.RUNNING}, ended_at = 0, frozen = false, due_at = {now}, lease_token = NULL,
        lease_until = 0
    WHERE id = :id AND deadline > {now}
""")

_LIKE = written(f"""
    SELECT {COLUMNS} FROM goals WHERE channel_id = :channel_id AND app_id = :app_id AND build_ref = :build_ref
        AND group_id = :group_id AND members_of = :members_of AND ended_at = 0
""")  # noqa: S608 - no user input

_LEASED = written(f"SELECT {COLUMNS} FROM goals WHERE lease_token = :token ORDER BY due_at, id")  # noqa: S608 - no user input

_COUNTED = written(f"""
    UPDATE goals SET state = :state, ended_at = CASE WHEN :is_over THEN {{now}} ELSE ended_at END
    WHERE id = :id AND lease_token = :token AND ended_at = 0 RETURNING {COLUMNS}
""")  # noqa: S608 - no user input

_ASKING = written("SELECT id FROM goals WHERE id = :id AND lease_token = :token AND ended_at = 0 AND asks")

_ASK = written("""
    INSERT INTO goal_requests (user_id, day, goal_id, asked_at) VALUES (:user, :day, :id, {now})
    ON CONFLICT (user_id, day) DO NOTHING RETURNING user_id
""")

_LEFT_OUT = written(
    """
    SELECT n.user_id FROM {rows} JOIN nudge_opt_outs n ON n.user_id = o.who
    UNION SELECT r.user_id FROM {rows} JOIN goal_requests r ON r.user_id = o.who AND r.asked_at > {now} - :apart
    UNION SELECT s.user_id FROM {rows} JOIN nudges s ON s.user_id = o.who AND s.sent_at > {now} - :apart
    """,
    JsonRows("rows", {"who": "text"}),
)

_NUDGED = written("""
    INSERT INTO nudges (build_id, user_id, sent_by, sent_at) VALUES (:build, :user, :by, {now})
    ON CONFLICT (build_id, user_id) DO UPDATE SET sent_by = excluded.sent_by, sent_at = excluded.sent_at
""")

_OPTED_OUT = written("SELECT user_id FROM nudge_opt_outs WHERE user_id = :user")

_CARD = written("""
    SELECT ts, state = {delivery.FAILED} AS is_refused FROM outbox
    WHERE build_id = :build AND event = :event AND channel_id = :channel
""")

_KEEP_CARD = written("UPDATE goals SET card_ts = :ts WHERE id = :id")

_RELEASE = written("""
    UPDATE goals SET due_at = :due_at, frozen = :frozen, lease_token = NULL, lease_until = 0,
        paused = CASE WHEN :resumed THEN NULL ELSE paused END
    WHERE id = :id AND lease_token = :token
""")

_RELEASE_THESE = written("UPDATE goals SET lease_token = NULL, lease_until = 0 WHERE lease_token = :token")

_RELEASE_ALL = written("UPDATE goals SET lease_token = NULL, lease_until = 0 WHERE lease_token IS NOT NULL")

_COUNT_NOW = written("UPDATE goals SET due_at = {now} WHERE app_id = :app AND ended_at = 0")

_AFTER_LINKS = written("""
    UPDATE goals SET due_at = {now} WHERE NOT frozen AND ended_at = 0 AND due_at > {now} AND EXISTS (
        SELECT 1 FROM audit a
        WHERE a.app_id = goals.app_id AND a.action = :get AND a.at <= {now} - :settled
            AND a.at + :settled > (
                SELECT max(s.at) FROM goal_samples s WHERE s.goal_id = goals.id AND s.at <= {now} + :skew
            )
    )
""")

_LEASE = written("""
    UPDATE goals SET lease_token = :token, lease_until = {now} + :lease
    WHERE id IN (
        SELECT id FROM goals
        WHERE (due_at <= {now} OR due_at > {now} + :ahead) AND NOT frozen
            AND (lease_until <= {now} OR lease_until > {now} + :far)
        ORDER BY due_at LIMIT :most {skip_locked}
    ) AND NOT frozen
""")

_DUE_IN = written("""
    SELECT min(CASE WHEN lease_until > due_at AND lease_until <= {now} + :far THEN lease_until
        WHEN due_at > {now} + :ahead THEN {now} ELSE due_at END) - {now}
    FROM goals WHERE NOT frozen
""")
