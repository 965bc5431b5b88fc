"""Goals: leases, counts, whom they ask, and the transaction in which one ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict, replace

from bot.db import audit, outbox_enqueue
from bot.db.connect import fresh_token
from bot.db.dialect_sql import SKEW_SECONDS, far, span, written
from bot.db.download_schema import goal_requests, goal_samples, nudge_opt_outs, nudges
from bot.db.download_schema import goals as table
from bot.db.schema import outbox
from bot.db.serialization import fact_of_goal, fact_of_request
from bot.db.transaction import Transaction
from bot.db.types import db_now
from bot.db.wakeups import Topic
from bot.domain.audit import AuditAction, AuditEntry
from bot.domain.goals import APART, RARELY, Goal, GoalRequest, GoalSample, GoalStatus
from bot.domain.model import ChannelNotice, NewDelivery
from bot.domain.states import DeliveryState, GoalState

_COLUMNS = [table.c[name] for name in Goal.__struct_fields__]
# No goal is postponed for longer: one that is due later was counted last by a clock that was ahead then.
AHEAD = span(RARELY.total_seconds() + SKEW_SECONDS)
_FREE: dict[str, Any] = {"lease_token": None, "lease_until": sa.literal(0, sa.BigInteger)}


def add_goal(tx: Transaction, goal: Goal, status: GoalStatus, *, most: int, first_wave: float) -> Goal | None:
    """Save a goal with its first count, and post its card; None when `most` goals run already, or this one does.

    It is due again in `first_wave` seconds. `status` is what the card shows, without the goal's number.
    """
    # what runs is not frozen: the condition of an index
    running = sa.select(sa.func.count()).select_from(table).where(table.c.ended_at == 0, sa.text("NOT frozen"))
    if int(tx.execute(running).scalar_one()) >= most:
        return None
    values = {name: getattr(goal, name) for name in Goal.__struct_fields__ if name != "id"}
    due = goal.created_at + timedelta(seconds=first_wave)
    insert = tx.insert(table).values(**values, due_at=due, **_FREE).on_conflict_do_nothing().returning(*_COLUMNS)
    row = tx.execute(insert).first()
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
    """Return what a goal's messages are called in the outbox."""
    return f"goal/{number}"


def _add_samples(tx: Transaction, number: int, samples: Sequence[GoalSample]) -> None:
    for sample in samples:
        values = asdict(sample)
        tx.execute(tx.insert(goal_samples).values(goal_id=number, **values).on_conflict_do_nothing())


def get_goal(tx: Transaction, number: int) -> Goal | None:
    """Return the goal of this number."""
    row = tx.execute(sa.select(*_COLUMNS).where(table.c.id == number)).first()
    return None if row is None else goal_of(row)


def list_goals(tx: Transaction, channel_id: str) -> list[Goal]:
    """Return the goals that run in a channel, oldest first; paused ones too."""
    query = sa.select(*_COLUMNS).where(table.c.channel_id == channel_id, table.c.ended_at == 0).order_by(table.c.id)
    return [goal_of(row) for row in tx.execute(query)]


def read_status(tx: Transaction, goal: Goal) -> GoalStatus:
    """Return a goal's counts so far, and how many people were asked."""
    columns = [goal_samples.c[name] for name in GoalSample.__struct_fields__]
    query = sa.select(*columns).where(goal_samples.c.goal_id == goal.id).order_by(goal_samples.c.at)
    samples = tuple(GoalSample(**row) for row in tx.execute(query).mappings())
    return GoalStatus(goal, samples, asked=len(count_requests(tx, goal.id)))


def count_requests(tx: Transaction, number: int) -> dict[str, int]:
    """Return how often each person was asked for a goal."""
    query = (
        sa.select(goal_requests.c.user_id, sa.func.count().label("times"))
        .where(goal_requests.c.goal_id == number)
        .group_by(goal_requests.c.user_id)
    )
    return {row.user_id: row.times for row in tx.execute(query)}


def count_requests_since(tx: Transaction, number: int, since: datetime) -> int:
    """Return how many people were asked for a goal from a time (aware) on."""
    query = sa.select(sa.func.count()).select_from(goal_requests)
    return int(
        tx.execute(query.where(goal_requests.c.goal_id == number, goal_requests.c.asked_at >= since)).scalar_one()
    )


def set_asking(tx: Transaction, number: int, *, asks: bool) -> Goal | None:
    """Let a running goal ask people, or not; None when it has ended."""
    values = {"asks": asks, "due_at": db_now()}
    update = sa.update(table).where(table.c.id == number, table.c.ended_at == 0).values(values).returning(*_COLUMNS)
    row = tx.execute(update).first()
    tx.notify(Topic.GOALS)
    return None if row is None else goal_of(row)


