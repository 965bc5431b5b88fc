"""What was under way when its process died is told by another, once, and what still is under way is left alone."""

from __future__ import annotations

import asyncio

import pytest

from bot.db import key_value
from bot.i18n import use_locale
from bot.services.upload_recovery import UploadJournal
from bot.slack.client import MessageRef
from sandbox.faults import Fault
from sandbox.slack import FakeMessage
from tests.conftest import Environment
from tests.e2e.test_cli import running
from tests.e2e.test_stopping import fired
from tests.support.handing import Clock, direct, directs, rested
from tests.support.waiting import patience

IPA = b"PK\x03\x04" + bytes(range(256)) * 2000
RESTARTED = "The bot restarted during the upload. Check the app's builds before you upload it again."


async def begun(world: Environment) -> FakeMessage:
    """Ana uploads what somebody posted; the one message about it."""
    message = world.slack.share("courier.ipa", IPA, world.bruno, world.releases)
    turn = await world.slack.shortcut("upload_build", user=world.ana, message=message)
    form = await turn.view()
    await world.slack.submit(form, {"upload.app": {"upload.app": world.courier.id}}, user=world.ana)
    return await direct(world, world.ana)


async def kept(world: Environment) -> list[str]:
    return list(await world.bot.store.run(key_value.scan_values, "carrying "))


async def test_upload_of_killed_process_is_told_by_next_one(world: Environment) -> None:
    world.applivery.faults.add("POST *builds", Fault(latency=60))
    async with running(world, APPLIVERY_UPLOAD_URL=world.applivery.url) as process:
        message = await begun(world)
        await fired(world.applivery.faults)
        process.kill()
        await process.wait()
    assert "Uploading courier.ipa" in message.text
    clock = Clock(world)
    await world.start()
    await world.bot.unfinished.step()
    assert "Uploading courier.ipa" in message.text, "perhaps another replica carries it"
    clock.forward(minutes=3)
    await world.bot.unfinished.step()
    assert message.text == f"❌ Couldn't upload courier.ipa to Courier. {RESTARTED}"
    assert await kept(world) == []
    edits = len(world.slack.calls_of("chat.update"))
    await world.bot.unfinished.step()
    assert len(world.slack.calls_of("chat.update")) == edits
    assert directs(world, world.ana) == [message]


async def test_upload_in_progress_is_renewed_and_left_alone(world: Environment) -> None:
    clock = Clock(world)
    await world.start()
    world.applivery.faults.add("POST *builds", Fault(latency=60))
    message = await begun(world)
    await fired(world.applivery.faults)
    for _ in range(3):
        clock.forward(seconds=100)
        await world.bot.unfinished.renew()
        await world.bot.unfinished.step()
    assert "Couldn't upload" not in message.text
    assert len(await kept(world)) == 1
    await world.bot.upload_runner.close(5)
    assert "The bot restarted before the upload finished" in message.text
    assert await kept(world) == []
    assert world.bot.unfinished._heartbeat_task is None


async def test_upload_ended_during_renewal_is_not_stored_again(world: Environment) -> None:
    await world.start()
    unfinished = world.bot.unfinished
    every = [MessageRef("D1", str(number)) for number in range(20)]
    for posted_message in every:
        await unfinished.add(posted_message, "courier.ipa", "Courier")
    await asyncio.gather(
        unfinished.renew(), *(unfinished.remove(each_message) for each_message in every), unfinished.renew()
    )
    assert await kept(world) == []


async def test_nothing_is_left_of_an_upload_that_has_ended(world: Environment) -> None:
    await world.start()
    message = await begun(world)
    await rested(world)
    await world.bot.upload_runner.drain(15)
    assert "✅ Uploaded" in message.text
    assert await kept(world) == []


async def test_a_note_of_another_version_is_left_to_it(world: Environment) -> None:
    await world.start()
    await world.bot.store.run(key_value.set_value, "carrying of tomorrow", '{"more": 5}')
    await world.bot.unfinished.step()
    assert await kept(world) == ["carrying of tomorrow"]


@pytest.mark.parametrize(
    ("fault", "stays"), [(Fault(error="message_not_found"), 0), (Fault(status=503), 1), (Fault(error="ratelimited"), 1)]
)
async def test_upload_end_retold_only_if_slack_may_accept_later(world: Environment, fault: Fault, stays: int) -> None:
    clock = Clock(world)
    await world.start()
    dead = UploadJournal(world.bot.store, world.bot.slack_client)
    posted = world.slack.mailbox.post(
        world.slack.dm(world.ana),
        {"text": "Uploading", "unfurl_links": False, "unfurl_media": False},
        user=world.slack.bot_user_id,
        bot_id=world.slack.bot_id,
    )
    with use_locale("es"):
        await dead.add(MessageRef(posted.channel, posted.ts), "courier.ipa", "Courier")
    assert dead._heartbeat_task
    dead._heartbeat_task.cancel()
    clock.forward(minutes=3)
    world.slack.faults.add("chat.update", fault)
    await world.bot.unfinished.step()
    assert len(await kept(world)) == stays
    async with patience():  # a limit is obeyed until its time is over
        while await kept(world):
            await world.bot.unfinished.step()
            await asyncio.sleep(0.05)
    assert posted.text.startswith("❌ No se ha podido subir courier.ipa a Courier.") == bool(stays)
