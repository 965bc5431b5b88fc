"""How builds stood, and the one commit in which they move and what is to be said about it is written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.model import Change, NewAnnouncement, Stage
from bot.store.database import Database
from bot.store.facts import facts_of
from bot.store.sql import Rows, as_rows, span, written
from bot.store.transactions import Connection


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `record` did: the builds that moved, how many announcements that made; nothing if the lease was lost."""

    moved: frozenset[str] = frozenset()
    announced: int = 0
    lease_lost: bool = False


class Recording(Database):
    """The store's builds."""

    async def known(self, app_id: str, ids: Iterable[str] = ()) -> dict[str, Stage]:
        """How the builds of an app stood when last recorded: those with these ids, and all that are on their way."""
        rows = as_rows({"id": build_id} for build_id in sorted(set(ids)))

        async def work(connection: Connection) -> dict[str, Stage]:
            found = await self.execute(connection, _KNOWN, app=app_id, rows=rows)
            return {row.build_id: Stage(row.stage) for row in found}

        return await self.run(work)

    async def record(
        self,
        app_id: str,
        token: str | None,
        changes: Sequence[Change],
        announcements: Sequence[NewAnnouncement],
        *,
        next_at_seconds: float,
        baseline_done: bool = True,
    ) -> Recorded:
        """Write down what a look at an app found, and what is to be said about it: all of it or none of it.

        A build moves only from where it stood; only builds that moved here, and not quietly, are announced, in the
        order given; so doing it twice, or racing with another caller, changes nothing more. It ends the lease: the
        app is due again in `next_at_seconds`, or at once if the doorbell rang meanwhile. A lost lease (lapsed, or
        the subscriptions changed) records nothing; the app is due again already. Token None (no poll) leaves the
        app's schedule and baseline alone. Raises `StoreDown`.
        """
        schedule = {"app": app_id, "token": token, "wait": span(next_at_seconds), "done": baseline_done}

        async def work(connection: Connection) -> Recorded:
            if token is not None and not (await self.execute(connection, _SCHEDULE, **schedule)).first():
                return Recorded(lease_lost=True)
            moved = await self._move(connection, app_id, changes) if changes else frozenset()
            loud = moved - {change.build.id for change in changes if change.quiet}
            wanted = [new for new in announcements if new.build_id in loud]
            return Recorded(moved, await self._announce(connection, app_id, wanted) if wanted else 0)

        recorded = await self.run(work)
        if recorded.announced:
            self.wakeups.ring("tell")
        return recorded

    async def _move(self, connection: Connection, app_id: str, changes: Sequence[Change]) -> frozenset[str]:
        rows = {
            change.build.id: {
                "id": change.build.id,
                "before": change.before,
                "stage": change.build.stage,
                "facts": facts_of(change.build),
            }
            for change in changes
        }
        new = [row for row in rows.values() if row["before"] is None]
        moved: set[str] = set()
        for statement, part in ((_INSERT, new), (_MOVE, [row for row in rows.values() if row["before"] is not None])):
            if part:
                found = await self.execute(connection, statement, app=app_id, rows=as_rows(part))
                moved.update(found.scalars())
        return frozenset(moved)

    async def _announce(self, connection: Connection, app_id: str, wanted: Sequence[NewAnnouncement]) -> int:
        rows = as_rows(
            {
                "n": n,
                "channel": new.channel_id,
                "build": new.build_id,
                "event": new.event,
                "key": f"{new.channel_id}:{new.build_id}:{new.event}",
            }
            for n, new in enumerate(wanted)
        )
        # The channel first: its row lock makes ids grow in the order in which a channel's announcements are committed.
        await self.execute(connection, _OPEN, rows=rows)
        made = len((await self.execute(connection, _ANNOUNCE, app=app_id, rows=rows)).all())
        if made:
            await self.tell_others(connection, "tell")
        return made

    async def forget_build(self, app_id: str, build_id: str) -> None:
        """A build is gone from Applivery: follow it no longer. Should it come back, it is new, but told only once."""

        async def work(connection: Connection) -> None:
            await self.execute(connection, _FORGET, app=app_id, build=build_id)

        await self.run(work)


_KNOWN = written(
    """
    SELECT b.build_id, b.stage FROM {rows} JOIN builds b ON b.build_id = o.id WHERE NOT b.gone
    UNION
    SELECT build_id, stage FROM builds WHERE app_id = :app AND stage IN ('pending', 'running') AND NOT gone
    """,
    Rows("rows", {"id": "text"}),
)

_SCHEDULE = written("""
    UPDATE apps SET lease_token = NULL, lease_until = 0, failures = 0, last_polled_at = {now},
        next_at = {now} + CASE WHEN rung THEN 0 ELSE :wait END, rung = false, baseline_done = baseline_done OR :done
    WHERE app_id = :app AND lease_token = :token
    RETURNING app_id
""")

_CHANGED = Rows("rows", {"id": "text", "before": "text", "stage": "text", "facts": "text"})

_MOVE = written(
    """
    UPDATE builds SET stage = o.stage, facts = o.facts, changed_at = {now} FROM {rows}
    WHERE builds.build_id = o.id AND NOT builds.gone AND builds.stage = o.before AND o.stage <> o.before
    RETURNING builds.build_id
    """,
    _CHANGED,
)

_INSERT = written(
    """
    INSERT INTO builds (build_id, app_id, stage, facts, gone, changed_at)
    SELECT o.id, :app, o.stage, o.facts, false, {now} FROM {rows} WHERE true
    ON CONFLICT (build_id) DO UPDATE SET
        stage = excluded.stage, facts = excluded.facts, gone = false, changed_at = excluded.changed_at
        WHERE builds.gone
    RETURNING build_id
    """,
    _CHANGED,
)

_NEW = Rows("rows", {"n": "integer", "channel": "text", "build": "text", "event": "text", "key": "text"})

# In the order of the names, so that two of these never wait for each other.
_OPEN = written(
    """
    INSERT INTO channels (channel_id, waiting, next_at, lease_until)
    SELECT DISTINCT o.channel, true, 0, 0 FROM {rows} WHERE true ORDER BY o.channel
    ON CONFLICT (channel_id) DO UPDATE SET waiting = true
    """,
    _NEW,
)

_ANNOUNCE = written(
    """
    INSERT INTO announcements (channel_id, app_id, build_id, event, key, state, unsure, created_at)
    SELECT o.channel, :app, o.build, o.event, o.key, 'due', false, {now} FROM {rows} WHERE true ORDER BY o.n
    ON CONFLICT (channel_id, build_id, event) DO NOTHING
    RETURNING id
    """,
    _NEW,
)

_FORGET = written("UPDATE builds SET gone = true WHERE app_id = :app AND build_id = :build")