def stop_goal(tx: Transaction, number: int) -> Goal | None:
    """End a goal by hand; None when it has ended already. The worker shows it on the card."""
    values = {"state": GoalState.STOPPED, "ended_at": sa.type_coerce(db_now(), sa.BigInteger), "due_at": db_now()}
    update = sa.update(table).where(table.c.id == number, table.c.ended_at == 0).values(**values, **_FREE)
    row = tx.execute(update.returning(*_COLUMNS)).first()
    tx.notify(Topic.GOALS)
    return None if row is None else goal_of(row)


def resume_goal(tx: Transaction, number: int) -> Goal | None:
    """Continue a goal that was stopped by hand; None when it cannot be, or its like runs by now."""
    goal = get_goal(tx, number)
    if goal is None or goal.state is not GoalState.STOPPED or find_like(tx, goal):
        return None
    values = {"state": GoalState.RUNNING, "ended_at": 0, "frozen": False, "due_at": db_now()}
    tx.execute(sa.update(table).where(table.c.id == number, table.c.deadline > db_now()).values(**values, **_FREE))
    tx.notify(Topic.GOALS)
    resumed = get_goal(tx, number)
    return resumed if resumed and resumed.is_running else None


def find_like(tx: Transaction, goal: Goal) -> Goal | None:
    """Return the running goal of the same channel, builds and people."""
    same = [table.c[name] == getattr(goal, name) for name in ("channel_id", "app_id", "build_ref")]
    same += [table.c[name] == getattr(goal, name) for name in ("group_id", "members_of")]
    row = tx.execute(sa.select(*_COLUMNS).where(*same, table.c.ended_at == 0)).first()
    return None if row is None else goal_of(row)


def count_now(tx: Transaction, app_id: str) -> None:
    """Let the goals of an app be counted at once: one of its builds has changed."""
    tx.execute(_COUNT_NOW, app=app_id)
    tx.notify(Topic.GOALS)


def count_after_links(tx: Transaction, seconds: float) -> None:
    """Let goals be counted of whose app a link was given so many seconds ago, and not counted since."""
    tx.execute(_AFTER_LINKS, get=AuditAction.GET, settled=span(seconds), skew=span(SKEW_SECONDS))


# -------------------------------------------------------------- their turn


def lease_due_goals(tx: Transaction, most: int, lease_seconds: float) -> list[tuple[Goal, str]]:
    """Lease goals that are due; each has the token that ends the lease. An expired lease may be taken again."""
    token = fresh_token()
    tx.execute(_LEASE, token=token, lease=span(lease_seconds), far=far(lease_seconds), most=most, ahead=AHEAD)
    query = sa.select(*_COLUMNS).where(table.c.lease_token == token).order_by(table.c.due_at, table.c.id)
    return [(goal_of(row), token) for row in tx.execute(query)]


def record_count(
    tx: Transaction,
    status: GoalStatus,
    token: str,
    *,
    sample: GoalSample | None,
    state: GoalState,
    entry: AuditEntry,
) -> GoalStatus | None:
    """Record a count and the state it leads to; when the goal ends with it, post the line that says so: all or nothing.

    `status` is what there was before. None when the lease was lost or the goal has ended meanwhile.
    """
    goal = status.goal
    values: dict[str, Any] = {"state": state}
    if state is not GoalState.RUNNING:
        values["ended_at"] = sa.type_coerce(db_now(), sa.BigInteger)
    mine = (table.c.id == goal.id, table.c.lease_token == token, table.c.ended_at == 0)
    row = tx.execute(sa.update(table).where(*mine).values(values).returning(*_COLUMNS)).first()
    if row is None:
        return None
    if sample is not None:
        _add_samples(tx, goal.id, [sample])
    now = GoalStatus(
        goal_of(row), (*status.samples, *filter(None, [sample])), status.builds, status.asked, status.newer
    )
    if state is not GoalState.RUNNING:
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
    """Ask the first of these people, `most` at most; return whom. `people` are user ids with their local date.

    Left out are those who were asked today already, for this or any other goal or build, and those who opted out. The
    requests are in the outbox with the same commit, so that none is asked twice, whatever dies. `entry` is the audit
    row about it, without their number.
    """
    goal = request.goal
    running = (table.c.id == goal.id, table.c.lease_token == token, table.c.ended_at == 0, table.c.asks)
    if tx.execute(sa.select(table.c.id).where(*running)).first() is None:
        return []
    insert = tx.insert(goal_requests).on_conflict_do_nothing().returning(goal_requests.c.user_id)
    left_out = list_left_out(tx, [user_id for user_id, _ in people])
    asked: list[tuple[str, str]] = []
    for user_id, day in people:
        if len(asked) < most and user_id not in left_out:
            values = {"user_id": user_id, "day": day, "goal_id": goal.id, "asked_at": db_now()}
            asked += [(each, day) for each in tx.execute(insert.values(values)).scalars()]
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
    """Return who of these opted out, or was asked a short while ago, by a goal or by a manager."""
    before = sa.type_coerce(sa.type_coerce(db_now(), sa.BigInteger) - span(APART.total_seconds()), sa.BigInteger)
    opted_out = sa.select(nudge_opt_outs.c.user_id).where(nudge_opt_outs.c.user_id.in_(people))
    found = set(tx.execute(opted_out).scalars())
    for asked, at in ((goal_requests, goal_requests.c.asked_at), (nudges, nudges.c.sent_at)):
        query = sa.select(asked.c.user_id).where(
            asked.c.user_id.in_(people), sa.type_coerce(at, sa.BigInteger) > before
        )
        found |= set(tx.execute(query).scalars())
    return found


