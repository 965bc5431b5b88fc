"""Who did what, newest first."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot.db import audit
from bot.db.database import Database
from bot.domain.audit import AuditAction, AuditEntry, AuditOutcome, Entrypoint
from tests.support.builders import NOON

ENTRY = AuditEntry(
    NOON,
    "T1",
    "U1",
    AuditAction.GET,
    "ok",
    Entrypoint.BUTTON,
    channel_id="C1",
    app_id="app",
    build_id="b1",
    token_hash="abc",
)


async def test_an_entry_comes_back_as_it_was_written(store: Database) -> None:
    await store.run(audit.add_entry, ENTRY)
    assert await store.run(audit.list_entries) == [ENTRY]


async def test_entries_are_found_by_person_app_and_time_newest_first(store: Database) -> None:
    entries = [
        replace(ENTRY, at=NOON + timedelta(minutes=n), user_id=f"U{n % 2}", app_id=f"app{n % 3}") for n in range(12)
    ]
    for entry in entries:
        await store.run(audit.add_entry, entry)
    newest = entries[::-1]
    assert await store.run(audit.list_entries, limit=5) == newest[:5]
    assert await store.run(audit.list_entries, user_ids=["U1"]) == [entry for entry in newest if entry.user_id == "U1"]
    assert await store.run(audit.list_entries, app_id="app2") == [entry for entry in newest if entry.app_id == "app2"]
    assert await store.run(audit.list_entries, ["U0"], "app0", NOON + timedelta(minutes=6)) == [entries[6]]


async def test_audit_given_builds_are_unique_and_newest_first(store: Database) -> None:
    def entry(minute: int, build: str | None, **about: object) -> AuditEntry:
        return replace(
            ENTRY, at=NOON + timedelta(minutes=minute), build_id=build, **{"outcome": AuditOutcome.MINTED, **about}
        )

    for each_entry in (
        entry(0, "b1"),
        entry(1, "b2", outcome=AuditOutcome.TICKET),
        entry(2, "b1"),
        entry(3, "b3", outcome="TooEager"),
        entry(4, "b4", action=AuditAction.SHARE),
        entry(5, "b5", user_id="U2"),
        entry(6, "b6", app_id="other"),
        entry(7, None),
    ):
        await store.run(audit.add_entry, each_entry)
    had = await store.run(audit.list_builds_received, "U1", "app")
    assert list(had.items()) == [("b1", NOON + timedelta(minutes=2)), ("b2", NOON + timedelta(minutes=1))]
    assert list(await store.run(audit.list_builds_received, "U1", "app", most=1)) == ["b1"]


async def test_audit_given_builds_are_found_behind_many_links_to_one(store: Database) -> None:
    given = [("old", 0), ("older", -1), *(("b1", minute) for minute in (1, 1, 1, 1, 2, 3, 4)), ("b2", 4), ("b1", 5)]
    for build, minute in given:
        entry = replace(ENTRY, at=NOON + timedelta(minutes=minute), build_id=build, outcome=AuditOutcome.MINTED)
        await store.run(audit.add_entry, entry)
    times = {build: NOON + timedelta(minutes=minute) for build, minute in given}
    for most in range(6):
        newest = [(build, times[build]) for build in ("b1", "b2", "old", "older")][:most]
        links = await store.run(audit.list_links_received, "U1", most)
        assert [(link.build_id, link.at) for link in links] == newest
        assert [*(await store.run(audit.list_builds_received, "U1", "app", most)).items()] == newest
