"""The newer build that supersedes a build in a channel, recomputed when a build appears, is deleted or reappears."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

from bot.db import outbox_enqueue
from bot.db.dialect_sql import JsonRows, as_rows, written
from bot.db.serialization import build_of
from bot.db.transaction import Step, Transaction
from bot.db.types import moment
from bot.domain.builds import successors
from bot.domain.model import Build, CurrentBuild, NewDelivery


def enqueue_with_supersession(
    tx: Transaction,
    app_id: str,
    moved: Collection[str],
    deliveries: Sequence[NewDelivery] = (),
    new: Sequence[CurrentBuild] = (),
) -> int:
    """Enqueue announcements of changed builds, and edits of the cards of their release lines.

    `new` are the builds that `deliveries` announce as ready. A recalled build supersedes none. Return the number of new
    announcements.
    """
    # One transaction at a time per app, since each decision depends on the committed result of the others.
    lines = (_LINES, {"app": app_id, "rows": _line_keys(moved, new)})
    _, rows = tx.execute_all([(_ONE_AT_A_TIME, {"app": app_id}), lines])
    followed = _changed_successors(rows, new)
    shown = {*moved, *(str(entry["build"]) for entry in followed)}
    then: list[Step] = [(_FOLLOWED, {"rows": as_rows(followed)})] if followed else []
    by = {(str(entry["channel"]), str(entry["build"])): entry["by"] for entry in followed}
    return outbox_enqueue.enqueue(tx, app_id, deliveries, shown, superseded_by=by, then=then)


def _line_keys(moved: Iterable[str], new: Iterable[CurrentBuild]) -> str:
    builds = [{"build": build_id} for build_id in sorted(set(moved))]
    return as_rows(
        [*builds, *({"channel": channel} for channel in sorted({current_build.channel_id for current_build in new}))]
    )


def _changed_successors(rows: Sequence[Any], new: Sequence[CurrentBuild]) -> list[dict[str, object]]:
    """Return the builds whose successor differs from the recorded one."""
    before = {(row.channel_id, row.build_id): row.superseded_by for row in rows}
    there = {
        (current_build.channel_id, current_build.build.id): current_build
        for current_build in (*_current_builds(rows), *new)
    }
    after = successors(there.values())
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return [{"channel": channel, "build": build, "by": after.get((channel, build))} for channel, build in changed]


def _current_builds(rows: Iterable[Any]) -> list[CurrentBuild]:
    current_builds = []
    builds: dict[str, Build] = {}  # parsed once per build, not per channel
    for channel_id, build_id, _, snapshot, made_at, seen_at, stands in map(tuple, rows):
        with suppress(ValueError, TypeError):  # a snapshot that only another version can read
            if stands:
                build = builds.get(build_id) or builds.setdefault(build_id, build_of(snapshot))
                current_builds.append(CurrentBuild(channel_id, build, moment(made_at), moment(seen_at)))
    return current_builds


_ONE_AT_A_TIME = written("UPDATE app_polls SET poll_requested = poll_requested WHERE app_id = :app")

# Of channels that know one of these builds as ready: all ready builds they know. Of channels that will be told, the
# usual case: only builds that are not superseded. A user's direct messages (U…, W…) are no cards.
_LINES = written(
    """
    WITH touched AS MATERIALIZED (
        SELECT DISTINCT k.channel_id FROM {rows} JOIN outbox k ON k.build_id = o.build
        WHERE (k.event || '') = {event.PROCESSED} AND substr(k.channel_id, 1, 1) NOT IN ('U', 'W')
    ), lines AS MATERIALIZED (
        SELECT a.id FROM {rows} JOIN outbox a ON a.channel_id = o.channel AND a.app_id = :app
            AND a.event = {event.PROCESSED} AND a.superseded_by IS NULL
        UNION
        SELECT a.id FROM touched t JOIN outbox a ON a.channel_id = t.channel_id AND a.app_id = :app
            AND a.event = {event.PROCESSED}
    )
    SELECT a.channel_id, a.build_id, a.superseded_by, b.snapshot, b.made_at, b.seen_at,
        b.stage = {stage.READY} AND NOT b.deleted AND r.build_id IS NULL AS stands
    FROM lines l JOIN outbox a ON a.id = l.id JOIN builds b ON b.build_id = a.build_id
    LEFT JOIN recalls r ON r.build_id = a.build_id
    WHERE a.state IN {said}
    ORDER BY a.id DESC LIMIT 2000
    """,
    JsonRows("rows", {"channel": "text", "build": "text"}),
)

# Most rows have the right successor already. The event is an expression here and above, or PostgreSQL would read all
# announcements by it.
_FOLLOWED = written(
    """
    UPDATE outbox SET superseded_by = o.by FROM {rows}
    WHERE outbox.channel_id = o.channel AND outbox.build_id = o.build
        AND (outbox.event || '') = {event.PROCESSED} AND coalesce(outbox.superseded_by, '') <> coalesce(o.by, '')
    """,
    JsonRows("rows", {"channel": "text", "build": "text", "by": "text"}),
)