def _note_nudge(tx: Transaction, request: GoalRequest, user_id: str) -> None:
    """Record that a person was asked to try these builds, so that a manager does not ask them once more."""
    for build in request.builds[:1]:
        values = {"sent_by": request.goal.created_by, "sent_at": db_now()}
        insert = tx.insert(nudges).values(build_id=build.id, user_id=user_id, **values)
        tx.execute(insert.on_conflict_do_update(index_elements=["build_id", "user_id"], set_=values))


def has_opted_out(tx: Transaction, user_id: str) -> bool:
    """Return whether a user does not want to be asked to try builds."""
    query = sa.select(nudge_opt_outs.c.user_id).where(nudge_opt_outs.c.user_id == user_id)
    return tx.execute(query).first() is not None


def find_card(tx: Transaction, goal: Goal) -> str | None:
    """Return the ts of a goal's card, and keep it with the goal; None while it is not posted."""
    if goal.card_ts is not None:
        return goal.card_ts
    mine = (outbox.c.build_id == card_name(goal.id), outbox.c.event == ChannelNotice.GOAL)
    ts: str | None = tx.execute(sa.select(outbox.c.ts).where(*mine, outbox.c.channel_id == goal.channel_id)).scalar()
    if ts is not None:
        tx.execute(sa.update(table).where(table.c.id == goal.id).values(card_ts=ts))
    return ts


def is_card_refused(tx: Transaction, goal: Goal) -> bool:
    """Return whether Slack refused a goal's card for good, so that there is none."""
    mine = (outbox.c.build_id == card_name(goal.id), outbox.c.event == ChannelNotice.GOAL)
    states = tx.execute(sa.select(outbox.c.state).where(*mine, outbox.c.channel_id == goal.channel_id)).scalars()
    return DeliveryState.FAILED in list(states)


def release_goal(
    tx: Transaction, number: int, token: str, *, due_at: datetime, frozen: bool = False, resumed: bool = False
) -> None:
    """End a lease: the goal is due again at a time (aware), or never when it is `frozen`; `resumed`: it was paused."""
    values: dict[str, Any] = {"due_at": due_at, "frozen": frozen, **_FREE}
    mine = (table.c.id == number, table.c.lease_token == token)
    tx.execute(sa.update(table).where(*mine).values(values | ({"paused": None} if resumed else {})))


def release_goal_leases(tx: Transaction, token: str | None = None) -> None:
    """Release the leases of one `lease_due_goals`; those of all for a database of one process, when that has just
    started.
    """
    which = table.c.lease_token.is_not(None) if token is None else table.c.lease_token == token
    tx.execute(sa.update(table).where(which).values(_FREE))
    tx.notify(Topic.GOALS)


def goal_due_in(tx: Transaction) -> float | None:
    """Seconds until a goal is due or a lease lapses; 0 if one is due now, None if there is none."""
    wait = tx.execute(_DUE_IN, far=far(), ahead=AHEAD).scalar()
    return None if wait is None else max(0.0, int(wait) / 1e6)


def goal_of(row: sa.Row[Any]) -> Goal:
    """Return a row of the table as our noun."""
    return Goal(**{name: row._mapping[name] for name in Goal.__struct_fields__})


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
