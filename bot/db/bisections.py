"""Bisects: start, votes and end; each change and the messages that show it are one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from bot.db import recalls
from bot.db.dialect_sql import JsonRows, as_rows, span, written
from bot.db.transaction import Transaction
from bot.db.types import moment
from bot.db.wakeups import Topic
from bot.domain import bisection as decisions
from bot.domain.bisection import RESULT, BisectedBuild, Bisection, BisectionRange, Vote
from bot.domain.model import App, ChannelNotice
from bot.domain.states import BisectionState, BisectVerdict

HEAD = 0  # the number of a bisect's first message; its steps are counted from 1


class VoteResult(Struct, frozen=True):
    """A bisect after a vote, and whether the vote changed it."""

    bisection: Bisection
    is_counted: bool


# -------------------------------------------------------------- reading


def find_bisection(tx: Transaction, number: int) -> Bisection | None:
    """Return the bisect of this number, with its votes."""
    row = tx.execute(_BISECTION, id=number).first()
    return None if row is None else _bisection_of(row, _votes(tx, number))


def list_running_bisections(tx: Transaction, channel_id: str) -> list[Bisection]:
    """Return the bisects that run in a channel, oldest first."""
    return [_bisection_of(row, _votes(tx, row.id)) for row in tx.execute(_RUNNING, channel=channel_id)]


def find_range(tx: Transaction, bisection: Bisection) -> BisectionRange:
    """Return the remaining range of a bisect, without builds that were recalled meanwhile."""
    return decisions.narrowed(bisection, recalls.find_recalled(tx, [build.id for build in bisection.builds]))


def find_thread(tx: Transaction, number: int, place: int) -> str | None:
    """Return the ts of the thread that a message of a bisect belongs to; None for a message outside a thread."""
    row = tx.execute(_PLACE, id=number).first()
    if row is None or row.thread_ts or place == HEAD or row.channel_id.startswith("D"):
        return row.thread_ts if row else None
    ts: str | None = tx.execute(_HEAD_TS, channel=row.channel_id, card=card_key(number, HEAD)).scalar()
    return ts


def card_key(number: int, place: int) -> str:
    """Return the name of a bisect's message: `HEAD` or the number of a step."""
    return f"bisect/{number}/{place}"


def place_of(card: str) -> tuple[int, int]:
    """Return the numbers of a bisect and of its message from the message's name. Raises ValueError."""
    _, number, place = card.split("/")
    return int(number), int(place)


def _votes(tx: Transaction, number: int) -> tuple[Vote, ...]:
    return tuple(Vote(row.build_id, row.user_id, BisectVerdict(row.verdict)) for row in tx.execute(_VOTES, id=number))


_kept = msgspec.json.Decoder(tuple[BisectedBuild, ...])
_ids = msgspec.json.Decoder(tuple[str, ...])


