"""`forget` takes somebody out of the ledger, and time does the same for everybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.db import audit
from bot.domain.audit import AuditAction, AuditEntry, AuditOutcome
from bot.workers.retention import PAUSE_SECONDS
from tests.conftest import Environment
from tests.support.everything import dump
from tests.support.seeing import labels, press


async def test_forget_removes_user_from_every_ledger_row(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier)
    bruno = f"<@{world.bruno.id}|bruno>"
    await world.ask("get courier", user=world.bruno)
    await world.ask("get courier")
    await world.ask(f"get courier to:{bruno}")
    await world.ask("downloads courier", user=world.bruno)
    assert world.bruno.id in dump(world)
    answer = await world.ask(f"forget {bruno}")
    assert f"Delete 1 record about <@{world.bruno.id}>? This can't be undone." in answer.text
    assert world.bruno.id in dump(world)
    done = await (await press(world.slack, answer, "Delete 1 record", user=world.ana)).answer()
    assert done.text == f"*Deleted 1 record about <@{world.bruno.id}>.* Applivery keeps its own log."
    assert world.bruno.id not in dump(world)
    outcomes = [(entry.user_id, entry.action, entry.outcome) for entry in await world.bot.store.run(audit.list_entries)]
    assert outcomes == [
        (world.ana.id, AuditAction.FORGET, "1 lines"),
        (world.ana.id, AuditAction.SEND, "to somebody"),
        (world.ana.id, AuditAction.GET, AuditOutcome.MINTED),
    ]


async def test_forget_can_be_cancelled(world: Environment) -> None:
    await world.start()
    world.applivery.build(world.courier)
    await world.ask("get courier", user=world.bruno)
    answer = await world.ask(f"forget <@{world.bruno.id}|bruno>")
    assert labels(answer) == ["Delete 1 record", "Cancel"]
    told = await (await press(world.slack, answer, "Cancel", user=world.ana)).answer()
    assert told.text == "Nothing was deleted."
    assert len(await world.bot.store.run(audit.list_entries)) == 1


async def test_forget_asks_nothing_when_there_is_nothing(world: Environment) -> None:
    await world.start()
    answer = await world.ask(f"forget <@{world.bruno.id}|bruno>")
    assert answer.text == f"*Deleted 0 records about <@{world.bruno.id}>.* Applivery keeps its own log."


async def test_a_role_outlives_being_forgotten(world: Environment) -> None:
    await world.start()
    bruno = f"<@{world.bruno.id}|bruno>"
    await world.ask(f"grant {bruno} manager")
    await world.ask(f"forget {bruno}")
    assert "*manager*" in (await world.ask("whoami", user=world.bruno)).text


@pytest.mark.parametrize("typed", ["bruno", "@bruno", "<!subteam^S1>", "%", '"U_ OR 1=1"'])
async def test_forget_ambiguous_name_forgets_no_user(world: Environment, typed: str) -> None:
    await world.start()
    world.applivery.build(world.courier)
    await world.ask("get courier")
    assert "find" in (await world.ask(f"forget {typed}")).text
    assert len(await world.bot.store.run(audit.list_entries)) == 1


async def test_forget_is_only_for_admins(world: Environment) -> None:
    await world.start(access_default_role="manager")
    assert "Only admins can" in (await world.ask(f"forget <@{world.ana.id}|ana>", user=world.bruno)).text


async def test_the_ledger_is_kept_for_as_long_as_the_settings_say(world: Environment) -> None:
    now = datetime.now(UTC)
    await world.start(ledger_days=30)
    for days in (1, 29, 31, 400):
        await world.bot.store.run(
            audit.add_entry, AuditEntry(now - timedelta(days=days), "T", "U", AuditAction.GET, AuditOutcome.MINTED)
        )
    assert await world.bot.forget.step() == PAUSE_SECONDS, "there may be more"
    assert len(await world.bot.store.run(audit.list_entries)) == 2
    world.tuning = replace(world.tuning, clock=lambda: datetime.now(UTC) + timedelta(days=10))
    await world.restart(ledger_days=30)
    await world.bot.forget.step()
    assert len(await world.bot.store.run(audit.list_entries)) == 1
