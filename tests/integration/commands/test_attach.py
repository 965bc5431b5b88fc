from __future__ import annotations

from typing import Any

import pytest

from bot.db import audit
from bot.domain.audit import AuditAction
from sandbox.faults import Fault
from sandbox.slack import FakeMessage, FakeView
from tests.conftest import Environment
from tests.integration.commands.test_upload import carried, quick  # noqa: F401 - a fixture
from tests.support.handing import directs, ready, rested
from tests.support.seeing import labels, old_card

NOTES = b"%PDF notes"


def posted(world: Environment, name: str = "notes.pdf") -> FakeMessage:
    return world.slack.share(name, NOTES, world.bruno, world.releases)


async def opened(world: Environment, message: FakeMessage) -> FakeView:
    return await (await world.slack.shortcut("attach_file", user=world.ana, message=message)).view()  # type: ignore[no-any-return]


def filled(app: str, build: str, **more: Any) -> dict[str, dict[str, Any]]:
    values = {"app": app, "build": build, **more}
    return {f"attach.{name}": {f"attach.{name}": value} for name, value in values.items()}


async def test_a_posted_file_is_attached_to_the_build_that_is_chosen(world: Environment) -> None:
    old, new = ready(world, version="2.3.0"), ready(world)
    ready(world, version="2.5.0", status="pending")
    await world.start()
    form = await opened(world, posted(world))
    assert not await world.slack.options(form, "attach.build", "", user=world.ana)
    await world.slack.click(form, "attach.app", user=world.ana, value=world.courier.id)
    builds = await world.slack.options(form, "attach.build", "", user=world.ana)
    assert [build["value"] for build in builds] == [new.id, old.id]
    await world.slack.submit(form, filled(world.courier.id, old.id), user=world.ana)
    await carried(world)
    assert old.file("attachment").kept == NOTES  # type: ignore[union-attr]
    [message] = directs(world, world.ana)
    assert "Attached notes.pdf to Courier 2.3.0" in message.text
    assert labels(message) == ["Attachments (1)"]


async def test_attach_shortcut_on_card_knows_build_and_asks_file(world: Environment) -> None:
    build = ready(world)
    await world.start()
    old = old_card(world.slack, world.releases, "share.v1", f"{world.courier.id}/{build.id}")
    await world.slack.click(old, "share.v1", user=world.ana)
    await rested(world)
    form = await opened(world, world.slack.messages(world.releases)[-1])
    assert form.element("attach.build")["initial_option"]["value"] == build.id
    state = {"attach.file": {"attach.file": [world.slack.pick("notes.pdf", NOTES, world.ana)]}}
    await world.slack.submit(form, state, user=world.ana)
    await carried(world)
    assert build.file("attachment").kept == NOTES  # type: ignore[union-attr]


async def test_attach_form_takes_typed_build(world: Environment) -> None:
    build = ready(world)
    await world.start()
    for typed in ("attach", "attach courier 2.4.0"):
        turn = await world.slack.command("/applivery", typed, user=world.ana, channel=world.releases)
        form = await turn.view()
        file = [world.slack.pick(f"{typed}.txt", NOTES, world.ana)]
        await world.slack.submit(form, filled(world.courier.id, build.id, file=file), user=world.ana)
        await carried(world)
    names = [
        candidate["file"]["originalName"] for candidate in build.wire["files"] if candidate["type"] == "attachment"
    ]
    assert names == ["attach.txt", "attach courier 2.4.0.txt"]


async def test_a_build_that_is_not_processed_takes_nothing(world: Environment) -> None:
    build = ready(world, status="in_progress")
    await world.start()
    form = await opened(world, posted(world))
    turn = await world.slack.submit(form, filled(world.courier.id, build.id), user=world.ana)
    assert "That build isn't ready yet." in turn.errors["attach.build"]
    assert not directs(world, world.ana)


async def test_a_refused_attachment_is_never_called_done(world: Environment) -> None:
    build = ready(world)
    world.applivery.faults.add("POST *files", Fault(status=403, code=5003, error="Limit Exceeded"))
    await world.start()
    await world.slack.submit(await opened(world, posted(world)), filled(world.courier.id, build.id), user=world.ana)
    await carried(world)
    [message] = directs(world, world.ana)
    assert "Couldn't upload notes.pdf to Courier 2.4.0" in message.text
    assert "its plan's limit" in message.text
    rows = [
        entry for entry in await world.bot.store.run(audit.list_entries, limit=10) if entry.action == AuditAction.ATTACH
    ]
    assert [(entry.outcome, entry.build_id) for entry in rows] == [("QuotaReached", build.id)]


@pytest.mark.parametrize("way", ["shortcut", "command"])
async def test_a_member_may_not_attach(world: Environment, way: str) -> None:
    await world.start()
    if way == "shortcut":
        turn = await world.slack.shortcut("attach_file", user=world.bruno, message=posted(world))
    else:
        turn = await world.slack.command("/applivery", "attach", user=world.bruno, channel=world.releases)
    assert "nly releasers can" in (await turn.answer()).text


async def test_a_message_without_file_and_build_says_so(world: Environment) -> None:
    await world.start()
    hello = world.slack.say("hello", world.ana, world.releases)
    turn = await world.slack.shortcut("attach_file", user=world.ana, message=hello)
    assert "That message has no file." in (await turn.answer()).text