def _bisection_of(row: Any, votes: tuple[Vote, ...]) -> Bisection:
    return Bisection(
        row.id,
        row.team_id,
        row.channel_id,
        row.thread_ts,
        App(row.app_id, row.app_slug, row.app_name),
        row.platform,
        _kept.decode(row.builds),
        _ids.decode(row.steps),
        frozenset(_ids.decode(row.gone)),
        BisectionState(row.state),
        row.version,
        row.created_by,
        moment(row.created_at),
        votes,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


# -------------------------------------------------------------- changing


def start_bisection(tx: Transaction, new: Bisection) -> tuple[Bisection, bool]:
    """Start a bisect and enqueue its first messages; return it and whether it is new.

    A running bisect of the same app and platform in the channel is returned instead.
    """
    same = {"channel": new.channel_id, "running_for": _running_for(new.app.id, new.platform)}
    row = tx.execute(
        _START,
        **same,
        team=new.team_id,
        thread=new.thread_ts,
        app=new.app.id,
        slug=new.app.slug,
        name=new.app.name,
        platform=new.platform,
        builds=_json(new.builds),
        gone=_json(sorted(new.gone)),
        by=new.created_by,
    ).first()
    if row is None:
        row = tx.execute(_SAME, **same).one()
        return _bisection_of(row, _votes(tx, row.id)), False
    begun = _bisection_of(row, ())
    return _move_on(tx, begun, begun, ()), True


def vote(tx: Transaction, number: int, new: Vote, gone: Collection[str] = ()) -> VoteResult | None:
    """Count a tester's vote and ask about the next build, in one transaction; None without such a bisect.

    `gone` are the ids of builds that were deleted from Applivery. A vote for an earlier build counts too, even in a
    bisect that ended with a result: if it contradicts other votes, that build is asked about again. The row is locked,
    so votes of several replicas come one after the other.
    """
    before = _locked(tx, number)
    if before is None:
        return None
    if new.build_id not in before.steps or new in before.votes or not _is_open(tx, before):
        return VoteResult(before, is_counted=False)
    after = before.with_vote(new).without(gone)
    tx.execute(_VOTE, id=number, build=new.build_id, user=new.user_id, verdict=new.verdict)
    tx.execute(_VOTED, id=number)
    asked = {place for place, build_id in enumerate(before.steps, 1) if build_id == new.build_id}
    return VoteResult(_move_on(tx, before, after, asked), is_counted=True)


def leave_out(tx: Transaction, number: int, gone: Collection[str]) -> Bisection | None:
    """Continue without builds that are no longer available; None without such a bisect."""
    before = _locked(tx, number)
    if before is None or before.state is not BisectionState.RUNNING:
        return before
    asked = {place for place, build_id in enumerate(before.steps, 1) if build_id in gone}
    return _move_on(tx, before, before.without(gone), asked)


def stop_bisection(tx: Transaction, number: int) -> tuple[Bisection, bool] | None:
    """Stop a bisect; return it and whether it was running, None without such a bisect."""
    before = _locked(tx, number)
    if before is None or before.state is not BisectionState.RUNNING:
        return None if before is None else (before, False)
    return _end(tx, before, BisectionState.STOPPED), True


def expire_bisections(tx: Transaction, patience: timedelta) -> list[Bisection]:
    """End the bisects without a vote for `patience`; return them."""
    numbers = tx.execute(_OLD, patience=span(patience.total_seconds())).scalars()
    found = [_locked(tx, number) for number in numbers]
    return [_end(tx, each, BisectionState.EXPIRED) for each in found if each and each.state is BisectionState.RUNNING]


def _locked(tx: Transaction, number: int) -> Bisection | None:
    """Return a bisect, locked until this transaction ends.

    The channel is locked first, as in `channel_moves`, to avoid a deadlock.
    """
    tx.execute(_LOCK_CHANNEL, id=number)
    row = tx.execute(_LOCK, id=number).first()
    return None if row is None else _bisection_of(row, _votes(tx, number))


def _is_open(tx: Transaction, bisection: Bisection) -> bool:
    """Return whether votes still count: while it runs, and after its result until another bisect replaces it."""
    if bisection.state is not BisectionState.FOUND:
        return bisection.state is BisectionState.RUNNING
    others = list_running_bisections(tx, bisection.channel_id)
    mine = _running_for(bisection.app.id, bisection.platform)
    return all(_running_for(other.app.id, other.platform) != mine for other in others)


def _running_for(app_id: str, platform: str) -> str:
    return f"{app_id}/{platform.casefold()}"


def _move_on(tx: Transaction, before: Bisection, after: Bisection, changed: Collection[int]) -> Bisection:
    """Ask about the next build, or announce the result, and update the messages that changed."""
    found = find_range(tx, after)
    asked = RESULT if found.ask is None else found.ask
    places = {*changed}
    if after.steps[-1:] != (asked,):
        places |= {len(after.steps)}
        after = replace(after, steps=(*after.steps, asked))
    if before.steps != after.steps or find_range(tx, before) != found:
        places |= {len(after.steps), HEAD}
    state = BisectionState.RUNNING if found.ask else BisectionState.FOUND
    return _store(tx, replace(after, state=state), places)


def _end(tx: Transaction, bisection: Bisection, state: BisectionState) -> Bisection:
    return _store(tx, replace(bisection, state=state), {HEAD, len(bisection.steps)})


def _store(tx: Transaction, bisection: Bisection, places: Iterable[int]) -> Bisection:
    bisection = replace(bisection, version=bisection.version + 1)
    running = bisection.state is BisectionState.RUNNING
    values = {
        "steps": _json(bisection.steps),
        "gone": _json(sorted(bisection.gone)),
        "state": bisection.state,
        "version": bisection.version,
        "running_for": _running_for(bisection.app.id, bisection.platform) if running else None,
    }
    tx.execute(_CHANGE, id=bisection.id, **values)
    _enqueue(tx, bisection, sorted(places))
    return bisection


def _enqueue(tx: Transaction, bisection: Bisection, places: Sequence[int]) -> None:
    """Enqueue the current state of these messages: the new step first, then edits of those that were posted."""
    new = len(bisection.steps)
    order = sorted(places, key=lambda place: (place != HEAD or bisection.version > 1, place != new, place))
    rows = as_rows(
        {
            "n": n,
            "channel": bisection.channel_id,
            "app": bisection.app.id,
            "build": card_key(bisection.id, place),
            "event": f"{ChannelNotice.BISECTION}:{bisection.version}",
            "key": f"{bisection.channel_id}:{card_key(bisection.id, place)}:{bisection.version}",
        }
        for n, place in enumerate(order)
    )
    tx.execute(_OPEN, rows=rows)
    tx.execute(_SAY, rows=rows)
    tx.notify(Topic.OUTBOX)


_COLUMNS = """
    id, team_id, channel_id, thread_ts, app_id, app_slug, app_name, platform, builds, steps, gone, state, version,
    created_by, created_at
"""

_BISECTION = written(f"SELECT {_COLUMNS} FROM bisections WHERE id = :id")  # noqa: S608 - no user input

_LOCK = written(f"SELECT {_COLUMNS} FROM bisections WHERE id = :id {{lock}}")  # noqa: S608 - no user input

_LOCK_CHANNEL = written("""
    SELECT channel_id FROM channel_leases
    WHERE channel_id = (SELECT b.channel_id FROM bisections b WHERE b.id = :id) {lock}
""")

_RUNNING = written(f"""
    SELECT {_COLUMNS} FROM bisections WHERE channel_id = :channel AND running_for IS NOT NULL ORDER BY id
""")  # noqa: S608 - no user input

_SAME = written(f"SELECT {_COLUMNS} FROM bisections WHERE channel_id = :channel AND running_for = :running_for")  # noqa: S608 - no user input

_PLACE = written("SELECT channel_id, thread_ts FROM bisections WHERE id = :id")

_HEAD_TS = written("SELECT min(ts) FROM outbox WHERE channel_id = :channel AND card_key = :card AND ts IS NOT NULL")

_VOTES = written("SELECT build_id, user_id, verdict FROM bisection_verdicts WHERE bisection_id = :id ORDER BY id")

_START = written(f"""
    INSERT INTO bisections (team_id, channel_id, thread_ts, app_id, app_slug, app_name, platform, builds, steps, gone,
        state, running_for, version, created_by, created_at, voted_at)
    VALUES (:team, :channel, :thread, :app, :slug, :name, :platform, :builds, '[]', :gone,
        {{bisection.RUNNING}}, :running_for, 0, :by, {{now}}, {{now}})
    ON CONFLICT (channel_id, running_for) DO NOTHING RETURNING {_COLUMNS}
""")  # noqa: S608 - no user input

_VOTE = written("""
    INSERT INTO bisection_verdicts (bisection_id, build_id, user_id, verdict, at)
    VALUES (:id, :build, :user, :verdict, {now})
    ON CONFLICT (bisection_id, build_id, user_id) DO UPDATE SET verdict = excluded.verdict, at = excluded.at
""")

_VOTED = written("UPDATE bisections SET voted_at = {now} WHERE id = :id")

_OLD = written(
    "SELECT id FROM bisections WHERE state = {bisection.RUNNING} AND voted_at < {now} - :patience ORDER BY id"
)

_CHANGE = written("""
    UPDATE bisections SET steps = :steps, gone = :gone, state = :state, version = :version, running_for = :running_for
    WHERE id = :id
""")

_NEW = JsonRows(
    "rows", {"n": "integer", "channel": "text", "app": "text", "build": "text", "event": "text", "key": "text"}
)

# Lock the channel first, so that ids grow in the order in which its announcements are committed.
_OPEN = written(
    """
    INSERT INTO channel_leases (channel_id, has_pending, next_send_at, lease_until)
    SELECT DISTINCT o.channel, true, 0, 0 FROM {rows} WHERE true
    ON CONFLICT (channel_id) DO UPDATE SET has_pending = true
    """,
    _NEW,
)

_SAY = written(
    """
    INSERT INTO outbox (channel_id, app_id, build_id, event, dedup_key, payload, state, outcome_unknown, created_at,
        card_key, options)
    SELECT o.channel, o.app, o.build, o.event, o.key, '{{}}', {delivery.DUE}, false, {now}, o.build, ''
    FROM {rows} WHERE true ORDER BY o.n
    ON CONFLICT (channel_id, build_id, event) DO NOTHING
    """,
    _NEW,
)
