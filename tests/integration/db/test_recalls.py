"""Recalls: once for each build, with its links ended and its cards shown anew in the same commit."""

from __future__ import annotations

import asyncio

from bot.db import database_info, recalls, tickets
from bot.db.database import Database
from bot.domain.model import FileKind, Stage
from bot.domain.tickets import TicketStatus, fingerprint, new_ticket
from tests.integration.db.test_outbox_enqueue import say
from tests.support.builders import build, fill, take

READY = build("b1", Stage.READY)


async def ticket(store: Database, of: str) -> str:
    hashed = fingerprint(new_ticket())
    about = {"team_id": "T1", "user_id": "U1", "app_id": "app", "build_id": of, "kind": FileKind.AUTO}
    await store.run(tickets.issue_ticket, hashed, **about, life_seconds=600)  # type: ignore[arg-type]
    return hashed


async def test_recall_stores_who_why_when_until_taken_back(store: Database) -> None:
    before = await store.run(database_info.current_time)
    recall, new = await store.run(recalls.recall_build, READY, "It crashes\x00", "U9")
    assert new
    assert (recall.build_id, recall.app_id, recall.reason, recall.by) == ("b1", "app", "It crashes", "U9")
    assert before <= recall.at <= await store.run(database_info.current_time)
    assert await store.cached(recalls.list_recalls) == {"b1": recall}
    assert await store.run(recalls.undo_recall, READY) == recall
    assert await store.cached(recalls.list_recalls) == {}


async def test_the_first_recall_of_a_build_stays(store: Database) -> None:
    first, _ = await store.run(recalls.recall_build, READY, "It crashes", "U1")
    assert await store.run(recalls.recall_build, READY, "Something else", "U2") == (first, False)
    assert (await store.cached(recalls.list_recalls))["b1"].reason == "It crashes"


async def test_two_who_recall_at_once_make_one_recall(store: Database) -> None:
    found = await asyncio.gather(*(store.run(recalls.recall_build, READY, f"{n}", f"U{n}") for n in range(6)))
    assert sum(new for _, new in found) == 1
    assert len({recall for recall, _ in found}) == 1


async def test_unrecall_of_valid_build_does_nothing(store: Database) -> None:
    await fill(store, ["C1"], ["b1"])
    await say(store)
    assert await store.run(recalls.undo_recall, READY) is None
    assert await take(store) == []


async def test_a_recall_ends_the_open_links_of_its_build_and_no_others(store: Database) -> None:
    mine, other = await ticket(store, "b1"), await ticket(store, "b2")
    await store.run(recalls.recall_build, READY, "bad", "U9")
    standing = [
        found.standing(await store.run(database_info.current_time))
        for text in (mine, other)
        if (found := await store.run(tickets.get_ticket, text))
    ]
    assert standing == [TicketStatus.RECALLED, TicketStatus.OPEN]
    assert await store.run(tickets.claim_ticket, mine) is TicketStatus.RECALLED
    await store.run(recalls.undo_recall, READY)
    assert await store.run(tickets.claim_ticket, mine) is TicketStatus.RECALLED, "what has ended stays ended"


async def test_recall_shown_on_every_card_until_taken_back(store: Database) -> None:
    await fill(store, ["C1", "C2"], ["b1", "b2"])
    await say(store)
    recall, _ = await store.run(recalls.recall_build, READY, "bad", "U9")
    shown = await say(store)
    assert [(claim.announcement.channel_id, claim.announcement.build.id) for claim in shown] == [
        ("C1", "b1"),
        ("C2", "b1"),
    ]
    assert all(claim.announcement.shown[0].recall == recall and claim.card_ts for claim in shown)
    await store.run(recalls.recall_build, READY, "again", "U9")
    assert await take(store) == [], "nothing has changed"
    await store.run(recalls.undo_recall, READY)
    assert [claim.announcement.shown[0].recall for claim in await say(store)] == [None, None]
