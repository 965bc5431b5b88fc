"""How builds stood, and the one commit in which they move and what is to be said about it is written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bot.domain.model import Build, Change, NewAnnouncement, Stage, Standing, Superseded
from bot.store.facts import build_of, facts_of
from bot.store.outbox import Outbox
from bot.store.sql import Rows, as_rows, span, written
from bot.store.transactions import Connection
from bot.store.wakeups import Topic


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `record` did: the builds that moved, how many announcements that made; nothing if the lease was lost."""

    moved: frozenset[str] = frozenset()
    announced: int = 0
    lease_lost: bool = False


class Recording(Outbox):
    """The store's builds."""

    async def known(self, app_id: str, ids: Iterable[str] = ()) -> dict[str, Stage]:
        """How the builds of an app stood when last recorded: those with these ids, and all that are on their way."""
        rows = as_rows({"id": build_id} for build_id in sorted(set(ids)))

        async def work(connection: Connection) -> dict[str, Stage]:
            found = await self.execute(connection, _KNOWN, app=app_id, rows=rows)
            return {row.build_id: Stage(row.stage) for row in found}

        return await self.run(work)

    async def edited(self, app_id: str, marks: Mapping[str, str]) -> set[str]:
        """Which of these builds (id → mark as listed now) were listed with other words before.

        A build whose words nobody has noted yet is noted now, and is not one of them.
        """
        rows = as_rows({"id": build_id, "mark": mark} for build_id, mark in marks.items())

        async def work(connection: Connection) -> set[str]:
            found = (await self.execute(connection, _EDITED, app=app_id, rows=rows)).all()
            if any(not row.mark for row in found):
                await self.execute(connection, _NOTE_MARKS, app=app_id, rows=rows)
            return {row.build_id for row in found if row.mark}

        return await self.run(work) if marks else set()

    async def standing(self, app_id: str, channel_ids: Iterable[str]) -> list[Standing]:
        """The builds of an app these channels know as ready, not recalled, and that nothing has taken the place of."""
        rows = as_rows({"channel": channel} for channel in sorted(set(channel_ids)))

        async def work(connection: Connection) -> list[Standing]:
            found = await self.execute(connection, _STANDING, app=app_id, rows=rows)
            return [Standing(row.channel_id, build_of(row.facts)) for row in reversed(found.all())]

        return await self.run(work)

    async def record(
        self,
        app_id: str,
        token: str | None,
        changes: Sequence[Change],
        announcements: Sequence[NewAnnouncement],
        *,
        superseded: Sequence[Superseded] = (),
        next_at_seconds: float,
        baseline_done: bool = True,
    ) -> Recorded:
        """Write down what a look at an app found, and what is to be said about it: all of it or none of it.

        A build moves only from where it stood; only builds that moved here, and not quietly, are announced, in the
        order given; so doing it twice, or racing with another caller, changes nothing more. Cards that stand in
        channels already are to be shown anew. It ends the lease: the app is due again in `next_at_seconds`, or at
        once if the doorbell rang meanwhile. A lost lease (lapsed, or the subscriptions changed) records nothing; the
        app is due again already. Token None (no poll) leaves the app's schedule and baseline alone. Raises
        `StoreDown`.
        """
        schedule = {"app": app_id, "token": token, "wait": span(next_at_seconds), "done": baseline_done}

        async def work(connection: Connection) -> Recorded:
            if token is not None and not (await self.execute(connection, _SCHEDULE, **schedule)).first():
                return Recorded(lease_lost=True)
            moved = await self._move(connection, app_id, changes) if changes else frozenset()
            loud = moved - {change.build.id for change in changes if change.quiet}
            wanted = [new for new in announcements if new.build_id in loud]
            followed = [one for one in superseded if one.by in loud or one.build_id in loud]
            old = {change.build.id for change in changes if change.before is not None} & loud
            made = await self.said(connection, app_id, wanted, {*old, *(one.build_id for one in followed)})
            if followed:
                await self.execute(connection, _SUPERSEDE, rows=as_rows(map(asdict, followed)))
            if told := [{"build": one.build_id, "user_id": one.channel_id} for one in wanted if one.to_person]:
                await self.execute(connection, _WAIT_NO_MORE, rows=as_rows(told))
            return Recorded(moved, made)

        recorded = await self.run(work)
        if recorded.announced:
            self._ring_for(announcements)
        return recorded

    def _ring_for(self, announcements: Sequence[NewAnnouncement]) -> None:
        self.wakeups.ring(Topic.TELL)
        if any(one.held_until for one in announcements):
            self.wakeups.ring(Topic.HELD)

    async def _move(self, connection: Connection, app_id: str, changes: Sequence[Change]) -> frozenset[str]:
        rows = {
            change.build.id: {
                "id": change.build.id,
                "before": change.before,
                "stage": change.build.stage,
                "facts": facts_of(change.build),
                "mark": change.mark,
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

    async def announce(
        self, app_id: str, announcements: Sequence[NewAnnouncement], builds: Sequence[Build] = ()
    ) -> int:
        """Write down what is to be said that no move of a build has caused; each once. Returns how many were new.

        Builds that nobody has recorded yet are, as they are given.
        """
        rows = as_rows({"id": b.id, "stage": b.stage, "facts": facts_of(b), "mark": ""} for b in builds)

        async def work(connection: Connection) -> int:
            if builds:
                await self.execute(connection, _INSERT, app=app_id, rows=rows)
            return await self.said(connection, app_id, announcements)

        made = await self.run(work) if announcements else 0
        if made:
            self._ring_for(announcements)
        return made

    async def rewrite(self, builds: Sequence[Build], marks: Mapping[str, str]) -> None:
        """Builds were edited in Applivery: remember the new words, and show their cards anew.

        Those that have moved since they were listed stay as they are.
        """
        rows = as_rows({"id": b.id, "stage": b.stage, "facts": facts_of(b), "mark": marks[b.id]} for b in builds)

        async def work(connection: Connection) -> None:
            await self.execute(connection, _REWRITE, rows=rows)
            await self.said(connection, "", (), {build.id for build in builds})

        if builds:
            await self.run(work)
            self.wakeups.ring(Topic.TELL)

    async def forget_build(self, app_id: str, build_id: str) -> None:
        """A build is gone from Applivery: follow it no longer. Should it come back, it is new, but told only once."""

        async def work(connection: Connection) -> None:
            await self.execute(connection, _FORGET, app=app_id, build=build_id)

        await self.run(work)


_KNOWN = written(
    """
    SELECT b.build_id, b.stage FROM {rows} JOIN builds b ON b.build_id = o.id WHERE NOT b.gone
    UNION
    SELECT build_id, stage FROM builds WHERE app_id = :app AND stage IN ({stage.PENDING}, {stage.RUNNING}) AND NOT gone
    """,
    Rows("rows", {"id": "text"}),
)

_SCHEDULE = written("""
    UPDATE apps SET lease_token = NULL, lease_until = 0, failures = 0, last_polled_at = {now},
        next_at = {now} + CASE WHEN rung THEN 0 ELSE :wait END, rung = false, baseline_done = baseline_done OR :done
    WHERE app_id = :app AND lease_token = :token
    RETURNING app_id
""")

_CHANGED = Rows("rows", {"id": "text", "before": "text", "stage": "text", "facts": "text", "mark": "text"})

_MOVE = written(
    """
    UPDATE builds SET stage = o.stage, facts = o.facts, mark = o.mark, changed_at = {now} FROM {rows}
    WHERE builds.build_id = o.id AND NOT builds.gone AND builds.stage = o.before AND o.stage <> o.before
    RETURNING builds.build_id
    """,
    _CHANGED,
)

_INSERT = written(
    """
    INSERT INTO builds (build_id, app_id, stage, facts, gone, changed_at, mark)
    SELECT o.id, :app, o.stage, o.facts, false, {now}, o.mark FROM {rows} WHERE true
    ON CONFLICT (build_id) DO UPDATE SET
        stage = excluded.stage, facts = excluded.facts, gone = false, changed_at = excluded.changed_at,
        mark = excluded.mark
        WHERE builds.gone
    RETURNING build_id
    """,
    _CHANGED,
)

_MARKS = Rows("rows", {"id": "text", "mark": "text"})

_EDITED = written(
    """
    SELECT b.build_id, b.mark FROM {rows} JOIN builds b ON b.build_id = o.id
    WHERE b.app_id = :app AND NOT b.gone AND b.mark <> o.mark
    """,
    _MARKS,
)

_NOTE_MARKS = written(
    """
    UPDATE builds SET mark = o.mark FROM {rows}
    WHERE builds.build_id = o.id AND builds.app_id = :app AND builds.mark = ''
    """,
    _MARKS,
)

_REWRITE = written(
    """
    UPDATE builds SET facts = o.facts, mark = o.mark FROM {rows}
    WHERE builds.build_id = o.id AND builds.stage = o.stage
    """,
    Rows("rows", {"id": "text", "stage": "text", "facts": "text", "mark": "text"}),
)

_STANDING = written(
    """
    SELECT a.channel_id, b.facts FROM {rows} JOIN announcements a ON a.channel_id = o.channel AND a.app_id = :app
    JOIN builds b ON b.build_id = a.build_id
    WHERE a.event = {event.PROCESSED} AND a.superseded_by IS NULL AND a.state IN {said}
        AND b.stage = {stage.READY} AND NOT b.gone
        AND NOT EXISTS (SELECT 1 FROM recalls r WHERE r.build_id = a.build_id)
    ORDER BY a.id DESC LIMIT 500
    """,
    Rows("rows", {"channel": "text"}),
)

# Who waited for the build has it in the outbox now.
_WAIT_NO_MORE = written(
    "UPDATE awaited SET told = true FROM {rows} WHERE awaited.build_id = o.build AND awaited.user_id = o.user_id",
    Rows("rows", {"build": "text", "user_id": "text"}),
)

_SUPERSEDE = written(
    """
    UPDATE announcements SET superseded_by = o.by FROM {rows}
    WHERE announcements.channel_id = o.channel_id AND announcements.build_id = o.build_id
        AND announcements.event = {event.PROCESSED}
    """,
    Rows("rows", {"channel_id": "text", "build_id": "text", "by": "text"}),
)

_FORGET = written("UPDATE builds SET gone = true WHERE app_id = :app AND build_id = :build")
